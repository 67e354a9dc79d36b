"""The folders in which git has the repositories of a host."""

from typing import TYPE_CHECKING

from roadstead.domain.host import Host

if TYPE_CHECKING:
    from roadstead.git.folders import Folders


def folders_of(host: Host) -> "Folders":
    """Return the folders of the repositories of a host."""
    from roadstead.git.folders import Folders  # imported with the first repository: a start needs no git

    return Folders(host.settings.data)

"""The compiled linkers of a workspace, for `roadstead linkify` where no running host links."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from roadstead.cli.options import DEFAULT_WORKSPACE, read_settings
from roadstead.cli.output import tell
from roadstead.cli.state import on_host
from roadstead.errors import WorkspaceNotFound

if TYPE_CHECKING:
    from roadstead.linkify import CompiledLinkers


def linkers_of(settings: Mapping[str, object], workspace: str) -> "CompiledLinkers":
    """Return the linkers, or none if no app was ever installed.

    Raises `WorkspaceNotFound` for a workspace that was named.
    """
    from roadstead.domain.linking.workspaces import WorkspaceLinkers
    from roadstead.linkify import compile_linkers

    try:
        return on_host(read_settings(**settings), lambda host: WorkspaceLinkers(host).of(workspace))
    except WorkspaceNotFound:
        if workspace != DEFAULT_WORKSPACE:
            raise
        tell("Nothing is installed yet, so only addresses become links. Install an app with: roadstead install URL")
        return compile_linkers([])

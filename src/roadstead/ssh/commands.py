"""What clients of git ask for over SSH: one of few programs, with one path."""

import re
from typing import Any, Literal, NamedTuple

from roadstead.errors import InvalidInput

Program = Literal["git-upload-pack", "git-receive-pack", "git-lfs-authenticate"]
LONGEST = 1000
"""Of a command, in characters."""
_NAME = r"[A-Za-z0-9_.%{}-]+"
_PATH = rf"/?(?P<workspace>{_NAME})/(?P<slug>{_NAME}?)(?:\.git)?/?"
_GIT = re.compile(rf"(?P<program>git-upload-pack|git-receive-pack) '{_PATH}'")
_LFS = re.compile(rf"(?P<program>git-lfs-authenticate) (?P<quote>'?){_PATH}(?P=quote) (?P<purpose>upload|download)")
"""git-lfs quotes the path in later versions only."""


class Asked(NamedTuple):
    """A program, the repository to run it on, and what `git-lfs-authenticate` is for."""

    program: Program
    workspace: str
    slug: str
    purpose: Literal["upload", "download"] = "download"

    @property
    def writes(self) -> bool:
        """Return whether it takes the privilege to write."""
        return self.program == "git-receive-pack" or self.purpose == "upload"


class UnknownCommand(InvalidInput):
    """The command is not one of those that git sends."""

    def __init__(self) -> None:
        super().__init__(
            "This host runs only git-upload-pack, git-receive-pack and git-lfs-authenticate over SSH.",
            "Name the repository as WORKSPACE/REPOSITORY.git, without ~ and quotes.",
        )


def read_command(text: str) -> Asked:
    """Return what a command asks for. Raise `UnknownCommand` for everything but the forms that git sends.

    Nothing of the text gets to a shell, or becomes an argument of a program or the path of a file.
    """
    found = (_GIT.fullmatch(text) or _LFS.fullmatch(text)) if len(text) <= LONGEST else None
    if found is None:
        raise UnknownCommand
    given: dict[str, Any] = found.groupdict()
    return Asked(given["program"], given["workspace"], given["slug"], given.get("purpose", "download"))

"""Names of files that no repository may have, and names of files that git reads as settings.

A file of the first kind would be written into git's own folder by some file system.
"""

import re

from roadstead.errors import InvalidInput

_IGNORED_BY_HFS = re.compile("[\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]")
_GIT_ON_NTFS = re.compile(r"(?:\.git|git~1)[ .]*(?::.*)?", re.IGNORECASE | re.DOTALL)
_LIKE_SETTINGS = re.compile("git[am]|gi7", re.IGNORECASE)
"""NTFS has short names, such as `GITMOD~1` or, if that is taken, `GI7EBA~1`."""
_LONGEST = 4096
"""Bytes of a path, as many as Linux takes."""
_DEEPEST = 256
"""Names in a path. Trees are written by a recursive function."""


def segments_of(path: bytes) -> list[bytes]:
    """Return the names in a path. Raise `InvalidInput` for a path that git would refuse."""
    names = path.split(b"/")
    if len(path) > _LONGEST or len(names) > _DEEPEST or any(_is_refused(name) for name in names):
        raise InvalidInput(f"This cannot be the path of a file: {path[:200].decode('utf-8', 'replace')}")
    return names


def _is_refused(name: bytes) -> bool:
    return name in {b"", b".", b".."} or b"\0" in name or _is_git(name.decode("utf-8", "surrogateescape"))


def may_be_settings(name: bytes) -> bool:
    """Return whether a file system may take a name for `.gitmodules` or `.gitattributes`; a few other names pass."""
    return bool(_LIKE_SETTINGS.search(_IGNORED_BY_HFS.sub("", name.decode("utf-8", "surrogateescape"))))


def _is_git(name: str) -> bool:
    """Return whether a file system takes a name for `.git`: HFS ignores some characters, NTFS has other spellings."""
    parts = [_IGNORED_BY_HFS.sub("", name), *name.split("\\")]
    return any(_GIT_ON_NTFS.fullmatch(part) for part in parts)

"""The commits that people mean by names, and by the first digits of an id."""

import re
from collections.abc import Sequence
from pathlib import Path

import pygit2

from roadstead.git.objects import behind
from roadstead.git.opened import repository

_ID = re.compile(r"[0-9a-f]{40}")
_BEGINNING = re.compile(r"[0-9a-f]{4,39}")
_DEEPEST = 20
"""Parts of a name that are looked for in an address."""
_HEADS, _TAGS = "refs/heads/", "refs/tags/"


def find(folder: Path, revision: str) -> str | None:
    """Return the commit that a revision names, nothing if there is none.

    It is an id, else a branch, else a tag, else a whole name such as `refs/heads/main` or `HEAD`, else the beginning of
    one id alone, of four digits or more. Expressions such as `main~1` name nothing.
    """
    return _find(repository(folder), revision)


def _find(opened: pygit2.Repository, revision: str) -> str | None:
    if _ID.fullmatch(revision.lower()):
        return behind(opened, revision.lower())
    return _named_commit(opened, revision) or _beginning_with(opened, revision.lower())


def find_longest(folder: Path, parts: Sequence[str]) -> tuple[str, int] | None:
    """Return the commit of the longest revision that some parts of an address begin with, and the number of its parts.

    Two parts or more make the name of a branch or a tag, or a whole name; one makes any revision.
    """
    opened = repository(folder)
    most = 1 if _ID.fullmatch(parts[0].lower()) else min(len(parts), _DEEPEST)
    for number in range(most, 0, -1):
        name = "/".join(parts[:number])
        id_ = _find(opened, name) if number == 1 else _named_commit(opened, name)
        if id_ is not None:
            return id_, number
    return None


def _named_commit(opened: pygit2.Repository, revision: str) -> str | None:
    is_whole = revision == "HEAD" or revision.startswith("refs/")
    for name in _HEADS + revision, _TAGS + revision, *((revision,) if is_whole else ()):
        id_ = _named(opened, name)
        if id_ is not None:
            return behind(opened, id_)
    return None


def named(folder: Path, ref: str) -> str | None:
    """Return the id that a ref has, by its whole name; nothing if there is none, or if this is no name."""
    return _named(repository(folder), ref)


def _named(opened: pygit2.Repository, ref: str) -> str | None:
    if "\0" in ref:  # where a name ends for the library
        return None
    try:
        found = opened.lookup_reference(ref)
        target = found.target
        # The library reads a ref again to resolve it, also one that is not symbolic.
        return str(found.resolve().target if isinstance(target, str) else target)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def _beginning_with(opened: pygit2.Repository, digits: str) -> str | None:
    if not _BEGINNING.fullmatch(digits):
        return None
    try:
        return behind(opened, str(opened.expand_id(digits)))
    except (KeyError, ValueError):
        return None

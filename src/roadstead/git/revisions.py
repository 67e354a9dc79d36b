"""The commits that people mean by names, and by the first digits of an id."""

import re
from collections.abc import Sequence
from pathlib import Path

import pygit2

from roadstead.git.objects import commit_behind
from roadstead.git.opened import repository

_ID = re.compile(r"[0-9a-f]{40}")
_BEGINNING = re.compile(r"[0-9a-f]{4,39}")
_DEEPEST = 20
"""Parts of a name that are looked for in an address."""
_PLACES = ("refs/heads/", "refs/tags/")


def find(folder: Path, revision: str) -> str | None:
    """Return the commit that a revision names, nothing if there is none.

    It is an id, else a branch, else a tag, else a whole name such as `refs/heads/main` or `HEAD`, else the beginning of
    one id alone, of four digits or more. Expressions such as `main~1` name nothing.
    """
    if _ID.fullmatch(revision.lower()):
        return commit_behind(folder, revision.lower())
    return _named_commit(folder, revision) or _beginning_with(folder, revision.lower())


def find_longest(folder: Path, parts: Sequence[str]) -> tuple[str, int] | None:
    """Return the commit of the longest revision that some parts of an address begin with, and the number of its parts.

    Two parts or more make the name of a branch or a tag, or a whole name; one makes any revision.
    """
    most = 1 if _ID.fullmatch(parts[0].lower()) else min(len(parts), _DEEPEST)
    for number in range(most, 0, -1):
        name = "/".join(parts[:number])
        id_ = find(folder, name) if number == 1 else _named_commit(folder, name)
        if id_ is not None:
            return id_, number
    return None


def _named_commit(folder: Path, revision: str) -> str | None:
    is_whole = revision == "HEAD" or revision.startswith("refs/")
    for name in (*(place + revision for place in _PLACES), *([revision] if is_whole else [])):
        id_ = named(folder, name)
        if id_ is not None:
            return commit_behind(folder, id_)
    return None


def named(folder: Path, ref: str) -> str | None:
    """Return the id that a ref has, by its whole name; nothing if there is none, or if this is no name."""
    if "\0" in ref:  # where a name ends for the library
        return None
    try:
        return str(repository(folder).lookup_reference(ref).resolve().target)
    except (KeyError, ValueError, pygit2.GitError):
        return None


def _beginning_with(folder: Path, digits: str) -> str | None:
    if not _BEGINNING.fullmatch(digits):
        return None
    try:
        return commit_behind(folder, str(repository(folder).expand_id(digits)))
    except (KeyError, ValueError):
        return None

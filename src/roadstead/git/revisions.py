"""The commits that people mean by names, and by the first digits of an id."""

import re
from pathlib import Path

import pygit2

from roadstead.git.objects import commit_behind
from roadstead.git.opened import repository

_ID = re.compile(r"[0-9a-f]{40}")
_BEGINNING = re.compile(r"[0-9a-f]{4,39}")
_PLACES = ("refs/heads/", "refs/tags/")


def find(folder: Path, revision: str) -> str | None:
    """Return the commit that a revision names, nothing if there is none.

    It is an id, else a branch, else a tag, else a whole name such as `refs/heads/main` or `HEAD`, else the beginning of
    one id alone, of four digits or more. Expressions such as `main~1` name nothing.
    """
    if _ID.fullmatch(revision.lower()):
        return commit_behind(folder, revision.lower())
    is_whole = revision == "HEAD" or revision.startswith("refs/")
    for name in (*(place + revision for place in _PLACES), *([revision] if is_whole else [])):
        id_ = named(folder, name)
        if id_ is not None:
            return commit_behind(folder, id_)
    return _beginning_with(folder, revision.lower())


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

"""Revisions: find the commit that a name, an id or the beginning of an id stands for."""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from operator import itemgetter
from pathlib import Path

import pygit2

from roadstead.git.objects import behind
from roadstead.git.opened import repository
from roadstead.git.ref_names import BRANCH, TAG

_ID = re.compile(r"[0-9a-f]{40}")
_BEGINNING = re.compile(r"[0-9a-f]{4,39}")
_DEEPEST = 20
"""Parts of a name that are looked for in an address."""


def find(folder: Path, revision: str) -> str | None:
    """Return the commit that a revision names, or `None`.

    A revision is an id, else a branch, else a tag, else a whole name such as `refs/heads/main` or `HEAD`, else the
    beginning of exactly one id, of four digits or more. Expressions such as `main~1` are no revisions.
    """
    return _find(repository(folder), revision)


def _find(opened: pygit2.Repository, revision: str) -> str | None:
    if _ID.fullmatch(revision.lower()):
        return behind(opened, revision.lower())
    return _named_commit(opened, revision) or _beginning_with(opened, revision.lower())


def find_longest(folder: Path, parts: Sequence[str]) -> tuple[str, int] | None:
    """Return the commit of the longest revision at the beginning of an address, and how many parts the revision has.

    Only the name of a branch or a tag, or a whole name, has more than one part.
    """
    opened = repository(folder)
    if not _ID.fullmatch(parts[0].lower()):
        refs = _refs_at_the_beginning(opened, parts[:_DEEPEST])
        for number, id_ in sorted(refs, key=itemgetter(0), reverse=True):
            commit = behind(opened, id_)
            if commit is not None:
                return commit, number
    found = _find(opened, parts[0])
    return None if found is None else (found, 1)


def _refs_at_the_beginning(opened: pygit2.Repository, parts: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Yield the refs at the beginning of an address: a branch, a longer tag, a whole name; each as parts and id.

    At most one ref of each kind fits, because git refuses `a` beside `a/b`.
    """
    names = list(accumulate(parts, "{}/{}".format))
    of_branch = 0
    for beginning in (BRANCH, TAG, *(("",) if parts[0] == "refs" else ())):
        for number, name in enumerate(names[of_branch:], of_branch + 1):
            id_ = _named(opened, beginning + name)
            if id_ is not None:
                yield number, id_
                of_branch = number if beginning == BRANCH else of_branch
                break


def _named_commit(opened: pygit2.Repository, revision: str) -> str | None:
    is_whole = revision == "HEAD" or revision.startswith("refs/")
    for name in BRANCH + revision, TAG + revision, *((revision,) if is_whole else ()):
        id_ = _named(opened, name)
        if id_ is not None:
            return behind(opened, id_)
    return None


def named(folder: Path, ref: str) -> str | None:
    """Return the id at a ref, which is given by its whole name, or `None` if there is no such ref."""
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

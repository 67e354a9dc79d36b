"""Find the commits that callers name."""

import re
from functools import lru_cache
from pathlib import Path

from roadstead.domain.host import Host
from roadstead.errors import NotFound
from roadstead.git import objects, revisions
from roadstead.git.folders import Folders
from roadstead.git.objects import Commit
from roadstead.git.ref_names import PLACES
from roadstead.model import Repository
from roadstead.pushed import RefKind

_NOWHERE = re.compile(rb"(?:^|/)\.{0,2}(?:/|$)|\0|^.{4096}", re.DOTALL)
"""What no path of a repository has; on a disk it may lead out of a folder."""


class NoSuchCommit(NotFound):
    """The repository has no commit, branch or tag of this name. The message is the cloud's."""

    def __init__(self, revision: str) -> None:
        super().__init__("Commit not found", f"There is no commit, branch or tag {revision[:100]!r}.")


def folder_of(host: Host, repository: Repository) -> Path:
    """Return where git has a repository."""
    return _folder(host.settings.data, repository.uuid)


@lru_cache(4096)
def _folder(data: Path, uuid: str) -> Path:
    return Folders(data).path(uuid)


def find_hash(folder: Path, revision: str) -> str:
    """Return the id of the commit that a branch, a tag, an id or its beginning names. Raise `NoSuchCommit`."""
    found = revisions.find(folder, revision)
    if found is None:
        raise NoSuchCommit(revision)
    return found


def find_commit(folder: Path, revision: str) -> Commit:
    """Return the commit that `find_hash` finds. Raise `NoSuchCommit`."""
    return objects.commit(folder, find_hash(folder, revision))


def is_possible(path: bytes) -> bool:
    """Return whether a repository may have something at a path; it has everything at the empty one."""
    return not (path and _NOWHERE.search(path))


def find_tip(folder: Path, kind: RefKind, name: str) -> str:
    """Return the id of the commit that a branch or a tag of this very name leads to. Raise `NoSuchCommit`."""
    id_ = revisions.named(folder, PLACES[kind] + name)
    found = None if id_ is None else objects.commit_behind(folder, id_)
    if found is None:
        raise NoSuchCommit(name)
    return found

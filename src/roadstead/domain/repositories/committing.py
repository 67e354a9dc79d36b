"""Commit files without a working copy: one commit, on top of a branch or as the first of a new one."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from roadstead.domain.access.git_places import account_of
from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.people import signature_of
from roadstead.domain.repositories.pushing import push_changes
from roadstead.domain.repositories.refs import check_name
from roadstead.domain.repositories.sizes import expect_room
from roadstead.errors import Conflict, InvalidInput, invalid_member
from roadstead.git import locks, objects, refs, revisions
from roadstead.git.objects import Signature
from roadstead.git.ref_names import BRANCH
from roadstead.git.refs import RefChanged
from roadstead.git.trees import NoSuchPath
from roadstead.git.writing import FileWrite, write_commit, write_tree
from roadstead.model import Identity, Repository
from roadstead.pushed import NO_OBJECT, RefChange

_TRIES = 5
_PERSON = re.compile("([^<>]*)<([^<>\n]*)>")


class BranchMoved(Conflict):
    """The branch is not at the commit that was to be the parent; nothing was changed."""

    def __init__(self, branch: str) -> None:
        super().__init__(
            f"The parent is not the newest commit of {branch}.", "Nothing was changed. Read the branch, then try again."
        )


@dataclass(frozen=True, slots=True)
class WantedCommit:
    """A commit to make: the files that it changes, and its parent if it must be a certain one.

    Without a branch it is on the main one, without an author it is the caller's, and without a message it names files.
    """

    files: Sequence[FileWrite]
    branch: str | None = None
    parent: str | None = None
    author: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a commit goes: the branch, its newest commit, and the parent. The first commit has none."""

    branch: str
    tip: str | None
    parent: str | None


async def commit_files(host: Host, identity: Identity, repository: Repository, wanted: WantedCommit) -> str:
    """Commit files on top of the branch, also if it moves meanwhile, and return the hash of the commit.

    Raise `BranchMoved`, `InvalidInput`, `RepositoryFull`, and as `push_changes` does.
    """
    expect_room(host, repository, sum(len(file.content or b"") for file in wanted.files))
    folder = folder_of(host, repository)
    committer = await signature_of(host, identity)
    author = committer if wanted.author is None else _author(wanted.author, committer)
    for _ in range(_TRIES):
        # The lock keeps pruning from removing the new objects before a ref leads to them.
        async with locks.wait_for(locks.shared, folder):
            place = _place(folder, wanted)
            if place.parent is None and repository.mainbranch is not None:
                raise InvalidInput("The main branch is missing.", "Name a parent, or make another branch the main one.")
            async with host.writing.place(account_of(identity)):  # not around the push, which takes one
                commit = await _write(folder, wanted, place, author, committer)
            try:
                change = RefChange(place.tip or NO_OBJECT, commit, BRANCH + place.branch)
                await push_changes(host, identity, repository, [change])
            except RefChanged:
                continue
            return commit
    raise BranchMoved(place.branch)


def _author(raw: str, committer: Signature) -> Signature:
    found = _PERSON.fullmatch(raw.strip())
    name = "" if found is None else found[1].strip()
    if found is None or not name or "\n" in name:
        raise invalid_member("author", "Write it like this: Ada <ada@example.com>")
    return Signature(name, found[2], committer.seconds, committer.offset)


def _place(folder: Path, wanted: WantedCommit) -> _Place:
    """Return where the commit goes now. Raise `BranchMoved` and `InvalidInput`."""
    main = refs.head(folder)
    branch = wanted.branch or main.removeprefix(BRANCH)
    if wanted.branch:
        check_name("branch", branch, "branch")
    tip = revisions.named(folder, BRANCH + branch)
    parent = None if wanted.parent is None else _parent(folder, wanted.parent)
    if tip is not None and parent not in (None, tip):
        raise BranchMoved(branch)
    if tip is not None and not wanted.files:
        raise InvalidInput("There is nothing to commit.", "Send files, or name those to delete in `files`.")
    return _Place(branch, tip, tip or parent or revisions.named(folder, main))


def _parent(folder: Path, revision: str) -> str:
    found = revisions.find(folder, revision)
    if found is None:
        raise InvalidInput(f"parents: Commit not found: {revision}", fields={"parents": []})
    return found


async def _write(folder: Path, wanted: WantedCommit, place: _Place, author: Signature, committer: Signature) -> str:
    if place.parent is None and not wanted.files:
        raise InvalidInput("There is nothing to commit.", "Send files for the first commit.")
    base = None if place.parent is None else objects.commit(folder, place.parent).tree
    try:
        tree = await write_tree(folder, base, wanted.files)
    except NoSuchPath as exc:
        raise invalid_member("files", exc.message) from exc
    parents = [] if place.parent is None else [place.parent]
    return await write_commit(folder, tree, parents, author, committer, wanted.message or _message(wanted.files))


def _message(files: Sequence[FileWrite]) -> str:
    """Return the message of a commit that has none."""
    names = [file.path.decode("utf-8", "replace") for file in files]
    return f"{names[0] if len(names) == 1 else f'{len(names)} files'} edited online"

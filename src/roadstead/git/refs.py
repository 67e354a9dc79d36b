"""Branches and tags in git: all of them at once, and changes that happen together or not at all."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pygit2

from roadstead.errors import Conflict, GitFailed, InvalidInput
from roadstead.git.objects import Kind, commit_behind
from roadstead.git.opened import UNREADABLE, repository
from roadstead.git.processes import Limits, run
from roadstead.git.revisions import named
from roadstead.pushed import NO_OBJECT, RefChange
from roadstead.turns import by_turns

_CLASH = re.compile("cannot create|at the same time|multiple updates|but expected|exists")
"""What git says of refs that exclude each other, as `a` and `a/b`, and of a ref that another process is changing."""
_FIELDS = ("refname", "objectname", "objecttype", "*objectname", "*objecttype")
_FORMAT = "%00".join(f"%({field})" for field in _FIELDS)
_MANY = Limits(output=1 << 30)


class GitRef(NamedTuple):
    """A branch, tag or note with its whole name. `commit` is the one that it leads to, if it leads to one."""

    name: str
    target: str
    kind: Kind
    commit: str | None


class RefChanged(Conflict):
    """Another process changed a ref meanwhile, or git cannot store the wanted ref beside another. Nothing changed."""


async def read_all(folder: Path, *prefixes: str) -> list[GitRef]:
    """Return all refs below `refs/heads/`, `refs/tags/` or other prefixes, by name; without one, all."""
    said = await run(folder, "for-each-ref", f"--format={_FORMAT}", "--", *prefixes, limits=_MANY)
    return [_ref(folder, line.decode("utf-8", "replace")) async for line in by_turns(said.split(b"\n")[:-1])]


def head(folder: Path) -> str:
    """Return the whole name of the branch that HEAD names, whether it is there or not. Raise `GitFailed`."""
    try:
        return str(repository(folder).lookup_reference("HEAD").target)
    except pygit2.GitError as exc:
        raise GitFailed(*UNREADABLE) from exc


async def set_head(folder: Path, branch: str) -> None:
    """Let HEAD name a branch, by its whole name, there or not. Raise `InvalidInput` for an invalid name."""
    _check(branch)
    await run(folder, "symbolic-ref", "--end-of-options", "HEAD", branch)


async def update(
    folder: Path, changes: Sequence[RefChange], *, push_id: str | None = None, passed: Sequence[int] = ()
) -> None:
    """Change refs durably, each by its whole name: all, or none if one is not at its `old`.

    The reflogs name the push, and git inherits the descriptors that are `passed`. Raise `InvalidInput` for an invalid
    name, `RefChanged`, and `GitFailed` for faults of the host, such as a full disk.
    """
    for change in changes:
        _check(change.ref)
    commands = "".join(f"update {ref}\0{new}\0{old}\0" for old, new, ref in changes).encode()
    arguments = ("update-ref", "-m", "push", "--no-deref", "--stdin", "-z")
    variables = None if push_id is None else committer(push_id)
    try:
        await run(folder, *arguments, stdin=commands, variables=variables, passed=passed)
    except GitFailed as exc:
        moved = [change.ref for change in changes if (named(folder, change.ref) or NO_OBJECT) != change.old]
        if not moved and not _CLASH.search(exc.detail):
            raise
        what = f"{moved[0]} has changed meanwhile." if moved else "A branch or tag cannot be changed like this."
        raise RefChanged(what, exc.detail) from exc


def committer(push_id: str) -> Mapping[str, str]:
    """Return the variables by which the entries of reflogs name a push."""
    return {"GIT_COMMITTER_NAME": "push", "GIT_COMMITTER_EMAIL": push_id}


def _check(name: str) -> None:
    """Raise `InvalidInput` if git would not take a name of a branch or tag."""
    if "\0" in name or not (name.startswith("refs/") and pygit2.reference_is_valid_name(name)):
        raise InvalidInput(f"This is no name of a branch or tag: {name}")


def _ref(folder: Path, line: str) -> GitRef:
    name, target, kind, behind, kind_behind = line.split("\0")
    commit = target if kind == "commit" else behind if kind_behind == "commit" else commit_behind(folder, target)
    return GitRef(name, target, msgspec.convert(kind, Kind), commit)

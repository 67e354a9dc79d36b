"""Branches and tags in git: all of them at once, and changes that happen together or not at all."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import pygit2

from roadstead.errors import Conflict, GitFailed, InvalidInput
from roadstead.git.objects import Kind, commit_behind
from roadstead.git.opened import repository
from roadstead.git.processes import Limits, run
from roadstead.git.revisions import named

_NONE = "0" * 40
_FIELDS = ("refname", "objectname", "objecttype", "*objectname", "*objecttype")
_FORMAT = "%00".join(f"%({field})" for field in _FIELDS)
_MANY = Limits(output=1 << 30)


class Ref(NamedTuple):
    """A branch, tag or note with its whole name. `commit` is the one that it leads to, if it leads to one."""

    name: str
    target: str
    kind: Kind
    commit: str | None


class Change(NamedTuple):
    """A change of a ref from an id to another; nothing for a ref that is not there, before or after."""

    name: str
    old: str | None
    new: str | None


class RefChanged(Conflict):
    """Somebody else changed a ref meanwhile, or what is wanted of it cannot be beside another ref. Nothing changed."""


async def read_all(folder: Path, *prefixes: str) -> list[Ref]:
    """Return all refs below `refs/heads/`, `refs/tags/` or other prefixes, by name; without one, all."""
    said = await run(folder, "for-each-ref", f"--format={_FORMAT}", "--", *prefixes, limits=_MANY)
    return [_ref(folder, line.decode("utf-8", "replace")) for line in said.split(b"\n")[:-1]]


def head(folder: Path) -> str:
    """Return the whole name of the branch that HEAD names, whether it is there or not."""
    return str(repository(folder).lookup_reference("HEAD").target)


async def set_head(folder: Path, branch: str) -> None:
    """Let HEAD name a branch, by its whole name, there or not. Raise `InvalidInput` if it is no name."""
    _check(branch)
    await run(folder, "symbolic-ref", "--end-of-options", "HEAD", branch)


async def update(folder: Path, changes: Sequence[Change]) -> None:
    """Change refs, by their whole names: all of them, and only if each is as `old` says. It is on the disk then.

    Raise `InvalidInput` for what is no name, and `RefChanged`.
    """
    for change in changes:
        _check(change.name)
    commands = "".join(f"update {name}\0{new or _NONE}\0{old or _NONE}\0" for name, old, new in changes)
    try:
        await run(folder, "update-ref", "--no-deref", "--stdin", "-z", stdin=commands.encode())
    except GitFailed as exc:
        moved = [change.name for change in changes if named(folder, change.name) != change.old]
        what = f"{moved[0]} has changed meanwhile." if moved else "A branch or tag cannot be changed like this."
        raise RefChanged(what, exc.detail) from exc


def _check(name: str) -> None:
    """Raise `InvalidInput` if git would not take a name of a branch or tag."""
    if "\0" in name or not (name.startswith("refs/") and pygit2.reference_is_valid_name(name)):
        raise InvalidInput(f"This is no name of a branch or tag: {name}")


def _ref(folder: Path, line: str) -> Ref:
    name, target, kind, behind, kind_behind = line.split("\0")
    commit = target if kind == "commit" else behind if kind_behind == "commit" else commit_behind(folder, target)
    return Ref(name, target, msgspec.convert(kind, Kind), commit)

"""Where repositories are: each has a folder that is named after its UUID, so a rename moves nothing.

git/ab/cd/abcd….git   a repository
git/tmp/…             one that is being made: it appears at its place complete, or not at all
git/trash/…           one that was deleted
"""

import asyncio
import contextlib
import errno
import logging
import os
import secrets
import shlex
import shutil
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from roadstead.errors import Conflict, GitFailed, InvalidInput
from roadstead.git import locks
from roadstead.git.disk import sync, sync_all
from roadstead.git.environment import program
from roadstead.git.forks import packed_refs, share_objects
from roadstead.git.processes import MOST_MEMORY, Child, Limits, run
from roadstead.git.ref_names import BRANCH, PLACES, TAG
from roadstead.git.refs import GitRef, head, read_all

_LONG = Limits(seconds=3600, memory=MOST_MEMORY)
_LOCAL = {"GIT_ALLOW_PROTOCOL": "file"}
"""The one protocol by which a repository is copied on this machine."""
_BROUGHT = tuple(PLACES.values())
"""What an import brings along. Anything else, such as configuration, hooks and replaced commits, stays where it is."""
_DAY = 86400.0

log = logging.getLogger("roadstead.git")


class Folders:
    """The repositories in the data folder of a host. A `uuid` is as text, with braces or without."""

    def __init__(self, data: Path) -> None:
        self.root = data / "git"

    def path(self, uuid: str) -> Path:
        """Return the folder of a repository, there or not."""
        return _path(self.root, uuid)

    def uuids(self) -> Iterator[str]:
        """Yield the UUIDs of all repositories that are there, without braces."""
        for folder in self.root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*.git"):
            yield folder.stem

    async def create(self, uuid: str, *, branch: str = "main") -> Path:
        """Make an empty repository whose HEAD names a branch. Raise `Conflict` if it is there."""
        async with self._making(uuid) as new:
            await _init(new, branch)
        return self.path(uuid)

    async def fork(self, parent: str, uuid: str, *, branch: str | None = None) -> Sequence[GitRef]:
        """Make a repository with the branches and tags of another, and return them. They share the files.

        HEAD names a branch, or the same as the other's. Pushes to the other go on meanwhile. Raise `HostBusy` while it
        is pruned, `Conflict` if there is one with this UUID.
        """
        source = self.path(parent)
        async with self._making(uuid) as new, locks.wait_for(locks.shared, source):
            await _init(new, branch or head(source).removeprefix(BRANCH))
            # Before the objects: what a ref leads to when it is read is there when they are linked.
            refs = await read_all(source, BRANCH, TAG)
            await asyncio.to_thread(share_objects, source, new)
            (new / "packed-refs").write_bytes(await packed_refs(source, refs))
        return refs

    async def import_from(self, source: Path, uuid: str) -> str:
        """Make a repository with the branches, tags and notes of one on this machine, bare or not.

        Each object is checked as in a push. Return the branch that HEAD names. Raise `InvalidInput` if it is no whole
        repository, `GitFailed` with git's words if an object is bad, `Conflict` if there is one with this UUID.
        """
        origin = await repository_around(source)
        branch = await _head_of(origin)
        async with self._making(uuid) as new:
            await _copy(origin, new, branch)
        return branch

    async def unpack(self, bundle: Path, uuid: str, *, branch: str) -> None:
        """Make a repository from a bundle, whose HEAD names a branch; from an empty file, one without refs.

        Raise `GitFailed` with git's words if the bundle is not whole, `Conflict` if there is one with this UUID.
        """
        async with self._making(uuid) as new:
            if await asyncio.to_thread(os.path.getsize, bundle):
                await _copy(bundle, new, branch)
            else:
                await _init(new, branch)

    async def trash(self, uuid: str) -> None:
        """Move a repository to the trash, which `sweep` empties. There may be none, after an earlier try.

        On a disk that is read-only it stays, and `roadstead repo check` names it.
        """
        folder = self.path(uuid)
        if folder.exists():
            try:
                await asyncio.to_thread(self._move_to_trash, folder)
            except OSError as exc:
                log.warning("The folder %s, which belongs to no repository, stays: %s.", folder, exc.strerror)

    @contextlib.asynccontextmanager
    async def _making(self, uuid: str) -> AsyncIterator[Path]:
        """Yield an empty folder, and move it to its place after the block. Raise `GitFailed` if the disk refuses."""
        place = self.path(uuid)
        new = self.root / "tmp" / f"{place.stem}-{secrets.token_hex(4)}.git"
        try:
            await asyncio.to_thread(new.mkdir, parents=True)
            yield new
            await _put(new, place)
        except OSError as exc:
            raise GitFailed("The repository cannot be stored.", f"{exc.strerror}.") from exc
        finally:
            await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)  # after a failure

    def _move_to_trash(self, folder: Path) -> None:
        trash = self.root / "trash"
        trash.mkdir(parents=True, exist_ok=True)
        gone = folder.rename(trash / f"{folder.stem}-{secrets.token_hex(4)}.git")
        os.utime(gone)  # the time from which `sweep` counts
        sync(folder.parent)
        sync(trash)


async def sweep(root: Path, *, older_than: float = _DAY) -> None:
    """Remove deleted and unfinished repositories that are older than some seconds."""
    await asyncio.to_thread(_sweep, root, time.time() - older_than)


def _sweep(root: Path, before: float) -> None:
    for folder in [*root.glob("tmp/*.git"), *root.glob("trash/*.git")]:
        with contextlib.suppress(FileNotFoundError):  # another process sweeps, too
            if folder.stat().st_mtime <= before:
                _remove_unused(folder)


def _remove_unused(folder: Path) -> None:
    with locks.alone(folder) as lock:
        if lock is not None:
            shutil.rmtree(folder, ignore_errors=True)


def remove_quarantines(folder: Path, *, older_than: float = _DAY) -> None:
    """Remove the objects of pushes that were killed before they were accepted."""
    for left in (folder / "objects").glob("tmp_objdir-*"):
        with contextlib.suppress(FileNotFoundError):
            if left.stat().st_mtime <= time.time() - older_than:
                shutil.rmtree(left, ignore_errors=True)


@lru_cache(4096)
def _path(root: Path, uuid: str) -> Path:
    name = str(UUID(uuid))
    return root / name[:2] / name[2:4] / f"{name}.git"


async def _init(folder: Path, branch: str) -> None:
    options = ("--quiet", "--bare", "--template=", "--object-format=sha1", f"--initial-branch={branch}")
    await run(folder, "init", *options)


async def repository_around(source: Path) -> Path:
    """Return the folder with the objects of a repository. Raise `InvalidInput` if there is none, or not a whole one."""
    start = os.path.abspath(source)  # noqa: PTH100, ASYNC240  # looks at no disk
    question = ("-C", start, "rev-parse", "--path-format=absolute", "--git-common-dir")
    try:
        found = Path(os.fsdecode((await run(None, *question)).removesuffix(b"\n")))
    except GitFailed as exc:
        raise InvalidInput(f"{source} is no git repository.", exc.detail) from exc
    if (found / "shallow").exists():
        raise InvalidInput(f"{source} has only the newest commits.", "Complete it with: git fetch --unshallow")
    return found


async def _head_of(folder: Path) -> str:
    """Return the branch that HEAD names; `main` if it names a commit."""
    name = (await run(folder, "symbolic-ref", "--quiet", "HEAD", codes=(0, 1))).decode("utf-8", "replace").strip()
    return name.removeprefix(BRANCH) if name.startswith(BRANCH) else "main"


async def _copy(origin: Path, new: Path, branch: str) -> None:
    """Clone the branches, tags and notes of a repository, or of a bundle, which may have other refs.

    A clone writes all refs into one file; a fetch would write one for each, which takes minutes for 40,000.
    """
    # The other side is a git of its own, for which our settings do not count: this one must reach it.
    shown = " ".join(f"-c 'uploadpack.hideRefs={ref}'" for ref in ("refs", *(f"!{place}" for place in _BROUGHT)))
    server = f"{shlex.quote(program())} -c 'safe.directory=*' {shown} upload-pack"
    options = ("--quiet", "--mirror", "--no-local", "--template=", f"--upload-pack={server}")
    async with Child(None, "clone", *options, "--", str(origin), str(new), limits=_LONG, variables=_LOCAL) as git:
        await git.end()
    await run(new, "config", "--remove-section", "remote.origin")
    await run(new, "symbolic-ref", "HEAD", BRANCH + branch)
    if await run(new, "rev-parse", "--show-object-format") != b"sha1\n":
        raise InvalidInput("It names objects by SHA-256.", "Only repositories with SHA-1 are taken.")
    await _check_names(new)


async def _check_names(folder: Path) -> None:
    """Raise `InvalidInput` for a name that is no UTF-8, and delete refs of other kinds than an import brings."""
    names = (await run(folder, "for-each-ref", "--format=%(refname)")).splitlines()
    for name in names:
        try:
            name.decode()
        except UnicodeDecodeError as exc:
            raise InvalidInput(f"The name {name!r} is no UTF-8.", "Rename this branch or tag, then try again.") from exc
    others = [name for name in names if not name.startswith(tuple(place.encode() for place in _BROUGHT))]
    if others:
        await run(folder, "update-ref", "--stdin", stdin=b"".join(b"delete %s\n" % name for name in others))


async def _put(new: Path, place: Path) -> None:
    """Move a complete repository to its place durably."""
    await sync_all(await asyncio.to_thread(_folders_and_settings, new))
    await asyncio.to_thread(_rename, new, place)
    await sync_all((place.parent, *place.parent.parents[:2]))


def _folders_and_settings(new: Path) -> list[Path]:
    """Return the folders and settings of a new repository, without its objects, which are on the disk already."""
    folders = [Path(folder) for folder, _, _ in os.walk(new)]
    return [*folders, *(path for path in new.iterdir() if path.is_file())]


def _rename(new: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        new.rename(place)
    except OSError as exc:
        if exc.errno not in (errno.EEXIST, errno.ENOTEMPTY):
            raise
        raise Conflict(f"There is a repository {place.stem} already.") from exc

"""The event of a push: how branches and tags have changed, and which commits are new."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec

from roadstead.bitbucket.commits.shapes import CommitShapes
from roadstead.bitbucket.refs.model import ResolvedRef
from roadstead.bitbucket.refs.shapes import RefShapes
from roadstead.bitbucket.repositories.shapes import announced_repository
from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.known import Known, html_without_links
from roadstead.domain.repositories.people import users_of
from roadstead.domain.repositories.refs import find_main_branch
from roadstead.errors import GitFailed, HostBusy
from roadstead.events.payloads import Happening, Payload
from roadstead.git import history, objects
from roadstead.git.objects import Commit, NoSuchObject
from roadstead.model import Repository
from roadstead.pushed import Ref, RefKind
from roadstead.shapes.links import in_path
from roadstead.shapes.repositories import repository_page, repository_url

MOST_COMMITS = 5
"""Of a change, as on the cloud."""
MOST_BYTES = 200 * 1024
"""Of all changes of a payload. The cloud drops one of more than 256 KB."""
MOST_SECONDS = 5.0
"""That git looks for the commits of a payload. Without them, it is still worth sending."""
_KINDS: tuple[RefKind, ...] = ("branch", "tag")


class _Change(msgspec.Struct, frozen=True):
    """A change of a ref, as the push has stored it with its event; `old` and `new` are ids of objects."""

    kind: str
    name: str
    old: str | None
    new: str | None
    created: bool
    closed: bool
    forced: bool


class _Read(NamedTuple):
    """A change with what git has of it: the commits that are new, the latest first, and whether there are more."""

    change: _Change
    old: ResolvedRef | None
    new: ResolvedRef | None
    commits: Sequence[Commit]
    truncated: bool


async def _pushed(host: Host, happening: Happening) -> Payload | None:
    """Build the payload of a push to branches or tags.

    Changes that would make it too large are left out: `truncated` beside the others says so.
    """
    repository, told = happening.repository, happening.told
    changes = msgspec.convert(told["changes"], list[_Change])
    wanted = [change for change in changes if change.kind in _KINDS]
    if repository is None or not wanted:
        return None
    push = await _fitting(host, repository, wanted, told.get("main"))
    return {"push": push, "repository": announced_repository(repository, host.base_url)}


async def _fitting(host: Host, repository: Repository, changes: Sequence[_Change], main: str | None) -> Payload:
    """Return as many changes as fit into a payload. The last may come without its commits."""
    found: list[Any] = []
    room, until = MOST_BYTES, asyncio.get_running_loop().time() + MOST_SECONDS
    for change in changes:
        await asyncio.sleep(0)  # reading is quick, but there may be many changes
        shape = await _shaped(host, repository, await _read(host, repository, change, main, until))
        if len(msgspec.json.encode(shape)) > room and shape.get("commits"):
            shape = {**shape, "commits": [], "truncated": True}
        room -= len(msgspec.json.encode(shape))
        if room < 0:
            return {"changes": found, "truncated": True}
        found.append(shape)
    return {"changes": found}


async def _read(host: Host, repository: Repository, change: _Change, main: str | None, until: float) -> _Read:
    folder = folder_of(host, repository)
    old, new = (None if id_ is None else _found(folder, change, id_) for id_ in (change.old, change.new))
    if change.kind != "branch" or new is None or new.commit is None:
        return _Read(change, old, new, [], truncated=False)
    known = main if old is None else old.ref.commit_hash
    exclude = [known] if known is not None else []
    try:
        async with asyncio.timeout_at(until), host.computing.place(("events", repository.workspace.id)):
            page = await history.page(folder, [new.commit.hash], exclude, length=MOST_COMMITS)
    except (TimeoutError, NoSuchObject, HostBusy, GitFailed):
        return _Read(change, old, new, [], truncated=True)
    return _Read(change, old, new, page.commits, truncated=page.next is not None)


def _found(folder: Path, change: _Change, id_: str) -> ResolvedRef:
    """Return a ref with its objects, as far as git still has them."""
    kind: RefKind = "branch" if change.kind == "branch" else "tag"
    hash_ = objects.commit_behind(folder, id_)
    try:
        commit = None if hash_ is None else objects.commit(folder, hash_)
        tag = objects.tag(folder, id_) if objects.kind_of(folder, id_) == "tag" else None
    except NoSuchObject:
        commit = tag = None
    return ResolvedRef(Ref(kind, change.name, id_, hash_, None), commit, tag)


async def _shaped(host: Host, repository: Repository, read: _Read) -> Payload:
    refs = [ref for ref in (read.old, read.new) if ref is not None]
    commits = [*read.commits, *(ref.commit for ref in refs if ref.commit is not None)]
    taggers = [ref.tag.tagger for ref in refs if ref.tag is not None and ref.tag.tagger is not None]
    users = await users_of(host, [*(commit.author for commit in commits), *taggers])
    known = Known(users, html_without_links({commit.message for commit in commits}))
    return _Shapes(repository, host.base_url, known).change(read)


class _Shapes:
    """The shapes of changes of the refs of one repository."""

    def __init__(self, repository: Repository, base_url: str, known: Known) -> None:
        self._api = repository_url(repository, base_url)
        self._page = repository_page(repository, base_url)
        self._commits = CommitShapes(repository, base_url, known)
        self._refs = RefShapes(self._api, self._page, self._commits)

    def change(self, read: _Read) -> Payload:
        """Return a change, with the members that the cloud gives to its form."""
        change, new = read.change, read.new
        shape: Payload = {
            "old": self._ref(read.old),
            "new": self._ref(new),
            "created": change.created,
            "closed": change.closed,
            "forced": change.forced,
            "truncated": read.truncated,
        }
        if new is not None and new.commit is not None:
            shape["links"] = self._links(read, new)
        if new is not None and new.ref.kind == "branch":
            shape["commits"] = [self._commits.announced_as_new(commit) for commit in read.commits]
        return shape

    def _ref(self, found: ResolvedRef | None) -> Payload | None:
        if found is None:
            return None
        target = None if found.commit is None else self._commits.announced(found.commit)
        shape: Payload = {**self._refs.ref(found), "target": target}
        if found.ref.kind == "branch":
            url = f"{self._page}/pull-requests/new?source={quote(found.ref.name, safe='')}&t=1"
            shape["links"] = {**shape["links"], "pullrequest_create": {"href": url}}
        return shape

    def _links(self, read: _Read, new: ResolvedRef) -> Payload:
        """Return the links of a change: of a tag to its commits only, and to a diff of a branch that went forward."""
        hash_, before = new.ref.commit_hash, None if read.old is None else read.old.ref.commit_hash
        exclude = f"&exclude={before}" if before else ""
        links = {"commits": {"href": f"{self._api}/commits?include={hash_}{exclude}"}}
        if new.ref.kind == "tag":
            return links
        compared = f"{hash_}..{before}"
        page = f"branch/{in_path(new.ref.name)}" if before is None else f"branches/compare/{compared}"
        links["html"] = {"href": f"{self._page}/{page}"}
        if before is not None and not read.change.forced:
            links["diff"] = {"href": f"{self._api}/diff/{compared}"}
        return links


async def _sample(host: Host, repository: Repository) -> dict[str, Any] | None:
    """Tell of a push of the latest commit of the main branch."""
    main = await find_main_branch(host, repository)
    if main is None or main.commit_hash is None:
        return None
    commit = objects.commit(folder_of(host, repository), main.commit_hash)
    before = commit.parents[0] if commit.parents else None
    change = _Change("branch", main.name, before, commit.hash, created=before is None, closed=False, forced=False)
    return {"changes": [msgspec.to_builtins(change)]}


BUILDERS = {"repo:push": _pushed}
SAMPLERS = {"repo:push": _sample}

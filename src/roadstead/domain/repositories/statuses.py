"""Statuses of commits, given by callers who may write to the repository. One replaces that of the same key."""

import re

import msgspec

from roadstead.domain.happened import actor_of, happened
from roadstead.domain.host import Host
from roadstead.domain.repositories.access import hold_repository
from roadstead.errors import InvalidInput, NotFound, invalid_member
from roadstead.listing import PageRequest, Slice
from roadstead.model import Identity, Repository
from roadstead.model.statuses import BUILD_STATES, CommitStatus
from roadstead.storage import commit_statuses as rows
from roadstead.storage.database import Transaction

MOST_OF_COMMIT = 500
"""Statuses of one commit. The cloud documents no limit."""
LONGEST_KEY = 40
"""Characters, as on the cloud."""
_LONGEST = {"key": LONGEST_KEY, "name": 255, "description": 4096, "url": 2048, "refname": 255}
_URL = re.compile(
    r"https?://(?:localhost|\[[0-9a-f:.]+\]|[a-z0-9_-]+(?:\.[a-z0-9_-]+)+)\.?(?::\d{1,5})?(?:[/?#]\S*)?", re.IGNORECASE
)
"""As on the cloud, a name of one part is none but `localhost`."""


class NoSuchStatus(NotFound):
    """The commit has no status of this key."""

    def __init__(self, key: str) -> None:
        super().__init__(f"Build status not found: {key[:100]}", "The keys of a commit's statuses are in its list.")


class StatusChanges(msgspec.Struct):
    """What a caller gives of a status; `None` leaves a member as it is, or as it is at first. A ref can be removed."""

    key: str | None = None
    state: str | None = None
    name: str | None = None
    description: str | None = None
    url: str | None = None
    refname: str | msgspec.UnsetType | None = msgspec.UNSET


async def page_of_statuses(
    host: Host, repository: Repository, commit_hash: str, refname: str | None, wanted: PageRequest
) -> Slice[CommitStatus]:
    """Return a page of the statuses of a commit, the earliest first; of one ref, if it is given, and of none."""
    if refname is not None and "\0" in refname:
        raise invalid_member("refname", "It has a NUL character.")
    return await rows.page_of_statuses(host.store.database, repository.id, commit_hash, refname, wanted)


async def get_status(
    host: Host, repository: Repository, commit_hash: str, key: str, tx: Transaction | None = None
) -> CommitStatus:
    """Return the status of a key. Raise `NoSuchStatus`."""
    found = None
    if len(key) <= LONGEST_KEY and "\0" not in key:
        found = await rows.find_status(tx or host.store.database, repository.id, commit_hash, key)
    if found is None:
        raise NoSuchStatus(key)
    return found


async def find_last_status(host: Host, repository: Repository) -> CommitStatus | None:
    """Return the last status that was created in a repository."""
    return await rows.find_last_status(host.store.database, repository.id)


async def put_status(
    host: Host, identity: Identity, repository: Repository, commit_hash: str, given: StatusChanges
) -> tuple[CommitStatus, bool]:
    """Give a commit a status, which replaces that of the same key. Return it, and whether it is new.

    Raise `InvalidInput`, and as `hold_repository` does.
    """
    for name in ("key", "state", "url"):
        if not getattr(given, name):
            raise invalid_member(name, "This field is required.")
    _check(given)
    async with host.store.database.transaction() as tx:
        repository = await hold_repository(host, tx, identity, repository, "write")
        before = await rows.find_status(tx, repository.id, commit_hash, given.key or "")
        status = _changed(host, _first(host, commit_hash, given), given)
        if before is None:
            await _expect_room(tx, repository, commit_hash)
            status = msgspec.structs.replace(status, id=await rows.add_status(tx, repository.id, status))
        else:
            status = msgspec.structs.replace(status, id=before.id, created_on=before.created_on)
            await rows.change_status(tx, status)
        await _tell(host, tx, identity, repository, status, is_new=before is None)
    return status, before is None


async def change_status(
    host: Host, identity: Identity, repository: Repository, commit_hash: str, key: str, given: StatusChanges
) -> CommitStatus:
    """Change a status, but for its key. Raise `NoSuchStatus`, and as `put_status` does."""
    _check(given)
    async with host.store.database.transaction() as tx:
        repository = await hold_repository(host, tx, identity, repository, "write")
        status = _changed(host, await get_status(host, repository, commit_hash, key, tx), given)
        await rows.change_status(tx, status)
        await _tell(host, tx, identity, repository, status, is_new=False)
    return status


def _first(host: Host, commit_hash: str, given: StatusChanges) -> CommitStatus:
    """Return a status with the members that a caller may leave out."""
    key, now = given.key or "", host.now()
    return CommitStatus(0, commit_hash, key, "INPROGRESS", key, "", "", None, now, now)


def _changed(host: Host, status: CommitStatus, given: StatusChanges) -> CommitStatus:
    texts = {name: getattr(given, name) for name in ("state", "name", "description", "url")}
    changes = {name: text for name, text in texts.items() if text is not None}
    refname = status.refname if isinstance(given.refname, msgspec.UnsetType) else given.refname
    return msgspec.structs.replace(status, **changes, refname=refname, updated_on=host.now())


async def _expect_room(tx: Transaction, repository: Repository, commit_hash: str) -> None:
    if await rows.count_statuses(tx, repository.id, commit_hash) >= MOST_OF_COMMIT:
        raise InvalidInput("The commit has as many statuses as it may.", f"At most {MOST_OF_COMMIT} are kept.")


async def _tell(
    host: Host, tx: Transaction, identity: Identity, repository: Repository, status: CommitStatus, *, is_new: bool
) -> None:
    key = f"repo:commit_status_{'created' if is_new else 'updated'}"
    await happened(host, tx, key, actor_of(identity), repository, {"status": status})


def _check(given: StatusChanges) -> None:
    for name, longest in _LONGEST.items():
        text = getattr(given, name)
        if isinstance(text, str):
            _check_text(name, text, longest)
    if given.state is not None and given.state not in BUILD_STATES:
        raise invalid_member("state", f"Use one of {', '.join(BUILD_STATES)}.")
    if given.url is not None and not _URL.fullmatch(given.url):
        raise invalid_member("url", "Enter a valid URL.")


def _check_text(name: str, text: str, longest: int) -> None:
    if len(text) > longest:
        raise invalid_member(name, f"Ensure this value has at most {longest} characters (it has {len(text)}).")
    if "\0" in text:
        raise invalid_member(name, "It has a NUL character.")

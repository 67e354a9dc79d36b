"""Objects of git LFS: large files, of which git's commits have only the SHA-256 and the size.

Each repository has objects of its own, so that knowing the SHA-256 of an object elsewhere opens nothing. A client asks
for the objects it wants to transfer, with its credential, and gets a ticket for each (`tickets.py`).
"""

import asyncio
import re
import time
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from roadstead.domain.host import Host
from roadstead.domain.repositories import tickets
from roadstead.domain.repositories.sizes import expect_room
from roadstead.domain.repositories.stored_files import StoredFiles, lfs_objects_in, read_pieces
from roadstead.domain.repositories.tickets import BadTicket, Purpose, Ticket
from roadstead.domain.repositories.transfers import Transfer
from roadstead.errors import InvalidInput, NotFound, RoadsteadError
from roadstead.model import UNIDENTIFIED, Repository
from roadstead.storage import repositories as rows

MOST_BYTES = 10 * 1024**3
"""Of an object, as on the cloud."""
MOST_OBJECTS = 1000
"""In one question; git-lfs asks for 100 at a time."""
POINTER_BYTES = range(126, 137)
"""The sizes of pointers, for objects whose size has 1 to 11 digits."""
_OID = re.compile("[0-9a-f]{64}")
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize (0|[1-9][0-9]{0,10})\n"
)
"""A pointer without extensions: with one, the object is not the file that was committed."""
_DAY = 86400.0


class NoSuchLfsObject(NotFound):
    """The repository has no object of this SHA-256."""

    def __init__(self, oid: str) -> None:
        super().__init__(
            f"There is no object {oid[:64]}.", "Push it from a clone that has it: git lfs push --all REMOTE"
        )


class LfsObject(NamedTuple):
    """An object of git LFS: the SHA-256 of its content, and its size in bytes."""

    oid: str
    size: int


def pointed_to(content: bytes) -> LfsObject | None:
    """Return the object that a pointer names, or `None` if the file is no pointer of git LFS."""
    found = _POINTER.fullmatch(content) if len(content) in POINTER_BYTES else None
    return None if found is None else LfsObject(found[1].decode(), int(found[2]))


class Offer(NamedTuple):
    """The answer for an object: a ticket or an error, or neither if the object is stored and needs no upload."""

    wanted: LfsObject
    ticket: str | None = None
    error: RoadsteadError | None = None


class Access(NamedTuple):
    """Where a client finds the LFS objects of a repository, and the headers to send, for some seconds."""

    href: str
    header: Mapping[str, str]
    expires_in: int


def authenticate(host: Host, repository: Repository, purpose: Purpose, caller: Hashable) -> Access:
    """Return where and with which ticket a client transfers objects, which came over SSH and has no token.

    The caller must have been found to have the privilege: `read` to download, `write` to upload.
    """
    header = {"Authorization": tickets.issue(host, purpose, repository.uuid, caller)}
    return Access(address_of(host, repository), header, tickets.SECONDS)


def address_of(host: Host, repository: Repository) -> str:
    """Return the address for LFS of a repository, which a rename does not change."""
    # The braces are encoded, because some clients refuse an address with them.
    return f"{host.base_url}/%7B%7D/%7B{repository.uuid.strip('{}')}%7D/info/lfs"


async def transfer_with(host: Host, ticket: Ticket) -> Transfer:
    """Return the transfer that a ticket allows. Raise `BadTicket` if its repository is gone."""
    found = await rows.find_repository(host.store.database, rows.ANY_WORKSPACE, ticket.repository)
    if found is None:
        raise BadTicket
    return Transfer(host, UNIDENTIFIED, found, ticket.sharer)


async def offers(transfer: Transfer, purpose: Purpose, objects: Sequence[LfsObject]) -> list[Offer]:
    """Return an answer for each object. Raise `InvalidInput` for too many, and `RepositoryFull` for too large ones."""
    if len(objects) > MOST_OBJECTS:
        raise InvalidInput(f"There are {len(objects)} objects.", f"Ask for at most {MOST_OBJECTS} at a time.")
    there = await asyncio.to_thread(_sizes, transfer, objects)
    if purpose == "upload":
        new = sum(wanted.size for wanted, size in zip(objects, there, strict=True) if size is None)
        expect_room(transfer.host, transfer.repository, new)
    return [_offer(transfer, purpose, wanted, size) for wanted, size in zip(objects, there, strict=True)]


def _sizes(transfer: Transfer, objects: Sequence[LfsObject]) -> list[int | None]:
    """Return the sizes of those objects that are there."""
    return [_size(transfer, wanted.oid) if _OID.fullmatch(wanted.oid) else None for wanted in objects]


def _offer(transfer: Transfer, purpose: Purpose, wanted: LfsObject, there: int | None) -> Offer:
    try:
        _check(purpose, wanted, there)
    except RoadsteadError as exc:
        return Offer(wanted, error=exc)
    if purpose == "upload" and there is not None:
        return Offer(wanted)
    oid, size = wanted
    host, _, repository, caller = transfer
    return Offer(wanted, tickets.issue(host, purpose, repository.uuid, caller, oid=oid, size=size))


def _check(purpose: Purpose, wanted: LfsObject, there: int | None) -> None:
    if not _OID.fullmatch(wanted.oid):
        raise InvalidInput("The oid is not 64 hexadecimal digits in lower case.")
    if not 0 <= wanted.size <= MOST_BYTES:
        raise InvalidInput(f"An object has 0 to {MOST_BYTES} bytes.")
    if there is None and purpose == "download":
        raise NoSuchLfsObject(wanted.oid)
    if there not in (None, wanted.size):
        raise InvalidInput(f"The object has {there} bytes, not {wanted.size}.")


async def upload(transfer: Transfer, wanted: LfsObject, body: AsyncIterator[bytes]) -> None:
    """Store an object.

    Raise `InvalidInput` if the body is not the object, `RepositoryFull`, `StorageUnusable`, and `HostBusy`.
    """
    expect_room(transfer.host, transfer.repository, wanted.size)
    files = _files(transfer.host)
    async with transfer.host.transfers.place(transfer.sender), files.draft(wanted.oid) as draft:
        async for piece in body:
            await draft.write(piece)
            if draft.size > wanted.size:
                raise InvalidInput(f"The body has more than the {wanted.size} bytes of the object.")
        await draft.complete()
        if (draft.digest, draft.size) != wanted:
            raise InvalidInput("The body is not the object: it has another SHA-256 or size.", "Nothing was stored.")
        await files.keep(draft, transfer.repository.uuid)
    transfer.host.pushed_to.put_nowait(transfer.folder)


def download(transfer: Transfer, place: Path, start: int, end: int) -> AsyncGenerator[bytes]:
    """Yield the content of an object from one byte to before another. Raise `HostBusy`."""
    return transfer.pieces(read_pieces(place, start, end))


async def find(transfer: Transfer, wanted: LfsObject) -> Path:
    """Return the place of a stored object. Raise `NoSuchLfsObject`, or `InvalidInput` if it has another size."""
    there = await asyncio.to_thread(_size, transfer, wanted.oid)
    _check("download", wanted, there)
    return _path(transfer, wanted.oid)


async def sweep_objects(host: Host) -> None:
    """Remove what killed processes left: unfinished uploads, and objects of repositories that are gone."""
    files = _files(host)

    async def kept(uuid: str) -> set[str]:
        is_there = await rows.find_repository(host.store.database, rows.ANY_WORKSPACE, uuid) is not None
        # A new one may be a fork, whose row comes after its files.
        return set(files.names(uuid)) if is_there or files.changed_on(uuid) > time.time() - _DAY else set()

    await files.sweep(kept)


def _files(host: Host) -> StoredFiles:
    return lfs_objects_in(host.settings.data)


def _path(transfer: Transfer, oid: str) -> Path:
    return _files(transfer.host).path(transfer.repository.uuid, oid)


def _size(transfer: Transfer, oid: str) -> int | None:
    try:
        return _path(transfer, oid).stat().st_size
    except FileNotFoundError:
        return None

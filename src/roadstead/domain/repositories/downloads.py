"""Files that people upload to a repository for others to download.

A file is at its place before its row is added, and its row is deleted before the file: so every row has its file, and
`sweep_downloads` removes files without a row.
"""

import hashlib
import hmac
import unicodedata
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import NamedTuple

from roadstead.domain.happened import actor_of
from roadstead.domain.host import Host
from roadstead.domain.repositories.access import hold_repository
from roadstead.domain.repositories.stored_files import Draft, StoredFiles, downloads_in
from roadstead.errors import InvalidInput, NotAuthenticated, NotFound, WrongCredential
from roadstead.listing import PageRequest, Slice
from roadstead.model import Identity, Repository
from roadstead.model.downloads import Download
from roadstead.storage import downloads as rows
from roadstead.storage.database import Reader, Transaction

MOST_FILES = 100
"""In one request."""
LONGEST_NAME = 255
"""Bytes in UTF-8: longer ones cannot be saved on most file systems."""
LINK_SECONDS = 600
"""How long a link works: long enough to begin a download, and to try it again."""


class NoSuchDownload(NotFound):
    """The repository has no file of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no download {name[:100]!r}.")


class NoSuchLink(NotFound):
    """The host did not sign the link, it has expired, or its file was replaced or deleted."""

    def __init__(self) -> None:
        super().__init__("This link does not work, or not any more.", "Ask for the download, or upload the file again.")


class Begun(NamedTuple):
    """The beginning of an uploaded file; its content follows in pieces."""

    name: str


def files_of(host: Host) -> StoredFiles:
    """Return where a host stores downloads."""
    return downloads_in(host.settings.data)


async def page_of_downloads(host: Host, repository: Repository, wanted: PageRequest) -> Slice[Download]:
    """Return a page of the files of a repository, the newest first."""
    return await rows.page_of_downloads(host.store.database, repository.id, wanted)


# Upload


async def upload(host: Host, identity: Identity, repository: Repository, parts: AsyncIterator[Begun | bytes]) -> None:
    """Store all uploaded files, or none; one replaces that of the same name.

    Raise `InvalidInput`, `StorageUnusable`, `HostBusy` for a caller who waits too long, and as `find_repository` does.
    """
    async with host.transfers.place(actor_of(identity)), AsyncExitStack() as drafts:
        received = await _receive(files_of(host), drafts, parts)
        if not received:
            raise InvalidInput("The form has no file.", "Send multipart/form-data with one or more files in `files`.")
        for draft in received.values():
            await draft.complete()
        await _keep(host, identity, repository, received)


async def _receive(files: StoredFiles, drafts: AsyncExitStack, parts: AsyncIterator[Begun | bytes]) -> dict[str, Draft]:
    received: dict[str, Draft] = {}
    draft: Draft | None = None
    async for part in parts:
        if isinstance(part, Begun):
            _check_name(part.name)
            if part.name in received or len(received) == MOST_FILES:
                raise InvalidInput(f"Send at most {MOST_FILES} files at a time, each once.")
            draft = received[part.name] = await drafts.enter_async_context(files.draft())
        elif draft is not None:
            await draft.write(part)
    return received


def _check_name(name: str) -> None:
    is_odd = name in (".", "..") or any(one in "/\\" or unicodedata.category(one) in ("Cc", "Cs") for one in name)
    if is_odd or not 1 <= len(name.encode("utf-8", "replace")) <= LONGEST_NAME:
        raise InvalidInput(
            f"A download cannot have the name {name[:100]!r}.",
            f"It has 1 to {LONGEST_NAME} bytes in UTF-8, without slashes and control characters.",
        )


async def _keep(host: Host, identity: Identity, repository: Repository, received: dict[str, Draft]) -> None:
    """Move files to their places and add their rows. Remove the files that they replace."""
    files = files_of(host)
    for draft in received.values():
        await files.keep(draft, repository.uuid)
    try:
        async with host.store.database.transaction() as tx:
            repository = await hold_repository(host, tx, identity, repository, "write")
            gone = [await _replace(host, tx, identity, repository, *one) for one in received.items()]
    except (NotFound, WrongCredential, NotAuthenticated):
        # Only then is it certain that no row has the files; otherwise the next start finds out.
        for draft in received.values():
            await files.remove(repository.uuid, draft.file)
        raise
    for file in filter(None, gone):
        await files.remove(repository.uuid, file)


async def _replace(
    host: Host, tx: Transaction, identity: Identity, repository: Repository, name: str, draft: Draft
) -> str | None:
    """Add the row of a file, in place of one with the same name. Return the replaced file's name on the machine."""
    before = await rows.find_download(tx, repository.id, name)
    if before is not None:
        await rows.delete_download(tx, before.id)
    user_id = actor_of(identity).user_id
    await rows.add_download(tx, repository.id, name, draft.file, draft.size, user_id, host.now())
    return None if before is None else before.file


async def delete_download(host: Host, identity: Identity, repository: Repository, name: str) -> None:
    """Delete a file. Raise `NoSuchDownload`, and as `find_repository` does."""
    async with host.store.database.transaction() as tx:
        repository = await hold_repository(host, tx, identity, repository, "write")
        found = await _find(tx, repository, name)
        await rows.delete_download(tx, found.id)
    await files_of(host).remove(repository.uuid, found.file)


async def _find(reader: Reader, repository: Repository, name: str) -> Download:
    found = await rows.find_download(reader, repository.id, name)
    if found is None:
        raise NoSuchDownload(name)
    return found


# Download


class SignedLink(NamedTuple):
    """The parts of a link beside the name. With it, no credential is needed until it `expires`."""

    download_id: int
    expires: int
    signature: str


async def link_to(host: Host, repository: Repository, name: str, *, counts: bool) -> SignedLink:
    """Return a link to a file, which `counts` as a download. Raise `NoSuchDownload`."""
    found = await _find(host.store.database, repository, name)
    if counts:
        host.run_later(host.coalescing.do("downloads", found.id, lambda ids: _count(host, ids)))
    expires = int(host.clock()) + LINK_SECONDS
    return SignedLink(found.id, expires, _signature(found, expires))


async def _count(host: Host, ids: Sequence[int]) -> Sequence[None]:
    async with host.store.database.transaction() as tx:
        await rows.count_downloads(tx, Counter(ids))
    return [None] * len(ids)


async def follow(host: Host, link: SignedLink) -> tuple[Download, Path]:
    """Return the download that a link leads to, and the path of its file. Raise `NoSuchLink`."""
    found = await rows.find_by_id(host.store.database, link.download_id)
    if found is None or link.expires < host.clock():
        raise NoSuchLink
    if not hmac.compare_digest(link.signature.encode(), _signature(found, link.expires).encode()):
        raise NoSuchLink
    place = files_of(host).path(found.repository_uuid, found.file)
    if not place.is_file():
        raise NoSuchLink  # the state was imported, and its files were not copied
    return found, place


def _signature(found: Download, expires: int) -> str:
    return hmac.new(found.file.encode(), f"link {found.id} {expires}".encode(), hashlib.sha256).hexdigest()


def tag_of(found: Download) -> str:
    """Return the entity tag of a file. It does not reveal the name on the machine."""
    return hashlib.sha256(f"tag {found.file}".encode()).hexdigest()[:32]


async def sweep_downloads(host: Host) -> None:
    """Remove the files that killed processes left. The host does so once, after its start."""
    await files_of(host).sweep(lambda uuid: rows.list_files(host.store.database, uuid))

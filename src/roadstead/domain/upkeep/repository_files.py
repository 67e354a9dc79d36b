"""The files of repositories in an export: one heading each, then a bundle of git in pieces.

    {"repository": "{8c3f…}", "head": "main"}
    "IyB2MiBnaXQgYnVuZGxlCg…"                                   a piece in base64; then more, then the next repository

They come after all rows. So a repository may have commits that are newer than the rows, never older ones.
"""

import base64
import binascii
import secrets
import shutil
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from roadstead.domain.host import Host
from roadstead.domain.repositories.folders import folders_of
from roadstead.errors import GitFailed, InvalidInput
from roadstead.model import Repository
from roadstead.storage.database import Transaction
from roadstead.storage.repositories import list_all
from roadstead.storage.transfer import repository_ids


async def lines_of_repositories(host: Host, uuids: Iterable[str]) -> AsyncIterator[object]:
    """Yield the lines of repositories. Raise `GitFailed` for one whose folder is missing or damaged."""
    for uuid in uuids:
        from roadstead.git import bundles, refs
        from roadstead.git.ref_names import BRANCH  # imported late: most hosts have no repository

        folder = folders_of(host).path(uuid)
        yield {"repository": uuid, "head": refs.head(folder).removeprefix(BRANCH)}
        async for piece in bundles.pieces(folder):
            yield base64.b64encode(piece).decode()


async def without_folder(host: Host) -> tuple[int, list[Repository]]:
    """Return how many repositories there are, and those whose folder is missing."""
    repositories = await list_all(host.store.database)
    folders = folders_of(host)
    return len(repositories), [one for one in repositories if not folders.path(one.uuid).is_dir()]


class Unpacking:
    """Makes the folders of repositories while an export is read. If its block fails, it removes them."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._made: list[str] = []
        self._next: tuple[str, str] | None = None
        self._bundle: BinaryIO | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._drop_bundle()
        if kind is not None:
            for uuid in self._made:
                await folders_of(self._host).trash(uuid)

    async def begin(self, uuid: str, head: str) -> None:
        """Make the repository before this one, and begin with this one."""
        await self.end()
        self._next = uuid, head
        # In a folder, which the sweep removes if this process is killed.
        place = folders_of(self._host).root / "tmp" / f"import-{secrets.token_hex(4)}.git"
        place.mkdir(parents=True)
        self._bundle = (place / "bundle").open("wb")

    def add(self, piece: str) -> None:
        """Add a piece to the repository that was begun. Raise `ValueError` if there is none, or this is no base64."""
        if self._bundle is None:
            raise ValueError("A piece comes before its repository.")
        try:
            self._bundle.write(base64.b64decode(piece, validate=True))
        except binascii.Error as exc:
            raise ValueError("A piece of a repository is not base64.") from exc

    async def mirror(self, tx: Transaction) -> None:
        """Let the mirror of refs follow the repositories: they may be newer than the rows. Raise `InvalidInput`."""
        ids = await repository_ids(tx)
        if missing := ids.keys() ^ self._made:
            raise InvalidInput(
                "The repositories of the export are not those of its rows.", f"{min(missing)} has no row, or no files."
            )
        for uuid in self._made:
            from roadstead.domain.repositories.mirroring import mirror_all  # imports git, as `lines_of_repositories`

            await mirror_all(tx, ids[uuid], folders_of(self._host).path(uuid))

    async def end(self) -> None:
        """Make the repository that was begun, if any. Raise `InvalidInput` if it is not whole."""
        if self._next is None or self._bundle is None:
            return
        uuid, head = self._next
        self._bundle.close()
        try:
            await folders_of(self._host).unpack(Path(self._bundle.name), uuid, branch=head)
        except (GitFailed, ValueError) as exc:
            said = exc.detail if isinstance(exc, GitFailed) else str(exc)
            raise InvalidInput(
                f"The repository {uuid} of the export is damaged.", f"{said} Nothing was imported."
            ) from exc
        self._made.append(uuid)
        self._drop_bundle()

    def _drop_bundle(self) -> None:
        if self._bundle is not None:
            self._bundle.close()
            shutil.rmtree(Path(self._bundle.name).parent)
        self._bundle = self._next = None

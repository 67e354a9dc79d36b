"""Copy the whole state from one database to another, and prove that it has arrived."""

import hashlib
import json
from collections.abc import Callable, Sequence

from roadstead.domain.apps.handshakes import new_secret
from roadstead.domain.host import Host
from roadstead.domain.repositories.marks import mark_copied
from roadstead.domain.upkeep.transfer import Progress, expect_empty
from roadstead.errors import StorageUnusable
from roadstead.storage import Store
from roadstead.storage import transfer as rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Argument, Reader
from roadstead.storage.events import newest_event
from roadstead.storage.sealing import hold_key
from roadstead.storage.tables import TRAVELLING, Table


async def move_state(source: Host, target: Host, *, progress: Progress = lambda done, of: None) -> int:
    """Copy one committed state into an empty database, wholly or not at all; return the number of its rows.

    Every row is read back and compared before the copy is in force. Raise `Conflict` when the target is not empty, and
    `StorageUnusable` when other rows arrived than were sent.
    """
    async with source.store.database.snapshot() as snapshot, target.store.database.transaction() as tx:
        await hold_key(tx)
        await expect_empty(tx)
        newest = await newest_event(snapshot)
        count = await rows.count_rows(snapshot)
        done = 0

        def step(by: int) -> None:
            nonlocal done
            done += by
            progress(done, 2 * count)

        for table in TRAVELLING:
            sent = _Content()
            async for page in rows.read_pages(source.store, snapshot, table, with_secrets=True):
                await rows.add_rows(target.store, tx, table, table.travelling, page, make_secret=new_secret)
                sent.add(page)
                step(len(page))
            if await _content(target.store, tx, table, step) != sent.digest():
                raise StorageUnusable(
                    f"Other rows arrived in {table.name} than were sent.",
                    "Nothing was copied; please report it.",
                )
        await rows.go_on_after_ids(tx)
        await add_entry(
            tx, actor=target.operator, action="state moved", subject="state", details={"rows": count}, now=target.now()
        )
    await mark_copied(target, newest)
    return count


async def _content(store: Store, reader: Reader, table: Table, step: Callable[[int], None]) -> str:
    content = _Content()
    async for page in rows.read_pages(store, reader, table, with_secrets=True):
        content.add(page)
        step(len(page))
    return content.digest()


class _Content:
    """A hash over rows."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def add(self, page: Sequence[Sequence[Argument]]) -> None:
        self._hash.update("".join(json.dumps(list(row)) + "\n" for row in page).encode())

    def digest(self) -> str:
        return self._hash.hexdigest()

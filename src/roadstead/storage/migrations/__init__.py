"""The schema: numbered files, run in order and never edited once released.

Statements for only one database are in a file with its name: `0007_distribution.postgresql.sql`. Files of one number
are one change, in the order of their names.
"""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from roadstead.errors import StorageUnavailable, StorageUnusable
from roadstead.storage.tables import MIGRATIONS

if TYPE_CHECKING:
    from roadstead.storage.database import Dialect, Reader, Transaction

TABLE = "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY)"


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    files: tuple[tuple[str, str], ...]
    """Their names and texts."""

    def statements(self, dialect: "Dialect") -> Iterator[str]:
        """Return the statements for a dialect. A semicolon at a line's end closes one."""
        for name, sql in self.files:
            if name.count(".") == 1 or name.endswith(f".{dialect.name}.sql"):
                yield from _statements(sql, dialect)


def _statements(sql: str, dialect: "Dialect") -> Iterator[str]:
    text = re.sub(r"^--.*\n", "", sql, flags=re.MULTILINE)
    text = text.replace("{identity}", dialect.identity).replace("{bytes}", dialect.bytes)
    text = text.replace("{refuse_change}", dialect.refuse_change).replace(" TEXT", f" {dialect.text}")
    yield from (statement.strip() for statement in re.split(r";\s*$", text, flags=re.MULTILINE) if statement.strip())


@cache
def _known() -> tuple[Migration, ...]:
    files = sorted((file.name, file.read_text("utf-8")) for file in Path(__file__).parent.glob("*.sql"))
    return tuple(Migration(number, tuple(same)) for number, same in groupby(files, key=lambda file: int(file[0][:4])))


def missing(applied: Set[int]) -> list[Migration]:
    """Return the migrations still to run. Raises `StorageUnusable` when the database is newer than this program."""
    if unknown := applied - {migration.number for migration in _known()}:
        raise StorageUnusable(
            "The data was written by a newer version of Roadstead.",
            f"It has schema change {max(unknown)}, which this version does not know; upgrade Roadstead.",
        )
    return [migration for migration in _known() if migration.number not in applied]


def refuse_older(applied: Set[int]) -> None:
    """Raise `StorageUnavailable` when the schema lacks something that this program needs.

    A newer schema is accepted: hosts on one database are upgraded one after the other.
    """
    if lacking := [migration.number for migration in _known() if migration.number not in applied]:
        raise StorageUnavailable(
            "The database is not the one that this host has opened.",
            f"It lacks schema change {min(lacking)}, as after an older backup was restored; restart the host.",
        )


async def applied(reader: "Reader") -> set[int]:
    """Return the numbers of those that have been run."""
    return {number for (number,) in await reader.read("SELECT number FROM migrations")}


async def run_missing(tx: "Transaction") -> None:
    """Run the missing migrations, in a transaction that keeps other processes from doing so.

    Another process may have run them while this one waited for its turn.
    """
    for migration in missing(await applied(tx)):
        for statement in migration.statements(tx.dialect):
            await tx.run(statement)
        await tx.run(*MIGRATIONS.insert(number=migration.number))


async def touch(tx: "Transaction") -> None:
    """Rewrite a row unchanged."""
    await tx.run("UPDATE migrations SET number = number WHERE number = 1")

"""The schema, one numbered file per change, run in order and never edited once released."""

import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from roadstead.errors import StorageUnusable

if TYPE_CHECKING:
    from roadstead.storage.database import Dialect


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    sql: str

    def statements(self, dialect: "Dialect") -> Iterator[str]:
        """The file's statements, spelled for a dialect. A semicolon at a line's end closes one."""
        text = re.sub(r"^--.*\n", "", self.sql, flags=re.MULTILINE)
        text = text.replace("{identity}", dialect.identity).replace("{bytes}", dialect.bytes)
        text = text.replace("{refuse_change}", dialect.refuse_change)
        yield from (
            statement.strip() for statement in re.split(r";\s*$", text, flags=re.MULTILINE) if statement.strip()
        )


@cache
def _known() -> tuple[Migration, ...]:
    files = (file for file in resources.files(__package__).iterdir() if file.name.endswith(".sql"))
    return tuple(
        sorted((Migration(int(file.name[:4]), file.read_text("utf-8")) for file in files), key=lambda m: m.number)
    )


def missing(applied: Set[int]) -> list[Migration]:
    """The migrations still to run. Raises `StorageUnusable` when the database is newer than this program."""
    if unknown := applied - {migration.number for migration in _known()}:
        raise StorageUnusable(
            "The data was written by a newer version of Roadstead.",
            f"It has schema change {max(unknown)}, which this version does not know; upgrade Roadstead.",
        )
    return [migration for migration in _known() if migration.number not in applied]

"""The requirements of a distributed database: related rows are together, and statements name the installation.

The distributed tables grow with the apps' data, and nearly every request reads them. They are distributed by
`installation_id`; docs/how-to/scale-out.md says how, and about the others.
"""

import asyncio
import re
from pathlib import Path

import pytest

from roadstead.settings import Settings
from roadstead.storage import open_database
from roadstead.storage.database import Database
from roadstead.storage.tables import TABLES
from tests.postgres import Server
from tests.storage.statements import statements

ROOT = Path(__file__).parent.parent.parent

DISTRIBUTED = {table.name for table in TABLES if table.rows == "distributed"}
EVERYWHERE = {table.name for table in TABLES if table.rows == "everywhere"}
"""Small tables that nearly every request reads by something else than an installation's id."""

CROSSING = {
    "listing.py": "it reads what a `Source` names, and that says where",
    "postgres.py: go_on_after_ids": "at the end of an import, once",
    "queue.py": "a queue is in one place",
    "reach.py: grants": "it reads repositories and what is granted in them, of which there is a copy everywhere",
    "rotation.py: _seal_column": "changing the key, and no distributed table has a secret",
    "transfer.py: add_rows": "an import fills tables one after the other",
    "transfer.py: count_rows": "export and migrate-data read whole tables",
    "transfer.py: find_filled_tables": "an import looks whether there is anything at all",
    "value_sets.py: list_large_workspaces": "what to read ahead, once after the start",
    "transfer.py: read_pages": "export and migrate-data read whole tables",
}
"""Statements that do not name the installation, by their function or their file, with the reason. None of
them is hot.
"""


# Statements


TABLE = r"\b(?:FROM|JOIN|INTO|UPDATE)\s+"


def _mentions(statement: str) -> int:
    """Return how many times a statement uses a distributed table, or one that is not named in the source."""
    hot = re.findall(rf"{TABLE}(?:{'|'.join(sorted(DISTRIBUTED))})\b", statement)
    unnamed = re.findall(rf"{TABLE}…", statement)
    return len(hot) + len(unnamed)


def _says_where(statement: str) -> int:
    """Return how many times it names the installation: in a condition, or as a column of added rows."""
    conditions = re.findall(r"\binstallation_id (?:= (?:\?|…|\w+\.installation_id)|IN \()", statement)
    added = re.findall(r"INSERT INTO \w+ \((?:[^)]*\b)?installation_id\b", statement)
    return len(conditions) + len(added)


def _crosses(statement: str) -> bool:
    return _says_where(statement) < _mentions(statement)


def test_every_statement_on_a_distributed_table_says_where() -> None:
    """Each names the installation for each such table, so it goes to one machine; exceptions are listed
    with a reason.
    """
    found = [(f"{file}: {function}", statement) for file, function, statement in statements()]
    assert sum(1 for _, statement in found if _mentions(statement)) > 20, "the statements were not found"
    crossing = {place: statement for place, statement in found if _crosses(statement)}
    listed = {file if (file := place.partition(":")[0]) in CROSSING else place for place in crossing}
    assert listed == set(CROSSING), crossing


@pytest.mark.parametrize(
    ("statement", "crosses"),
    [
        ("SELECT value FROM linker_values WHERE installation_id = ? AND linker_id = ?", False),
        ("SELECT value FROM linker_values WHERE linker_id = ?", True),
        ("SELECT installation_id FROM linkers WHERE id = ?", True),
        ("SELECT id FROM linkers WHERE installation_id IN (…)", False),
        ("SELECT id FROM linkers WHERE installation_id > ?", True),
        ("INSERT INTO linker_values (installation_id, linker_id, value) SELECT ?, ?, value FROM (…) AS new", False),
        ("INSERT INTO linker_values (linker_id, value) VALUES (?, ?)", True),
        ("DELETE FROM linkers WHERE installation_id = ?", False),
        ("UPDATE linkers SET revision = revision + 1 WHERE id = ?", True),
        ("SELECT 1 FROM linkers l JOIN linker_values v ON v.linker_id = l.id WHERE l.installation_id = ?", True),
        ("SELECT 1 FROM installations i JOIN linkers l ON l.installation_id = i.id WHERE i.id = ?", True),
        ("SELECT 1 FROM installations WHERE client_key = ?", False),
        ("SELECT COUNT(*) FROM …", True),
    ],
)
def test_a_statement_that_does_not_say_where_is_noticed(statement: str, crosses: bool) -> None:
    """It may forget the condition, one of two tables, or the column."""
    assert _crosses(statement) == crosses


# The schema


Rows = list[tuple[str, ...]]


@pytest.fixture(scope="module")
def schema(postgresql: Server, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """Return PostgreSQL's own description of our tables: their columns, unique indices and references."""
    settings = Settings(data=tmp_path_factory.mktemp("data"), database_url=postgresql.new_database())

    async def read() -> dict[str, Rows]:
        database: Database = open_database(settings)
        try:
            await database.migrate()
            return {name: list(await database.scan(statement)) for name, statement in CATALOG.items()}
        finally:
            await database.close()

    return asyncio.run(read())


_COLUMNS_OF = (
    "(SELECT string_agg(CAST(a.attname AS TEXT), ' ' ORDER BY part.place) "
    "FROM unnest({keys}) WITH ORDINALITY AS part (number, place) "
    "JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = part.number)"
)
CATALOG = {
    "columns": "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), CAST(data_type AS TEXT), "
    "CAST(is_nullable AS TEXT) FROM information_schema.columns WHERE table_schema = 'public'",
    "unique": f"SELECT CAST(c.relname AS TEXT), {_COLUMNS_OF.format(keys='i.indkey', table='i.indrelid')} "
    "FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid "
    "WHERE i.indisunique AND c.relnamespace = CAST('public' AS regnamespace)",
    "references": "SELECT CAST(c.relname AS TEXT), CAST(f.relname AS TEXT), "
    f"{_COLUMNS_OF.format(keys='k.conkey', table='k.conrelid')}, "
    f"{_COLUMNS_OF.format(keys='k.confkey', table='k.confrelid')} "
    "FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class f ON f.oid = k.confrelid "
    "WHERE k.contype = 'f'",
}


PLACES = {"distributed": "distributed by `installation_id`", "everywhere": "a copy", "in one place": "in one place"}


def test_the_documentation_has_the_place_of_every_table() -> None:
    """The page gives the declared place of the rows of each table."""
    written = (ROOT / "docs" / "how-to" / "scale-out.md").read_text("utf-8")
    for rows, words in PLACES.items():
        (line,) = re.findall(rf"^\| (`.*) \| {words}", written, re.MULTILINE)
        assert set(re.findall(r"`(\w+)`", line)) == {table.name for table in TABLES if table.rows == rows}


def test_distributed_tables_have_what_they_are_distributed_by(schema: dict[str, Rows]) -> None:
    """The installation's id is a column that is never empty, of the same type in all of them."""
    found = {row[0]: row[2:] for row in schema["columns"] if row[1] == "installation_id" and row[0] in DISTRIBUTED}
    assert found == dict.fromkeys(DISTRIBUTED, ("bigint", "NO"))


def test_unique_columns_of_distributed_tables_have_it(schema: dict[str, Rows]) -> None:
    """No machine can know what is unique on all: every primary key and unique index contains the installation's id."""
    found = [(table, columns.split()) for table, columns in schema["unique"] if table in DISTRIBUTED]
    assert {table for table, _ in found} == DISTRIBUTED
    assert [one for one in found if "installation_id" not in one[1]] == []


def test_references_stay_on_one_machine(schema: dict[str, Rows]) -> None:
    """From one distributed table to another by the installation, and otherwise only to copied tables."""
    assert len(schema["references"]) > 5
    for table, other, columns, others in schema["references"]:
        if table in DISTRIBUTED and other in DISTRIBUTED:
            pairs = list(zip(columns.split(), others.split(), strict=True))
            assert ("installation_id", "installation_id") in pairs, (table, other)
        else:
            assert other in EVERYWHERE, (table, other)

"""Tables are declared once, and the declaration is what the migrations make."""

import asyncio
from collections import defaultdict
from typing import NamedTuple

import pytest

from roadstead.settings import Settings
from roadstead.storage import open_database
from roadstead.storage.tables import TABLES
from tests.conftest import NewDatabase

COLUMNS = {
    "sqlite": "SELECT t.name, c.name, c.type = 'BLOB' FROM sqlite_schema t JOIN pragma_table_info(t.name) c "
    "WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' ORDER BY t.name, c.cid",
    "postgresql": "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), data_type = 'bytea' "
    "FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name, ordinal_position",
}
INDICES = {
    "sqlite": 'SELECT t.name, i.name, c.name, i."unique" FROM sqlite_schema t JOIN pragma_index_list(t.name) i '
    "JOIN pragma_index_info(i.name) c WHERE t.type = 'table' UNION ALL "
    "SELECT t.name, 'its primary key', c.name, 1 FROM sqlite_schema t JOIN pragma_table_info(t.name) c "
    "WHERE t.type = 'table' AND c.pk = 1 AND (SELECT MAX(pk) FROM pragma_table_info(t.name)) = 1",
    "postgresql": "SELECT CAST(t.relname AS TEXT), CAST(i.relname AS TEXT), CAST(a.attname AS TEXT), x.indisunique "
    "FROM pg_index x JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid "
    "CROSS JOIN unnest(x.indkey) WITH ORDINALITY AS part (number, place) "
    "JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = part.number "
    "WHERE t.relnamespace = CAST('public' AS regnamespace) ORDER BY t.relname, i.relname, part.place",
}


class Schema(NamedTuple):
    """A database's own description: the columns of each table, which of them contain bytes, and its indices."""

    columns: dict[str, list[str]]
    bytes: set[tuple[str, str]]
    indices: dict[str, list[tuple[list[str], bool]]]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Schema:
    """Return the schema after all migrations, on each database."""
    database = open_database(Settings(data=tmp_path_factory.mktemp("data"), database_url=new_database()))

    async def read() -> tuple[list[tuple[str, str, bool]], list[tuple[str, str, str, bool]]]:
        try:
            await database.migrate()
            name = database.dialect.name
            return await database.scan(COLUMNS[name]), await database.scan(INDICES[name])
        finally:
            await database.close()

    columns, parts = asyncio.run(read())
    of_tables: dict[str, list[str]] = defaultdict(list)
    for table, column, _ in columns:
        of_tables[table].append(column)
    of_indices: dict[tuple[str, str, bool], list[str]] = defaultdict(list)
    for table, index, column, unique in parts:
        of_indices[table, index, bool(unique)].append(column)
    indices: dict[str, list[tuple[list[str], bool]]] = defaultdict(list)
    for (table, _, unique), of_index in of_indices.items():
        indices[table].append((of_index, unique))
    return Schema(dict(of_tables), {(table, column) for table, column, is_bytes in columns if is_bytes}, indices)


def test_the_schema_has_the_columns_that_are_declared(schema: Schema) -> None:
    """A table or a column that a migration adds cannot be forgotten: it is exported, or left out for a reason."""
    assert schema.columns == {table.name: list(table.columns) for table in TABLES}


def test_bytes_are_secrets(schema: Schema) -> None:
    """Every column of bytes is sealed, and every sealed column contains bytes."""
    assert schema.bytes == {(table.name, column) for table in TABLES for column in table.sealed}


def test_a_table_is_found_by_its_key(schema: Schema) -> None:
    """The key is unique, and an index begins with it, so that an export reads pages without sorting."""
    for table in TABLES:
        indices = schema.indices[table.name]
        assert any(columns[: len(table.key)] == list(table.key) for columns, _ in indices), table.name
        assert any(unique and {*columns} <= {*table.key, "installation_id"} for columns, unique in indices), table.name

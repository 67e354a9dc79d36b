"""Filters and orders choose the same rows in memory and in every database, whatever a field has or has not."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from roadstead.query import Comparison, FieldTypes, InvalidQuery, in_order, matches, parse_filter, parse_sort
from roadstead.settings import Settings
from roadstead.storage import open_database
from roadstead.storage.database import Argument
from roadstead.storage.filters import order_sql, to_sql
from tests.conftest import NewDatabase

FIELDS: FieldTypes = {"id": int, "app": str, "status": int, "time": datetime, "type": str}
COLUMNS = {**{name: name for name in FIELDS}, "type": "CAST('item' AS TEXT)"}
ITEMS: list[dict[str, Any]] = [
    {"id": 1, "app": "harbour", "status": 200, "time": "2026-11-29T18:00:00.000000+00:00", "type": "item"},
    {"id": 2, "app": None, "status": 404, "time": "2026-11-29T18:00:00.500000+00:00", "type": "item"},
    {"id": 3, "app": "Kiosk", "status": None, "time": None, "type": "item"},
    {"id": 4, "app": "", "status": 200, "time": "2026-11-30T00:00:00.000000+00:00", "type": "item"},
    {"id": 5, "app": "none", "status": 20, "time": "2025-12-31T23:59:59.999999+00:00", "type": "item"},
]
Statements = dict[str, tuple[str, list[Argument]]]

FILTERS = {
    # A field that has nothing
    'app ~ "k"': [3],
    'app ~ "none"': [5],
    'app ~ ""': [1, 3, 4, 5],
    'app !~ "k"': [1, 2, 4, 5],
    'app = "harbour"': [1],
    'app != "harbour"': [2, 3, 4, 5],
    "app = null": [2],
    "app != null": [1, 3, 4, 5],
    'app IN ("Kiosk", "none")': [3, 5],
    'app NOT IN ("Kiosk", "none")': [1, 2, 4],
    'app IN ("Kiosk", null)': [2, 3],
    'app NOT IN ("Kiosk", null)': [1, 4, 5],
    "app IN (null)": [2],
    "app NOT IN (null)": [1, 3, 4, 5],
    'app > "a"': [1, 5],
    'app <= "a"': [3, 4],
    "status ~ 20": [1, 4, 5],
    "status !~ 20": [2, 3],
    "status >= 200": [1, 2, 4],
    "status < 404": [1, 4, 5],
    "status != 200": [2, 3, 5],
    "status = 3000000000": [],
    "status < 3000000000": [1, 2, 4, 5],
    "status > 199.5": [1, 2, 4],
    "status IN (20, 403.5, 404)": [2, 5],
    # Moments
    "time < 2026-11-29T20:00:00+02:00": [5],
    "time <= 2026-11-29T20:00:00+02:00": [1, 5],
    "time = 2026-11-29T18:00:00Z": [1],
    "time = 2026-11-29T18:00:00": [1],
    'time = "2026-11-29T13:00:00.5-05:00"': [2],
    "time != 2026-11-29T18:00:00Z": [2, 3, 4, 5],
    "time >= 2026-11-30": [4],
    "time < 2026-01-01": [5],
    "time > 2026-01-01T01:00:00+01:00": [1, 2, 4],
    "time = null": [3],
    "time IN (2026-11-29T19:00:00+01:00, 2026-11-30, null)": [1, 3, 4],
    "time NOT IN (2026-11-29T19:00:00+01:00, 2026-11-30)": [2, 3, 5],
    "time ~ 2026-11-29": [1, 2],
    'time ~ "T18:00:00.5"': [2],
    "time !~ 2026-11-29": [3, 4, 5],
    # What all have
    'type = "item"': [1, 2, 3, 4, 5],
    'type != "item" OR id = 2': [2],
    'type ~ "TE" AND app ~ "H"': [1],
}
ORDERS = {
    "app": [4, 3, 1, 5, 2],
    "-app": [5, 1, 3, 4, 2],
    "status": [5, 1, 4, 2, 3],
    "-status": [2, 1, 4, 5, 3],
    "time": [5, 1, 2, 4, 3],
    "-time": [4, 2, 1, 5, 3],
    "type": [1, 2, 3, 4, 5],
    "-type": [1, 2, 3, 4, 5],
    "-id": [5, 4, 3, 2, 1],
}


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase) -> Settings:
    return Settings(data=tmp_path, database_url=new_database())


def test_memory_and_databases_choose_the_same_rows(settings: Settings) -> None:
    """Each filter of the table; of each filter and its opposite exactly one finds a row."""
    filters = {text: parse_filter(text, FIELDS) for text in FILTERS}
    statements: Statements = {}
    for text, expression in filters.items():
        condition, arguments = to_sql(expression, COLUMNS)
        statements[text] = (f"WHERE {condition} ORDER BY id", arguments)
    assert asyncio.run(_ids(settings, statements)) == FILTERS
    assert {text: [item["id"] for item in ITEMS if matches(one, item)] for text, one in filters.items()} == FILTERS


def test_memory_and_databases_sort_alike(settings: Settings) -> None:
    """By each field that can be filtered by; what has nothing in it comes last in both directions."""
    orders = {text: parse_sort(text, FIELDS) for text in ORDERS}
    statements: Statements = {text: (f"ORDER BY {order_sql(sort, COLUMNS)}, id", []) for text, sort in orders.items()}
    assert asyncio.run(_ids(settings, statements)) == ORDERS
    assert {text: [item["id"] for item in in_order(ITEMS, sort)] for text, sort in orders.items()} == ORDERS


async def _ids(settings: Settings, statements: Statements) -> dict[str, list[int]]:
    """The ids of the items that each statement finds, in its order."""
    database = open_database(settings)
    try:
        await database.migrate()
        text = database.dialect.text
        async with database.transaction() as tx:
            await tx.run(f"CREATE TABLE items (id BIGINT, app {text}, status INTEGER, time {text})")
            rows = [[item[name] for name in ("id", "app", "status", "time")] for item in ITEMS]
            await tx.run_many("INSERT INTO items (id, app, status, time) VALUES (?, ?, ?, ?)", rows)
        return {
            name: [identity for (identity,) in await database.scan(f"SELECT id FROM items {sql}", *arguments)]
            for name, (sql, arguments) in statements.items()
        }
    finally:
        await database.close()


@pytest.mark.parametrize(
    "text",
    ["2026-13-01", "2026-11-29T25:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:00:00-02:00", "7", '"now"'],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """With what one looks like, and not compared as some text."""
    with pytest.raises(InvalidQuery, match="cannot be compared") as refused:
        parse_filter(f"time > {text}", FIELDS)
    assert "2026-11-29T20:15:00+02:00" in refused.value.detail


def test_a_moment_is_read_in_its_time_zone() -> None:
    """And without one in UTC, which is what is shown."""
    read = [parse_filter(f"time > {text}", FIELDS) for text in ("2026-11-29T20:00:00+02:00", "2026-11-29")]
    moments = (datetime(2026, 11, 29, 18, tzinfo=UTC), datetime(2026, 11, 29, tzinfo=UTC))
    assert read == [Comparison("time", ">", moment) for moment in moments]

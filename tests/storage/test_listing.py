"""Lists filter, sort and cut alike in memory and in every database, also with null."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from roadstead.errors import InvalidInput
from roadstead.listing import Field, Listing, PageRequest, Slice, slice_of
from roadstead.query import Comparison, InvalidQuery, Sort, parse_filter, parse_sort
from roadstead.settings import Settings
from roadstead.storage import open_database
from roadstead.storage.database import Database, Row
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Source, order_of, read_page
from tests.conftest import NewDatabase

LISTING = Listing(
    Field("id", int, unique=True),
    Field("linker.key", str, column="linker_key"),
    Field("app", str),
    Field("status", int),
    Field("time", datetime),
    Field("hostile", bool),
    Field("type", str, always="item"),
    order="id",
)
ROWS: list[tuple[int, str | None, str | None, int | None, str | None, bool | None]] = [
    (1, "tickets", "harbour", 200, "2026-11-29T18:00:00.000000+00:00", True),
    (2, "tickets", None, 404, "2026-11-29T18:00:00.500000+00:00", False),
    (3, None, "Kiosk", None, None, None),
    (4, "builds", "", 200, "2026-11-30T00:00:00.000000+00:00", False),
    (5, "Ärger", "none", 20, "2025-12-31T23:59:59.999999+00:00", True),
]
COLUMNS = "id, linker_key, app, status, time, hostile, size"
ITEMS: list[dict[str, Any]] = [
    {
        "id": identity,
        "linker": None if key is None else {"key": key},
        "app": app,
        "status": status,
        "time": time,
        "hostile": hostile,
        "type": "item",
    }
    for identity, key, app, status, time, hostile in ROWS
]

FILTERS = {
    # A field with null
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
    # Members of members
    'linker.key = "tickets"': [1, 2],
    'linker.key != "tickets"': [3, 4, 5],
    'linker.key ~ "är"': [5],
    "linker.key = null": [3],
    'linker.key IN ("builds", "Ärger") AND status = 200': [4],
    # Flags
    "hostile = true": [1, 5],
    "hostile != true": [2, 3, 4],
    "hostile = False": [2, 4],
    "hostile = null": [3],
    "hostile IN (false, null)": [2, 3, 4],
    "hostile NOT IN (true)": [2, 3, 4],
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
    # The same value in all rows
    'type = "item"': [1, 2, 3, 4, 5],
    'type != "item" OR id = 2': [2],
    'type ~ "TE" AND app ~ "H"': [1],
}
ORDERS = {
    "": [1, 2, 3, 4, 5],
    "app": [4, 3, 1, 5, 2],
    "-app": [5, 1, 3, 4, 2],
    "status": [5, 1, 4, 2, 3],
    "-status": [2, 1, 4, 5, 3],
    "linker.key": [4, 1, 2, 5, 3],
    "-linker.key": [5, 1, 2, 4, 3],
    "time": [5, 1, 2, 4, 3],
    "-time": [4, 2, 1, 5, 3],
    "hostile": [2, 4, 1, 5, 3],
    "-hostile": [1, 5, 2, 4, 3],
    "type": [1, 2, 3, 4, 5],
    "-type": [1, 2, 3, 4, 5],
    "-id": [5, 4, 3, 2, 1],
}
Read = Callable[[PageRequest], Awaitable[Slice[Row]]]


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase) -> Settings:
    return Settings(data=tmp_path, database_url=new_database())


async def _with_items(settings: Settings, look: Callable[[Read], Awaitable[Any]]) -> Any:
    """Return the result of `look` with a reader of pages of the items in a database, whose other rows must
    not be seen.
    """
    database = open_database(settings)
    try:
        await _store(database)
        source = Source("items", COLUMNS, Clause("shown = ?", [1]), Clause(", CAST(? AS TEXT)", ["more"]))
        return await look(lambda wanted: read_page(database.scan, source, LISTING, wanted))
    finally:
        await database.close()


async def _store(database: Database) -> None:
    await database.migrate()
    text = database.dialect.text
    async with database.transaction() as tx:
        await tx.run(
            f"CREATE TABLE items (id BIGINT, linker_key {text}, app {text}, status INTEGER, time {text}, "
            "hostile BOOLEAN, size INTEGER, shown INTEGER)"
        )
        hidden = [(identity + 10, *rest) for identity, *rest in ROWS]
        await tx.run_many(
            "INSERT INTO items (id, linker_key, app, status, time, hostile, size, shown) "
            "VALUES (?, ?, ?, ?, ?, ?, 0, ?)",
            [[*row, 1] for row in ROWS] + [[*row, 0] for row in hidden],
        )


def _sort(text: str) -> Sort | None:
    return parse_sort(text, LISTING.kinds) if text else None


def _in_memory(wanted: PageRequest) -> list[int]:
    return [item["id"] for item in slice_of(ITEMS, wanted).items]


def test_memory_and_databases_choose_the_same_rows(settings: Settings) -> None:
    """Each filter of the table; of each filter and its opposite exactly one finds a row."""
    wanted = {text: PageRequest(1, 10, parse_filter(text, LISTING.kinds)) for text in FILTERS}

    async def look(read: Read) -> dict[str, list[int]]:
        return {text: [row[0] for row in (await read(one)).items] for text, one in wanted.items()}

    assert asyncio.run(_with_items(settings, look)) == FILTERS
    assert {text: _in_memory(one) for text, one in wanted.items()} == FILTERS


def test_memory_and_databases_sort_and_cut_alike(settings: Settings) -> None:
    """Each order of the table, by number and by cursors in both directions; null comes last."""

    async def look(read: Read) -> None:
        for text, ordered in ORDERS.items():
            sort = _sort(text)
            by_number = [await read(PageRequest(number, 2, sort=sort)) for number in (1, 2, 3)]
            assert [row[0] for page in by_number for row in page.items] == ordered
            assert [page.has_next for page in by_number] == [True, True, False]
            assert {page.size for page in by_number} == {5}
            assert [await _next_ids(read, page, sort) for page in by_number] == [ordered[2:4], ordered[4:], None]
            assert [await _previous_ids(read, page, sort) for page in by_number] == [None, ordered[:2], ordered[2:4]]

    asyncio.run(_with_items(settings, look))
    for text, ordered in ORDERS.items():
        pages = [_in_memory(PageRequest(number, 2, sort=_sort(text))) for number in (1, 2, 3, 4)]
        assert pages == [ordered[:2], ordered[2:4], ordered[4:], []]


async def _next_ids(read: Read, page: Slice[Row], sort: Sort | None) -> list[int] | None:
    if page.after is None:
        return None
    found = await read(PageRequest(page.number + 1, 2, sort=sort, after=page.after))
    assert found.has_next == (page.number == 1)
    return [row[0] for row in found.items]


async def _previous_ids(read: Read, page: Slice[Row], sort: Sort | None) -> list[int] | None:
    if page.before is None:
        return None
    found = await read(PageRequest(page.number - 1, 2, sort=sort, before=page.before))
    assert found.has_next
    return [row[0] for row in found.items]


def test_a_page_has_the_columns_of_its_source(settings: Settings) -> None:
    """In their order, and with its additions to each row."""

    async def look(read: Read) -> list[Row]:
        return list((await read(PageRequest(1, 1, sort=Sort("status", descending=True)))).items)

    ((*fields, hostile, size, more),) = asyncio.run(_with_items(settings, look))
    assert (tuple(fields), bool(hostile), size, more) == (ROWS[1][:5], False, 0, "more")


def test_pages_by_cursor_show_each_row_once_while_others_come(settings: Settings) -> None:
    """A row that is added before the place of a cursor shifts nothing, as it would shift pages by number."""

    async def look(database: Database) -> list[int]:
        await _store(database)
        seen: list[int] = []
        wanted = PageRequest(1, 2, sort=Sort("id", descending=True))
        for added in count(100):
            page = await read_page(database.scan, Source("items", COLUMNS, Clause("shown = 1")), LISTING, wanted)
            seen += [row[0] for row in page.items]
            if not page.has_next:
                return seen
            async with database.transaction() as tx:
                await tx.run("INSERT INTO items (id, size, shown) VALUES (?, 0, 1)", added)
            wanted = PageRequest(page.number + 1, 2, sort=wanted.sort, after=page.after)
        raise AssertionError

    async def opened() -> list[int]:
        database = open_database(settings)
        try:
            return await look(database)
        finally:
            await database.close()

    assert asyncio.run(opened()) == [5, 4, 3, 2, 1]


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("sort", "cursor"),
    [
        ("", "x"),
        ("", "ä"),
        ("", "bnVsbA"),  # null
        ("", "W10"),  # []
        ("", "WyJ4Il0"),  # ["x"]
        ("", "W251bGxd"),  # [null]
        ("", "W3RydWVd"),  # [true]
        ("", "WzEsICJhIl0"),  # [1, "a"]
        ("", "WzkyMjMzNzIwMzY4NTQ3NzU4MDhd"),  # [9223372036854775808]
        ("app", "WzFd"),  # [1]
        ("app", "WzEsIDJd"),  # [1, 2]
        ("app", "WzEsICJcdTAwMDAiXQ"),  # [1, "\u0000"]
        ("status", "WzEsICJhIl0"),  # [1, "a"]
        ("hostile", "WzEsICJhIl0"),  # [1, "a"]
    ],
)
def test_a_cursor_that_we_did_not_make_is_refused(sort: str, cursor: str) -> None:
    """The refusal names the cursor, and nothing of it reaches the database."""
    with pytest.raises(InvalidInput, match="page cannot be found"):
        order_of(LISTING, _sort(sort), COLUMNS).beyond(cursor, backwards=False)


@pytest.mark.parametrize(
    "text",
    ["2026-13-01", "2026-11-29T25:00:00Z", "0001-01-01T00:00:00+01:00", "9999-12-31T23:00:00-02:00", "7", '"now"'],
)
def test_what_is_no_moment_is_refused(text: str) -> None:
    """The refusal has an example of a moment, and the text is not compared as text."""
    with pytest.raises(InvalidQuery, match="cannot be compared") as refused:
        parse_filter(f"time > {text}", LISTING.kinds)
    assert "2026-11-29T20:15:00+02:00" in refused.value.detail


@pytest.mark.parametrize("text", ["hostile = 1", 'hostile = "true"', "hostile > false", 'hostile ~ "t"'])
def test_a_flag_is_true_or_false(text: str) -> None:
    """It equals one of them, and is neither a number, nor a text, nor more than another."""
    with pytest.raises(InvalidQuery, match="cannot be compared"):
        parse_filter(text, LISTING.kinds)


def test_a_moment_is_read_in_its_time_zone() -> None:
    """And without one in UTC, which is shown."""
    read = [parse_filter(f"time > {text}", LISTING.kinds) for text in ("2026-11-29T20:00:00+02:00", "2026-11-29")]
    moments = (datetime(2026, 11, 29, 18, tzinfo=UTC), datetime(2026, 11, 29, tzinfo=UTC))
    assert read == [Comparison("time", ">", moment) for moment in moments]

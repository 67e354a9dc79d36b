"""Lists in SQL: orders, and pages that begin or end at a cursor.

Rows are ordered as `roadstead.query` does in memory: those with NULL in a field come last.
"""

import base64
import binascii
from collections.abc import Awaitable, Callable, Sequence
from functools import lru_cache
from typing import Any

import msgspec

from roadstead.errors import InvalidInput
from roadstead.listing import Field, Listing, PageRequest, Slice
from roadstead.query import Sort
from roadstead.storage.database import Argument, Row
from roadstead.storage.filters import Clause, condition_of, mark

Fetch = Callable[..., Awaitable[list[Row]]]
"""`Reader.read`, `scan` or `search`."""


_ANY, _NOTHING = Clause("1 = 1"), Clause("")
_Conditions = tuple[Clause | None, ...]


class Source(msgspec.Struct, frozen=True):
    """The rows of a list: those of a table that fit a condition. `more` follows the columns in the SELECT.

    The table may be a SELECT with `arguments`. If it ends with its alias, a page may be merged of `parts`.
    """

    table: str
    columns: str
    condition: Clause = _ANY
    more: Clause = _NOTHING
    arguments: Sequence[Argument] = ()
    parts: "Sequence[Part]" = ()


class Part(msgspec.Struct, frozen=True):
    """Those rows of a source that fit a narrower condition. Indexes have them in the orders of the part's listing."""

    condition: Clause
    listing: Listing


async def read_page(
    fetch: Fetch, source: Source, listing: Listing, wanted: PageRequest, *, size: int | None = None
) -> Slice[Row]:
    """Return a page of rows. `size` is the number of rows that fit the source's condition, where that is known.

    Raises `InvalidInput` for a cursor that this list did not give.
    """
    chosen = None if wanted.filter is None else condition_of(wanted.filter, listing)
    if size is None or chosen is not None:
        condition = _all(source.condition, chosen)
        ((size,),) = await fetch(
            f"SELECT COUNT(*) FROM {source.table} WHERE {condition.sql}", *source.arguments, *condition.arguments
        )
    order = order_of(listing, wanted.sort, source.columns)
    cut = _cut(order, wanted, size)
    if cut.limit <= 0:
        return Slice((), size, wanted.number, wanted.length, has_next=False)
    found = _found(source, (chosen, cut.condition), wanted.sort, cut)
    rows = await fetch(
        f"SELECT {source.columns}{source.more.sql} FROM {found.sql} ORDER BY {order.sql(cut)} LIMIT ? OFFSET ?",
        *source.more.arguments,
        *found.arguments,
        cut.limit + 1,
        cut.skip,
    )
    return _page(rows, order, wanted, cut, size)


def _found(source: Source, conditions: _Conditions, sort: Sort | None, cut: "_Cut") -> Clause:
    """Return the rows of a source that fit more conditions; of each part only the first ones, as many as are skipped
    or on the page.
    """
    if not source.parts:
        condition = _all(source.condition, *conditions)
        return Clause(f"{source.table} WHERE {condition.sql}", (*source.arguments, *condition.arguments))
    firsts = [_first_rows(source, part, conditions, sort, cut) for part in source.parts]
    rows = " UNION ALL ".join(f"SELECT * FROM ({first.sql}) AS part" for first in firsts)
    alias = source.table.split()[-1]
    return Clause(f"({rows}) AS {alias}", [argument for first in firsts for argument in first.arguments])


def _first_rows(source: Source, part: Part, conditions: _Conditions, sort: Sort | None, cut: "_Cut") -> Clause:
    condition = _all(part.condition, *conditions)
    order = order_of(part.listing, sort, source.columns).sql(cut)
    return Clause(
        f"SELECT * FROM {source.table} WHERE {condition.sql} ORDER BY {order} LIMIT ?",
        (*source.arguments, *condition.arguments, cut.skip + cut.limit + 1),
    )


def _all(*conditions: Clause | None) -> Clause:
    given = [one for one in conditions if one is not None]
    return Clause(" AND ".join(one.sql for one in given), [argument for one in given for argument in one.arguments])


class _Cut(msgspec.Struct, frozen=True):
    """The rows to read: up to `limit` after `skip`, from the end of the order if `backwards`."""

    condition: Clause | None
    backwards: bool
    skip: int
    limit: int


def _cut(order: "Order", wanted: PageRequest, size: int) -> _Cut:
    """Return the rows to read for a page; a page by its number is counted from the nearer end."""
    if wanted.after is not None:
        return _Cut(order.beyond(wanted.after, backwards=False), False, 0, wanted.length)
    if wanted.before is not None:
        return _Cut(order.beyond(wanted.before, backwards=True), True, 0, wanted.length)
    skip, length = wanted.skip, wanted.length
    from_the_end = max(size - skip - length, 0)
    if from_the_end < skip:
        return _Cut(None, True, from_the_end, min(length, size - skip))
    return _Cut(None, False, skip, min(length, size))


def _page(rows: list[Row], order: "Order", wanted: PageRequest, cut: _Cut, size: int) -> Slice[Row]:
    """Cut off the row that was fetched only to see whether there is more."""
    items = rows[: cut.limit]
    if cut.backwards:
        items.reverse()
    if wanted.has_cursor:
        has_next = len(rows) > cut.limit or wanted.before is not None
    else:
        has_next = wanted.skip + wanted.length < size
    after = order.cursor(items[-1]) if items and has_next else None
    before = order.cursor(items[0]) if items and wanted.number > 1 else None
    return Slice(items, size, wanted.number, wanted.length, has_next, after, before)


class Order:
    """The order of a list, which is never ambiguous: the listing's own field decides among equals.

    A field with the same value in all rows is left out. NULL comes last in both directions.
    """

    def __init__(self, listing: Listing, sort: Sort | None, columns: str) -> None:
        field = listing.fields[(sort or listing.order).field]
        if sort is None or field.always is not None:
            sort = listing.order
        self._sort = sort
        self._field = listing.fields[sort.field]
        self._key = listing.fields[listing.order.field]
        self._is_by_key = self._field is self._key
        self._key_descends = sort.descending if self._is_by_key else listing.order.descending
        self._column, self._key_column = listing.orders[sort.field], listing.orders[self._key.name]
        selected = columns.split(", ")
        self._places = [selected.index(listing.orders[field.name]) for field in self._fields]
        self._forwards, self._backwards = self._sql(backwards=False), self._sql(backwards=True)

    @property
    def _fields(self) -> tuple[Field, ...]:
        """Return the fields whose values give a row's place in the order."""
        return (self._key,) if self._is_by_key else (self._key, self._field)

    def sql(self, cut: _Cut) -> str:
        """Return the columns by which rows are sorted, in the direction in which they are read."""
        return self._backwards if cut.backwards else self._forwards

    def _sql(self, *, backwards: bool) -> str:
        by_field = f"{self._column} {_direction(self._sort.descending != backwards)}"
        if self._field.unique:
            return by_field
        by_key = f"{self._key_column} {_direction(self._key_descends != backwards)}"
        lacking = "" if self._field.filled else f"{self._column} IS NULL {_direction(backwards)}, "
        return f"{lacking}{by_field}, {by_key}"

    def cursor(self, row: Row) -> str:
        """Return a row's place in the order, to continue from. Opaque to callers."""
        place = [row[index] for index in self._places]
        return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")

    def beyond(self, cursor: str, *, backwards: bool) -> Clause:
        """Return the condition for rows after a cursor, or before it. Raises `InvalidInput`."""
        place = _read_cursor(cursor, self._fields)
        after_field = _beyond(self._column, place[-1], less=self._sort.descending != backwards)
        if self._field.unique:
            return after_field
        after_key = _beyond(self._key_column, place[0], less=self._key_descends != backwards)
        if place[1] is None:
            last = f"({self._column} IS NULL AND {after_key.sql})"
            return Clause(f"({self._column} IS NOT NULL OR {last})" if backwards else last, after_key.arguments)
        equal = f"({self._column} = {mark(place[1])} AND {after_key.sql})"
        lacking = "" if backwards or self._field.filled else f" OR {self._column} IS NULL"
        sql = f"({after_field.sql} OR {equal}{lacking})"
        return Clause(sql, (*after_field.arguments, *after_field.arguments, *after_key.arguments))


@lru_cache(maxsize=1024)
def order_of(listing: Listing, sort: Sort | None, columns: str) -> Order:
    """Return the order of a list by `sort`; these columns of its rows are selected."""
    return Order(listing, sort, columns)


def _beyond(column: str, value: Argument, *, less: bool) -> Clause:
    return Clause(f"{column} {'<' if less else '>'} {mark(value)}", (value,))


def _direction(descending: bool) -> str:
    return "DESC" if descending else "ASC"


_IN_CURSOR: dict[object, Any] = {int: int | float | None, bool: bool | int | None}
"""The type of a field in a cursor; fields of all other types are texts."""


def _read_cursor(cursor: str, fields: Sequence[Field]) -> list[Any]:
    """Return the values of the fields in a cursor. Raises `InvalidInput`."""
    try:
        place = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=list[Any])
        if len(place) == len(fields):
            return [_value(field, given) for field, given in zip(fields, place, strict=True)]
    except (ValueError, binascii.Error, msgspec.DecodeError):
        pass
    raise InvalidInput(
        "The page cannot be found.",
        "Follow `next` and `previous` as given, with the same `sort`; do not edit them.",
    )


def _value(field: Field, given: Any) -> Argument:
    """Return a cursor's value of a field. Raises `ValueError`."""
    value: Argument = msgspec.convert(given, _IN_CURSOR.get(field.kind, str | None))
    if value is None and field.unique:
        raise ValueError(field.name)
    if (isinstance(value, int) and abs(value) >= 2**63) or "\0" in str(value):
        raise ValueError(field.name)
    return value

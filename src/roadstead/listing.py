"""Lists, each declared once: the fields of `q` and `sort`, the order, and the length of a page.

`api.listing` reads requests by the declaration, and `api.openapi` lists their parameters. `storage.listing` filters and
orders rows by it; `slice_of` does so with items in memory.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from types import NoneType
from typing import Any, Generic, TypeVar, get_args

import msgspec

from roadstead.query import Expression, FieldType, Sort, in_order, matches

T = TypeVar("T")
U = TypeVar("U")


class Field(msgspec.Struct, frozen=True):
    """A member of an item: `key`, or `linker.key` for a nested one.

    `column` is its column if the items are rows; by default it has the same name. `order_column` is the column to sort
    by, if that is another. `always` is the value of a text that is the same in all items and so has no column. `unique`
    says that every row has another value, and none is null; `filled` says only that none is null. `queryable` says that
    `q` and `sort` may name it, and `shown` that it is in the item.
    """

    name: str
    kind: FieldType
    column: str = ""
    always: str | None = None
    unique: bool = False
    filled: bool = False
    order_column: str = ""
    queryable: bool = True
    shown: bool = True


def fields_of(model: type[msgspec.Struct], *, unique: str, without: Collection[str] = ()) -> Iterator[Field]:
    """Yield the members of a model as fields, but for those in `without`; the one that is `unique` is marked so."""
    for member in msgspec.structs.fields(model):
        if member.name not in without:
            yield Field(member.name, _kind(member.type), unique=member.name == unique)


def _kind(hint: Any) -> FieldType:
    """Return the type of a field whose values are of a type, or none."""
    kind = next((one for one in get_args(hint) or (hint,) if one is not NoneType), NoneType)
    return _KINDS.get(kind, str)


_KINDS: dict[Any, FieldType] = {int: int, float: int, bool: bool, datetime: datetime}
"""Every other type is a text, or one of several texts."""


class Listing:
    """A list. `order` is the field by which it is sorted unless `sort` names another.

    That field also decides among equals, so it is unique. Without `order`, items stay in the given order, which is
    possible only for a list in memory.
    """

    def __init__(self, *fields: Field, order: str = "", length: int = 10, longest: int = 100) -> None:
        self.fields = {field.name: field for field in fields}
        self.order = Sort(order.removeprefix("-"), order.startswith("-"))
        self.length = length
        self.longest = longest
        self.kinds: Mapping[str, FieldType] = {field.name: field.kind for field in fields if field.queryable}
        self.columns = {field.name: field.column or field.name for field in fields if field.always is None}
        """The columns by field."""
        self.orders = {name: self.fields[name].order_column or column for name, column in self.columns.items()}
        """The columns to sort by, by field."""


class PageRequest(msgspec.Struct, frozen=True):
    """The requested slice of a list.

    `after` and `before` are cursors of an earlier page and make the slice as cheap at the end of the list as at its
    start; without them the database counts rows from the nearer end.
    """

    number: int
    length: int
    filter: Expression | None = None
    sort: Sort | None = None
    after: str | None = None
    before: str | None = None

    @property
    def skip(self) -> int:
        """Return the number of items on the pages before this one."""
        return (self.number - 1) * self.length

    @property
    def has_cursor(self) -> bool:
        """Return whether the slice begins or ends at a cursor, not at a number of items."""
        return self.after is not None or self.before is not None


class Slice(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list: `size` is the whole list's length, `number` is 1-based.

    `after` and `before` are the cursors for the pages after and before this one, if the list has cursors.
    """

    items: Sequence[T]
    size: int
    number: int
    length: int
    has_next: bool
    after: str | None = None
    before: str | None = None

    def of(self, items: Sequence[U]) -> "Slice[U]":
        """Return the same page with other items, made of its own."""
        return Slice(items, self.size, self.number, self.length, self.has_next, self.after, self.before)


def slice_of(items: Sequence[Mapping[str, Any]], wanted: PageRequest) -> Slice[Mapping[str, Any]]:
    """Filter, sort and cut a short list."""
    chosen = [item for item in items if wanted.filter is None or matches(wanted.filter, item)]
    return cut(chosen if wanted.sort is None else in_order(chosen, wanted.sort), wanted)


def cut(items: Sequence[T], wanted: PageRequest) -> Slice[T]:
    """Return a page of a list in its order."""
    end = wanted.skip + wanted.length
    return Slice(items[wanted.skip : end], len(items), wanted.number, wanted.length, has_next=end < len(items))

"""Tables for a terminal: laid out for its width, without breaking a word or a number."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest
from typing import TypeAlias

_GAP = 2
_INDENT = 4
_NARROWEST_URL = 20
"""Columns. The minimum for a long address: enough for the last part of most paths, as in `…/descriptor.json`."""


class Url(str):
    """An address that loses its front if it does not fit: `…/tickets/values`."""

    __slots__ = ()


Cell: TypeAlias = str | int | float | datetime | Url | None


class Row:
    """The cells of a row, and a remark that is printed below it."""

    __slots__ = ("below", "cells")

    def __init__(self, cells: Sequence[Cell], below: str = "") -> None:
        self.cells = cells
        self.below = below


class _Column:
    """A column: its heading, its cells as text, and its minimum and maximum width."""

    def __init__(self, heading: str, cells: Sequence[Cell], now: datetime) -> None:
        self.heading = heading
        self.texts = [_text(cell, now) for cell in cells]
        self.is_number = all(cell is None or isinstance(cell, (int, float)) for cell in cells)
        self._divisible = [type(cell) is str for cell in cells]
        self._is_url = [isinstance(cell, Url) for cell in cells]
        self.widest = max(map(text_width, (heading, *self.texts)))
        self.narrowest = max(text_width(heading), *(self._narrowest(row) for row in range(len(cells))), 0)

    def _narrowest(self, row: int) -> int:
        text = self.texts[row]
        if self._divisible[row]:
            return max(map(text_width, text.split()), default=0)
        return text_width(cut_url(text, _NARROWEST_URL)) if self._is_url[row] else text_width(text)

    def lines(self, row: int, width: int) -> list[str]:
        """Return the lines of a cell in a column of this width."""
        text = self.texts[row]
        if self._is_url[row]:
            return [cut_url(text, width)]
        return wrap(text, width) if self._divisible[row] else [text]


def lay_out(headings: Sequence[str], rows: Sequence[Row], *, width: int | None, now: datetime) -> Iterator[str]:
    """Yield the lines of a table, the headings first. Without a `width` nothing is cut, and no cell is wrapped.

    Cells of prose are wrapped and addresses are cut until the table fits. A column for which there is still no room
    is printed below each row, the widest column first.
    """
    columns = [_Column(heading, [row.cells[place] for row in rows], now) for place, heading in enumerate(headings)]
    beside = list(columns)
    while width is not None and len(beside) > 1 and _together(column.narrowest for column in beside) > width:
        beside.remove(max(beside[1:], key=lambda column: column.narrowest))
    widths = _shared_out(beside, width)
    yield _padded(beside, widths, [column.heading for column in beside])
    for number, row in enumerate(rows):
        cells = [column.lines(number, given) for column, given in zip(beside, widths, strict=True)]
        yield from (_padded(beside, widths, line) for line in zip_longest(*cells, fillvalue=""))
        outside = [column for column in columns if column not in beside and column.texts[number]]
        remarks = [*(f"{column.heading}: {column.texts[number]}" for column in outside), *row.below.splitlines()]
        for remark in remarks:
            yield from (f"{'':{_INDENT}}{line}" for line in wrap(remark, width and width - _INDENT))


def _together(widths: Iterator[int]) -> int:
    return sum(width + _GAP for width in widths) - _GAP


def _shared_out(columns: Sequence[_Column], width: int | None) -> list[int]:
    """Return a width for each column. Columns that can use more than their minimum share the spare width equally."""
    if width is None:
        return [column.widest for column in columns]
    widths = [column.narrowest for column in columns]
    spare = max(0, width - _together(iter(widths)))
    modest_first = sorted(range(len(columns)), key=lambda place: columns[place].widest - widths[place])
    for served, place in enumerate(modest_first):
        more = min(columns[place].widest - widths[place], spare // (len(columns) - served))
        widths[place] += more
        spare -= more
    return widths


def _padded(columns: Sequence[_Column], widths: Sequence[int], texts: Sequence[str]) -> str:
    cells = []
    for column, width, text in zip(columns, widths, texts, strict=True):
        padding = " " * (width - text_width(text))
        cells.append(padding + text if column.is_number else text + padding)
    return (" " * _GAP).join(cells).rstrip()


def _text(cell: Cell, now: datetime) -> str:
    if isinstance(cell, datetime):
        return local_time(cell, now)
    if isinstance(cell, float):
        return f"{cell:.3f}"
    return "" if cell is None else " ".join(str(cell).split())


def local_time(moment: datetime, now: datetime) -> str:
    """Return a time in the time zone of `now`, with its date if that is not the date of `now`."""
    local = moment.astimezone(now.tzinfo)
    if local.date() == now.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%d %b %H:%M:%S}" if local.year == now.year else f"{local:%Y-%m-%d %H:%M}"


def wrap(text: str, width: int | None) -> list[str]:
    """Return the lines of a text, divided at spaces only: a longer word gets a line of its own."""
    if width is None or text_width(text) <= width:
        return [text]
    lines: list[str] = []
    for word in text.split():
        if lines and text_width(lines[-1]) + 1 + text_width(word) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def cut_url(url: str, width: int) -> str:
    """Return an address in at most `width` columns.

    It loses its scheme first, then its front, path part by path part, then its query, then its end.
    """
    without_scheme = url.partition("://")[2] or url
    for whole in (url, without_scheme):
        if text_width(whole) <= width:
            return whole
    path, mark, _ = url.partition("?")
    places = list(_slashes(path))
    for whole in (url, f"{path}?…") if mark else (url,):
        for place in places:
            if 1 + text_width(whole[place:]) <= width:
                return f"…{whole[place:]}"
    last_part = f"…{path[places[-1] :]}" if places else url
    return f"{last_part[: width - 1]}…"


def _slashes(path: str) -> Iterator[int]:
    """Yield the offset of an address's path and of each of its parts."""
    authority = path.find("://")
    place = path.find("/", authority + 3 if authority >= 0 else 0)
    while place >= 0:
        yield place
        place = path.find("/", place + 1)


def text_width(text: str) -> int:
    """Return the columns that a terminal needs for a text: two for wide characters, none for combining ones."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)

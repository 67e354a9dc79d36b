"""Linkers of an installation and the values an app stores for them."""

import asyncio
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import islice

from roadstead.domain.apps.descriptors import takes_values
from roadstead.domain.host import Host
from roadstead.errors import InvalidInput, InvalidLinkerValue, LinkerNotFound, LinkerValueExists, LinkerValueNotFound
from roadstead.linkify.values import index
from roadstead.listing import PageRequest, Slice
from roadstead.model import Linker, LinkerValue
from roadstead.storage import linkers as rows
from roadstead.storage.audit import Details, add_entry_of_run, add_installation_entry
from roadstead.storage.database import Transaction
from roadstead.storage.value_sets import all_values as read_all_values

MAX_VALUE_LENGTH = index.MAX_VALUE_LENGTH
_VALUE = re.compile(rf"[\w\-]{{1,{MAX_VALUE_LENGTH}}}")
_VALUE_LINES = re.compile(rf"(?:[\w\-]{{1,{MAX_VALUE_LENGTH}}}\n)*")
_SHOWN_OFFENDERS = 20
_PART = 10_000
"""Values that are checked before other requests get a turn: a few milliseconds of work."""
VALUE_RULE = f"A linker value is 1 to {MAX_VALUE_LENGTH} letters, digits, '_' or '-'."


async def list_linkers(host: Host, installation_id: int) -> list[Linker]:
    """Return the installation's linkers in the order of its descriptor."""
    return await rows.list_linkers(host.store.database, installation_id)


async def get_linker(host: Host, installation_id: int, key: str) -> Linker:
    """Return a linker. Raise `LinkerNotFound`."""
    return _found(await rows.recall_linker(host.store, installation_id, key), key)


async def get_value(host: Host, installation_id: int, key: str, value_id: int) -> LinkerValue:
    """Return a value. Raise `LinkerNotFound` or `LinkerValueNotFound`."""
    value = await rows.find_value(host.store.database, installation_id, key, value_id)
    if value is None:
        await get_linker(host, installation_id, key)
        raise LinkerValueNotFound(str(value_id))
    return value


async def page_of_values(host: Host, linker: Linker, wanted: PageRequest) -> Slice[LinkerValue]:
    """Return a page of the linker's values."""
    return await rows.page_of_values(host.store.database, linker, wanted)


async def values_beginning(
    host: Host, linker: Linker, text: str, *, after: str = "", before: str = "", limit: int
) -> list[LinkerValue]:
    """Return at most `limit` values with this beginning, in order: those after a value, or those before one.

    It takes the same time for any number of values, and at any place among them.
    """
    database = host.store.database
    return await rows.values_beginning(database, linker, text, after=after, before=before, limit=limit)


async def count_values_beginning(host: Host, linker: Linker, text: str, *, most: int) -> int:
    """Return how many values have this beginning, counted no further than `most`."""
    return await rows.count_values_beginning(host.store.database, linker, text, most)


async def all_values(host: Host, linker: Linker) -> list[str]:
    return (await read_all_values(host.store.database, linker))[1]


# Apps change single values all day: an entry in the log for each would bury the important ones.


async def add_value(host: Host, installation_id: int, key: str, value: str, *, by_app: bool = False) -> LinkerValue:
    """Add one value. Raise `InvalidLinkerValue`, `LinkerNotFound` or `LinkerValueExists`."""
    if not _VALUE.fullmatch(value):
        raise InvalidLinkerValue("The linker value is not valid.", VALUE_RULE, fields={"value": [_complaint(value)]})
    add = partial(_add_each, host, installation_id, key, by_app)
    return await host.coalescing.do((_add_each, installation_id, key, by_app), value, add)


async def _add_each(
    host: Host, installation_id: int, key: str, by_app: bool, values: Sequence[str]
) -> list[LinkerValue | LinkerValueExists]:
    """Add values in one transaction, because each addition locks the linker until it is on disk.

    Raise `LinkerNotFound`.
    """
    async with host.store.database.transaction() as tx:
        linker = await _taking_values(await rows.take_linker(tx, installation_id, key), key)
        added = await rows.add_each(tx, linker, values)
        if not by_app:
            for value in added:
                await _log(host, tx, linker, "value added", {"value": value}, by_app=by_app)
    # Of two concurrent additions of the same value, the first has added it.
    return [added.pop(value) if value in added else LinkerValueExists(value) for value in values]


async def add_values(host: Host, installation_id: int, key: str, values: Sequence[str], *, by_app: bool = False) -> int:
    """Add the values that do not exist yet; return their number. Raise `InvalidLinkerValue` or `LinkerNotFound`."""
    await _check_values(values)
    async with host.store.database.transaction() as tx:
        linker = await _taking_values(await rows.take_linker(tx, installation_id, key), key)
        added = await rows.add_values(tx, linker, values)
        if added:
            await _log_bulk(host, tx, linker, "values added", linker.value_count + added, by_app=by_app)
    return added


async def replace_values(
    host: Host, installation_id: int, key: str, values: Sequence[str], *, by_app: bool = False
) -> None:
    """Make the set exactly `values`; those that stay keep their ids. Raise as `add_value` does."""
    await _check_values(values)
    async with host.store.database.transaction() as tx:
        linker = await _taking_values(await rows.take_linker(tx, installation_id, key), key)
        if await rows.replace_values(tx, linker, values):
            await _log_bulk(host, tx, linker, "values replaced", len(values), by_app=by_app)


async def delete_value(host: Host, installation_id: int, key: str, value_id: int, *, by_app: bool = False) -> str:
    """Delete one value, and return it. Raise `LinkerNotFound` or `LinkerValueNotFound`."""
    async with host.store.database.transaction() as tx:
        linker = _found(await rows.take_linker(tx, installation_id, key), key)
        value = await rows.delete_value(tx, linker, value_id)
        if value is None:
            raise LinkerValueNotFound(str(value_id))
        if not by_app:
            await _log(host, tx, linker, "value deleted", {"value": value}, by_app=by_app)
    return value


async def delete_values(host: Host, installation_id: int, key: str, *, by_app: bool = False) -> None:
    """Delete all values of a linker. Raise `LinkerNotFound`."""
    async with host.store.database.transaction() as tx:
        linker = _found(await rows.take_linker(tx, installation_id, key), key)
        if linker.value_count:
            await rows.delete_values(tx, linker)
            await _log_bulk(host, tx, linker, "values deleted", 0, by_app=by_app)


async def _log_bulk(host: Host, tx: Transaction, linker: Linker, action: str, after: int, *, by_app: bool) -> None:
    await _log(host, tx, linker, action, {"before": linker.value_count, "after": after}, by_app=by_app)


async def _log(host: Host, tx: Transaction, linker: Linker, action: str, details: Details, *, by_app: bool) -> None:
    told = {"linker": linker.key, **details}
    if by_app:
        await add_entry_of_run(
            tx, linker.installation_id, action=action, about=linker.key, details=told, now=host.now()
        )
        return
    await add_installation_entry(
        tx, linker.installation_id, actor=host.operator, action=action, details=told, now=host.now()
    )


def _found(linker: Linker | None, key: str) -> Linker:
    """Return the linker. Raise `LinkerNotFound` for `None`."""
    if linker is None:
        raise LinkerNotFound(key)
    return linker


async def _taking_values(linker: Linker | None, key: str) -> Linker:
    linker = _found(linker, key)
    if not await takes_values(linker.regex):
        raise InvalidInput(
            f"The linker {key!r} takes no values.",
            "Only a linker whose regex has the group (?K) has a place for them.",
        )
    return linker


async def _check_values(values: Sequence[str]) -> None:
    """Check a whole set; a large one in a thread, while other requests are answered. Raise `InvalidLinkerValue`."""
    if len(values) <= _PART:
        _check_set(values)
    else:
        await asyncio.to_thread(_check_set, values)


def _check_set(values: Sequence[str]) -> None:
    """Check a part at a time; check each value only in a part that fails. Raise `InvalidLinkerValue`."""
    parts = [values[start : start + _PART] for start in range(0, len(values), _PART)]
    bad = (value for part in parts if not _are_values(part) for value in part if not _VALUE.fullmatch(value))
    _refuse_any("Some linker values are not valid.", VALUE_RULE, ((value, _complaint(value)) for value in bad))
    seen: set[str] = set()
    for part in parts:
        seen.update(part)
    if len(seen) != len(values):
        repeated = ((value, "given more than once.") for value in _repeated(values))
        _refuse_any("Some linker values are given more than once.", "Give each value once.", repeated)


def _are_values(part: Sequence[str]) -> bool:
    lines = "".join(f"{value}\n" for value in part)
    return _VALUE_LINES.fullmatch(lines) is not None and lines.count("\n") == len(part)


def _repeated(values: Sequence[str]) -> Iterator[str]:
    times: Counter[str] = Counter()
    for value in values:
        times[value] += 1
        if times[value] == 2:
            yield value


def _refuse_any(message: str, detail: str, offenders: Iterator[tuple[str, str]]) -> None:
    """Raise `InvalidLinkerValue` with the first offenders, if there is one."""
    lines = [f"{value[:80]!r}: {complaint}" for value, complaint in islice(offenders, _SHOWN_OFFENDERS)]
    if lines:
        more = ["and more."] if next(offenders, None) else []
        raise InvalidLinkerValue(message, detail, fields={"values": [*lines, *more]})


def fault_of(value: str) -> str | None:
    """Return the fault of a linker value, or `None` if it can be stored."""
    return None if _VALUE.fullmatch(value) else _complaint(value)


def _complaint(value: str) -> str:
    if not value:
        return "empty."
    if len(value) > MAX_VALUE_LENGTH:
        return f"{len(value)} characters, at most {MAX_VALUE_LENGTH} are allowed."
    wrong = next(character for character in value if not _VALUE.fullmatch(character))
    return f"contains {wrong!r}."

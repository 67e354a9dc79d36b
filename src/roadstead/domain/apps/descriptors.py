"""Requirements of a descriptor before it is accepted: the Connect rules, and linkers that can work."""

import asyncio
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec

from roadstead import connect, linkify
from roadstead.connect.urls import usable_base_url
from roadstead.errors import InvalidInput

if TYPE_CHECKING:
    from roadstead.connect import Descriptor, LinkerModule
    from roadstead.linkify import PatternReport


def read_descriptor(document: bytes | str | dict[str, object]) -> "Descriptor":
    """Read a descriptor from outside.

    Raise `InvalidInput` whose detail names every problem.
    """
    try:
        descriptor = connect.Descriptor.from_json(document)
    except connect.InvalidDescriptor as exc:
        raise InvalidInput("The descriptor is not valid.", str(exc)) from exc
    for module in descriptor.modules.linkers:
        try:
            judge_linker(module, descriptor.base_url)
        except linkify.InvalidPattern as exc:
            raise InvalidInput(f"The linker {module.key!r} of the descriptor cannot be used.", str(exc)) from exc
    return descriptor


_USUAL_LENGTH = 10_000
"""Characters. The descriptors of real apps have some thousand; the largest accepted one has a million."""


def stored_descriptor(text: str) -> "Descriptor":
    """Return the descriptor of an installation, which was checked when it was stored, maybe by an earlier version."""
    return _usual(text) if len(text) <= _USUAL_LENGTH else _large(text)


class _Members(msgspec.Struct, rename="camel"):
    name: str
    base_url: str


def stored_name(text: str) -> str:
    """Return the name in an installation's descriptor. Reading all of each would make a list take a hundred times
    longer.
    """
    return _members(text).name


def stored_base_url(text: str) -> str:
    """Return the app's base URL of an installation, without a slash at the end; as fast as `stored_name`."""
    return usable_base_url(_members(text).base_url.rstrip("/"))


def _members(text: str) -> _Members:
    return msgspec.json.decode(text, type=_Members)


def _accepted(text: str) -> "Descriptor":
    return connect.Descriptor.from_accepted(text)


# Cached, because requests of one app may need its descriptor often. But an app that updates itself repeatedly leaves
# one behind each time, and a large one takes megabytes.
_usual = lru_cache(maxsize=256)(_accepted)
_large = lru_cache(maxsize=4)(_accepted)


def stored_faults(text: str) -> list[str]:
    """Return why this version would refuse the descriptor of an installation that an earlier one accepted."""
    return [finding.message for finding in connect.check_descriptor(text) if finding.severity == "error"]


def judge_linker(module: "LinkerModule", base_url: str) -> "PatternReport":
    """Return how the linker will work. Raise `InvalidPattern`."""
    return linkify.check_linker(linkify.Linker(key=module.key, regex=module.regex, url=module.url, base_url=base_url))


_KEPT_ANSWERS = 4096
_takes_values: dict[str, bool] = {}


async def takes_values(regex: str) -> bool:
    """Return whether the pattern has a `(?K)` for values. A pattern that is new here is read in a thread."""
    known = _takes_values.get(regex)
    if known is None:
        linker = linkify.Linker(key="", regex=regex, url="https://example.com/")
        report = await asyncio.to_thread(linkify.check_linker, linker)
        if len(_takes_values) >= _KEPT_ANSWERS:
            _takes_values.clear()
        known = _takes_values[regex] = report.takes_values
    return known

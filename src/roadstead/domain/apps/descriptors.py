"""What a descriptor must be before we accept it: the Connect rules, and linkers that can work."""

from functools import lru_cache

import msgspec

from roadstead.connect import Descriptor, InvalidDescriptor, LinkerModule
from roadstead.errors import InvalidInput
from roadstead.linkify import InvalidPattern, Linker, PatternReport, check_linker


def read_descriptor(document: bytes | str | dict[str, object]) -> Descriptor:
    """Read a descriptor that came from outside.

    Raises `InvalidInput` whose detail names every problem.
    """
    try:
        descriptor = Descriptor.from_json(document)
    except InvalidDescriptor as exc:
        raise InvalidInput("The descriptor is not valid.", str(exc)) from exc
    for module in descriptor.modules.linkers:
        try:
            judge_linker(module, descriptor.base_url)
        except InvalidPattern as exc:
            raise InvalidInput(f"The linker {module.key!r} of the descriptor cannot be used.", str(exc)) from exc
    return descriptor


_USUAL_LENGTH = 10_000
"""Characters. The descriptors of real apps have some thousand; the largest that is taken has a million."""


def stored_descriptor(text: str) -> Descriptor:
    """Return the descriptor of an installation; it was checked when it was stored."""
    return _usual(text) if len(text) <= _USUAL_LENGTH else _large(text)


class _Members(msgspec.Struct, rename="camel"):
    name: str
    base_url: str


def stored_name(text: str) -> str:
    """The name in the descriptor of an installation. To read all of each would take a list a hundred times longer."""
    return _members(text).name


def stored_base_url(text: str) -> str:
    """Where the app of an installation is, without a slash at the end; as quickly as `stored_name`."""
    return _members(text).base_url.rstrip("/")


def _members(text: str) -> _Members:
    return msgspec.json.decode(text, type=_Members)


# Kept, for an app may ask often for what takes its descriptor. But one that updates itself again and again leaves one
# behind each time, and a large one takes megabytes.
_usual = lru_cache(maxsize=256)(Descriptor.from_json)
_large = lru_cache(maxsize=4)(Descriptor.from_json)


def judge_linker(module: LinkerModule, base_url: str) -> PatternReport:
    """Whether the linker can work, and how. Raises `InvalidPattern`."""
    return check_linker(Linker(key=module.key, regex=module.regex, url=module.url, base_url=base_url))


@lru_cache(maxsize=4096)
def takes_values(regex: str) -> bool:
    """Whether the pattern has a `(?K)` for values to stand in."""
    return check_linker(Linker(key="", regex=regex, url="https://example.com/")).takes_values

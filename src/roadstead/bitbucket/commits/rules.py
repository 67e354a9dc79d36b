"""Read what a request about commits asks for."""

from collections.abc import Hashable
from urllib.parse import parse_qsl

from roadstead.api.listing import page_request
from roadstead.api.operation import Call
from roadstead.domain.repositories.history import PageStart, beginning, start_of
from roadstead.domain.repositories.reading import Reading
from roadstead.errors import InvalidInput
from roadstead.git.diffs import DiffOptions
from roadstead.listing import Listing, PageRequest

Pairs = list[tuple[str, str]]

COMMIT_LIST = Listing(length=30)
_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False, "": False}
_MOST_DIGITS = 6


def reading(call: Call) -> Reading:
    """Return the repository of a call, as it is read for the caller."""
    return Reading(call.host, call.repository, call.caller, call.state["renderer"])


async def linkers_of(reading: Reading) -> Hashable:
    """Return the state of the linkers that are in the HTML of messages."""
    return await reading.renderer.state(reading.repository.workspace.slug)


def pairs_of(call: Call) -> Pairs:
    """Return the query parameters, of which some may be repeated. Bytes that are no UTF-8 become surrogates."""
    text = call.request.scope["query_string"].decode("latin-1")
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


def wanted_page(call: Call) -> PageRequest:
    """Return which page of commits a caller wants. As on the cloud, `q` and `sort` have no effect: the order is git's.

    Raise `InvalidInput`.
    """
    return page_request({name: call.query[name] for name in ("page", "pagelen") if name in call.query}, COMMIT_LIST)


def start_in(call: Call, given: Pairs, wanted: PageRequest) -> PageStart:
    """Return where a page of commits begins. Raise `NoSuchCommit` and `InvalidInput`."""
    if "ctx" in call.query:
        return start_of(call.query["ctx"])
    revision = call.path.get("revision")
    include = [*([revision] if revision else []), *_all(given, "include")]
    path = path_of(dict(given).get("path", ""))
    return beginning(reading(call), include or None, _all(given, "exclude"), path, skip=wanted.skip)


def wants_topic(call: Call) -> bool:
    """Return whether A of `A..B` is compared with where it left B. Raise `InvalidInput`.

    `merge` is the older name: what merging A would change in B is that, unless both changed the same lines.
    """
    if "merge" in call.query and "topic" in call.query:
        raise InvalidInput("The parameters `merge` and `topic` cannot be used together.", "Use `topic`.")
    return is_on(call, "topic", default=is_on(call, "merge", default=True))


def options_of(call: Call) -> DiffOptions:
    """Return how a caller wants commits to be compared. Raise `InvalidInput`."""
    return DiffOptions(
        context=_context(call),
        renames=is_on(call, "renames", default=True),
        ignore_whitespace=is_on(call, "ignore_whitespace", default=False),
        paths=tuple(path for path in map(path_of, _all(pairs_of(call), "path")) if path),
    )


def is_on(call: Call, name: str, *, default: bool) -> bool:
    """Return whether a parameter is true. Raise `InvalidInput`."""
    given = call.query.get(name, "").lower()
    if given not in _FLAGS:
        raise InvalidInput(f"`{name}` is true or false.", fields={name: ["Not a boolean."]})
    return default if given == "" else _FLAGS[given]


def path_of(text: str) -> bytes:
    """Return a path that a caller gave, with the bytes that it was given as."""
    return text.encode("utf-8", "surrogateescape").strip(b"/")


def _context(call: Call) -> int:
    given = call.query.get("context", "") or "3"
    if not (given.isascii() and given.isdigit() and len(given) <= _MOST_DIGITS):
        raise InvalidInput("`context` is a number of lines.", fields={"context": ["Not a number of lines."]})
    return int(given)


def _all(given: Pairs, name: str) -> list[str]:
    return [value for named, value in given if named == name and value]

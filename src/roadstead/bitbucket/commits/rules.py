"""Read a request about the commits of a repository."""

from urllib.parse import parse_qsl

from roadstead.api.operation import Call
from roadstead.domain.repositories.history import Place, beginning, place_of
from roadstead.domain.repositories.reading import Reading
from roadstead.listing import PageRequest

Pairs = list[tuple[str, str]]


def reading(call: Call) -> Reading:
    """Return the repository of a call, as it is read for the caller."""
    return Reading(call.host, call.repository, call.caller, call.state["renderer"])


def pairs_of(call: Call) -> Pairs:
    """Return the query parameters, of which some may be repeated. Bytes that are no UTF-8 become surrogates."""
    text = call.request.scope["query_string"].decode("latin-1")
    return parse_qsl(text, keep_blank_values=True, errors="surrogateescape")


def place_in(call: Call, given: Pairs, wanted: PageRequest) -> Place:
    """Return where a page of commits begins. Raise `NoSuchCommit` and `InvalidInput`."""
    if "ctx" in call.query:
        return place_of(call.query["ctx"])
    revision = call.path.get("revision")
    include = [*([revision] if revision else []), *_all(given, "include")]
    path = dict(given).get("path", "").encode("utf-8", "surrogateescape")
    return beginning(reading(call), include or None, _all(given, "exclude"), path, skip=wanted.skip)


def _all(given: Pairs, name: str) -> list[str]:
    return [value for named, value in given if named == name and value]

"""Lists over HTTP: the query parameters `page`, `pagelen`, `q`, `sort` and `fields`, and the envelope of a page."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Generic, NotRequired, TypedDict, TypeVar
from urllib.parse import quote

import msgspec

from roadstead.api.answers import JSON, LENGTH, Answer, json_answer
from roadstead.api.partial import FieldSelection, Path, parse_fields
from roadstead.errors import InvalidInput
from roadstead.listing import Listing, PageRequest, Slice
from roadstead.query import EXAMPLES, parse_filter, parse_sort

if TYPE_CHECKING:
    from roadstead.api.operation import Call

_MAX_NUMBER = 10**12
_AFTER, _BEFORE = "cursor_after", "cursor_before"
"""Parameters with the place of a page. Clients send `after` themselves, as a date: Bitbucket documents one."""
_IN_QUERY = "!$&'()*+,;=:@/?%-._~"
"""Characters that a query keeps, `%` included: what a caller encoded stays encoded."""

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """A slice of a list. `size` is the length of the whole list; follow `next` and `previous` as given."""

    size: int
    page: int
    pagelen: int
    values: Sequence[T]
    next: NotRequired[str]
    previous: NotRequired[str]


class UncountedPage(TypedDict, Generic[T]):
    """A slice of a list, without the length of the list. Follow `next` and `previous` as given."""

    page: int
    pagelen: int
    values: Sequence[T]
    next: NotRequired[str]
    previous: NotRequired[str]


class Partial(TypedDict, total=False):
    """The parameter of every resource that can be requested in part."""

    fields: Annotated[
        str,
        msgspec.Meta(
            description="Members to answer with alone, or with a leading `-` to leave out. The answer then has only "
            "what was asked for of its schema.",
            examples=["values.value,next", "-values.links"],
        ),
    ]


def parameters_of(listing: Listing) -> dict[str, dict[str, Any]]:
    """Return the schemas of the query parameters of a list, by name, in the words of OpenAPI."""
    parameters: dict[str, dict[str, Any]] = {
        "page": _whole_number(_MAX_NUMBER, "Which page; the first is 1."),
        "pagelen": _whole_number(listing.longest, f"Default {listing.length}."),
    }
    if listing.kinds:
        name, kind = next(iter(listing.kinds.items()))
        names = ", ".join(f"`{field}`" for field in listing.kinds)
        parameters["q"] = {
            "type": "string",
            "description": f"A filter over the members of an item: {names}.",
            "examples": [f"{name} = {EXAMPLES[kind]}"],
        }
        parameters["sort"] = {
            "type": "string",
            "enum": [*(f"{sign}{field}" for field in listing.kinds for sign in ("", "-")), ""],
            "description": "A field to sort by, descending with a leading `-`. An empty text sorts by none.",
        }
    return parameters


def _whole_number(most: int, description: str) -> dict[str, Any]:
    return {"type": "integer", "minimum": 1, "maximum": most, "description": description}


def page_request(query: Mapping[str, str], listing: Listing) -> PageRequest:
    """Return which page a query requests. Raise `InvalidInput`."""
    return PageRequest(
        number=_number(query, "page", 1, _MAX_NUMBER),
        length=_number(query, "pagelen", listing.length, listing.longest),
        filter=parse_filter(query["q"], listing.kinds) if query.get("q") else None,
        sort=parse_sort(query["sort"], listing.kinds) if query.get("sort") else None,
        after=query.get(_AFTER),
        before=query.get(_BEFORE),
    )


def page_answer(
    call: "Call",
    page: Slice[Any],
    values: object = None,
    *,
    on_request: Sequence[Path] = (),
    address: str | None = None,
) -> Answer:
    """Return a page with the requested fields. `values` is its items as JSON, unless they are resources.

    What is there `on_request` is left out unless `fields` asks for it. The other pages are at the `address`, if one is
    given, else at that of the call. Raise `InvalidInput`.
    """
    body: dict[str, Any] = {
        "size": page.size,
        "page": page.number,
        "pagelen": page.length,
        "values": page.items if values is None else values,
    }
    if page.has_next:
        body["next"] = _link(call, page.number + 1, _AFTER, page.after, address)
    if page.number > 1:
        body["previous"] = _link(call, page.number - 1, _BEFORE, page.before, address)
    return shaped(call, body, on_request)


def uncounted_answer(
    call: "Call", wanted: PageRequest, values: Sequence[Any], *, has_next: bool, address: str | None = None
) -> Answer:
    """Return a page without the length of its list, otherwise as `page_answer` does. Raise `InvalidInput`."""
    body: dict[str, Any] = {"page": wanted.number, "pagelen": wanted.length, "values": values}
    if has_next:
        body["next"] = _link(call, wanted.number + 1, _AFTER, None, address)
    if wanted.number > 1:
        body["previous"] = _link(call, wanted.number - 1, _BEFORE, None, address)
    return shaped(call, body)


def shaped(call: "Call", body: object, on_request: Sequence[Path] = ()) -> Answer:
    """Return the body with the requested fields, as `page_answer` does. Raise `InvalidInput`."""
    fields = call.query.get("fields")
    if fields is not None or on_request:
        body = parse_fields(fields or "").apply(msgspec.json.decode(msgspec.json.encode(body)), on_request)
    return json_answer(body)


def in_part(answer: Answer, fields: FieldSelection) -> Answer:
    """Return an answer with the requested fields of its body, if that is JSON."""
    if JSON not in answer.headers:
        return answer
    kept = json_answer(fields.apply(msgspec.json.decode(answer.body)), answer.status)
    kept.headers += [header for header in answer.headers if header not in kept.headers and header[0] != LENGTH]
    return kept


def _link(call: "Call", number: int, direction: str, cursor: str | None, address: str | None) -> str:
    place = f"page={number}" if cursor is None else f"page={number}&{direction}={cursor}"
    return link_to(call, place, instead_of=("page", _AFTER, _BEFORE), address=address)


def link_to(call: "Call", place: str, *, instead_of: Collection[str], address: str | None = None) -> str:
    """Return the address of another page, which `place` has `instead_of` some parameters.

    It keeps every other parameter, as clients follow it unchanged.
    """
    scope = call.request.scope
    query = scope["query_string"].decode("latin-1").split("&")
    kept = [part for part in query if part and part.partition("=")[0] not in instead_of]
    if address is None:
        address = call.host.base_url + scope["raw_path"].decode("latin-1").rstrip("/")
    before = quote("&".join((*kept, "")), safe=_IN_QUERY) if kept else ""
    return f"{address}?{before}{place}"


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 13 and 1 <= int(text) <= most):
        raise InvalidInput(
            "`page` is not a page number." if name == "page" else "Invalid pagelen",
            f"Give a whole number from 1 to {most}, or leave it out.",
            fields={name: ["Out of range."]},
        )
    return int(text)

"""Lists: the query parameters `page`, `pagelen`, `q`, `sort`, and the envelope around the items."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Generic, NotRequired, TypedDict, TypeVar
from urllib.parse import quote

import msgspec

from roadstead.api.answers import Answer, json_answer
from roadstead.api.operation import Call
from roadstead.api.partial import parse_fields
from roadstead.errors import InvalidInput
from roadstead.model import PageRequest
from roadstead.query import FieldTypes, in_order, matches, parse_filter, parse_sort

DEFAULT_LENGTH = 10
MAX_LENGTH = 100
_MAX_NUMBER = 10**12
_IN_QUERY = "!$&'()*+,;=:@/?%-._~"
"""Characters that a query keeps, `%` included: what a caller encoded stays as it is."""

T = TypeVar("T")


class Page(TypedDict, Generic[T]):
    """A slice of a list. `size` is how long the whole list is; `next` and `previous` are to be followed as given."""

    size: int
    page: int
    pagelen: int
    values: Sequence[T]
    next: NotRequired[str]
    previous: NotRequired[str]


class Partial(TypedDict, total=False):
    """The parameter of everything that can be had in part."""

    fields: Annotated[
        str,
        msgspec.Meta(
            description="Members to answer with alone, or with a leading `-` to leave out. The answer then has only "
            "what was asked for of its schema.",
            examples=["values.value,next", "-values.links"],
        ),
    ]


class Numbered(Partial, total=False):
    """The parameters of every list."""

    page: Annotated[int, msgspec.Meta(ge=1, le=_MAX_NUMBER, description="Which page; the first is 1.")]
    pagelen: Annotated[int, msgspec.Meta(ge=1, le=MAX_LENGTH, description=f"Default {DEFAULT_LENGTH}.")]


class Filtered(Numbered, total=False):
    """The parameters of a list that can be filtered and sorted."""

    q: Annotated[str, msgspec.Meta(description="A filter over the members of an item.")]
    sort: Annotated[str, msgspec.Meta(description="A field to sort by, descending with a leading `-`.")]


def parse_page_request(call: Call, fields: FieldTypes) -> PageRequest:
    """Return which page is asked for. Raises `InvalidInput`."""
    query = call.query
    return PageRequest(
        number=_number(query, "page", 1, _MAX_NUMBER),
        length=_number(query, "pagelen", DEFAULT_LENGTH, MAX_LENGTH),
        filter=parse_filter(query["q"], fields) if query.get("q") else None,
        sort=parse_sort(query["sort"], fields) if query.get("sort") else None,
        after=query.get("after"),
        before=query.get("before"),
    )


def envelope(
    call: Call,
    wanted: PageRequest,
    *,
    values: Sequence[object],
    size: int,
    after: str | None = None,
    before: str | None = None,
    has_next: bool,
) -> dict[str, Any]:
    """Return the page's body. `after` and `before` are the cursors that its links carry, where the list has such."""
    body: dict[str, Any] = {"size": size, "page": wanted.number, "pagelen": wanted.length, "values": values}
    if has_next:
        body["next"] = _link(call, wanted.number + 1, "after", after)
    if wanted.number > 1:
        body["previous"] = _link(call, wanted.number - 1, "before", before)
    return body


def page_in_memory(items: Sequence[Mapping[str, Any]], wanted: PageRequest) -> tuple[list[dict[str, Any]], int, bool]:
    """Filter, sort and cut a short list. Return the page, the size of the whole, and whether there is more."""
    chosen = [dict(item) for item in items if wanted.filter is None or matches(wanted.filter, item)]
    if wanted.sort is not None:
        chosen = in_order(chosen, wanted.sort)
    start = (wanted.number - 1) * wanted.length
    return chosen[start : start + wanted.length], len(chosen), start + wanted.length < len(chosen)


def shaped(call: Call, body: object) -> Answer:
    """Return the body with the fields that were asked for. Raises `InvalidInput`."""
    fields = call.query.get("fields") if b"fields" in call.request.scope["query_string"] else None
    if fields is not None:
        body = parse_fields(fields).apply(msgspec.json.decode(msgspec.json.encode(body)))
    return json_answer(body)


def _link(call: Call, number: int, direction: str, cursor: str | None) -> str:
    """Return the address of a neighbouring page; every other parameter is kept, because clients follow it blindly."""
    scope = call.request.scope
    query = scope["query_string"].decode("latin-1").split("&")
    kept = [part for part in query if part and part.partition("=")[0] not in ("page", "after", "before")]
    place = [f"page={number}"] if cursor is None else [f"page={number}", f"{direction}={cursor}"]
    path = scope["raw_path"].decode("latin-1").rstrip("/")
    return f"{call.host.base_url}{path}?{quote('&'.join((*kept, *place)), safe=_IN_QUERY)}"


def _number(query: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 13 and 1 <= int(text) <= most):
        raise InvalidInput(
            f"`{name}` is not a page number." if name == "page" else f"`{name}` must be from 1 to {most}.",
            f"Give a whole number from 1 to {most}, or leave it out.",
            fields={name: ["Out of range."]},
        )
    return int(text)

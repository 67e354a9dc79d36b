"""Linkers and their values over the wire."""

from collections.abc import Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Annotated, Literal, TypedDict

import msgspec

from roadstead.api.bodies import Shape
from roadstead.domain.linking.linkers import MAX_VALUE_LENGTH
from roadstead.errors import InvalidLinkerValue
from roadstead.listing import Field, Listing
from roadstead.model import Linker, LinkerValue
from roadstead.shapes.links import Link, SelfLink


class LinkerLinks(TypedDict):
    self: Link
    values: Link


class LinkerResource(TypedDict):
    """A linker, as the descriptor of the app declares it."""

    type: Literal["href"]
    key: str
    regex: str
    url: str
    links: LinkerLinks


LINKER_LIST = Listing(Field("key", str), Field("regex", str), Field("url", str), Field("type", str))


def linker(linker: Linker, self_url: str, values_url: str) -> LinkerResource:
    """Return a linker. The cloud never published its shape; this one follows the style of API 2.0."""
    return {
        "type": "href",
        "key": linker.key,
        "regex": linker.regex,
        "url": linker.url,
        "links": {"self": Link(self_url), "values": Link(values_url)},
    }


# A struct, because a page has up to a hundred of them; without gc, because they are in no cycle. The shape is ours,
# like the linker's.
class LinkerValueResource(msgspec.Struct, tag_field="type", tag="linker_value", gc=False):
    """A value that the app stored for a linker."""

    id: int
    value: str
    links: SelfLink


def linker_value(value: LinkerValue, below: str) -> LinkerValueResource:
    """Return a value. `below` is the beginning of its URL, before its id."""
    return LinkerValueResource(value.id, value.value, SelfLink(Link(f"{below}{value.id}")))


def linker_values(values: Sequence[LinkerValue], below: str) -> msgspec.Raw:
    """Return the list of these resources as JSON. `below` is the beginning of the URL of each.

    Writing the JSON here takes half the time of encoding resources: nothing in a value needs escaping.
    """
    self_link = f'"links":{{"self":{{"href":"{below}'
    resources = [
        f'{{"type":"linker_value","id":{value.id},"value":"{value.value}",{self_link}{value.id}"}}}}}}'
        for value in values
    ]
    return msgspec.Raw(f"[{','.join(resources)}]")


Value = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_VALUE_LENGTH,
        description="Letters and digits of any script, `_` and `-`.",
        # Python's `\w`, for readers of JSON Schema.
        extra_json_schema={"pattern": r"^[\p{L}\p{N}_-]+$"},
    ),
]


class NewValue(TypedDict):
    value: Value


class NewValues(TypedDict):
    values: list[Value | NewValue]


# The types that bodies are decoded into.


class GivenValue(msgspec.Struct, gc=False):
    """A body that gives a value."""

    value: str


class GivenValues(msgspec.Struct):
    """A body that gives a set of values."""

    values: list[str | GivenValue]


MAX_VALUES = 1_000_000
"""In one body."""
_SHOWN_OFFENDERS = 20
_SHOWN_CHARACTERS = 80


def _value_wanted(body: bytes, complaint: str) -> InvalidLinkerValue:
    """Return the refusal of a body without a value."""
    if "`$.value`" in complaint:
        return InvalidLinkerValue("The linker value must be a string.", fields={"value": ["Not a string."]})
    return InvalidLinkerValue(
        "The body must give the value.",
        'Send {"value": "BB"}, as JSON or as a form.',
        fields={"value": ["Required."]},
    )


def _linker_values(given: list[str | GivenValue] | GivenValues) -> list[str]:
    """Return the values of `{"values": […]}` or of a bare list, whose items may be `{"value": …}`."""
    items = given.values if isinstance(given, GivenValues) else given
    return [item if isinstance(item, str) else item.value for item in items]


def _values_wanted(body: bytes, complaint: str) -> InvalidLinkerValue:
    """Return the refusal of a body without a set of values, with the first of the invalid items."""
    offenders = list(islice(_no_values(body), _SHOWN_OFFENDERS))
    if offenders:
        return InvalidLinkerValue(
            "Every linker value must be a string.", fields={"values": [f"{item}: not a string." for item in offenders]}
        )
    return InvalidLinkerValue(
        "The body must give the list of values.",
        'Send {"values": ["BB", "OPS"]}, or a bare list; an empty list removes all.',
        fields={"values": ["Required, a list."]},
    )


class _AnyValues(msgspec.Struct):
    values: list[msgspec.Raw]


def _no_values(body: bytes) -> Iterator[str]:
    """Yield the items of a list that are not values, as they are shown."""
    try:
        given = msgspec.json.decode(body, type=list[msgspec.Raw] | _AnyValues)
    except msgspec.ValidationError:
        return
    for item in given.values if isinstance(given, _AnyValues) else given:
        try:
            msgspec.json.decode(item, type=str | GivenValue)
        except msgspec.ValidationError:
            shown = bytes(item)[: 4 * _SHOWN_CHARACTERS]
            whole = len(shown) == len(bytes(item))
            yield str(msgspec.json.decode(shown) if whole else shown.decode("utf-8", "replace"))[:_SHOWN_CHARACTERS]


VALUE: Shape[str] = Shape(GivenValue, attrgetter("value"), _value_wanted, documented=NewValue)
VALUES: Shape[list[str]] = Shape(
    list[str | GivenValue] | GivenValues,
    _linker_values,
    _values_wanted,
    most_items=MAX_VALUES,
    documented=NewValues | list[Value | NewValue],
)

"""What goes over the wire, spelled as Bitbucket spells it; and what comes in, checked."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from operator import attrgetter
from typing import Annotated, Any, Literal, TypedDict
from urllib.parse import quote

import msgspec

from roadstead.api.bodies import Shape
from roadstead.errors import InvalidInput, InvalidLinkerValue
from roadstead.model import Linker, LinkerValue


class Link(msgspec.Struct, gc=False):
    href: str


class SelfLink(msgspec.Struct, rename={"to_self": "self"}, gc=False):
    to_self: Link


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


def linker(linker: Linker, base_url: str) -> LinkerResource:
    """The cloud never published the shape of a linker; this one follows the house style of API 2.0."""
    self_url = linker_url(linker.key, base_url)
    return {
        "type": "href",
        "key": linker.key,
        "regex": linker.regex,
        "url": linker.url,
        "links": {"self": Link(self_url), "values": Link(f"{self_url}/values")},
    }


# A struct, because a page has up to a hundred of them, and without gc, for they are in no cycle. The shape is ours,
# like the linker's.
class LinkerValueResource(msgspec.Struct, tag_field="type", tag="linker_value", gc=False):
    """A value that the app stored for a linker."""

    id: int
    value: str
    links: SelfLink


def linker_value(value: LinkerValue, values_url: str) -> LinkerValueResource:
    """`values_url` is the address of the values of its linker."""
    return LinkerValueResource(value.id, value.value, SelfLink(Link(f"{values_url}/{value.id}")))


def linker_values(values: Sequence[LinkerValue], values_url: str) -> msgspec.Raw:
    """The list of these resources as JSON, written in half the time: nothing in a value has to be escaped."""
    self_link = f'"links":{{"self":{{"href":"{values_url}/'
    resources = [
        f'{{"type":"linker_value","id":{value.id},"value":"{value.value}",{self_link}{value.id}"}}}}}}'
        for value in values
    ]
    return msgspec.Raw(f"[{','.join(resources)}]")


def linker_url(linker_key: str, base_url: str) -> str:
    return f"{base_url}/2.0/addon/linkers/{quote(linker_key, safe='')}"


@lru_cache(maxsize=1024)
def values_url(linker_key: str, base_url: str) -> str:
    return f"{linker_url(linker_key, base_url)}/values"


Value = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=255,
        description="Letters and digits of any script, `_` and `-`.",
        # What Python's `\w` is to readers of JSON Schema.
        extra_json_schema={"pattern": r"^[\p{L}\p{N}_-]+$"},
    ),
]


class NewValue(TypedDict):
    value: Value


class NewValues(TypedDict):
    values: list[Value | NewValue]


class Update(TypedDict, total=False):
    """One of both, or neither: then the descriptor is read again from its URL."""

    descriptor: dict[str, Any]
    descriptor_url: str


# What bodies are decoded into.


class GivenValue(msgspec.Struct, gc=False):
    """A body that gives a value."""

    value: str


class GivenValues(msgspec.Struct):
    """A body that gives a set of values."""

    values: list[str | GivenValue]


class GivenUpdate(msgspec.Struct, forbid_unknown_fields=True):
    """A body that updates an app. The descriptor is left as it is written, for it is read by rules of its own."""

    descriptor: msgspec.Raw = msgspec.Raw()
    descriptor_url: str | msgspec.UnsetType | None = msgspec.UNSET


MAX_VALUES = 1_000_000
"""In one body."""
_SHOWN_OFFENDERS = 20
_SHOWN_CHARACTERS = 80


def _value_wanted(body: bytes, complaint: str) -> InvalidLinkerValue:
    """The refusal of a body that gives no value."""
    if "`$.value`" in complaint:
        return InvalidLinkerValue("The linker value must be a string.", fields={"value": ["Not a string."]})
    return InvalidLinkerValue(
        "The body must give the value.",
        'Send {"value": "BB"}, as JSON or as a form.',
        fields={"value": ["Required."]},
    )


def _linker_values(given: list[str | GivenValue] | GivenValues) -> list[str]:
    """The values of `{"values": […]}` or of a bare list, whose items may be `{"value": …}`."""
    items = given.values if isinstance(given, GivenValues) else given
    return [item if isinstance(item, str) else item.value for item in items]


def _values_wanted(body: bytes, complaint: str) -> InvalidLinkerValue:
    """The refusal of a body that gives no set of values, with the first of the items that are none."""
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
    """The items of a list of values that are none, as they are shown."""
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


def _update(given: GivenUpdate | None) -> dict[str, Any]:
    """The members of a `PUT /2.0/addon` body that are given. Raises `InvalidInput`."""
    if given is None:
        return {}
    members: dict[str, Any] = {}
    if descriptor := bytes(given.descriptor):
        members["descriptor"] = None if descriptor == b"null" else descriptor
    if given.descriptor_url is not msgspec.UNSET:
        members["descriptor_url"] = given.descriptor_url
    for name, member in members.items():
        if member is None:
            raise InvalidInput(f"{name} is null.", "Leave it out, or give it.", fields={name: ["Null."]})
    return members


def _update_wanted(body: bytes, complaint: str) -> InvalidInput:
    """The refusal of a body that is no update."""
    return InvalidInput(
        "The body is not an update.",
        f'{complaint} Send {{}}, {{"descriptor": {{…}}}} or {{"descriptor_url": "…"}}, or no body.',
    )


VALUE: Shape[str] = Shape(GivenValue, attrgetter("value"), _value_wanted)
VALUES: Shape[list[str]] = Shape(
    list[str | GivenValue] | GivenValues, _linker_values, _values_wanted, most_items=MAX_VALUES
)
UPDATE: Shape[dict[str, Any]] = Shape(GivenUpdate | None, _update, _update_wanted)

"""What goes over the wire, spelled as Bitbucket spells it; and what comes in, checked."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Annotated, Any, Literal, TypedDict
from urllib.parse import quote

import msgspec

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


def parse_linker_value(body: object) -> str:
    """The value of `{"value": "BB"}`. Raises `InvalidLinkerValue`."""
    if not isinstance(body, dict) or "value" not in body:
        raise InvalidLinkerValue(
            "The body must give the value.",
            'Send {"value": "BB"}, as JSON or as a form.',
            fields={"value": ["Required."]},
        )
    value = body["value"]
    if not isinstance(value, str):
        raise InvalidLinkerValue("The linker value must be a string.", fields={"value": ["Not a string."]})
    return value


def parse_linker_values(body: object) -> list[str]:
    """The values of `{"values": […]}` or of a bare list, whose items may be `{"value": …}`.

    Raises `InvalidLinkerValue`.
    """
    if isinstance(body, dict):
        body = body.get("values")
    if not isinstance(body, list):
        raise InvalidLinkerValue(
            "The body must give the list of values.",
            'Send {"values": ["BB", "OPS"]}, or a bare list; an empty list removes all.',
            fields={"values": ["Required, a list."]},
        )
    values = [item.get("value") if isinstance(item, dict) else item for item in body]
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(body):
        wrong = [str(item)[:80] for item, value in zip(body, values, strict=True) if not isinstance(value, str)]
        raise InvalidLinkerValue(
            "Every linker value must be a string.",
            fields={"values": [f"{item}: not a string." for item in wrong[:20]]},
        )
    return texts


def parse_update(body: object) -> dict[str, object]:
    """The members of a `PUT /2.0/addon` body that mean something. Raises `InvalidInput`."""
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise InvalidInput(
            "The body must be an object.",
            'Send {}, {"descriptor": {…}} or {"descriptor_url": "…"}, or no body.',
        )
    unknown = body.keys() - {"descriptor", "descriptor_url"}
    if unknown:
        raise InvalidInput(
            f"The body has a member {min(unknown)[:60]!r} that means nothing here.",
            'Put the descriptor inside "descriptor"; send {} to have it read again from its URL.',
        )
    for name in ("descriptor", "descriptor_url"):
        if name in body and body[name] is None:
            raise InvalidInput(f"{name} is null.", "Leave it out, or give it.", fields={name: ["Null."]})
    return body

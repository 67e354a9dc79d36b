"""Application properties over the wire: JSON objects of the app's making."""

from typing import Annotated, Any, Literal, TypedDict

import msgspec

from roadstead.api.bodies import Shape
from roadstead.errors import InvalidInput

Attributes = Annotated[
    list[Literal["public", "read_only"]],
    msgspec.Meta(
        description="`public`: everyone reads it who sees what it is of. `read_only`: no page of the app changes it."
    ),
]


class ApplicationProperty(TypedDict, total=False):
    """A JSON object of the app's making, of which Bitbucket knows one member."""

    _attributes: Attributes


def _no_object(body: bytes, complaint: str) -> InvalidInput:
    return InvalidInput("Bad request", "A property is a JSON object.", fields={"": ["expected a dictionary"]})


PROPERTY: Shape[dict[str, Any]] = Shape(dict[str, Any], lambda value: value, _no_object, documented=ApplicationProperty)

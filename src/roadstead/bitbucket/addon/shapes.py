"""The update of an app over the wire."""

from typing import Any, TypedDict

import msgspec

from roadstead.api.bodies import Shape
from roadstead.errors import InvalidInput


class Update(TypedDict, total=False):
    """Either member, or neither: then the descriptor is read again from its URL."""

    descriptor: dict[str, Any]
    descriptor_url: str


class GivenUpdate(msgspec.Struct, forbid_unknown_fields=True):
    """A body that updates an app. The descriptor stays encoded, because it is read by its own rules."""

    descriptor: msgspec.Raw = msgspec.Raw()
    descriptor_url: str | msgspec.UnsetType | None = msgspec.UNSET


def _update(given: GivenUpdate | None) -> dict[str, Any]:
    """Return the given members of a `PUT /2.0/addon` body. Raise `InvalidInput`."""
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
    """Return the refusal of a body that is not an update."""
    return InvalidInput(
        "The body is not an update.",
        f'{complaint} Send {{}}, {{"descriptor": {{…}}}} or {{"descriptor_url": "…"}}, or no body.',
    )


UPDATE: Shape[dict[str, Any]] = Shape(GivenUpdate | None, _update, _update_wanted, documented=Update | None)

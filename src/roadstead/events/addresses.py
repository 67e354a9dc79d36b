"""Addresses of apps' webhooks, with the context parameters that they name, as in `/heard?of={repository.uuid}`."""

from collections.abc import Collection, Mapping
from typing import Any

from roadstead.connect.context import fill_in, long_name, may_be_filled, parameters_of
from roadstead.events.payloads import Payload


def address_for(template: str, granted: Collection[str], payload: Payload) -> str:
    """Return the address to which an app with those scopes is told of an event.

    A parameter without a value, or without a scope, stays as it is written.
    """
    names = [name for name in map(long_name, parameters_of(template)) if may_be_filled(name, frozenset(granted))]
    if not names:
        return template
    objects = _objects(payload)
    values = {name: _value(objects, name) for name in names}
    return fill_in(template, {name: value for name, value in values.items() if value is not None})


def _objects(payload: Payload) -> Mapping[str, Any]:
    """Return what parameters may name: members of the payload, who acts as `user`, and the app's account."""
    place = payload.get("repository") or payload.get("project") or {}
    status = payload.get("commit_status") or {}
    around = {
        "user": payload.get("actor"),
        "workspace": place.get("workspace"),
        "principal": place.get("owner"),
        "target_user": place.get("owner"),
        "commit": status.get("commit"),
    }
    return {**around, **payload}


def _value(objects: Mapping[str, Any], name: str) -> str | None:
    """Return the text, number or truth value that a path such as `repository.owner.uuid` leads to."""
    found: Any = objects
    for step in name.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    match found:
        case bool():
            return str(found).lower()
        case str() | int():
            return str(found)
        case _:
            return None

"""
The proxy module: calls of an app's own pages, which the host signs and forwards to the app.

Source: Atlassian's pages on the API proxy module.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from roadstead.connect.modules import ProxyRoute

METHODS = ("GET", "PUT", "POST", "DELETE")

_CAPTURE = re.compile(r"\{(\w+)\}")
_UUID = re.compile(r"\{[0-9a-fA-F-]{36}\}")
_NAMED_BY = {"pullrequest": "id", "issue": "id", "snippet": "id", "commit": "hash", "branch": "name"}
"""The members that name an object in a path, where it is not a UUID."""


@dataclass(frozen=True, slots=True)
class Forwarding:
    """
    How to forward a call.

    `captured` are the context parameters that follow from the path of the call; nothing else is known of their objects.
    """

    destination: str
    scopes: tuple[str, ...]
    conditions: tuple[Mapping[str, object], ...]
    captured: Mapping[str, str]


def find_route(routes: Sequence[ProxyRoute], method: str, path: str) -> Forwarding | None:
    """Return how to forward a call to `path`, by the first route that fits and accepts the method."""
    for route in routes:
        captured = _captured(route.path, path)
        if captured is not None and (method in route.methods or (not route.methods and method in METHODS)):
            return _forwarding(route, route.methods.get(method), captured)
    return None


def forwardings_of(route: ProxyRoute) -> Iterator[Forwarding]:
    """Yield how a route forwards calls: by default, and for each method that overrides the default."""
    for override in (None, *route.methods.values()):
        yield _forwarding(route, override, {})


def _forwarding(route: ProxyRoute, override: object, captured: Mapping[str, str]) -> Forwarding:
    own = override if isinstance(override, dict) else {}
    destination, scopes, conditions = own.get("destination"), own.get("scopes"), own.get("conditions")
    return Forwarding(
        destination if isinstance(destination, str) else route.destination,
        tuple(filter(_is_text, scopes)) if isinstance(scopes, list) else route.scopes,
        tuple(one for one in conditions if isinstance(one, dict)) if isinstance(conditions, list) else route.conditions,
        captured,
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _captured(pattern: str, path: str) -> dict[str, str] | None:
    """Return the context parameters in the segments of a path; None if the path does not fit."""
    wanted, given = pattern.strip("/").split("/"), path.strip("/").split("/")
    if len(wanted) != len(given):
        return None
    captured = {}
    for segment, text in zip(wanted, map(unquote, given), strict=True):
        capture = _CAPTURE.fullmatch(segment)
        if capture is not None and text:
            member = "uuid" if _UUID.fullmatch(text) else _NAMED_BY.get(capture[1], "uuid")
            captured[f"{capture[1]}.{member}"] = text
        elif segment != text:
            return None
    return captured

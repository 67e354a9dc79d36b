"""Tokens as the pages show them: encoded segments, decoded claims, and times as dates."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from roadstead.connect.presented import Presented
from roadstead.web.moments import before_or_after, exact, relative

_TIMES = ("exp", "iat", "nbf")
_MEANINGS = {
    "iss": "issuer: the app",
    "sub": "subject: the installation, by its client key",
    "aud": "audience",
    "exp": "expires",
    "iat": "issued",
    "nbf": "not valid before",
    "qsh": "hash of the request",
    "alg": "algorithm",
    "typ": "type",
}


@dataclass(frozen=True, slots=True)
class Claim:
    """A member of the header or the claims, as JSON. `date` is set if it is a time."""

    name: str
    meaning: str
    value: str
    date: str


@dataclass(frozen=True, slots=True)
class DecodedToken:
    """The segments of a token, encoded and decoded. The signature is never shown."""

    encoded_header: str
    encoded_claims: str
    header: list[Claim]
    claims: list[Claim]


def decoded(presented: Presented | None, at: datetime, *, of_call: bool) -> DecodedToken | None:
    """Decode a token; `at` is the time of the call that it came with, or now. Return None if it cannot be read."""
    if presented is None or not presented.signing_input:
        return None
    header, _, claims = presented.signing_input.partition(".")
    return DecodedToken(
        header, claims, _members(presented.header, at, of_call), _members(presented.claims, at, of_call)
    )


def _members(part: Mapping[str, object], at: datetime, of_call: bool) -> list[Claim]:
    return [
        Claim(name, _MEANINGS.get(name, ""), json.dumps(value, ensure_ascii=False), _date(name, value, at, of_call))
        for name, value in part.items()
    ]


def _date(name: str, value: object, at: datetime, of_call: bool) -> str:
    if name not in _TIMES or type(value) not in (int, float):
        return ""
    try:
        moment = datetime.fromtimestamp(value, UTC)  # type: ignore[arg-type]
    except (OverflowError, ValueError, OSError):
        return ""
    distance = f"{before_or_after(moment, at)} the call" if of_call else relative(moment, at)
    return f"{exact(moment)}, {distance}"

"""Mistakes of app developers with a token, as headers of `GET` for `TARGET`, and the explanation of each."""

import base64
import json
import time
from collections.abc import Callable
from typing import Any

from roadstead.connect import query_string_hash
from roadstead.connect.qsh import hash_of
from tests.live import AppClient

PATH = "/2.0/addon/linkers"
QUERY = "q=key+~+%22a/b%22&page=1"
TARGET = f"{PATH}?{QUERY}"

Headers = dict[str, str]
Mistake = Callable[[AppClient], Headers]


def _jwt(**claims: Any) -> Mistake:
    """Return a mistake: a token with other claims than it should have."""
    return lambda api: {"Authorization": f"JWT {api.token('GET', TARGET, **claims)}"}


def _at(**moments: float) -> Mistake:
    """Return a mistake: a token whose claims are so many seconds from now."""

    def spoil(api: AppClient) -> Headers:
        now = int(time.time())
        return _jwt(**{claim: now + seconds for claim, seconds in moments.items()})(api)

    return spoil


def _secret(spoil: Callable[[str], str]) -> Mistake:
    return lambda api: _jwt_signed(api, spoil(api.installation.shared_secret))


def _jwt_signed(api: AppClient, secret: str) -> Headers:
    return {"Authorization": f"JWT {api.token('GET', TARGET, secret=secret)}"}


def hashed(canonical: str) -> Mistake:
    """Return a mistake: a token for another canonical request."""
    return _jwt(qsh=hash_of(canonical))


def _swapped(api: AppClient) -> Headers:
    return _jwt(iss=api.installation.client_key, sub=api.installation.app_key)(api)


def _in_audience(api: AppClient) -> Headers:
    return _jwt(sub=None, aud=api.installation.client_key)(api)


def _with_header(api: AppClient, **header: str) -> Headers:
    segment = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
    return {"Authorization": f"JWT {segment}.{api.token('GET', TARGET).partition('.')[2]}"}


MISTAKES: list[tuple[str, Mistake, str, str]] = [
    ("no header", lambda api: {}, "scheme", "no Authorization header"),
    ("Bearer", lambda api: {"Authorization": f"Bearer {api.token('GET', TARGET)}"}, "scheme", "sent as Bearer"),
    ("jwt", lambda api: {"Authorization": f"jwt {api.token('GET', TARGET)}"}, "scheme", "in capitals"),
    ("no scheme", lambda api: {"Authorization": api.token("GET", TARGET)}, "scheme", "scheme JWT is missing"),
    ("cut off", lambda api: {"Authorization": f"JWT {api.token('GET', TARGET)[:-60]}"}, "format", "two segments"),
    ("alg", lambda api: _with_header(api, alg="RS256"), "algorithm", '"RS256"'),
    ("kid", lambda api: _with_header(api, alg="HS256", kid="1"), "algorithm", "kid"),
    ("swapped", _swapped, "sub", "swapped"),
    ("aud", _in_audience, "sub", "is in aud"),
    ("no sub", _jwt(sub=None), "sub", "missing"),
    ("other client key", _jwt(sub="ari:cloud:bitbucket::app/{x}/y"), "sub", "of another host or time"),
    ("nobody", _jwt(sub="connection:1", iss="never-installed"), "sub", "the app is not installed"),
    ("line break", _secret(lambda secret: f"{secret}\n"), "signature", "a line break after the secret"),
    ("other secret", _secret(lambda secret: "x" * 43), "signature", "The signature matches no secret"),
    ("no exp", _jwt(exp=None), "exp", "missing"),
    ("expired", _at(iat=-480, exp=-300), "exp", "expired 5 minutes ago"),
    ("lifetime", _jwt(exp=180), "exp", "a lifetime and not a moment"),
    ("clock ahead", _at(nbf=300), "nbf", "not valid for another 5 minutes"),
    ("milliseconds", _jwt(nbf=1_795_000_000_000), "nbf", "in milliseconds"),
    ("other app", _jwt(iss="another-app"), "iss", "not the app of this installation"),
    ("no qsh", _jwt(qsh=None), "qsh", "missing"),
    ("method", _jwt(qsh=query_string_hash("POST", PATH, QUERY)), "qsh", "You signed POST, the request was GET"),
    ("no /2.0", _jwt(qsh=query_string_hash("GET", "/addon/linkers", QUERY)), "qsh", "/2.0 is missing"),
    ("no query", hashed(f"GET&{PATH}&"), "qsh", "query is left out"),
    ("raw query", hashed(f"GET&{PATH}&{QUERY}"), "qsh", "as it was sent"),
    ("plus", hashed(f"GET&{PATH}&page=1&q=key+~+%22a%2Fb%22"), "qsh", "a space is written %20"),
    ("lower-case hex", hashed(f"GET&{PATH}&page=1&q=key%20~%20%22a%2fb%22"), "qsh", "in capitals, as in %2F"),
    ("other page", _jwt(qsh=query_string_hash("GET", PATH, QUERY.replace("page=1", "page=3"))), "qsh", "signed page 3"),
]
"""Name, headers, the check that fails, and words of the cause."""

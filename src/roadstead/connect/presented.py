"""
A credential as it was presented, without its secrets.

It is taken apart immediately, and only a SHA-256 of its signature is kept: enough to recognise the secret that makes
it, and useless to a thief. So the host can tell why a recorded call was refused, long after it has dropped the token.
"""

import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec

from roadstead.connect.jwt import MAX_TOKEN_LENGTH, InvalidToken, read

SCHEMES = frozenset({"jwt", "bearer", "basic", "digest", "negotiate", "token"})
"""In lower case. Any other first word of a header may be a secret itself, so it is not kept."""

NO_TOKEN = "There is no token."

_MOST_BRACKETS = 200
"""Claims with more are nested deeper than a person can read, and than Python can write."""


@dataclass(frozen=True, slots=True)
class Presented:
    """
    The part of a credential that is kept.

    `scheme` is None when only a token was given, `query` when it came in the URL, and empty when there was none before
    the token. `signing_input` is header and claims as they were written, or empty when they cannot be read. `signature`
    is the SHA-256 of the third segment in hex. `fault` says why the token is malformed.
    """

    scheme: str | None
    signing_input: str = ""
    signature: str = ""
    fault: str = ""

    @property
    def header(self) -> Mapping[str, object]:
        return _object_in(self.signing_input.partition(".")[0]) or {}

    @property
    def claims(self) -> Mapping[str, object]:
        return _object_in(self.signing_input.partition(".")[2]) or {}


def present(authorization: str) -> Presented:
    """
    Return the kept part of an `Authorization` header's value.

    Of a value that is not a token nothing is kept: it may be a password.
    """
    scheme, _, token = authorization.strip().partition(" ")
    if not token and "." in scheme:
        scheme, token = "", scheme
    return present_token(token.strip(), scheme=scheme if scheme.lower() in SCHEMES else "")


def present_pasted(text: str) -> Presented:
    """Return the kept part of pasted text: a token, a header, a `curl` command, a URL with `jwt` in it."""
    header = re.search(r"authorization\s*:\s*([^'\"\r\n]+)", text, re.IGNORECASE)
    if header is not None:
        return present(header[1])
    parameter = re.search(r"[?&]jwt=([^&\s'\"]+)", text)
    if parameter is not None:
        return present_token(unquote(parameter[1]), scheme="query")
    text = text.strip()
    return present(text) if re.search(r"\s", text) else present_token(text, scheme=None)


def present_token(token: str, *, scheme: str | None) -> Presented:
    """Return the kept part of a token that was presented under a scheme."""
    header, _, rest = token.strip("'\"").partition(".")
    claims, _, signature = rest.partition(".")
    if len(token) > MAX_TOKEN_LENGTH or _object_in(header) is None or _object_in(claims) is None:
        return Presented(scheme, fault=_fault_of(token))
    digest = hashlib.sha256(signature.encode("utf-8", "replace")).hexdigest()
    return Presented(scheme, f"{header}.{claims}", digest, _fault_of(token))


def _fault_of(token: str) -> str:
    if not token:
        return NO_TOKEN
    if token.count(".") == 1:
        return "The token has two segments: its signature is missing."
    try:
        read(token)
    except InvalidToken as refusal:
        return refusal.detail
    return ""


def _object_in(segment: str) -> Mapping[str, object] | None:
    """Return the JSON object of a segment, also when its encoding is not quite correct."""
    standard = segment.encode("ascii", "replace").translate(_TO_STANDARD).rstrip(b"=")
    try:
        text = binascii.a2b_base64(standard + b"=" * (-len(standard) % 4), strict_mode=True)
        if text.count(b"[") + text.count(b"{") > _MOST_BRACKETS:
            return None
        value = msgspec.json.decode(text)
    except (ValueError, msgspec.MsgspecError):
        return None
    return value if isinstance(value, dict) else None


_TO_STANDARD = bytes.maketrans(b"-_", b"+/")

"""
The JSON web tokens of the Connect protocol: always HS256, keyed with an installation's shared secret.

A token is verified in two steps, because only its claims tell which secret to use:

    token = read(text)                                   # untrusted
    secret = shared_secret_of(token.claims.get("sub"))
    claims = verify(token, shared_secret=secret, now=…, issuers={…}, canonical=…)

Where Bitbucket is known to be lenient, so is this module: there is no maximum lifetime, and `iat` and `aud` are
ignored, because real apps send milliseconds, tokens of 41 days and no audience. Where leniency helps only an
attacker it is strict: one algorithm, regardless of the header, and one encoding of each token.

Sources: RFC 7515 and 7519; Atlassian's "Understanding JWT for Connect apps".
"""

import binascii
import hmac
import json
import math
import re
from collections.abc import Container, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, NewType

import msgspec

from roadstead.connect.qsh import hash_of, other_orders
from roadstead.connect.qsh_mistakes import usual_mistakes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.hmac import HMAC

MAX_TOKEN_LENGTH = 8 * 1024
"""Characters. A header line longer than this is refused by common servers, so no working token is."""

VerifiedClaims = NewType("VerifiedClaims", Mapping[str, object])
"""Claims of a token after the checks of signature, lifetime and, where required, issuer and qsh."""

Check = Literal["format", "algorithm", "signature", "exp", "nbf", "iss", "sub", "qsh"]
"""The faults of a token. `sub` is for the caller, who finds the installation by it."""

# A character outside the URL alphabet becomes `*`, which no base64 contains, padding included.
_TO_STANDARD_ALPHABET = bytes.maketrans(b"-_+/=", b"+/***")
_BASE64URL = re.compile(rb"[A-Za-z0-9_-]*")
_TO_URL_ALPHABET = bytes.maketrans(b"+/", b"-_")


class InvalidToken(Exception):
    """
    The token is refused.

    `claim` names the check that failed. `detail` says what to do about it in one or two sentences; unless the signature
    is valid, it reveals no more than "malformed", "algorithm" or "signature".
    """

    def __init__(self, claim: Check, detail: str) -> None:
        super().__init__(f"{claim}: {detail}")
        self.claim = claim
        self.detail = detail


MISMATCH = "The signature does not match: sign with HS256 and the shared secret."


class UnverifiedToken(NamedTuple):
    """
    A token taken apart. Anyone can write one: use its claims only to find the secret to verify with.

    `signature` is the segment as written, and compared as such: only the one correct spelling is valid.
    """

    header: Mapping[str, object]
    claims: Mapping[str, object]
    signing_input: bytes
    signature: bytes


def issue(
    *,
    issuer: str,
    now: float,
    shared_secret: str,
    lifetime: int = 3600,
    audience: str | None = None,
    subject: str | None = None,
    canonical: str | None = None,
    context: Mapping[str, object] | None = None,
) -> str:
    """
    Return a signed token that is valid for `lifetime` seconds from `now` (Unix time).

    From the host to an app, `issuer` and `audience` are both the client key, and `subject` is the viewing
    user, in page loads only. From an app to the host, `issuer` is the app key and `subject` the client key.
    `canonical` is the canonical request the token is good for; without it the token has no `qsh`.
    """
    claims: dict[str, object] = {"iss": issuer}
    if subject is not None:
        claims["sub"] = subject
    if audience is not None:
        claims["aud"] = audience
    claims["iat"] = int(now)
    claims["exp"] = int(now) + lifetime
    if canonical is not None:
        claims["qsh"] = hash_of(canonical)
    if context is not None:
        claims["context"] = context
    return encode(claims, shared_secret)


def encode(claims: Mapping[str, object], shared_secret: str) -> str:
    """Return `claims` as a token signed with the UTF-8 bytes of `shared_secret`."""
    signing_input = _HEADER_SEGMENT + b"." + _base64url(msgspec.json.encode(claims))
    return (signing_input + b"." + _base64url(_signature(signing_input, shared_secret))).decode()


def read(token: str) -> UnverifiedToken:
    """Split a token of at most `MAX_TOKEN_LENGTH` characters, or raise `InvalidToken`."""
    if len(token) > MAX_TOKEN_LENGTH:
        raise InvalidToken("format", f"The token is longer than {MAX_TOKEN_LENGTH} characters.")
    try:
        segments = token.encode("ascii").split(b".")
    except UnicodeEncodeError:
        raise InvalidToken("format", "The token contains characters outside ASCII.") from None
    if len(segments) != 3:
        raise InvalidToken("format", "A token is three base64url segments joined by dots: header.claims.signature.")
    header, claims, signature = segments
    if not _BASE64URL.fullmatch(signature):
        raise InvalidToken("format", "The signature segment is not base64url without padding.")
    return UnverifiedToken(
        header=_USUAL_HEADERS.get(header) or _object_in(header, "header"),
        claims=_object_in(claims, "claims"),
        signing_input=header + b"." + claims,
        signature=signature,
    )


def verify(
    token: UnverifiedToken,
    *,
    shared_secret: str,
    now: float,
    issuers: Container[str] | None = None,
    canonical: str | None,
    leeway: float = 60,
) -> VerifiedClaims:
    """
    Return the claims of `token`, or raise `InvalidToken`.

    Checks algorithm, signature, `exp` and `nbf` (Unix time, `leeway` seconds either way), that `iss` is one
    of `issuers` unless that is None, and that `qsh` is the hash of `canonical`, with its parameters in any accepted
    order, unless that is None.
    Does not check `aud`, `iat`, or whether the installation is still enabled.
    """
    if token.header is not _HEADER:
        _check_algorithm(token.header)
    if not hmac.compare_digest(_base64url(_signature(token.signing_input, shared_secret)), token.signature):
        raise InvalidToken("signature", MISMATCH)
    claims = token.claims
    _check_lifetime(claims, now, leeway)
    if issuers is not None and not (isinstance(issuer := claims.get("iss"), str) and issuer in issuers):
        raise _wrong_issuer(claims, issuers)
    if canonical is not None and claims.get("qsh") != hash_of(canonical):
        _check_other_orders(claims.get("qsh"), canonical)
    return VerifiedClaims(claims)


def _signature(signing_input: bytes, shared_secret: str) -> bytes:
    if not shared_secret:
        raise ValueError("An empty shared secret protects nothing.")
    signature = _keyed(shared_secret).copy()
    signature.update(signing_input)
    return signature.finalize()


@lru_cache(maxsize=1024)
def _keyed(shared_secret: str) -> "HMAC":
    """Return the state that every signature with this secret begins with; making it takes longer than using it.

    `cryptography` signs in half the time that Python's own `hmac` takes. It is imported late, for quick starts.
    """
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.hmac import HMAC

    return HMAC(shared_secret.encode(), SHA256())


def _base64url(data: bytes) -> bytes:
    return binascii.b2a_base64(data, newline=False).rstrip(b"=").translate(_TO_URL_ALPHABET)


def _from_base64url(segment: bytes, part: str) -> bytes:
    padding = b"=" * (-len(segment) % 4)
    try:
        return binascii.a2b_base64(segment.translate(_TO_STANDARD_ALPHABET) + padding, strict_mode=True)
    except binascii.Error:
        raise InvalidToken("format", f"The {part} segment is not base64url without padding.") from None


def _object_in(segment: bytes, part: str) -> Mapping[str, object]:
    text = _from_base64url(segment, part)
    try:
        value = msgspec.json.decode(text)
        # JSON that encodes to the same bytes again has no repeated member; any other JSON gets the slow check.
        if msgspec.json.encode(value) != text:
            json.loads(text, object_pairs_hook=_refuse_repeated_members)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise InvalidToken("format", f"The {part} segment is not valid JSON without repeated members.") from None
    if not isinstance(value, dict):
        raise InvalidToken("format", f"The {part} segment is not a JSON object.")
    return value


def _refuse_repeated_members(members: list[tuple[str, object]]) -> None:
    if len(dict(members)) != len(members):
        raise ValueError("repeated member")


def _check_algorithm(header: Mapping[str, object]) -> None:
    if header.get("alg") != "HS256":
        raise InvalidToken("algorithm", 'The header must say "alg": "HS256"; no other algorithm is accepted.')
    if "kid" in header or "crit" in header:
        raise InvalidToken("algorithm", 'The header must not contain "kid" or "crit"; the key is the shared secret.')


def _check_lifetime(claims: Mapping[str, object], now: float, leeway: float) -> None:
    expires = claims.get("exp")
    if type(expires) is not int:
        expires = _seconds(claims, "exp")
    if expires <= now - leeway:
        raise InvalidToken(
            "exp", f"The token expired at {expires}; it is now {now:.0f}. Sign a new one, or set your clock."
        )
    if "nbf" in claims and (not_before := _seconds(claims, "nbf")) > now + leeway:
        raise InvalidToken("nbf", f"The token is valid from {not_before} (Unix time in seconds); it is now {now:.0f}.")


def _seconds(claims: Mapping[str, object], claim: Literal["exp", "nbf"]) -> int | float:
    if claim not in claims:
        raise InvalidToken(
            claim, f"The claim {claim} is missing; add the Unix time in seconds at which the token expires."
        )
    value = claims[claim]
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    raise InvalidToken(claim, f"The claim {claim} must be a number: the Unix time in seconds.")


def _wrong_issuer(claims: Mapping[str, object], issuers: Container[str]) -> InvalidToken:
    if claims.get("iss") is None:
        return InvalidToken("iss", "The claim iss is missing; an app sends its app key.")
    subject = claims.get("sub")
    if isinstance(subject, str) and subject in issuers:
        return InvalidToken(
            "iss",
            "The claims iss and sub look swapped: an app sends its app key as iss and the client key as sub.",
        )
    return InvalidToken("iss", "The claim iss names another app; an app sends its own app key.")


def _check_other_orders(sent: object, canonical: str) -> None:
    if not any(sent == hash_of(other) for other in other_orders(canonical)):
        raise InvalidToken("qsh", _what_is_wrong_with_qsh(sent, canonical))


def _what_is_wrong_with_qsh(sent: object, canonical: str) -> str:
    expected = f'It must be the SHA-256, in lower-case hex, of "{canonical}".'
    if sent is None:
        return f"The claim qsh is missing. {expected}"
    if sent == "context-qsh":
        return f'The claim qsh is "context-qsh", which only pages may use. {expected}'
    guess = next((fault for request, fault in usual_mistakes(canonical) if hash_of(request) == sent), None)
    return f"The claim qsh belongs to another request{f': {guess}' if guess else ''}. {expected}"


_HEADER: Mapping[str, object] = MappingProxyType({"alg": "HS256", "typ": "JWT"})
_HEADER_SEGMENT = _base64url(b'{"alg":"HS256","typ":"JWT"}')
# The two orders in which libraries write the only header: both known, so not decoded each time.
_USUAL_HEADERS = {_HEADER_SEGMENT: _HEADER, _base64url(b'{"typ":"JWT","alg":"HS256"}'): _HEADER}

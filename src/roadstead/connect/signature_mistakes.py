"""
Find the secret that a token was signed with, also when the app used it wrongly.

The key is the characters of `sharedSecret` unchanged, in UTF-8, and the signature is base64url of HMAC-SHA256.
Libraries that expect base64 keys, and files that end in a line break, lead to other signatures: each is made here on
purpose and compared with the one that was sent, by the SHA-256 of both.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple

UNSIGNED = hashlib.sha256(b"").hexdigest()
"""The SHA-256 of an empty signature."""


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that a token may be signed with: `whose` it is in words, and what to do (`fix`) if it was used."""

    secret: str = field(repr=False)
    whose: str
    fix: str = ""


class Signed(NamedTuple):
    """The key that a signature was made with, and the mistakes in its use."""

    key: Key
    faults: tuple[str, ...]


LOOKED_AT_CLOSELY = 6
"""Keys that are tried with mistakes, some hundred for each, which takes half a millisecond."""


def find_signed(signing_input: str, signature: str, keys: Iterable[Key]) -> Signed | None:
    """
    Return the key of the signature of which `signature` is the SHA-256 in hex, or None when no known key makes it.

    All `keys` are tried in the correct way, the first of them also with mistakes.
    """
    message = signing_input.encode()
    every = list(keys)
    tries = chain(
        ((key, "", key.secret.encode(), _as_it_should_be) for key in every if key.secret),
        ((key, how, secret, _signatures) for key in every[:LOOKED_AT_CLOSELY] for how, secret in _secrets(key.secret)),
    )
    for key, how, secret, signatures in tries:
        for way, made in signatures(message, secret):
            if hashlib.sha256(made).hexdigest() == signature:
                return Signed(key, tuple(filter(None, (how, way))))
    return None


def _secrets(secret: str) -> Iterator[tuple[str, bytes]]:
    """Yield the forms in which apps wrongly use a secret; no empty one, which anyone can sign with."""
    key = secret.encode()
    made = [("", key), ("the secret was encoded in base64 first", base64.b64encode(key))]
    made += [(f"the secret was decoded from {encoding} first", decoded) for encoding, decoded in _decoded(secret)]
    for extra, name in ((b"\n", "a line break"), (b"\r\n", "a line break"), (b" ", "a space")):
        made += [
            (f"there was {name} after the secret", key + extra),
            (f"there was {name} before the secret", extra + key),
        ]
    made += [
        ("the secret was in quotation marks", b'"' + key + b'"'),
        ("the last character of the secret was missing", key[:-1]),
        ("the secret was in lower case", secret.lower().encode()),
    ]
    return ((how, one) for how, one in made if one)


def _decoded(secret: str) -> Iterator[tuple[str, bytes]]:
    for encoding, decode in _DECODERS.items():
        try:
            yield encoding, decode(secret)
        except ValueError:
            continue


_DECODERS: dict[str, Callable[[str], bytes]] = {
    "base64url": lambda secret: base64.urlsafe_b64decode(f"{secret}{'=' * (-len(secret) % 4)}"),
    "base64": lambda secret: base64.b64decode(f"{secret}{'=' * (-len(secret) % 4)}"),
    "hex": bytes.fromhex,
}


def _as_it_should_be(message: bytes, secret: bytes) -> Iterator[tuple[str, bytes]]:
    yield "", _base64url(hmac.digest(secret, message, "sha256"))


def _signatures(message: bytes, secret: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the correct signature, and the wrong ones."""
    digest = hmac.digest(secret, message, "sha256")
    yield "", _base64url(digest)
    yield "the signature has padding", base64.urlsafe_b64encode(digest)
    yield "the signature is base64, not base64url", base64.b64encode(digest)
    yield "the signature is base64, not base64url", base64.b64encode(digest).rstrip(b"=")
    yield "the signature is in hex", digest.hex().encode()
    yield "the signature is base64url of its hex", _base64url(digest.hex().encode())
    for bits in ("384", "512"):
        yield f"with HS{bits} in place of HS256", _base64url(hmac.digest(secret, message, f"sha{bits}"))


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")

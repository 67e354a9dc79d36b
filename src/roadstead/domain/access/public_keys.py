"""Public keys as OpenSSH writes them: their form, and the kinds that are secure enough."""

import base64
import binascii
import hashlib
from collections.abc import Iterator

from roadstead.domain.names import is_text
from roadstead.errors import InvalidInput, invalid_member
from roadstead.model.keys import PublicKey

LEAST_RSA_BITS = 2048
MOST_RSA_BITS = 16384
"""As much as OpenSSH takes."""
LONGEST_COMMENT = 255
_MOST_BYTES = 8 * 1024
_ED25519_BYTES = 32
_POINT_BYTES = {"nistp256": 65, "nistp384": 97, "nistp521": 133}
"""Of a point of each curve, uncompressed."""
_LENGTH_BYTES = 4
_KINDS = "ssh-ed25519, ecdsa-sha2-nistp256, -384 or -521, ssh-rsa, or a security key of the first two kinds"


def read_key(text: str) -> PublicKey:
    """Return the key of a line as in `id_ed25519.pub`. Raise `InvalidInput`."""
    kind, _, rest = text.strip().partition(" ")
    encoded, _, comment = rest.strip().partition(" ")
    comment = comment.strip()
    if "PRIVATE KEY" in text:
        raise _refused("This is a private key. Send the public one, from the file whose name ends in .pub.")
    if not (comment.isprintable() and is_text(comment, LONGEST_COMMENT)):
        raise _refused(f"Its comment is not printable text of at most {LONGEST_COMMENT} characters on the same line.")
    blob = _decoded(encoded)
    _check(kind, list(_strings(blob)))
    return PublicKey(f"{kind} {encoded}", comment, fingerprint_of(blob))


def fingerprint_of(blob: bytes) -> str:
    """Return the SHA-256 of a key, as OpenSSH shows it."""
    return base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def _decoded(encoded: str) -> bytes:
    try:
        blob = base64.b64decode(encoded.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as exc:
        raise _refused("It is not a type, a space and Base64.") from exc
    if not 0 < len(blob) <= _MOST_BYTES:
        raise _refused("It is not a type, a space and Base64.")
    return blob


def _strings(blob: bytes) -> Iterator[bytes]:
    """Yield the fields of a key, each of which follows its length. Raise `InvalidInput` if they do not fill it."""
    at = 0
    while at < len(blob):
        start = at + _LENGTH_BYTES
        at = start + int.from_bytes(blob[at:start], "big")
        if start > len(blob) or at > len(blob):
            raise _refused("It was cut off or damaged.")
        yield blob[start:at]


def _check(kind: str, fields: list[bytes]) -> None:
    """Raise `InvalidInput` unless the fields are those of a key of that kind."""
    if fields[0] != kind.encode(errors="replace"):
        raise _refused("Its type is not that of its content.")
    match kind, fields[1:]:
        case "ssh-rsa", [_, modulus]:
            _check_modulus(modulus)
            return
        case "ssh-ed25519", [point]:
            is_whole = len(point) == _ED25519_BYTES
        case "sk-ssh-ed25519@openssh.com", [point, _]:
            is_whole = len(point) == _ED25519_BYTES
        case "sk-ecdsa-sha2-nistp256@openssh.com", [b"nistp256", point, _]:
            is_whole = _is_point("nistp256", point)
        case (("ecdsa-sha2-nistp256" | "ecdsa-sha2-nistp384" | "ecdsa-sha2-nistp521"), [curve, point]):
            is_whole = kind.endswith(f"-{curve.decode('latin-1')}") and _is_point(curve.decode("latin-1"), point)
        case _:
            raise _refused(f"Keys of this type are not taken. Make one of: {_KINDS}.")
    if not is_whole:
        raise _refused("It was cut off or damaged.")


def _check_modulus(modulus: bytes) -> None:
    bits = int.from_bytes(modulus, "big").bit_length()
    if not LEAST_RSA_BITS <= bits <= MOST_RSA_BITS:
        raise _refused(f"An RSA key has {LEAST_RSA_BITS} to {MOST_RSA_BITS} bits; this one has {bits}.")


def _is_point(curve: str, point: bytes) -> bool:
    return len(point) == _POINT_BYTES.get(curve) and point[:1] == b"\x04"


def _refused(reason: str) -> InvalidInput:
    return invalid_member("key", reason)

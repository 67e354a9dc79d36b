"""Public keys as OpenSSH writes them, made by hand: no private key belongs to them."""

import base64
import hashlib
import os


def blob(*fields: bytes) -> bytes:
    """Return the bytes of a key, each field after its length."""
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def line(kind: str, *fields: bytes, comment: str = "") -> str:
    """Return the line of a key."""
    return f"{kind} {base64.b64encode(blob(kind.encode(), *fields)).decode()} {comment}".rstrip()


def public_key(comment: str = "") -> str:
    """Return the line of a new key."""
    return line("ssh-ed25519", os.urandom(32), comment=comment)


def fingerprint(key: str) -> str:
    """Return the fingerprint of a line, without the library under test."""
    digest = hashlib.sha256(base64.b64decode(key.split()[1])).digest()
    return base64.b64encode(digest).decode().rstrip("=")

"""Secrets at rest: encrypted and authenticated, with a key that lives outside the database.

The recipe is Fernet (AES-128-CBC with HMAC-SHA256) from `cryptography`. The key is `ROADSTEAD_KEY`, or a file in the
data folder that only its owner may read, made on first start.
"""

import os
import stat
from collections import OrderedDict
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from roadstead.errors import StorageUnusable

KEY_FILE = "secret.key"
_REMEMBERED = 10_000
"""Opened secrets kept in memory, so that a signed request does not pay for decryption each time (about 30 µs)."""


class SecretBox:
    """Seals and opens short secrets."""

    def __init__(self, key: str) -> None:
        """Raises `StorageUnusable` when the key is not one."""
        try:
            self._fernet = Fernet(key)
        except ValueError as exc:
            raise StorageUnusable(
                "The encryption key is not a valid key.",
                "ROADSTEAD_KEY, or the key file, must hold 32 bytes in URL-safe base64 (44 characters).",
            ) from exc
        self._opened: OrderedDict[bytes, str] = OrderedDict()

    def seal(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Raises `StorageUnusable` when it was sealed with another key, or tampered with."""
        known = self._opened.get(sealed)
        if known is not None:
            return known
        try:
            secret = self._fernet.decrypt(sealed).decode()
        except InvalidToken as exc:
            raise StorageUnusable(
                "A stored secret cannot be decrypted with this key.",
                f"Put back the {KEY_FILE} (or ROADSTEAD_KEY) that belongs to this data folder.",
            ) from exc
        self._opened[sealed] = secret
        if len(self._opened) > _REMEMBERED:
            self._opened.popitem(last=False)
        return secret

    def __repr__(self) -> str:
        return "SecretBox()"


def open_box(data: Path, key: str | None, *, first_use: bool) -> SecretBox:
    """The box for a data folder. Makes the key file on first use. Raises `StorageUnusable`."""
    return SecretBox(key or _read_or_make_key(data / KEY_FILE, first_use=first_use))


def _read_or_make_key(file: Path, *, first_use: bool) -> str:
    if not first_use and not file.exists():
        # A new key would open nothing, and hide that the old one is gone.
        raise StorageUnusable(
            "The key file is missing, and the secrets in the database cannot be read without it.",
            f"Put back {file}, or set ROADSTEAD_KEY.",
        )
    try:
        _make_key(file)
        if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise StorageUnusable("The key file may be read by others than its owner.", f"Run: chmod 600 {file}")
        return file.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as exc:
        raise StorageUnusable("The key file cannot be read.", str(exc)) from exc


def _make_key(file: Path) -> None:
    """Make the key file whole or not at all: two processes may start at once, and either may be killed."""
    if file.exists():
        return
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write(Fernet.generate_key().decode() + "\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()

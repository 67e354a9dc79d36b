"""Secrets at rest: encrypted and authenticated, with a key outside the database.

The recipe is Fernet (AES-128-CBC with HMAC-SHA256) from `cryptography`. The key is `ROADSTEAD_KEY`, or a file in the
data folder that only its owner may read, made on first start. Either may contain several keys, so that one can follow
another and everything stays readable; the database names the one that it is sealed with (`sealing`).
"""

import base64
import contextlib
import hashlib
import hmac
import os
import re
import stat
from collections import OrderedDict
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from roadstead.errors import StorageUnusable

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

KEY_FILE = "secret.key"
_KEY_BYTES = 32
_REMEMBERED = 10_000
"""Opened secrets kept in memory, so that a signed request does not pay for decryption each time (about 30 µs)."""


class Keys(Protocol):
    """The source of the keys. They are read again when one is missing, because they may change while the host runs."""

    def read(self) -> list[str]:
        """Return at least one key. Raises `StorageUnusable`."""


class KeySetting:
    """The keys in the operator's setting `key`, separated by commas."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read(self) -> list[str]:
        return _split(self._text)


class KeyFile:
    """The keys in our own file, one per line. It is only ever replaced as a whole."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> list[str]:
        try:
            if self.path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise StorageUnusable(
                    "Users other than its owner may read the key file.", f"Run: chmod 600 {self.path}"
                )
            return _split(self.path.read_text("ascii"))
        except (OSError, UnicodeDecodeError) as exc:
            raise StorageUnusable("The key file cannot be read.", str(exc)) from exc

    def make(self) -> None:
        """Make a first key, unless there is one. Raises `StorageUnusable`."""
        if not self.path.exists():
            self._write([new_key()], _put_if_missing)

    def replace(self, keys: Iterable[str]) -> None:
        """Replace the keys. Raises `StorageUnusable`."""
        self._write(keys, _put_for_the_same_owner)

    def _write(self, keys: Iterable[str], put: Callable[[Path, Path], None]) -> None:
        """Write wholly or not at all: two processes may start at the same time, and either may be killed."""
        file = self.path.resolve()
        draft = file.with_name(f"{file.name}.{os.getpid()}")
        try:
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
                out.writelines(f"{key}\n" for key in keys)
                out.flush()
                os.fsync(out.fileno())
            try:
                put(draft, file)
            finally:
                draft.unlink(missing_ok=True)
            _sync_folder(file.parent)
        except OSError as exc:
            raise StorageUnusable(
                f"The key file {file} cannot be written.", f"{exc.strerror}. Nothing was changed."
            ) from exc


class _Key:
    """A key. Its library is imported for the first secret, because a host should answer soon after its start.

    Raises `ValueError` for a text that is no key.
    """

    def __init__(self, text: str) -> None:
        if len(base64.urlsafe_b64decode(text)) != _KEY_BYTES:
            raise ValueError("The length is wrong.")
        self._text = text

    @cached_property
    def fernet(self) -> "Fernet":
        from cryptography.fernet import Fernet

        return Fernet(self._text)

    def sign(self, text: str) -> str:
        """Return a signature of a text."""
        return hmac.new(self._text.encode(), f"signature of {text}".encode(), hashlib.sha256).hexdigest()


class SecretBox:
    """Seals and opens short secrets."""

    def __init__(self, keys: Keys) -> None:
        """Use these keys. Raises `StorageUnusable` when one is invalid."""
        self._keys = keys
        self._opened: OrderedDict[bytes, str] = OrderedDict()
        self._read_keys()

    def read_again(self) -> list[str]:
        """Read the keys again; return their fingerprints, in order, which reveal nothing about the keys."""
        self._read_keys()
        return list(self._found)

    def has(self, fingerprint: str) -> bool:
        """Return whether we have the key, reading the keys again if needed."""
        if fingerprint not in self._found:
            self._read_keys()
        return fingerprint in self._found

    def seal(self, secret: str, fingerprint: str) -> bytes:
        """Seal with a key that we have."""
        return self._found[fingerprint].fernet.encrypt(secret.encode())

    def open(self, sealed: bytes) -> str:
        """Return the secret. Raises `StorageUnusable` when it was sealed with an unknown key, or tampered with."""
        known = self._opened.get(sealed)
        if known is not None:
            return known
        _, secret = self._decrypt(sealed)
        self._opened[sealed] = secret
        if len(self._opened) > _REMEMBERED:
            self._opened.popitem(last=False)
        return secret

    def key_of(self, sealed: bytes) -> str:
        """Return the fingerprint of the key it was sealed with. Raises as `open` does."""
        fingerprint, _ = self._decrypt(sealed)
        return fingerprint

    def sign(self, text: str) -> str:
        """Return a signature of a text, by which each host with the same key knows it again."""
        return next(iter(self._found.values())).sign(text)

    def has_signed(self, text: str, signature: str) -> bool:
        """Return whether a text was signed with a key that we have, reading the keys again if needed."""
        if self._is_signature(text, signature):
            return True
        self._read_keys()
        return self._is_signature(text, signature)

    def _is_signature(self, text: str, signature: str) -> bool:
        made = [key.sign(text).encode() for key in self._found.values()]
        return any(hmac.compare_digest(one, signature.encode()) for one in made)

    def _decrypt(self, sealed: bytes) -> tuple[str, str]:
        from cryptography.fernet import InvalidToken

        for read_again in (False, True):
            if read_again:
                self._read_keys()
            for fingerprint, key in self._found.items():
                with contextlib.suppress(InvalidToken):
                    return fingerprint, key.fernet.decrypt(sealed).decode()
        raise foreign_key()

    def _read_keys(self) -> None:
        try:
            self._found = {_fingerprint(key): _Key(key) for key in self._keys.read()}
        except ValueError as exc:
            raise StorageUnusable(
                "The encryption key is not a valid key.",
                "ROADSTEAD_KEY, or the key file, must contain 32 bytes in URL-safe base64 (44 characters).",
            ) from exc

    def __repr__(self) -> str:
        return "SecretBox()"


def keys_of(data: Path, setting: str | None) -> KeySetting | KeyFile:
    """Return the keys for a data folder."""
    return KeySetting(setting) if setting else KeyFile(data / KEY_FILE)


def open_box(keys: KeySetting | KeyFile, *, first_use: bool) -> SecretBox:
    """Return the box with these keys. Makes the key file on first use. Raises `StorageUnusable`."""
    if isinstance(keys, KeyFile):
        if not first_use and not keys.path.exists():
            # A new key would open nothing, and hide the loss of the old one.
            raise StorageUnusable(
                "The key file is missing, and the secrets in the database cannot be read without it.",
                f"Put back {keys.path}, or copy it from another host on the same database, or set ROADSTEAD_KEY.",
            )
        keys.make()
    return SecretBox(keys)


def warm() -> None:
    """Import the library before the first secret needs it."""
    import cryptography.fernet  # noqa: F401


def new_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


def foreign_key() -> StorageUnusable:
    return StorageUnusable(
        "The stored secrets cannot be decrypted with this key.",
        f"Put back the {KEY_FILE} (or ROADSTEAD_KEY) that belongs to this data folder.",
    )


def _split(text: str) -> list[str]:
    return [key for key in re.split(r"[\s,]+", text) if key] or [""]


def _fingerprint(key: str) -> str:
    return hashlib.sha256(f"fingerprint of {key}".encode()).hexdigest()[:16]


def _put_if_missing(draft: Path, file: Path) -> None:
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)


def _put_for_the_same_owner(draft: Path, file: Path) -> None:
    """Put the file in place with its owner: an administrator may run this for the user that the host runs as."""
    owner = file.stat()
    os.chown(draft, owner.st_uid, owner.st_gid)
    draft.replace(file)


def _sync_folder(folder: Path) -> None:
    """Write the folder to disk: without this a power cut could restore the old file."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)

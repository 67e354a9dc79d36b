"""The app's memory of its installations."""

import os
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec


@dataclass(frozen=True, slots=True)
class Installation:
    """The credentials of one installation, kept when it ends: the host signs the next one with them."""

    base_api_url: str
    shared_secret: str = field(repr=False)
    ended: bool = False


class Installations:
    """The installations by client key, in memory and, when there is a `file`, also in it."""

    def __init__(self, file: Path | None = None) -> None:
        """Read `file`, or make it. Raise `OSError`, and `ValueError` if its content is something else."""
        self._file = file
        self._by_client_key: dict[str, Installation] = {}
        if file is not None and file.exists():
            self._by_client_key = _read(file)
        self._save()

    def count(self) -> int:
        return sum(not installation.ended for installation in self._by_client_key.values())

    def secrets(self) -> dict[str, str]:
        """Return the last shared secret of each installation by its client key."""
        return {client_key: one.shared_secret for client_key, one in self._by_client_key.items()}

    def keep(self, client_key: str, installation: Installation) -> None:
        self._by_client_key[client_key] = installation
        self._save()

    def end(self, client_key: str) -> None:
        self.keep(client_key, replace(self._by_client_key[client_key], ended=True))

    def _save(self) -> None:
        """Write a new file, which only its owner may read, and replace the old one with it."""
        if self._file is None:
            return
        descriptor, written = tempfile.mkstemp(dir=self._file.parent, prefix=self._file.name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(self._by_client_key))
        Path(written).replace(self._file)


def _read(file: Path) -> dict[str, Installation]:
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, Installation])
    except msgspec.DecodeError as error:
        raise ValueError(f"{file} does not contain the installations of this app: {error}.") from error

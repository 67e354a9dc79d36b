"""The place of the state. A separate module, because a command that must start fast needs no other setting."""

from collections.abc import Mapping
from pathlib import Path


def data_folder(given: str | Path | None, environ: Mapping[str, str]) -> Path:
    """Return the folder that was given, that of `ROADSTEAD_DATA`, or the platform's folder for user data."""
    return Path(given or environ.get("ROADSTEAD_DATA") or _default()).expanduser().absolute()


def _default() -> Path:
    import platformdirs

    return platformdirs.user_data_path("roadstead", appauthor=False)

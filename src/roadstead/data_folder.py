"""The place of the state. A separate module, because a command that must start fast needs no other setting."""

from collections.abc import Mapping
from pathlib import Path

from roadstead.errors import InvalidInput


def data_folder(given: str | Path | None, environ: Mapping[str, str]) -> Path:
    """Return the folder that was given, that of `ROADSTEAD_DATA`, or the platform's folder for user data.

    Raises `InvalidInput`.
    """
    folder = Path(given or environ.get("ROADSTEAD_DATA") or _default())
    try:
        return folder.expanduser().absolute()
    except FileNotFoundError as exc:
        raise InvalidInput("The current folder does not exist any more.", "Change to another, or give a path.") from exc
    except RuntimeError as exc:
        raise InvalidInput(f"{folder} cannot be found: {exc}", "Give a whole path with --data.") from exc


def _default() -> Path:
    import platformdirs

    return platformdirs.user_data_path("roadstead", appauthor=False)

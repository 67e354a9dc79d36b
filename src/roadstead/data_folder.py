"""The place of the state. A separate module without `pathlib`, because a command that must start fast needs it."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from roadstead.errors import InvalidInput

if TYPE_CHECKING:
    from pathlib import Path


def data_folder(given: "str | Path | None", environ: Mapping[str, str]) -> str:
    """Return the folder that was given, that of `ROADSTEAD_DATA`, or the platform's folder for user data.

    Raises `InvalidInput`.
    """
    folder = str(given or environ.get("ROADSTEAD_DATA") or _default())
    expanded = os.path.expanduser(folder)  # noqa: PTH111
    if expanded.startswith("~"):
        raise InvalidInput(f"{folder} cannot be found: there is no such user.", "Give a whole path with --data.")
    if os.path.isabs(expanded):  # noqa: PTH117
        return expanded
    try:
        return os.path.join(os.getcwd(), expanded)  # noqa: PTH109, PTH118
    except FileNotFoundError as exc:
        raise InvalidInput("The current folder does not exist any more.", "Change to another, or give a path.") from exc


def _default() -> str:
    import platformdirs

    return platformdirs.user_data_dir("roadstead", appauthor=False)

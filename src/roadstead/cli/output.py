"""Printing: data to stdout, messages to stderr, and no character that could take over a terminal."""

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from roadstead.cli.colours import has_colours
from roadstead.cli.tables import Cell, Row, lay_out, local_time, wrap
from roadstead.errors import InstallationFailed, RoadsteadError
from roadstead.plain import plain

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

_JSON_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""Control characters that JSON leaves unescaped, and a terminal may obey."""


def print_json(document: object) -> None:
    """Print a JSON document, with escapes for characters that stdout's encoding does not have."""
    text = json.dumps(document, indent=2, ensure_ascii=False).translate(_JSON_CONTROLS)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2)
    print(text)


def tell(message: str = "") -> None:
    """Print a message for the user to stderr."""
    print(plain(as_called(message)), file=sys.stderr, flush=True)


def program() -> str:
    """Return how this program was called: `roadstead`, `.venv/bin/roadstead` or `python -m roadstead`."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py" and called.parent.name == "roadstead":
        return f"{shlex.quote(sys.orig_argv[0])} -m roadstead"
    if called.name == "roadstead" and shutil.which("roadstead") != sys.argv[0]:
        return shlex.quote(sys.argv[0])
    return "roadstead"


def as_called(text: str) -> str:
    """Return a text with the commands that it names (`roadstead apps show …`) as this program was called."""
    return re.sub(r"(?<![\w/.-])roadstead (?=[a-z])", lambda _: f"{program()} ", text)


def same_options(data: str | None, database_url: str | None, allow_target: Sequence[str] = ()) -> str:
    """Return the options with which another command works on the same state, and may call the same apps."""
    given = (("--data", data), ("--database-url", database_url), *(("--allow-target", one) for one in allow_target))
    return "".join(f" {option} {shlex.quote(value)}" for option, value in given if value is not None)


def console(*, stderr: bool = False) -> "Console":
    """Return Rich's console, for progress bars."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


_STYLES = {"bold": "1", "dim": "2", "red": "1;31", "yellow": "33", "green": "32", "cyan": "36"}


def styled(text: str, style: str, stream: TextIO | None = None) -> str:
    """Return text in bold or in a colour, if `stream` shows colours."""
    return f"\x1b[{_STYLES[style]}m{text}\x1b[0m" if has_colours(stream or sys.stdout) else text


def columns(stream: TextIO | None = None) -> int | None:
    """Return the width of the terminal. A pipe has none, because cutting would damage addresses."""
    return shutil.get_terminal_size().columns if (stream or sys.stdout).isatty() else None


def print_table(headings: Sequence[str], rows: Iterable[Row]) -> None:
    """Print a table that fits the terminal; see `lay_out`."""
    shown = [Row([_plain_cell(cell) for cell in row.cells], plain(row.below)) for row in rows]
    lines = lay_out(headings, shown, width=columns(), now=datetime.now().astimezone())
    print(styled(next(lines), "bold"))
    for line in lines:
        print(line)


def print_list(
    found: Sequence[T],
    headings: Sequence[str],
    row: Callable[[T], Row],
    as_data: Callable[[T], object],
    nothing: str,
    *,
    as_json: bool,
) -> None:
    """Print a list as JSON or as a table. Where it is empty, `nothing` says so."""
    if as_json:
        print_json([as_data(one) for one in found])
    elif found:
        print_table(headings, map(row, found))
    else:
        tell(nothing)


def _plain_cell(cell: Cell) -> Cell:
    return type(cell)(plain(cell)) if isinstance(cell, str) else cell


def hanging(text: str, indent: int) -> str:
    """Return a text to print after a label of `indent` columns, its further lines indented below its first."""
    width = columns()
    lines = wrap(plain(text), width and max(1, width - indent))
    return f"\n{'':{indent}}".join(lines)


def when(moment: datetime) -> str:
    """Return a time as tables show it."""
    return local_time(moment, datetime.now().astimezone())


def print_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Print names and values, a pair on each line."""
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        text = when(value) if isinstance(value, datetime) else str(value)
        print(f"{name:<{width}}  {hanging(text, width + 2)}")


def refuse(error: RoadsteadError, *, as_json: bool) -> int:
    """Print the error and what to do, and return the exit code."""
    from roadstead.settings import InvalidSetting

    print(styled("error: ", "red", sys.stderr) + plain(as_called(error.message)), file=sys.stderr)
    for line in _explanation(error):
        print(f"       {plain(line)}", file=sys.stderr)
    if as_json:
        print_json({"error": _as_data(error)})
    return 2 if isinstance(error, InvalidSetting) else 1


def _explanation(error: RoadsteadError) -> list[str]:
    lines = as_called(error.detail or _faults(error)).splitlines()
    if isinstance(error, InstallationFailed):
        lines.append(f"Step: {error.step}")
        if error.status is not None:
            from roadstead.gist import gist

            lines += [f"The app answered {error.status}:", *(gist(error.body or "") or "(nothing)").splitlines()]
    return lines


def _faults(error: RoadsteadError) -> str:
    """Return what is wrong with each member of the input, as far as the message does not say it."""
    members = (error.fields or {}).items()
    told = [f"{name}: {fault}" for name, said in members for fault in ([said] if isinstance(said, str) else said)]
    return "\n".join(line for line in told if line != error.message)


def _as_data(error: RoadsteadError) -> dict[str, Any]:
    data: dict[str, Any] = {"message": error.message, "detail": error.detail or _faults(error)}
    if isinstance(error, InstallationFailed):
        data |= {"step": error.step, "status": error.status, "body": error.body}
    return data

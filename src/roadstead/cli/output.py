"""What commands print: data on stdout, messages on stderr, and nothing that could take over a terminal."""

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from roadstead.errors import InstallationFailed, RoadsteadError

if TYPE_CHECKING:
    from rich.console import Console

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}

_JSON_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""Those that JSON does not want escaped, but a terminal may obey."""


def plain(text: str) -> str:
    """Text of a stranger, without the characters that a terminal obeys."""
    return text.translate(_CONTROLS)


def print_json(document: object) -> None:
    """One JSON document, with escapes where stdout's encoding cannot hold a character as it is."""
    text = json.dumps(document, indent=2, ensure_ascii=False).translate(_JSON_CONTROLS)
    try:
        text.encode(sys.stdout.encoding)
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2)
    print(text)


def tell(message: str = "") -> None:
    """A message for the person at the terminal, which is no part of the command's result."""
    print(plain(message), file=sys.stderr, flush=True)


def console(*, stderr: bool = False) -> "Console":
    """Where tables and coloured words are printed: colours only on a terminal, and nothing is taken for markup."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    # A pipe has no width: wrapping would tear the addresses that somebody wants to cut out.
    width = None if stream.isatty() else 10_000
    return Console(stderr=stderr, width=width, markup=False, highlight=False, emoji=False, soft_wrap=True)


def print_table(headings: Sequence[str], lines: Sequence[Sequence[object]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(*headings, box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for line in lines:
        table.add_row(*(Text(plain(str(cell)), overflow="fold") for cell in line))
    console().print(table)


def print_facts(facts: Sequence[tuple[str, object]]) -> None:
    """Names and values, one pair a line."""
    width = max(len(name) for name, _ in facts)
    for name, value in facts:
        print(f"{name:<{width}}  {plain(str(value))}")


def refuse(error: RoadsteadError, *, as_json: bool) -> int:
    """Say what went wrong and what to do; the exit code that goes with it."""
    from rich.text import Text

    from roadstead.settings import InvalidSetting

    to = console(stderr=True)
    to.print(Text.assemble(("error: ", "bold red"), plain(error.message)))
    for line in _explanation(error):
        to.print(Text(f"       {plain(line)}"))
    if as_json:
        print_json({"error": _as_data(error)})
    return 2 if isinstance(error, InvalidSetting) else 1


def _explanation(error: RoadsteadError) -> list[str]:
    lines = error.detail.splitlines()
    if isinstance(error, InstallationFailed):
        lines.append(f"Step: {error.step}")
        if error.status is not None:
            lines += [f"The app answered {error.status}:", *(error.body or "(nothing)").splitlines()]
    return lines


def _as_data(error: RoadsteadError) -> dict[str, Any]:
    data: dict[str, Any] = {"message": error.message, "detail": error.detail}
    if isinstance(error, InstallationFailed):
        data |= {"step": error.step, "status": error.status, "body": error.body}
    return data

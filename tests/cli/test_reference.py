"""The reference of the command line has exactly the existing commands and options, in the words of their help."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from roadstead.cli.commands import PANELS, app

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference" / "cli.md"


def _commands() -> Iterator[tuple[str, object]]:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]  # it is a group
        yield name, command
        for inner, subcommand in getattr(command, "commands", {}).items():
            yield f"{name} {inner}", subcommand


def _rows(command: object) -> list[tuple[str, str]]:
    """Return a command's parameters, as the reference writes them."""
    rows = []
    for parameter in command.params:  # type: ignore[attr-defined]  # of a command
        names = [parameter.metavar]
        if parameter.param_type_name == "option":
            names.insert(0, parameter.opts[0])
        rows.append((" ".join(filter(None, names)), parameter.help))
    return rows


def _sections() -> dict[str, str]:
    _, *sections = re.split(r"^## `roadstead (.*)`\n", REFERENCE.read_text("utf-8"), flags=re.MULTILINE)
    return dict(zip(sections[::2], sections[1::2], strict=True))


def test_every_command_has_its_section() -> None:
    """None is missing, none is described that does not exist, and they are in the order of the help."""
    top = [name for names in PANELS.values() for name in names]
    assert set(_sections()) == {name for name, _ in _commands()}
    assert [name for name in _sections() if " " not in name] == top


def test_help_shows_every_command_with_its_whole_summary() -> None:
    """The help groups all commands and says of each in a short sentence what it does; the reference begins with it."""
    shown = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "80"}).stdout
    assert "…" not in shown
    assert "..." not in shown.replace("[ARGS]...", "")
    for name, command in _commands():
        summary = command.help.partition("\n")[0]  # type: ignore[attr-defined]  # of a command
        assert summary.endswith(".")
        assert len(summary) < 55, summary
        assert _sections()[name].startswith(f"\n{summary}\n\n"), name
        if " " not in name:
            assert re.search(rf"^  {name} +{re.escape(summary)}$", shown, re.MULTILINE), shown
    assert re.findall(r"^(\w+):$", shown, re.MULTILINE) == ["Options", *PANELS]


@pytest.mark.parametrize(("name", "command"), list(_commands()), ids=[name for name, _ in _commands()])
def test_section_is_true(name: str, command: object) -> None:
    """The table of a section has a row for every argument and option, with its help."""
    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", _sections()[name], flags=re.MULTILINE)
    assert [(taken.replace(r"\|", "|"), help_.replace(r"\|", "|")) for taken, help_ in rows] == _rows(command)

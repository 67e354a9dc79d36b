"""The reference of the command line names exactly the commands and options there are, in the words of their help."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from roadstead.cli.commands import app

REFERENCE = Path(__file__).parent.parent.parent / "docs" / "reference" / "cli.md"


def _commands() -> Iterator[tuple[str, object]]:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]  # it is a group
        yield name, command
        for inner, subcommand in getattr(command, "commands", {}).items():
            yield f"{name} {inner}", subcommand


def _rows(command: object) -> list[tuple[str, str]]:
    """What a command takes, as the reference writes it."""
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
    """None is missing, and none is described that does not exist."""
    assert set(_sections()) == {name for name, _ in _commands()}


@pytest.mark.parametrize(("name", "command"), list(_commands()), ids=[name for name, _ in _commands()])
def test_section_is_true(name: str, command: object) -> None:
    """The table of a section has a row for every argument and option, with its help."""
    rows = re.findall(r"^\| `(.+?)` \| (.+) \|$", _sections()[name], flags=re.MULTILINE)
    assert [(taken.replace(r"\|", "|"), help_.replace(r"\|", "|")) for taken, help_ in rows] == _rows(command)

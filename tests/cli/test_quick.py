"""The fast start: arguments read without Typer, and modules imported when they are needed."""

import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from typer.main import get_command

from roadstead.cli import quick
from roadstead.cli.check import check
from roadstead.cli.commands import app
from roadstead.cli.demo import demo
from roadstead.cli.linkify import linkify
from roadstead.cli.serve import serve
from tests.cli.conftest import PROGRAM, Roadstead


def _as_typer_reads(command: FunctionType, arguments: list[str]) -> dict[str, Any]:
    for_typer = get_command(app).commands[command.__name__]  # type: ignore[attr-defined]  # it is a group
    parameters: dict[str, Any] = for_typer.make_context(command.__name__, list(arguments)).params
    # Typer gives the command a list where Click has a tuple.
    return {name: list(value) if isinstance(value, tuple) else value for name, value in parameters.items()}


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (linkify, []),
        (linkify, ["-"]),
        (linkify, ["notes.txt"]),
        (linkify, ["--color", "always"]),
        (linkify, ["--color=never", "--workspace=", "notes.txt"]),
        (linkify, ["--explain", "--format", "json", "--data", "/srv/a b"]),
        (linkify, ["notes.txt", "--input", "markdown", "--database-url=sqlite:///x=y.db"]),
        (linkify, ["--workspace", "a", "--workspace", "b", "--linkers-without-values", "nothing"]),
        (serve, ["--port", "8000", "--base-url=https://a.example", "--rate-limit", "many"]),
        (serve, ["--allow-target", "10.0.0.0/8", "--workers", "2", "--allow-target=*.corp"]),
        (demo, ["--once", "--color", "never"]),
        (check, ["descriptor.json", "--json"]),
        (check, ["--allow-target", "localhost:4000", "http://localhost:4000/"]),
    ],
)
def test_ordinary_arguments_are_read_as_typer_reads_them(command: FunctionType, arguments: list[str]) -> None:
    """The fast reader gives each parameter the value that Typer gives it."""
    read = quick.read(command, arguments)
    whole = _as_typer_reads(command, arguments)
    assert whole.keys() >= read.keys()
    assert {name: whole[name] for name in read} == read
    unset = _as_typer_reads(command, ["descriptor.json"] if command is check else [])
    assert all(whole[name] == unset[name] for name in whole.keys() - read.keys())


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (linkify, ["--help"]),
        (linkify, ["--moor"]),
        (linkify, ["--col", "always"]),
        (linkify, ["--color"]),
        (linkify, ["--color", "mauve"]),
        (linkify, ["--color", "--explain"]),
        (linkify, ["--explain=yes"]),
        (linkify, ["--data", "-x"]),
        (linkify, ["--", "notes.txt"]),
        (linkify, ["one.txt", "two.txt"]),
        (linkify, ["\udcff"]),
        (serve, ["--allow-target"]),
        (demo, ["--repo", "."]),
        (check, []),
        (check, ["--json"]),
    ],
)
def test_other_arguments_are_left_to_typer(command: FunctionType, arguments: list[str]) -> None:
    """Help, mistakes and rare spellings are read only by Typer."""
    with pytest.raises(quick.NotOrdinary):
        quick.read(command, arguments)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("arguments", "printed", "code"),
    [
        (["--version"], "roadstead ", 0),
        (["version", "--json"], '"python"', 0),
        (["check", "nowhere.json"], "", 1),
        (["check", "nowhere.json", "--json"], '"error"', 1),
        (["version", "--nonsense"], "", 2),
    ],
)
def test_fast_commands_report_as_others_do(roadstead: Roadstead, arguments: list[str], printed: str, code: int) -> None:
    """The output and the exit code of a command do not depend on how its arguments are read."""
    done, as_typer = roadstead.run(*arguments), roadstead.call(*arguments)
    assert printed in done.stdout.decode()
    assert (done.returncode, done.stdout) == (as_typer.returncode, as_typer.stdout) == (code, done.stdout)


BEFORE_THE_SERVER = "uvloop"
"""What the process imports just before it serves."""
LATE = {"roadstead.linkify.matching.document", "roadstead.connect.members", "cryptography.fernet"}
"""What the first requests need, and so the host imports soon after its start: parts of the matcher and of the reader of
descriptors, which Python reports, although it reports no import by a name at run time.
"""
NOT_AT_ALL = {"typer", "rich", "jinja2", "asyncpg", "certifi", "filelock", "importlib.metadata", "roadstead.web"}


def test_a_host_answers_before_it_imports_what_requests_need(roadstead: Roadstead, tmp_path: Path) -> None:
    """The server runs first; the matcher and what tokens need follow by themselves, and nothing else does."""
    told = tmp_path / "told"
    command = [sys.executable, "-X", "importtime", *PROGRAM[1:], "serve", "--port", "0"]
    with (
        told.open("wb") as stderr,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, env=roadstead.environment) as process,
    ):
        try:
            assert process.stdout is not None
            base_url = process.stdout.readline().decode().split()[-1]
            with urllib.request.urlopen(f"{base_url}/-/health/live", timeout=20) as answer:
                assert answer.status == 200
            deadline = time.monotonic() + 30
            while not set(_imported(told)) >= LATE:
                assert time.monotonic() < deadline, "it imports no more"
                time.sleep(0.05)
        finally:
            process.terminate()
    imported = _imported(told)
    assert not LATE & set(imported[: imported.index(BEFORE_THE_SERVER)])
    assert not NOT_AT_ALL & set(imported)


def _imported(told: Path) -> list[str]:
    """Return the modules that Python says were imported, in order."""
    return [line.rpartition("|")[2].strip() for line in told.read_text("utf-8").splitlines() if "|" in line]

"""The commands before anything is installed: exit code, stdout and stderr."""

import json
import os
import pty
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from roadstead import __version__
from roadstead.cli.commands import app
from tests.cli.conftest import PROGRAM, Outcome, Roadstead


@dataclass(frozen=True)
class Case:
    """Arguments, the exit code, and patterns that all of stdout and a part of stderr must match."""

    arguments: tuple[str, ...]
    code: int = 0
    out: str = ""
    err: str = ""
    stdin: bytes = b""


UNREACHABLE = "http://127.0.0.1:1/descriptor.json"

CASES = [
    Case(("linkify",), out="see BB-1\n", err="Nothing is installed yet", stdin=b"see BB-1\n"),
    Case(("version",), out=rf"roadstead {re.escape(__version__)}\n"),
    Case(("routes",), out=r"(?s)METHOD .*\nPUT +/2\.0/addon +app JWT\n.*"),
    Case(
        ("routes", "--json"),
        out=r'(?s)\[\n.*"address": "/2.0/user",\n.*"needs": "scope account".*\]\n',
    ),
    Case(("--version",), out=rf"roadstead {re.escape(__version__)}\n"),
    Case((), 2, err=r"Usage: (\S+ -m )?roadstead"),
    Case(("moor",), 2, err="No such command 'moor'"),
    Case(("apps",), err="Nothing is installed. Install an app with: roadstead install DESCRIPTOR_URL"),
    Case(("requests",), err="No calls yet"),
    Case(("requests", "--filter", "status = 401"), err="No recorded call matches the filter"),
    Case(("requests", "show", "17"), 1, err="no recorded request 17"),
    Case(("apps", "--json"), out=r"\[\]\n"),
    Case(("apps", "--workspace", "harbour"), 1, err="no workspace 'harbour'"),
    Case(("apps", "show", "ghost"), 1, err="'ghost' is not installed"),
    Case(("uninstall", "ghost"), 1, err="'ghost' is not installed"),
    Case(("token", "ghost", "GET", "/2.0/addon"), 1, err="'ghost' is not installed"),
    Case(("token", "ghost", "GET", "2.0/addon"), 1, err="not a path"),
    Case(("token", "ghost", "G T", "/2.0/addon"), 1, err="not a method"),
    Case(("token-list", "--json"), out=r"\[\]\n"),
    Case(("token-revoke", "7"), 1, err="no token 7"),
    Case(("token-revoke", str(2**63)), 2, err="ID"),
    Case(("token-create", " "), 1, err="needs a name"),
    Case(("sign-in",), out=r"http://localhost:7990/-/sign-in\?code=\S+\n"),
    Case(("register", "key", "ftp://x"), 1, err="not an http or https URL"),
    Case(("install", UNREACHABLE), 1, err=r"(?s)cannot be fetched.*Step: fetch"),
    Case(("install", UNREACHABLE, "--workspace", "No Slug"), 1, err="cannot be the name of a workspace"),
    Case(("linkify", "--workspace", "harbour"), 1, err="no workspace 'harbour'", stdin=b"BB-1"),
    Case(("linkify", "/no/such/file"), 1, err="cannot be read"),
    Case(("linkify", "--format", "pdf"), 2, err="pdf"),
    Case(("linkify", "--input", "pdf"), 2, err="pdf"),
    Case(("linkify", "--input", "html", "--format", "terminal"), 2, err="html input is printed as html or json"),
    Case(("linkify", "--input", "html"), out="<p>BB-1</p>", err="Nothing is installed yet", stdin=b"<p>BB-1"),
    Case(("check", "/no/such/file"), 1, err="cannot be read"),
    Case(("serve", "--port", "99999"), 2, err="--port must be a whole number"),
    Case(("serve", "--base-url", "localhost"), 2, err="--base-url must be an address"),
    Case(("apps", "--database-url", "mysql://x"), 2, err="--database-url must be"),
    Case(("apps", "--data", "/dev/null"), 2, err="/dev/null is not a folder"),
    Case(("apps", "--data", "~no-such-user/x"), 1, err="~no-such-user/x cannot be found"),
    Case(("requests", "--limit", "0"), 2, err="'--limit': 0 is not a whole number from 1 to 10000"),
    Case(("requests", "--limit", "few"), 2, err="'--limit': few is not a whole number"),
    Case(("demo", "--repo", "/no/such/folder"), 1, err="git log failed"),
]


@pytest.mark.sample(5)
@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case.arguments))
def test_command_answers(case: Case, tmp_path: Path) -> None:
    """Each command ends with its exit code and writes to the right stream."""
    _assert_fits(case, Roadstead(tmp_path).call(*case.arguments, stdin=case.stdin))


@pytest.mark.parametrize("case", CASES[:2], ids=lambda case: " ".join(case.arguments))
def test_program_answers_the_same(case: Case, tmp_path: Path) -> None:
    """The program does the same as the commands in the test above."""
    _assert_fits(case, Roadstead(tmp_path).run(*case.arguments, stdin=case.stdin))


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (".venv/bin/roadstead", ".venv/bin/roadstead"),
        ("python -m roadstead", "python -m roadstead"),
        pytest.param("roadstead", "roadstead", marks=pytest.mark.slow),
        pytest.param("./.venv/bin/roadstead", "./.venv/bin/roadstead", marks=pytest.mark.slow),
        pytest.param(".venv/bin/python -m roadstead", ".venv/bin/python -m roadstead", marks=pytest.mark.slow),
    ],
)
def test_messages_name_commands_as_this_one_was_called(typed: str, named: str, tmp_path: Path) -> None:
    """A command in a message works as it is written, also if the program is not in your PATH."""
    (tmp_path / ".venv").symlink_to(sys.prefix)
    on_path = f"{sys.prefix}/bin:{os.environ['PATH']}" if "/" not in typed else os.defpath
    environment = Roadstead(tmp_path / "data").environment | {"PATH": on_path}

    def type_in(arguments: str) -> Outcome:
        command = f"{typed} {arguments}"
        return subprocess.run(
            ["sh", "-c", command], cwd=tmp_path, env=environment, capture_output=True, timeout=60, check=False
        )

    assert f"with: {named} install DESCRIPTOR_URL\n" in type_in("apps").stderr.decode()
    assert f"with: {named} apps\n" in type_in("token ghost GET /").stderr.decode()
    assert f"Try '{named} -h' for help" in type_in("moor").stderr.decode()


def test_argument_that_is_no_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are refused where text is needed."""
    done = Roadstead(tmp_path).run("apps", "show", b"\xff")
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: An argument contains bytes that are not UTF-8.")


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    "command",
    ["apps --json", "linkify", *(pytest.param(name, marks=pytest.mark.slow) for name in ("routes", "version"))],
)
def test_output_that_cannot_be_written(command: str, tmp_path: Path) -> None:
    """A full disk behind stdout is told in a sentence, whichever way the command came."""
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full, which is always full")
    program = " ".join(PROGRAM)
    done = subprocess.run(
        ["sh", "-c", f"echo BB-1 | {program} {command} >/dev/full"],
        env=Roadstead(tmp_path).environment | {"PYTHONUNBUFFERED": ""},  # or each write would fail by itself
        stderr=subprocess.PIPE,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.endswith(b"error: The output cannot be written: No space left on device.\n")


def test_current_folder_that_is_gone(tmp_path: Path) -> None:
    """A relative path below it is refused in a sentence."""
    folder = tmp_path / "gone"
    folder.mkdir()
    done = subprocess.run(
        ["sh", "-c", f"rmdir {folder}; {' '.join(PROGRAM)} apps --data state"],
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: The current folder does not exist any more.")


def _assert_fits(case: Case, done: Outcome) -> None:
    assert done.returncode == case.code, done.stderr.decode()
    assert re.fullmatch(case.out, done.stdout.decode()), done.stdout.decode()
    assert re.search(case.err, done.stderr.decode()), done.stderr.decode()


def test_every_command_explains_itself() -> None:
    """Every command and every option of it has help."""
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]  # it is a group
        assert command.help, name
        for parameter in command.params:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_refusal_as_json_is_one_document(roadstead: Roadstead) -> None:
    """With --json a refusal is a document on stdout, and the exit code still shows it."""
    done = roadstead.call("apps", "show", "ghost", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["error"]["message"] == "The app 'ghost' is not installed."


def test_token_is_shown_once(roadstead: Roadstead) -> None:
    """A token can be made, is listed without its secret, and is gone once revoked."""
    made = roadstead.read("token-create", "ci", "--expires-in", "2")
    listed = roadstead.read("token-list")
    assert listed == [{name: value for name, value in made.items() if name != "token"}]
    assert roadstead.read("token-revoke", str(made["id"])) == {"id": made["id"]}
    assert roadstead.read("token-list") == []


def test_option_before_and_after_a_subcommand_is_the_same(roadstead: Roadstead, tmp_path: Path) -> None:
    """`apps --data X show` works on the same state as `apps show --data X`."""
    other = tmp_path / "other"
    assert roadstead.call("apps", "--data", str(other), "show", "ghost").returncode == 1
    assert (other / "roadstead.db").exists()
    assert not roadstead.data.exists()


def test_closed_streams_are_no_reason_to_fail(roadstead: Roadstead) -> None:
    """Started without any standard stream, a command still works."""
    script = 'exec "$@" <&- >&- 2>&-'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *PROGRAM, "sign-in"], env=roadstead.environment, timeout=60, check=False
    )
    assert done.returncode == 0


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("arguments", "asked"),
    [(("debug-jwt", "GET", "/2.0/addon"), "Paste the token"), (("linkify",), "Type or paste the text")],
)
def test_a_command_that_waits_for_the_keyboard_says_so(
    arguments: tuple[str, ...], asked: str, roadstead: Roadstead
) -> None:
    """At a terminal the command says what it waits for, and how to end it; in a pipe it says nothing."""
    ours, its = pty.openpty()
    os.write(ours, b"x\n\x04")
    typed = subprocess.run(
        [*PROGRAM, *arguments], stdin=its, capture_output=True, env=roadstead.environment, timeout=60, check=False
    )
    os.close(its)
    os.close(ours)
    assert f"{asked}, then press Ctrl-D.\n" in typed.stderr.decode()
    assert b"Ctrl-D" not in roadstead.call(*arguments, stdin=b"x\n").stderr

"""Tables on terminals of several widths: no word is broken, nothing is missing."""

import contextlib
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from datetime import UTC, datetime, timedelta, timezone
from fcntl import ioctl

import pytest

from roadstead.cli.tables import Row, Url, cut_url, lay_out, local_time, text_width, wrap
from tests.cli.conftest import Roadstead, ServeApp, running
from tests.live import recording_app

NOW = datetime(2026, 11, 29, 18, 0, tzinfo=timezone(timedelta(hours=1)))
HEADINGS = ("ID", "TIME", "APP", "METHOD", "URL", "STATUS")
REFUSED = "http://localhost:3100/installed cannot be reached: Connection refused."
ROWS = [
    Row((86, NOW - timedelta(hours=1), "broken-app", "POST", Url("http://localhost:3100/installed"), None), REFUSED),
    Row((9, NOW - timedelta(days=3), "acme-issue-links", "GET", Url("/2.0/addon/linkers/tickets/values?page=2"), 200)),
]


def printed(headings: tuple[str, ...], rows: list[Row], width: int | None) -> list[str]:
    return list(lay_out(headings, rows, width=width, now=NOW))


@pytest.mark.parametrize(
    ("width", "lines"),
    [
        (
            None,
            [
                "ID  TIME             APP               METHOD  URL                                       STATUS",
                "86  17:00:00         broken-app        POST    http://localhost:3100/installed",
                f"    {REFUSED}",
                " 9  26 Nov 18:00:00  acme-issue-links  GET     /2.0/addon/linkers/tickets/values?page=2     200",
            ],
        ),
        (
            80,
            [
                "ID  TIME             APP               METHOD  URL                        STATUS",
                "86  17:00:00         broken-app        POST    localhost:3100/installed",
                f"    {REFUSED}",
                " 9  26 Nov 18:00:00  acme-issue-links  GET     …/tickets/values?page=2       200",
            ],
        ),
        (
            60,
            [
                "ID  TIME             METHOD  URL                      STATUS",
                "86  17:00:00         POST    …/installed",
                "    APP: broken-app",
                "    http://localhost:3100/installed cannot be reached:",
                "    Connection refused.",
                " 9  26 Nov 18:00:00  GET     …/tickets/values?page=2     200",
                "    APP: acme-issue-links",
            ],
        ),
    ],
)
def test_table_fits_the_terminal(width: int | None, lines: list[str]) -> None:
    """Addresses lose their front, then the widest column goes below the row; a remark is always printed."""
    assert printed(HEADINGS, ROWS, width) == lines


def test_no_word_is_broken_and_none_is_lost() -> None:
    """At any width each word and each number is printed whole; only an indivisible one makes a line too long."""
    prose = "The stored value 'BB' may not begin right after a letter or a digit."
    row = Row((17, NOW, "roadstead-sample-app", prose, 1.25), f"because {prose}")
    for width in range(1, 130):
        _, *lines = printed(("ID", "TIME", "APP", "REASON", "MS"), [row], width)
        words = " ".join(lines).split()
        assert set(words) >= {"17", "18:00:00", "roadstead-sample-app", "because", *prose.split(), "1.250"}
        assert max(map(len, lines)) <= max(width, len("    APP: roadstead-sample-app"))


@pytest.mark.parametrize(
    ("url", "width", "shown"),
    [
        ("http://localhost:3100/installed", 31, "http://localhost:3100/installed"),
        ("http://localhost:3100/installed", 23, "…/installed"),
        ("http://localhost:3100/installed", 30, "localhost:3100/installed"),
        ("http://localhost:3100/bitbucket/installed", 30, "…/bitbucket/installed"),
        ("http://localhost:3100", 12, "http://loca…"),
        ("/2.0/addon/linkers/tickets/values?page=2", 24, "…/tickets/values?page=2"),
        ("/2.0/addon/linkers/tickets/values?page=2&pagelen=100", 24, "…/tickets/values?…"),
        ("/2.0/x?next=/a/b/c/d/e/f/g", 20, "…/2.0/x?…"),
        ("/" + "a" * 50, 10, "…/aaaaaaa…"),
    ],
)
def test_url_is_cut_at_the_front_of_its_path(url: str, width: int, shown: str) -> None:
    """The end of a path is the most telling, so it is kept; a query is dropped before the path's last part."""
    assert cut_url(url, width) == shown
    assert text_width(shown) <= width


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        (NOW, "18:00:00"),
        (datetime(2026, 11, 28, 23, 30, tzinfo=UTC), "00:30:00"),
        (datetime(2026, 11, 28, 22, 30, tzinfo=UTC), "28 Nov 23:30:00"),
        (datetime(2025, 12, 31, 22, 59, tzinfo=UTC), "2025-12-31 23:59"),
    ],
)
def test_times_are_short_and_local(moment: datetime, shown: str) -> None:
    """A moment of today has no date, one of this year no year."""
    assert local_time(moment, NOW) == shown


def test_wide_characters_take_two_columns() -> None:
    """A cell after a name in Chinese or with combining accents is still below its heading."""
    lines = printed(("APP", "STATUS"), [Row(("港口", 204)), Row(("e\N{COMBINING ACUTE ACCENT}", 500))], 80)
    assert [text_width(line) for line in lines] == [12, 12, 12]
    assert wrap("港口 港口", 5) == ["港口", "港口"]


TABLES = [
    ["requests"],
    ["queue"],
    ["audit"],
    ["apps"],
    ["apps", "show", "roadstead-sample-app"],
    ["token-list"],
    ["routes"],
    ["linkify", "--explain"],
]
PRINT_TABLES = """
import sys
from roadstead.cli.commands import app
for arguments in {tables}:
    print("$", *arguments, flush=True)
    app(arguments, standalone_mode=False)
"""
TEXT = b"fixes BB-1234, xBB-3 and ZZ-9, see RFC 9110\n"


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory, sample_app: str, serve_app: ServeApp) -> Roadstead:
    """Return a data folder with rows for every table: a failing app, a call without an answer, a token."""
    roadstead = Roadstead(tmp_path_factory.mktemp("tables") / "data")
    with running(roadstead), recording_app() as app:
        roadstead.call("install", sample_app)
        roadstead.call("install", app.descriptor_url)
        app.status = 503
        roadstead.call("uninstall", app.key)
    roadstead.call("install", "http://127.0.0.1:1/a-rather-long/path/to/the/descriptor.json")
    roadstead.call("token-create", "prometheus")
    return roadstead


def on_terminal(roadstead: Roadstead, width: int, **environment: str) -> str:
    """Return all tables, as they are printed on a terminal of this width."""
    ours, its = pty.openpty()
    ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    kept = {name: value for name, value in roadstead.environment.items() if name not in ("NO_COLOR", "COLUMNS")}
    command = [sys.executable, "-c", PRINT_TABLES.format(tables=TABLES)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=its,
        stderr=its,
        env={**kept, "TERM": "xterm-256color", **environment},
    ) as process:
        os.close(its)
        assert process.stdin is not None
        process.stdin.write(TEXT)
        process.stdin.close()
        output = b""
        with (
            os.fdopen(ours, "rb", buffering=0) as terminal,
            contextlib.suppress(OSError),
        ):  # EIO when the other end closes
            while read := terminal.read(65_536):
                output += read
    assert process.returncode == 0, output.decode()
    return output.decode().replace("\r\n", "\n")


@pytest.mark.parametrize(
    "width", [60, pytest.param(80, marks=pytest.mark.slow), pytest.param(120, marks=pytest.mark.slow)]
)
def test_every_table_fits_the_terminal(state: Roadstead, width: int) -> None:
    """No line of a table is wider than the terminal, times are short and local, and every heading is bold."""
    shown = on_terminal(state, width)
    for heading in ("ID", "TIME", "KEY", "APP"):
        assert re.search(rf"^\x1b\[1m *{heading}\b.*\x1b\[0m$", shown, re.MULTILINE), shown
    plain = re.sub(r"\x1b\[[0-9;]*m|\x1b]8;;[^\x1b]*\x1b\\\\", "", shown)
    too_long = [line for line in plain.splitlines() if len(line) > width and " " in line.strip()]
    assert not [line for line in too_long if "ari:" not in line], plain
    assert not re.search(r"\d{4}-\d\d-\d\dT|\+00:00", plain)
    assert "Connection refused." in plain
    assert "Next attempt (" in plain


@pytest.mark.slow
@pytest.mark.parametrize(
    "environment",
    [{"NO_COLOR": "1"}, pytest.param({"TERM": "dumb"}, marks=pytest.mark.slow)],
    ids=["NO_COLOR", "dumb terminal"],
)
def test_colours_can_be_turned_off(state: Roadstead, environment: dict[str, str]) -> None:
    """A terminal without colours, and a user who wants none, get tables without escape sequences."""
    tables, _, _ = on_terminal(state, 80, **environment).partition("$ linkify")
    assert "\x1b" not in tables


def test_a_pipe_gets_whole_addresses(state: Roadstead) -> None:
    """Another program may cut out a column, so nothing is cut, wrapped or coloured."""
    piped = state.run("requests", "--filter", "status = null").stdout.decode()
    assert "  http://127.0.0.1:1/a-rather-long/path/to/the/descriptor.json" in piped
    assert "\x1b" not in piped

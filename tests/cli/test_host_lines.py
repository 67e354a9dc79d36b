"""`linkify` beside a running host, which links the lines; and the fast start of the command."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from roadstead.app import Parts
from roadstead.cli import linkers
from roadstead.control.line_server import LineLimits, linking_lines
from roadstead.frames import MOST_BYTES, framed
from tests.cli.conftest import Roadstead, ServeApp
from tests.live import LiveHost, live_host

ALWAYS = ("linkify", "--color", "always")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, serve_app: ServeApp) -> Roadstead:
    """Return a state with an app installed that links every ticket key."""
    return _installed(tmp_path_factory.mktemp("lines"), serve_app)


def _installed(data: Path, serve_app: ServeApp) -> Roadstead:
    roadstead = Roadstead(data)
    assert roadstead.call("install", serve_app(status=200, body=b"")).returncode == 0
    return roadstead


@pytest.fixture(scope="module")
def host(installed: Roadstead) -> Iterator[LiveHost]:
    """Run a host on that state."""
    with live_host(installed.data) as running:
        yield running


@pytest.fixture(scope="module")
def apart(tmp_path_factory: pytest.TempPathFactory, serve_app: ServeApp) -> Roadstead:
    """Return another such state without a host, for hosts that link less for a command."""
    return _installed(tmp_path_factory.mktemp("apart"), serve_app)


@contextmanager
def _limited(apart: Roadstead, limits: LineLimits) -> Iterator[Roadstead]:
    """Yield the command line beside a host with such limits."""
    with live_host(apart.data, Parts(lines=partial(linking_lines, limits=limits))):
        yield apart


@pytest.fixture
def beside_host(installed: Roadstead, host: LiveHost) -> Roadstead:
    """Return the command line beside the running host."""
    return installed


def _socket(roadstead: Roadstead) -> Path:
    (found,) = (roadstead.data / "hosts").glob("*.sock")
    return found


@pytest.fixture
def no_linkers_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a command fail that compiles linkers itself."""

    def refuse(*_: object) -> None:
        raise AssertionError("compiled here")

    monkeypatch.setattr(linkers, "linkers_of", refuse)


TEXT = b"BB-1 \xff\r\nsee https://x.example/\n\n" + b"BB-2\n" * 120 + "BB-3 \N{SHIP} without end".encode()


@pytest.mark.sample(2)
@pytest.mark.parametrize("form", [(), ("--color", "always"), ("--format", "html")])
def test_host_prints_what_the_command_prints(
    beside_host: Roadstead, form: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output has the same bytes, linked by host or command, and beside a host the command compiles nothing."""
    alone = beside_host.call("linkify", "--linkers-without-values", "everything", *form, stdin=TEXT)
    monkeypatch.setattr(linkers, "linkers_of", None)
    assert beside_host.call("linkify", *form, stdin=TEXT).stdout == alone.stdout
    assert alone.returncode == 0


@pytest.mark.usefixtures("no_linkers_here")
@pytest.mark.parametrize(
    "options", [("--linkers-without-values", "nothing"), ("--database-url", "sqlite:///x.db"), ("--explain",)]
)
def test_command_with_settings_of_its_own_asks_no_host(beside_host: Roadstead, options: tuple[str, ...]) -> None:
    """The host's compiled linkers may differ, so the command compiles its own."""
    with pytest.raises(AssertionError, match="compiled here"):
        beside_host.call("linkify", *options, stdin=b"BB-1")


@pytest.mark.usefixtures("no_linkers_here")
def test_host_tells_of_limits(beside_host: Roadstead) -> None:
    """Unlinked parts are reported on stderr, as the command reports them."""
    done = beside_host.call("linkify", stdin=b"BB-1 " * 10_001 + b"\n")
    assert b"Left unlinked in 1 lines: stub tickets: " in done.stderr


def test_only_its_owner_reaches_the_socket(beside_host: Roadstead) -> None:
    """Neither the folder nor the socket admits another user."""
    file = _socket(beside_host)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    "sent",
    [
        framed(b"text nowhere"),
        framed(b"moor local"),
        framed(b"text \xff"),
        framed(b"text local") + (MOST_BYTES + 1).to_bytes(4, "big"),
    ],
)
def test_host_hangs_up_where_it_cannot_help(beside_host: Roadstead, sent: bytes) -> None:
    """An unknown workspace or form, no text or too much: the connection ends, and the next command is served."""
    with _connected(beside_host) as connection:
        connection.sendall(sent)
        assert _is_closed(connection)
    assert beside_host.call("linkify", stdin=b"BB-1").stdout == b"BB-1"


def _is_closed(connection: socket.socket) -> bool:
    """Return whether the other end closes the connection, perhaps after the frame that says that it is ready."""
    try:
        return connection.makefile("rb").read() in (b"", framed(b""))
    except ConnectionResetError:
        return True


def test_long_text_is_linked_by_the_command(apart: Roadstead, monkeypatch: pytest.MonkeyPatch) -> None:
    """The host links a limited amount for a command, and no line is lost or doubled in between."""
    text = b"".join(b"BB-%d\n" % number for number in range(1_000))
    with _limited(apart, LineLimits(most_linked=3_000)) as beside_host:
        shown = beside_host.call(*ALWAYS, stdin=text).stdout
        assert shown.count(b"\x1b]8;;http") == 1_000
        assert shown == beside_host.call(*ALWAYS, "--linkers-without-values", "everything", stdin=text).stdout
        monkeypatch.setattr(linkers, "linkers_of", None)
        assert beside_host.call(*ALWAYS, stdin=text[:2_000]).returncode == 0
        with pytest.raises(TypeError):
            beside_host.call(*ALWAYS, stdin=text)


@pytest.mark.sample(2)
@pytest.mark.parametrize("sent", [b"", framed(b"text local"), framed(b"text local") + framed(b"BB-1\n" * 1_000)[:-1]])
def test_host_hangs_up_on_a_silent_command(apart: Roadstead, sent: bytes) -> None:
    """A command that sends nothing, no lines, or half a frame, loses its connection after a while."""
    impatient = LineLimits(idle_seconds=0.1)
    with _limited(apart, impatient) as beside_host, _connected(beside_host) as connection:
        with suppress(BrokenPipeError):  # it was too slow already
            connection.sendall(sent)
        assert _is_closed(connection)


def test_host_hangs_up_on_a_command_that_reads_nothing(apart: Roadstead) -> None:
    """Answers that nobody reads do not stay in the host's memory."""
    impatient = LineLimits(idle_seconds=0.3)
    with _limited(apart, impatient) as beside_host, _connected(beside_host) as connection:
        connection.sendall(framed(b"terminal local"))
        content = framed(b"BB-1\n" * 10_000) * 20
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            connection.sendall(content)


def test_host_links_for_some_commands_at_a_time(apart: Roadstead) -> None:
    """One command too many is refused immediately, and links its lines itself; the others stay."""
    with (
        _limited(apart, LineLimits(most_commands=1)) as beside_host,
        _connected(beside_host) as first,
        _connected(beside_host) as second,
    ):
        _ask(first, b"text local")
        assert _is_closed(second)
        assert beside_host.call("linkify", stdin=b"BB-1").stdout == b"BB-1"
        assert _ask(first, b"BB-1\n") == b"BB-1\n"
        assert _ask(first, b"") == b"{}"


def test_lines_are_counted_like_texts_over_http(beside_host: Roadstead, host: LiveHost) -> None:
    """The metrics and the linker's record have each line that the host linked, and its links."""
    before = _counts(host)
    assert beside_host.call(*ALWAYS, stdin=b"BB-1 BB-2\nnone\nBB-3\n").returncode == 0
    texts, links, of_linker = (after - number for after, number in zip(_counts(host), before, strict=True))
    assert (texts, links, of_linker) == (3, 3, 3)


def _counts(host: LiveHost) -> tuple[float, float, int]:
    """Return how many texts and links the host counts, and how many links of its only linker."""
    with urllib.request.urlopen(f"{host.url}/-/metrics", timeout=20) as answer:
        lines = dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#"))
    with urllib.request.urlopen(f"{host.url}/-/linkers", timeout=20) as answer:
        (linker,) = json.load(answer)["values"]
    texts = float(lines['roadstead_linkify_duration_seconds_count{engine="linear"}'])
    return texts, float(lines["roadstead_links_total"]), linker["links"]


@contextmanager
def _connected(roadstead: Roadstead) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(str(_socket(roadstead)))
        yield connection


def _ask(connection: socket.socket, content: bytes) -> bytes:
    """Send a frame, and return the answer."""
    connection.sendall(framed(content))
    answers = connection.makefile("rb")
    return answers.read(int.from_bytes(answers.read(4), "big"))


@contextmanager
def _false_host(folder: Path, answers: int) -> Iterator[None]:
    """Run a host that gives so many answers, and then ends."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "1.sock"))
        listening.listen()

        def serve() -> None:
            connection, _ = listening.accept()
            with connection:
                for _ in range(answers):
                    connection.recv(4096)
                    connection.sendall(framed(b""))

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize("answers", [0, 1])
def test_command_goes_on_without_the_host(answers: int, tmp_path: Path) -> None:
    """When a host closes the connection, before it is ready or after, the command links the rest."""
    with _false_host(tmp_path / "hosts", answers):
        done = Roadstead(tmp_path).call(*ALWAYS, stdin=b"https://x.example/\n")
    assert b"\x1b]8;;https://x.example/" in done.stdout


def test_socket_of_a_host_that_is_gone(tmp_path: Path) -> None:
    """A command ignores it, and the next host deletes it."""
    folder = tmp_path / "hosts"
    folder.mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(folder / "1.sock"))
    assert Roadstead(tmp_path).call("linkify", stdin=b"BB-1").stdout == b"BB-1"
    with live_host(tmp_path):
        assert [file.name for file in folder.glob("*.sock")] == [f"{os.getpid()}.sock"]
    assert not list(folder.glob("*.sock"))


def test_host_with_other_settings_links_nothing(tmp_path: Path) -> None:
    """A command that names only the folder would use another database, or link differently: it links the
    lines itself.
    """
    for number, setting in enumerate(
        [{"linkers_without_values": "nothing"}, {"database_url": f"sqlite:///{tmp_path}/other.db"}]
    ):
        with live_host(tmp_path / str(number), **setting):
            assert not list(tmp_path.glob("**/*.sock"))


def test_folder_with_a_long_name(tmp_path: Path) -> None:
    """If a socket's name is too long for the system, the host runs without it."""
    data = tmp_path / ("long" * 40)
    with live_host(data):
        assert not list(data.glob("**/*.sock"))
    assert Roadstead(data).call("linkify", stdin=b"BB-1").stdout == b"BB-1"


NOT_NEEDED = {"typer", "pathlib", "msgspec", "asyncio", "sqlite3", "re2", "roadstead.settings"}


def test_only_what_is_needed_is_imported(beside_host: Roadstead) -> None:
    """Beside a host, the command has linked before it would have imported the slow modules."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "roadstead", *ALWAYS],
        input=b"BB-1\n",
        capture_output=True,
        env=beside_host.environment,
        check=True,
    )
    assert b"\x1b]8;;http" in done.stdout
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.decode().splitlines()}
    assert "roadstead.cli.host_lines" in imported
    assert not imported & NOT_NEEDED

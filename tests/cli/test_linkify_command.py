"""`linkify` as a filter: formats, bytes, pipes."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from roadstead.cli.input_lines import CHUNK_BYTES, LONGEST_LINE, lines_as_they_come
from tests.cli.conftest import PROGRAM, Roadstead, ServeApp, on_terminal, running
from tests.cli.screen import screen


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, serve_app: ServeApp) -> tuple[Roadstead, str]:
    """Return a state with an app installed that links every ticket key, and the URL that its links begin with."""
    roadstead = Roadstead(tmp_path_factory.mktemp("linkify"))
    url = serve_app(status=200, body=b"")
    assert roadstead.call("install", url).returncode == 0
    return roadstead, url.removesuffix("descriptor.json") + "tickets/"


@pytest.mark.slow
def test_formats(installed: tuple[Roadstead, str]) -> None:
    """Each format shows the same link in its own way."""
    roadstead, tickets = installed
    shown = {
        name: roadstead.call("linkify", "--format", name, "--color", "always", stdin=b"<fix> BB-12\n").stdout.decode()
        for name in ("terminal", "markdown", "html", "json")
    }
    assert shown["terminal"] == f"<fix> \x1b[4m\x1b]8;;{tickets}BB-12\x1b\\BB-12\x1b]8;;\x1b\\\x1b[24m\n"
    assert shown["markdown"] == f"<fix> [BB-12]({tickets}BB-12)\n"
    assert shown["html"].startswith(f'<pre>\n&lt;fix&gt; <a href="{tickets}BB-12" ')
    assert shown["html"].endswith(">BB-12</a>\n</pre>\n")
    document = json.loads(shown["json"])
    assert document.keys() == {"text", "links", "unfinished"}
    assert document["text"] == "<fix> BB-12\n"
    assert [(link["start"], link["end"], link["url"]) for link in document["links"]] == [(6, 11, f"{tickets}BB-12")]


def test_html_is_one_document(installed: tuple[Roadstead, str], tmp_path: Path) -> None:
    """HTML input is linked as a whole, across line ends too, and is printed safe as HTML, or as JSON with its links."""
    roadstead, tickets = installed
    file = tmp_path / "rendered.html"
    file.write_bytes("<p onclick=x>BB-1 é <code>\nBB-2</code></p>\n<!--\nBB-3 -->\xff".encode("latin-1"))
    html = roadstead.call("linkify", str(file), "--input", "html").stdout
    assert html.startswith(f'<p><a href="{tickets}BB-1" rel="nofollow"'.encode())
    assert html.endswith(b">BB-1</a> \xe9 <code>\nBB-2</code></p>\n\xff")
    assert roadstead.call("linkify", str(file), "--input", "html", "--format", "html").stdout == html
    document = json.loads(roadstead.call("linkify", str(file), "--input", "html", "--format", "json").stdout)
    assert document.keys() == {"text", "links", "unfinished"}
    assert [(link["text"], link["url"], "start" in link) for link in document["links"]] == [
        ("BB-1", f"{tickets}BB-1", False)
    ]


@pytest.mark.parametrize("end", [b"\n", b"", b"<!-- x -->\n"])
def test_html_ends_as_it_did(installed: tuple[Roadstead, str], end: bytes) -> None:
    """A last line end stays, and none is added."""
    shown = installed[0].call("linkify", "--input", "html", stdin=b"<p>x</p>" + end).stdout
    assert shown == b"<p>x</p>" + end[-1:]


@pytest.mark.parametrize("arguments", [("--input", "markdown"), ("--format", "markdown")])
def test_markdown_is_one_document(installed: tuple[Roadstead, str], arguments: tuple[str, str]) -> None:
    """Markdown over several lines is left unchanged, and bytes that are not text survive."""
    roadstead, tickets = installed
    text = b"see [BB-1](x), `BB-2` and BB-3\xff\n\n```\nBB-4\n```\n\n[BB-5]: https://x.example/y\n"
    shown = roadstead.call("linkify", *arguments, stdin=text).stdout
    assert shown == text.replace(b"BB-3", f"[BB-3]({tickets}BB-3)".encode())
    document = json.loads(roadstead.call("linkify", "--input", "markdown", "--format", "json", stdin=text).stdout)
    assert [(link["start"], link["text"]) for link in document["links"]] == [(26, "BB-3")]


@pytest.mark.slow
def test_limits_of_markdown_are_told(installed: tuple[Roadstead, str]) -> None:
    """Unlinked parts are reported on stderr."""
    done = installed[0].call("linkify", "--input", "markdown", stdin=b"BB-1\n\n" * 10_001)
    assert b"Left unlinked in part: " in done.stderr


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("arguments", "environment", "linked"),
    [
        ((), {}, True),
        ((), {"NO_COLOR": "1"}, False),
        pytest.param((), {"NO_COLOR": ""}, True, marks=pytest.mark.slow),
        pytest.param((), {"TERM": "dumb"}, False, marks=pytest.mark.slow),
        pytest.param(("--color", "never"), {}, False, marks=pytest.mark.slow),
        (("--color", "always"), {"NO_COLOR": "1", "TERM": "dumb"}, True),
    ],
)
def test_links_are_shown_on_a_terminal_that_knows_them(
    installed: tuple[Roadstead, str], arguments: tuple[str, ...], environment: dict[str, str], linked: bool
) -> None:
    """Links are shown unless they are not wanted; the colours of the input pass in any case."""
    shown = on_terminal(installed[0], ["linkify", *arguments], b"\x1b[33mBB-1\x1b[m\n", environment)
    assert ("\x1b[4m\x1b]8;;http" in shown) is linked
    assert "\x1b[33m" in shown
    assert "BB-1" in shown


@pytest.mark.slow
def test_nothing_of_ours_is_in_a_pipe(installed: tuple[Roadstead, str]) -> None:
    """Another program gets the text unchanged, with its own colours."""
    text = b"\x1b[33mBB-1\x1b[m https://x.example/ BB-2\n"
    assert installed[0].run("linkify", stdin=text).stdout == text
    assert installed[0].run("linkify", "--color", "always", stdin=text).stdout.count(b"\x1b]8;;http") == 3


@pytest.mark.slow
def test_limits_of_html_are_told(installed: tuple[Roadstead, str]) -> None:
    """Unlinked parts are reported on stderr; stdout has the HTML nevertheless."""
    done = installed[0].call("linkify", "--input", "html", stdin=b"<p>BB-1</p>" * 10_001)
    assert done.stdout.count(b"</p>") == 10_001
    assert b"Left unlinked in part: " in done.stderr


def test_offsets_are_those_of_the_whole_text(installed: tuple[Roadstead, str]) -> None:
    """In the document of several lines, each link's offsets find its text."""
    content = "BB-1 \N{SHIP}\n\nsee BB-2, BB-3\r\nBB-4"
    document = json.loads(installed[0].call("linkify", "--format", "json", stdin=content.encode()).stdout)
    assert document["text"] == content
    assert [link["text"] for link in document["links"]] == ["BB-1", "BB-2", "BB-3", "BB-4"]
    assert all(content[link["start"] : link["end"]] == link["text"] for link in document["links"])


@pytest.mark.slow
def test_bytes_that_are_no_text_survive(installed: tuple[Roadstead, str], tmp_path: Path) -> None:
    """Input that is not UTF-8, and line ends of every kind, are printed unchanged."""
    content = bytes(range(256)) * 3 + "é\r\nlast line without end \N{SHIP}".encode()
    file = tmp_path / "bytes"
    file.write_bytes(content)
    assert installed[0].run("linkify", str(file)).stdout == content


def test_undecodable_json_is_still_json(installed: tuple[Roadstead, str]) -> None:
    """Bytes that are not UTF-8 are in the document as the surrogates that Python reads them as."""
    done = installed[0].call("linkify", "--format", "json", stdin=b"\xff BB-1")
    assert json.loads(done.stdout)["text"] == "\udcff BB-1"


def test_line_is_linked_before_the_input_ends(installed: tuple[Roadstead, str]) -> None:
    """In a pipe, a line is printed as soon as it is complete."""
    roadstead, tickets = installed
    with subprocess.Popen(
        [*PROGRAM, "linkify", "--color", "always"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=roadstead.environment,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"BB-1\n")
        process.stdin.flush()
        assert f"{tickets}BB-1".encode() in process.stdout.readline()


def test_reader_that_has_seen_enough_is_no_error(installed: tuple[Roadstead, str]) -> None:
    """When the reader closes the pipe, linkify ends without a message."""
    script = 'yes BB-1 | "$@" linkify | head -1'
    done = subprocess.run(
        ["sh", "-c", script, "sh", *PROGRAM], env=installed[0].environment, capture_output=True, timeout=60, check=True
    )
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""


def test_lines_are_whole_wherever_chunks_end(tmp_path: Path) -> None:
    """Lines longer than a chunk stay whole; text without a line end is cut before it fills the memory."""
    lines = [b"a" * size + b"\n" for size in (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, 3 * CHUNK_BYTES)]
    endless = b"b" * (2 * LONGEST_LINE)
    file = tmp_path / "lines"
    file.write_bytes(b"".join(lines) + endless)
    with file.open("rb") as source:
        read = [line for some in lines_as_they_come(source) for line in some]
    assert read[: len(lines)] == lines
    assert b"".join(read[len(lines) :]) == endless
    assert max(map(len, read)) <= LONGEST_LINE + CHUNK_BYTES


def test_explanation_for_people_and_as_data(roadstead: Roadstead, sample_app: str) -> None:
    """Each line is printed with its candidates, then a summary of each linker; as JSON it is one object per line."""
    with running(roadstead):
        assert roadstead.call("install", sample_app).returncode == 0
    text = "fixes BB-1234, xBB-3 and ZZ-9, see RFC 9110"
    done = roadstead.call("linkify", "--explain", stdin=f"{text}\nnone\xff\x1b\n".encode("latin-1"))
    printed = done.stdout.decode("utf-8", "surrogateescape")
    assert printed.startswith(f"{text}\n  link     6-13 'BB-1234' → http://127.0.0.1:")
    assert "\n  no link  25-29 'ZZ-9'\n           The value 'ZZ' is not among the 2 stored for the linker. (" in printed
    assert "\nnone\udcff\\x1b\n\n" in printed
    assert re.search(r"roadstead-sample-app +tickets +linear +2 +3 +1 +[0-9.]+", printed)
    document = json.loads(roadstead.call("linkify", "--explain", "--format", "json", stdin=text.encode()).stdout)
    assert [(one["text"], one["url"] is not None) for one in document[0]["candidates"]] == [
        ("BB-1234", True),
        ("xBB-3", False),
        ("ZZ-9", False),
        ("RFC 9110", True),
    ]


@pytest.mark.parametrize("arguments", [("--format", "html"), ("--format", "markdown"), ("--input", "html")])
def test_explanation_has_no_other_format(roadstead: Roadstead, arguments: tuple[str, ...]) -> None:
    """Wrong usage is exit code 2, and the message names the formats."""
    done = roadstead.call("linkify", "--explain", *arguments, stdin=b"x")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"as terminal or as json" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("size", [10, pytest.param(LONGEST_LINE, marks=pytest.mark.slow)])
def test_file_is_linked_beside_a_progress_bar(installed: tuple[Roadstead, str], tmp_path: Path, size: int) -> None:
    """With messages on a terminal and the output elsewhere, the document is the same as without a bar."""
    file = tmp_path / "text"
    file.write_text("BB-1\n" + "x\n" * size)
    script = f'{" ".join(PROGRAM)} linkify --format json "{file}" > "{tmp_path}/out" 2> /dev/tty'
    with screen(["sh", "-c", script], installed[0].environment, tmp_path) as shown:
        shown.rest()
    assert shown.process.returncode == 0
    assert [link["text"] for link in json.loads((tmp_path / "out").read_text())["links"]] == ["BB-1"]

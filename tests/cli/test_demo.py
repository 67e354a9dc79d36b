"""`demo` as one command: the real host, the real app, a real repository."""

import html
import re
import signal
import subprocess
import tempfile
import urllib.parse
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from roadstead.cli.demo import likely_values
from roadstead.errors import GitFailed
from roadstead.git.local_commits import make_repository, read_commits
from roadstead.model import LocalCommit
from tests.cli.conftest import Roadstead

LINK = re.compile(r"\x1b]8;;(http\S+?)\x1b\\(.+?)\x1b]8;;\x1b\\")


def links_in(output: bytes) -> dict[str, str]:
    """Return the hyperlinks printed for a terminal: their texts and targets."""
    return {text: url for url, text in LINK.findall(output.decode())}


def test_demo_links_the_messages_it_made(roadstead: Roadstead) -> None:
    """Without arguments, links of every kind are printed, and the user's own state is not touched."""
    done = roadstead.run("demo", "--once", "--color", "always")
    assert done.returncode == 0, done.stderr.decode()
    links = links_in(done.stdout)
    assert links.keys() >= {"BB-12", "OPS-7", "RFC 9457", "https://charts.example.com/BB-24/index.html"}
    assert links.keys().isdisjoint({"RELEASE-2", "ABB-12", "BB-24"})
    assert links["BB-12"].endswith("/tickets/BB-12")
    assert b"The app stored     2 linker values (BB, OPS)" in done.stdout
    assert not roadstead.data.exists()


@pytest.mark.slow
def test_demo_reads_any_repository(roadstead: Roadstead, tmp_path: Path) -> None:
    """A text that looks like a ticket key in the given repository is stored as a value, and linked."""
    make_repository(tmp_path, ["TIDE-4: rise", "Read UTF-8, not ISO-8859"], first_on=datetime(2026, 8, 1, tzinfo=UTC))
    done = roadstead.run("demo", "--once", "--color", "always", "--repo", str(tmp_path))
    assert done.returncode == 0, done.stderr.decode()
    assert links_in(done.stdout).keys() == {"TIDE-4"}


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_demo_stays_with_a_page_until_it_is_stopped(roadstead: Roadstead, stop: signal.Signals) -> None:
    """A page shows the same links, and leads a signed-in user on; when stopped, the demo exits 0, app and folder are
    gone.
    """
    with roadstead.start("demo", "--color", "always") as process:
        assert process.stdout is not None
        output = b""
        while b"Stop with" not in output:
            line = process.stdout.readline()
            assert line, process.stderr and process.stderr.read()
            output += line
        page_url = re.search(rb"http://localhost:\d+/-/demo/\S+", output)
        sign_in = re.search(rb"http://localhost:\d+/-/sign-in\?code=\S+", output)
        assert page_url is not None
        assert sign_in is not None
        with urllib.request.urlopen(page_url[0].decode(), timeout=10) as answer:
            page = answer.read().decode()
            policy = answer.headers["Content-Security-Policy"]
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with browser.open(sign_in[0].decode(), timeout=10) as answer:
            assert answer.url == page_url[0].decode()
            main = answer.read().decode().partition("<main")[2]
        paths = [html.unescape(path) for path in re.findall(r'<li><a href="(/-/[^"]+)">', main)]
        led_to = [browser.open(urllib.parse.urljoin(answer.url, path), timeout=10).read().decode() for path in paths]
        process.send_signal(stop)
        process.communicate(timeout=20)
    assert process.returncode == 0
    assert f'<a href="{links_in(output)["BB-12"]}" rel="nofollow" class="ap-connect-link"' in page
    assert "default-src 'none'" in policy
    assert "/-/lab" not in page
    app, lab, requests = led_to
    assert "Sample app" in app
    assert "which are no tickets of ours" in lab
    assert "/installed" in requests
    folder = re.search(rb"--data (\S+)", output)
    assert folder is not None
    assert not Path(folder[1].decode()).parent.exists()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(links_in(output)["BB-12"], timeout=5)


@pytest.mark.slow
def test_demo_without_git_says_so(roadstead: Roadstead) -> None:
    """A machine without git gets a sentence."""
    from tests.cli.conftest import PROGRAM

    environment = roadstead.environment | {"PATH": "/nonexistent"}
    done = subprocess.run([*PROGRAM, "demo", "--once"], env=environment, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: git is not installed.")


@pytest.mark.parametrize(
    ("message", "values"),
    [
        ("TIDE-4 and TIDE-5, MOON-1", ["TIDE", "MOON"]),
        ("fix_TIDE-4, bugfix-MOON-1-x", ["TIDE", "MOON"]),
        ("BB-1 and OPS-2 are stored already", []),
        ("UTF-8, SHA-256, RFC-9457, CVE-2026-1", []),
        ("aTIDE-4 9TIDE-4 T-1 tide-4 TIDE-x", []),
    ],
)
def test_likely_values(message: str, values: list[str]) -> None:
    """Prefixes of ticket keys are found as the linker will find them; similar names are not."""
    assert likely_values([LocalCommit("abc", "Ada", "2026-08-01", message)]) == values


def test_git_reads_what_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages come back whole and newest first, in spite of an environment that names another repository."""
    monkeypatch.setenv("GIT_DIR", "/no/such/repository")
    messages = ["one", "two\n\nwith a body\n\tand é \N{SHIP}", "three \x1b[31mred\x07"]
    make_repository(tmp_path, messages, first_on=datetime(2026, 8, 31, tzinfo=UTC))
    found = read_commits(tmp_path, 2)
    assert [commit.message for commit in found] == ["three \ufffd[31mred\ufffd", messages[1]]
    assert [(commit.author, commit.day) for commit in found] == [
        ("Ada Harbour", "2026-09-02"),
        ("Ada Harbour", "2026-09-01"),
    ]


def test_git_refusal_is_passed_on(tmp_path: Path) -> None:
    """A folder that is not a repository, and a repository without commits, are refused in git's words."""
    with pytest.raises(GitFailed) as no_repository:
        read_commits(Path(tempfile.gettempdir()), 1)
    assert "not a git repository" in no_repository.value.detail
    make_repository(tmp_path, [], first_on=datetime(2026, 8, 1, tzinfo=UTC))
    with pytest.raises(GitFailed) as no_commits:
        read_commits(tmp_path, 1)
    assert "does not have any commits" in no_commits.value.detail

"""`linkify` before a pager, and as git's own."""

import signal
from datetime import UTC, datetime
from pathlib import Path

import pytest

from roadstead.git.local_commits import make_repository
from tests.cli.conftest import PROGRAM, Roadstead, ServeApp
from tests.cli.screen import screen


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, serve_app: ServeApp) -> Roadstead:
    """Return a state with an app installed that links every ticket key."""
    roadstead = Roadstead(tmp_path_factory.mktemp("paging"))
    assert roadstead.call("install", serve_app(status=200, body=b"")).returncode == 0
    return roadstead


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with more commits than a screen has lines."""
    path = tmp_path_factory.mktemp("repository")
    make_repository(path, [f"BB-{number}: work" for number in range(1, 61)], first_on=datetime(2026, 8, 1, tzinfo=UTC))
    return path


GIT = ["git", "-c", "core.pager=roadstead linkify", "log", "--oneline"]


def test_git_pages_through_us(installed: Roadstead, repository: Path) -> None:
    """A long log stops after a screen, with links and git's colours; `q` ends it."""
    with screen(GIT, installed.environment, repository) as shown:
        shown.wait_for("BB-40")
        shown.wait_for("\n:")
        assert "\x1b[4m\x1b]8;;http" in shown.shown
        assert "\x1b[33m" in shown.shown
        assert "BB-20" not in shown.shown
        shown.type("q")
        assert "BB-20" not in shown.rest()
        assert shown.process.returncode == 0


@pytest.mark.slow
def test_short_log_ends_at_once(installed: Roadstead, repository: Path) -> None:
    """A log that fits on the screen is printed, and the shell returns."""
    with screen([*GIT, "-3"], installed.environment, repository) as shown:
        assert "BB-58" in shown.rest()
        assert shown.process.returncode == 0


@pytest.mark.parametrize("pager", ["cat", pytest.param("", marks=pytest.mark.slow), "sed s/^/paged:/"])
def test_pager_is_the_users(installed: Roadstead, repository: Path, pager: str) -> None:
    """As with git, PAGER is a shell command, and `cat` or an empty one means no pager."""
    with screen(GIT, installed.environment, repository, PAGER=pager) as shown:
        text = shown.rest()
        assert "BB-1" in text
        assert ("paged:" in text) is pager.startswith("sed")
        assert text.count("\x1b]8;;http") == 60


@pytest.mark.slow
def test_pager_that_calls_us_again_is_the_last(installed: Roadstead, repository: Path) -> None:
    """A command that our pager runs finds that it is paged already, and starts no further one."""
    tell = "env | grep -c ^_ROADSTEAD_PAGED=1; cat"
    with screen(GIT, installed.environment, repository, PAGER=tell) as shown:
        assert shown.rest().startswith("1\r\n")
    with screen(GIT, installed.environment, repository, PAGER="sed s/^/paged:/", _ROADSTEAD_PAGED="1") as shown:
        assert "paged:" not in shown.rest()


@pytest.mark.slow
def test_ctrl_c_leaves_the_pager(installed: Roadstead, repository: Path) -> None:
    """Ctrl-C is for the pager, which stays until the user leaves it."""
    with screen(GIT, installed.environment, repository) as shown:
        shown.wait_for("\n:")
        shown.type("\x03")
        shown.type_until_gone("q")  # the pager drops what is typed while it is interrupted
        assert shown.process.returncode == -signal.SIGINT  # git ends so, once its pager has


def test_first_line_is_shown_before_the_input_ends(installed: Roadstead, tmp_path: Path) -> None:
    """Also with a pager in between, as soon as a screen is full."""
    script = f"(yes BB-1 | head -50; sleep 60) | {' '.join(PROGRAM)} linkify"
    with screen(["sh", "-c", script], installed.environment, tmp_path) as shown:
        shown.wait_for("BB-1")
        assert shown.process.poll() is None

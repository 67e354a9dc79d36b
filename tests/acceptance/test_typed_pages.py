"""README, tutorial and how-tos, typed as written: their commands work, and their output is as shown."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.typed_page import Reader, blocks_of, left_out

ROOT = Path(__file__).parent.parent.parent
HOW_TOS = sorted((ROOT / "docs" / "how-to").glob("*.md"))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a checkout as `make demo` leaves it: the files, a history, and the environment that is already built."""
    folder = tmp_path / "roadstead"
    unwanted = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache", ".cache", "node_modules")
    shutil.copytree(ROOT, folder, ignore=unwanted)
    (folder / ".venv").symlink_to(sys.prefix)
    for file in ("pyproject.toml", "requirements/runtime.txt", "requirements/build.txt"):
        os.utime(folder / file, (0, 0))  # The built files are newer, so make builds nothing.
    for command in ("init --quiet", "commit --quiet --allow-empty --message=First"):
        identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
        subprocess.run(["git", *identity, *command.split()], cwd=folder, check=True)
    return folder


def reader(checkout: Path, *, knows_the_programs: bool) -> Reader:
    home = checkout.parent / "home"
    home.mkdir()
    return Reader(checkout, home, knows_the_programs)


@pytest.mark.skipif(not (Path(sys.prefix) / ".runtime").exists(), reason="the environment was not built by make")
def test_the_readme_works_as_it_is_written(checkout: Path) -> None:
    """A newcomer who types the README, in a fresh shell, sees what it shows."""
    repository = checkout / "path" / "to" / "repository"
    repository.mkdir(parents=True)
    subprocess.run(["git", "-C", str(checkout), "worktree", "add", "--quiet", "--detach", str(repository)], check=True)
    reader(checkout, knows_the_programs=False).read((ROOT / "README.md").read_text("utf-8"))


@pytest.mark.slow
def test_the_tutorial_works_as_it_is_written(checkout: Path) -> None:
    """Its app of at most forty lines is installed, makes links that lead to it, and is removed again."""
    page = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
    typed = reader(checkout, knows_the_programs=False)
    typed.read(page)
    (app,) = [block.text for block in blocks_of(page) if block.kind == "python"]
    assert len(app.splitlines()) <= 40
    assert f"]8;;http://127.0.0.1:{typed.ports['8080']}/tickets/BB-12\x1b" in typed.terminals["work"].raw


@pytest.mark.slow
@pytest.mark.parametrize("page", HOW_TOS, ids=lambda page: page.stem)
def test_a_how_to_works_as_it_is_written(page: Path, checkout: Path) -> None:
    """Its commands work for readers with the prerequisites that it names."""
    reader(checkout, knows_the_programs=True).read(page.read_text("utf-8"))


def test_few_commands_are_left_out() -> None:
    """Blocks that no test can type are counted, each with its reason, so that another one is noticed."""
    pages = [ROOT / "README.md", ROOT / "docs" / "tutorial.md", *HOW_TOS]
    counted = {page.stem: len(left_out(page.read_text("utf-8"))) for page in pages}
    assert {name: count for name, count in counted.items() if count} == {
        "README": 1,
        "run-on-a-server": 11,
        "run-your-app": 1,
        "serve-git-over-ssh": 7,
        "use-postgresql": 3,
    }

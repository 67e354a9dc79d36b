"""A group that `make group` writes is on the map, documented, and passes the suite."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scaffold import API, FACTS, GROUPS, ROOT, write_group

COPIED = ("src", "tests", "docs", "requirements", "deploy", "pyproject.toml", "Makefile", "CHANGELOG.md")
MAP = GROUPS / "map.py"


@pytest.fixture
def lists(tmp_path: Path) -> Path:
    """Return a folder with the files that list groups, and nothing else."""
    (tmp_path / "tests" / "api").mkdir(parents=True)
    for file in (MAP, FACTS, API):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "below", "address"),
    [
        ("snippets", "/2.0/snippets", "/2.0/snippets"),
        ("branch_restrictions", "/2.0/repositories", "/2.0/repositories/{workspace}/{repo_slug}/branch-restrictions"),
    ],
)
def test_a_group_is_written_and_named_where_groups_are_listed(lists: Path, name: str, below: str, address: str) -> None:
    """Its modules are Python, the map says where it begins, and docs and coverage have its operation."""
    for file in write_group(name, lists):
        compile(file.read_text("utf-8"), file.name, "exec")
    added = f'{name.upper()} = Group("{name}", below="{below}", module="roadstead.bitbucket.{name}.operations")\n'
    assert added in (lists / MAP).read_text("utf-8")
    assert f", {name.upper()}]" in (lists / MAP).read_text("utf-8")
    assert f",GET,{address},tests/api/test_{name}.py,\n" in (lists / FACTS).read_text("utf-8")
    assert f"| `{address}` | GET |" in (lists / API).read_text("utf-8")


@pytest.mark.parametrize("name", ["", "harbour", "Snippets", "addon", "gpg_keys", "../snippets"])
def test_what_is_no_planned_group_is_refused(lists: Path, name: str) -> None:
    """A name that the facts do not have, or one without a list that is planned, writes nothing."""
    before = {file: file.read_bytes() for file in lists.rglob("*") if file.is_file()}
    with pytest.raises(ValueError, match="no planned list"):
        write_group(name, lists)
    assert {file: file.read_bytes() for file in lists.rglob("*") if file.is_file()} == before


def test_a_group_that_is_there_is_not_written_over(lists: Path) -> None:
    """A second `make group` with the same name is refused, and changes no file of the group."""
    write_group("snippets", lists)
    before = {file: file.read_bytes() for file in lists.rglob("*") if file.is_file()}
    with pytest.raises(ValueError, match="already"):
        write_group("snippets", lists)
    assert {file: file.read_bytes() for file in lists.rglob("*") if file.is_file()} == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["snippets", "branch_restrictions"])
def test_a_new_group_passes_the_suite(tmp_path: Path, name: str) -> None:
    """In a copy of the project: style, types, layers, docs, coverage, every documented status, and its own test."""
    for part in COPIED:
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
        copy(ROOT / part, tmp_path / part)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "src")}

    def run(*arguments: str) -> str:
        ran = subprocess.run(
            arguments, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600, check=False
        )
        assert ran.returncode == 0, f"{ran.stdout[-3000:]}{ran.stderr[-3000:]}"
        return ran.stdout

    run("make", "--assume-old=.venv/.dev", "group", f"NAME={name}")
    run(sys.executable, "-m", "ruff", "check", "src", "tests")
    run(sys.executable, "-m", "mypy", "src")
    suites = ("test_architecture.py", "test_coverage.py", "api/test_openapi.py", f"api/test_{name}.py")
    run(
        *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
        *(f"tests/{suite}" for suite in suites),
        "tests/acceptance/test_documents.py::test_every_address_is_documented_with_its_methods",
    )
    assert f"/{name}" in run(sys.executable, "-m", "roadstead", "routes")

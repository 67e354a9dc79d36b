"""A test checks every guard: without the guard, the test fails.

`mutations.toml` lists the guards. For each, a copy of the source is edited, and the test file that should notice is run
against the copy.
"""

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Mutation:
    """`old` is in the file below `src/roadstead` once, and becomes `new`."""

    guard: str
    test: str
    file: str
    old: str
    new: str


MUTATIONS = [
    Mutation(**lines) for lines in tomllib.loads((ROOT / "tests" / "mutations.toml").read_text("utf-8"))["mutation"]
]
each_mutation = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.guard)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a copy of the source."""
    copy = tmp_path / "src"
    shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


@each_mutation
def test_every_guard_is_where_the_mutation_looks_for_it(mutation: Mutation) -> None:
    """The text to change is in the source exactly once, and the changed source is valid Python."""
    text = (ROOT / "src" / "roadstead" / mutation.file).read_text("utf-8")
    assert text.count(mutation.old) == 1, f"{mutation.file} has {mutation.old!r} {text.count(mutation.old)} times"
    if mutation.file.endswith(".py"):
        compile(text.replace(mutation.old, mutation.new), mutation.file, "exec")


@pytest.mark.slow
def test_an_unchanged_copy_is_what_is_tested_and_passes(source: Path) -> None:
    """The tests import the copy, and without a mutation all of them pass: nothing else makes them fail."""
    where = subprocess.run(
        [sys.executable, "-c", "import roadstead; print(roadstead.__file__)"],
        env=_environment(source),
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(where.stdout.strip()).is_relative_to(source)
    passed = _run(source, {mutation.test for mutation in MUTATIONS})
    assert passed.returncode == 0, passed.stdout


@pytest.mark.slow
@each_mutation
def test_a_test_fails_without_the_guard(source: Path, mutation: Mutation) -> None:
    """A test notices the missing guard: it fails, and not because it could not run."""
    file = source / "roadstead" / mutation.file
    file.write_text(file.read_text("utf-8").replace(mutation.old, mutation.new), "utf-8")
    failed = _run(source, [mutation.test])
    assert failed.returncode == 1, f"Nothing notices that this is not checked: {mutation.guard}\n{failed.stdout[-500:]}"
    assert "\nFAILED " in failed.stdout, failed.stdout[-2000:]


def _run(source: Path, tests: Iterable[str]) -> "subprocess.CompletedProcess[str]":
    """Run the tests against the copy, up to the first failure, without the plugins that they do not need."""
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:schemathesis"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-m", "not slow", *plugins, *sorted(tests)],
        cwd=ROOT,
        env=_environment(source),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _environment(source: Path) -> dict[str, str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**outer, "PYTHONPATH": str(source)}

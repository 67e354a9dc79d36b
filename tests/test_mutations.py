"""A test checks every guard: without the guard, the test fails.

`mutations.toml` lists the guards. For each, a copy of the source is edited, and the test file that should notice is run
against the copy.
"""

import ast
import os
import shutil
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "roadstead"


@dataclass(frozen=True)
class Mutation:
    """`old` is once in the code that `where` names, and becomes `new`.

    `where` is the name of a function, `Class.method`, a class or an assigned name, in whatever module it is; a name of
    the module before it tells equal ones apart. Of a file that is not Python, it is the file's name.
    """

    guard: str
    test: str
    where: str
    old: str
    new: str

    def places(self) -> list[tuple[Path, int]]:
        """Return each place of `old` in code of that name: the file, and the offset in its text."""
        return sorted(
            {
                (file, place)
                for file in _files()
                if self.old in _text(file)
                for start, end in _spans(file, self.where)
                for place in _occurrences(self.old, _text(file), start, end)
            }
        )

    def applied(self, file: Path, place: int) -> str:
        """Return the text of the file without the guard."""
        text = _text(file)
        return text[:place] + self.new + text[place + len(self.old) :]


@cache
def _files() -> list[Path]:
    return [file for file in sorted(SOURCE.rglob("*")) if file.suffix in {".py", ".sql", ".js", ".css", ".html"}]


@cache
def _text(file: Path) -> str:
    return file.read_text("utf-8")


def _spans(file: Path, where: str) -> Iterator[tuple[int, int]]:
    """Yield where the code of a name begins and ends in a file."""
    if file.suffix != ".py":
        if file.name == where:
            yield 0, len(_text(file))
        return
    for name, start, end in _named(file):
        if name.endswith(f".{where}"):
            yield start, end


@cache
def _named(file: Path) -> list[tuple[str, int, int]]:
    """Return everything that has a name in a module, with where it begins, decorators included, and ends."""
    text = _text(file)
    starts = [0, *accumulate(map(len, text.splitlines(keepends=True)))]

    def walk(parent: ast.AST, below: str) -> Iterator[tuple[str, int, int]]:
        for node in ast.iter_child_nodes(parent):
            name = below
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{below}.{node.name}"
                first = min(at.lineno for at in [node, *node.decorator_list])
                yield name, starts[first - 1], starts[node.end_lineno or 0]
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    yield f"{below}.{ast.unparse(target)}", starts[node.lineno - 1], starts[node.end_lineno or 0]
            yield from walk(node, name)

    return list(walk(ast.parse(text), f".{file.stem}"))


def _occurrences(old: str, text: str, start: int, end: int) -> Iterator[int]:
    while (start := text.find(old, start, end)) >= 0:
        yield start
        start += 1


MUTATIONS = [
    Mutation(**entry) for entry in tomllib.loads((ROOT / "tests" / "mutations.toml").read_text("utf-8"))["mutation"]
]
each_mutation = pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.guard)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a copy of the source, beside the documents that the host serves."""
    copy = tmp_path / "src"
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    shutil.copytree(ROOT / "src", copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def test_every_guard_is_where_the_mutation_looks_for_it() -> None:
    """The text to change is in the source exactly once, its test exists, and the changed source is valid Python."""
    found = {mutation: mutation.places() for mutation in MUTATIONS}
    assert [mutation for mutation, places in found.items() if len(places) != 1] == []
    assert [mutation for mutation in MUTATIONS if not (ROOT / mutation.test).is_file()] == []
    assert [mutation for mutation, places in found.items() if not _is_python(mutation, *places[0])] == []


def _is_python(mutation: Mutation, file: Path, place: int) -> bool:
    """Return whether the code without the guard can be parsed; only the code that is changed is, which is fast."""
    if file.suffix != ".py":
        return True
    start, end = next(span for span in _spans(file, mutation.where) if span[0] <= place < span[1])
    text = mutation.applied(file, place)
    try:
        ast.parse(textwrap.dedent(text[start : end + len(text) - len(_text(file))]))
    except SyntaxError:
        return False
    return True


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
    passed = _run(source, {mutation.test for mutation in MUTATIONS}, "not slow")
    assert passed.returncode == 0, passed.stdout


@pytest.mark.slow
@each_mutation
def test_a_test_fails_without_the_guard(source: Path, mutation: Mutation) -> None:
    """A test notices the missing guard: it fails, and not because it could not run."""
    ((file, place),) = mutation.places()
    (source / "roadstead" / file.relative_to(SOURCE)).write_text(mutation.applied(file, place), "utf-8")
    failed = _run(source, [mutation.test], "not slow")
    if failed.returncode != 1:
        failed = _run(source, [mutation.test], "")
    assert failed.returncode == 1, f"Nothing notices that this is not checked: {mutation.guard}\n{failed.stdout[-500:]}"
    assert "\nFAILED " in failed.stdout, failed.stdout[-2000:]


def _run(source: Path, tests: Iterable[str], suite: str) -> "subprocess.CompletedProcess[str]":
    """Run the tests of a suite against the copy, up to the first failure, without the plugins that they do not need."""
    plugins = ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:schemathesis"]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-m", suite, *plugins, *sorted(tests)],
        cwd=ROOT,
        env=_environment(source),
        capture_output=True,
        text=True,
        timeout=900,  # the unchanged copy runs every test file that an entry names
        check=False,
    )


def _environment(source: Path) -> dict[str, str]:
    outer = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**outer, "PYTHONPATH": str(source)}

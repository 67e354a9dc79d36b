"""The locked requirements: a host gets what it needs to run, and no build or test tools."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
RUNTIME: list[str] = PROJECT["project"]["dependencies"]
GROUPS: dict[str, list[str]] = PROJECT["dependency-groups"]


def _needed(requirements: Iterable[str]) -> set[str]:
    """Return the packages that the requirements need on this machine, themselves included."""
    found: set[str] = set()
    waiting = list(_for_this_machine(requirements, extras=()))
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in found:
            found.add(name)
            waiting += _for_this_machine(metadata.requires(name) or (), wanted.extras)
    return found


def _for_this_machine(requirements: Iterable[str], extras: Iterable[str]) -> Iterator[Requirement]:
    for wanted in map(Requirement, requirements):
        if wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield wanted


def _locked(file: str) -> tuple[set[str], set[str]]:
    """Return the packages that a file pins, and those that it pins for every machine."""
    lines = re.findall(r"^([\w.-]+)==[^ \\]+( ;)?", (ROOT / "requirements" / file).read_text("utf-8"), re.MULTILINE)
    return {name for name, _ in lines}, {name for name, marker in lines if not marker}


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("file", "requirements"),
    [
        ("runtime.txt", RUNTIME),
        ("build.txt", GROUPS["build"]),
        ("dev.txt", [*RUNTIME, *GROUPS["build"], *GROUPS["dev"]]),
    ],
)
def test_what_is_locked_is_what_is_needed(file: str, requirements: list[str]) -> None:
    """Each file pins exactly what its requirements need, except for other machines."""
    needed = _needed(requirements)
    locked, everywhere = _locked(file)
    assert needed - locked == set()
    assert everywhere - needed == set()


def test_every_pin_has_its_hashes() -> None:
    """A package from any mirror is the tested one; and no file names a mirror."""
    for file in sorted((ROOT / "requirements").glob("*.txt")):
        text = file.read_text("utf-8")
        pins = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
        assert pins
        assert [pin for pin in pins if "--hash=sha256:" not in pin] == []
        assert "://" not in text


@pytest.mark.slow
def test_environment_has_pip(tmp_path: Path) -> None:
    """What `make` builds everything in has a `pip` of its own that works."""
    script = ROOT / "requirements" / "environment.py"
    subprocess.run([sys.executable, script, tmp_path / "venv"], check=True)
    told = subprocess.run([tmp_path / "venv/bin/python", "-m", "pip", "--version"], check=True, capture_output=True)
    assert str(tmp_path / "venv").encode() in told.stdout

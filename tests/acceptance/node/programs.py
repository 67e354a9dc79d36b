"""Node.js programs built on published packages, run beside the tests.

The packages are those of `package-lock.json`. They are installed once, in a folder under `.cache` named after the
lock, and stay there between runs. Without Node.js or a registry the tests that ask for them are skipped.
"""

import contextlib
import functools
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

PROGRAMS = Path(__file__).parent
_CACHE = PROGRAMS.parents[2] / ".cache" / "node"
_DESCRIPTION = ("package.json", "package-lock.json", ".npmrc")
_PATIENCE = ("--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-timeout=20000")
_ONE_QUESTION = ("view", "bitbucket@2.12.0", "version", "--fetch-retries=0", "--fetch-timeout=10000")
_NO_REGISTRY = re.compile(
    r"code (E5\d\d|EAI_AGAIN|ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EHOSTUNREACH|ENETUNREACH|ERR_SOCKET_TIMEOUT)"
)


def node_packages() -> Path:
    """Return the folder of the packages. Skip the test, with the reason, if they are not available."""
    for command in ("node", "npm"):
        if shutil.which(command) is None:
            pytest.skip(f"`{command}` is not on the PATH; install Node.js to run the tests with npm packages")
    folder = _CACHE / hashlib.sha256((PROGRAMS / "package-lock.json").read_bytes()).hexdigest()[:16]
    refusal = _install(folder)
    if refusal is not None:
        pytest.skip(f"npm cannot reach its registry: {refusal}")
    return folder / "node_modules"


@functools.cache
def _install(folder: Path) -> str | None:
    """Install the packages if they are missing; return npm's message if no registry can be reached."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_suffix(".lock")):
        if folder.exists():
            return None
        begun = folder.with_suffix(".begun")
        shutil.rmtree(begun, ignore_errors=True)
        begun.mkdir()
        for name in _DESCRIPTION:
            shutil.copy(PROGRAMS / name, begun)
        # One request first: without a registry an installation keeps trying for minutes.
        refusal = _npm(begun, *_ONE_QUESTION) or _npm(begun, "ci", *_PATIENCE)
        if refusal is None:
            begun.rename(folder)
        return refusal


def _npm(folder: Path, *command: str) -> str | None:
    """Run npm in a folder. Return how the registry could not be reached; any other failure fails the test."""
    npm = subprocess.run(["npm", *command], cwd=folder, capture_output=True, text=True, check=False)
    if unreachable := _NO_REGISTRY.search(npm.stderr):
        return unreachable[1]
    assert npm.returncode == 0, npm.stderr
    return None


class Program:
    """A running program that answers lines of JSON, or that prints one line and then serves."""

    def __init__(self, process: subprocess.Popen[str], log: Path) -> None:
        self._process = process
        self._log = log

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Send a line, and read the line that answers it."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{json.dumps(question)}\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.line())
        return answer

    def line(self) -> str:
        """Return the next line that the program prints; fail with its log if it has ended."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the program ended:\n{self.log}"
        return line.rstrip("\n")

    @property
    def log(self) -> str:
        """Return the program's standard error output."""
        return self._log.read_text("utf-8")


@contextlib.contextmanager
def running(script: str, log: Path, **environment: str) -> Iterator[Program]:
    """Run a program of this folder, in its own folder, until the end of the block."""
    path = PROGRAMS / script
    variables = {"PATH": os.environ["PATH"], "NODE_PATH": str(node_packages()), **environment}
    with (
        log.open("w") as errors,
        subprocess.Popen(
            ["node", path.name],
            cwd=path.parent,
            env=variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process,
    ):
        try:
            yield Program(process, log)
        finally:
            process.terminate()

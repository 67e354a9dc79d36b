"""git itself, as a user runs it: what the tests compare with."""

import contextlib
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

IDENTITY = {
    f"GIT_{role}_{name}": value
    for role in ("AUTHOR", "COMMITTER")
    for name, value in {"NAME": "Ada Harbour", "EMAIL": "ada@example.com", "DATE": "1790000000 +0200"}.items()
}


def git(folder: Path, *arguments: str, stdin: bytes = b"", variables: Mapping[str, str] | None = None) -> bytes:
    """Return what git writes, run in a folder with no configuration but its own."""
    own = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_GLOBAL": "/dev/null", **IDENTITY}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, input=stdin, env={**own, **(variables or {})}, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    return done.stdout


def commit(folder: Path, message: str = "A change", **files: str) -> str:
    """Commit files in the working tree of a repository, and return the id."""
    for name, text in files.items():
        (folder / name).write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", message)
    return git(folder, "rev-parse", "HEAD").decode().strip()


def repository(folder: Path) -> Path:
    """Make a repository with a working tree, whose branch is main."""
    folder.mkdir(parents=True, exist_ok=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def children() -> set[str]:
    """Return the numbers of the processes that this one has started, and of those that ended and wait for it."""
    found: set[str] = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # a thread that ends meanwhile
            found.update((task / "children").read_text().split())
    return found


def is_left(process: "subprocess.Popen[bytes]") -> bool:
    """Return whether a process was not waited for, or has a pipe that is open."""
    pipes = (process.stdin, process.stdout, process.stderr)
    return process.returncode is None or not all(pipe is None or pipe.closed for pipe in pipes)


def working_folder(process: str) -> Path | None:
    """Return the folder in which a process runs, nothing if it has ended."""
    try:
        return Path(f"/proc/{process}/cwd").readlink()
    except OSError:
        return None

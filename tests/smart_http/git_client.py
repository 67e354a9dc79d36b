"""git as its users have it: the real program, in a folder, with nothing of this machine's configuration."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PERSON = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in {"NAME": "Ann", "EMAIL": "ann@example.com"}.items()
}
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
    **_PERSON,
}


@dataclass(frozen=True)
class Work:
    """A working copy."""

    folder: Path

    def git(self, *arguments: str, code: int | None = 0, seconds: float = 60) -> str:
        """Run git here, and return what it prints and says; expect an exit code, unless it is `None`."""
        done = git(*arguments, folder=self.folder, seconds=seconds)
        said = done.stdout + done.stderr
        assert code is None or done.returncode == code, said
        return said

    def commit(self, message: str = "a change", *, file: str = "file", content: str | None = None) -> str:
        """Commit a change of a file; return the commit's hash."""
        (self.folder / file).write_text(content or f"{message}\n", "utf-8")
        self.git("add", "--", file)
        self.git("commit", "--quiet", "--allow-empty", "-m", message)
        return self.head()

    def head(self, revision: str = "HEAD") -> str:
        """Return the hash of a revision."""
        return self.git("rev-parse", revision).strip()


def git(*arguments: str, folder: Path | None = None, seconds: float = 60) -> "subprocess.CompletedProcess[str]":
    """Run git, whatever comes of it."""
    return subprocess.run(
        ["git", *arguments], cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=seconds
    )


def new_work(folder: Path, *, branch: str = "main") -> Work:
    """Make an empty working copy."""
    assert git("init", "--quiet", "-b", branch, str(folder)).returncode == 0
    return Work(folder)

"""Commits of a user's own repositories on this machine, read with the user's git and its configuration.

Repositories that the host serves are read by the other modules.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from roadstead.errors import GitFailed
from roadstead.model import LocalCommit

TIMEOUT_SECONDS = 30.0

_CONTROLS = {
    code: "\N{REPLACEMENT CHARACTER}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"
}
"""Messages are shown in terminals, and strangers may have written them."""

_LOG_FORMAT = "%h%x00%an%x00%as%x00%B"


def version() -> str:
    """Return the output of `git --version`. Raise `GitFailed`."""
    return _git(Path(), "--version").strip()


def read_commits(repository: Path, count: int) -> list[LocalCommit]:
    """Return the last `count` commits of the repository around `repository`, newest first. Raise `GitFailed`.

    Bytes that are not UTF-8 are replaced, even where git knows another encoding.
    """
    log = _git(
        repository,
        "log",
        "-z",
        f"--max-count={count}",
        f"--format=tformat:{_LOG_FORMAT}",
        "--encoding=UTF-8",
        "--no-color",
        # A repository's configuration may request signature checks, and names the program that makes them.
        "--no-show-signature",
        "--no-patch",
    )
    fields = log.split("\0")
    return [_commit(fields[start : start + 4]) for start in range(0, len(fields) - 3, 4)]


def make_repository(folder: Path, messages: Sequence[str], *, first_on: datetime) -> None:
    """Make a repository with a commit for each message, oldest first and a day apart. Raises `GitFailed`."""
    identity = {"NAME": "Ada Harbour", "EMAIL": "ada@example.com"}
    authorship = {f"GIT_{role}_{name}": value for role in ("AUTHOR", "COMMITTER") for name, value in identity.items()}
    # No template, hook or signing key of the user takes effect.
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", **authorship}
    _git(folder, "init", "--quiet", "--template=", environment=own)
    for day, message in enumerate(messages):
        moment = (first_on + timedelta(days=day)).isoformat()
        dates = {"GIT_AUTHOR_DATE": moment, "GIT_COMMITTER_DATE": moment}
        _git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}", environment={**own, **dates})


def _commit(fields: Sequence[str]) -> LocalCommit:
    abbreviated, author, day, message = (field.translate(_CONTROLS) for field in fields)
    return LocalCommit(abbreviated, author, day, message.rstrip())


def _git(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    program = shutil.which("git")
    if program is None:
        raise GitFailed("git is not installed.", "Install it, or put it on the PATH.")
    try:
        done = subprocess.run(  # noqa: S603  # no shell, and every argument is ours but a folder and a message
            [program, "-C", str(folder), *arguments],
            env=_clean_environment() | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except (OSError, ValueError) as exc:
        raise GitFailed("git cannot be run.", str(exc)) from exc
    except subprocess.TimeoutExpired as exc:
        raise GitFailed(f"git did not end within {TIMEOUT_SECONDS:g} seconds.", "Is the disk busy?") from exc
    if done.returncode != 0:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise GitFailed(f"git {arguments[0]} failed in {folder}.", said or f"It ended with {done.returncode}.")
    return done.stdout.decode("utf-8", "replace")


def _clean_environment() -> dict[str, str]:
    """Return the environment without variables that redirect git: git itself may run us, from a hook."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return kept | {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}

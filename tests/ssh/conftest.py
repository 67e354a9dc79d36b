"""A host that serves git over SSH, and clients that start the forced command as sshd does, without sshd."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from roadstead.domain.access import ssh_keys
from roadstead.domain.host import Host
from roadstead.domain.people.users import find_user
from roadstead.domain.people.workspaces import create_workspace
from roadstead.model.keys import SshKey
from tests.live import LiveHost, live_host
from tests.public_keys import public_key
from tests.smart_http.conftest import Place, new_repository, tokens
from tests.smart_http.git_client import ENVIRONMENT, Work, new_work

SSH_URL = "ssh://git@code.example:2222"
_CLIENT = """#!/bin/sh
# As sshd runs the forced command: the client's command is in the environment, and nothing of it among the arguments.
for last; do :; done
SSH_ORIGINAL_COMMAND=$last exec "{python}" -I -m roadstead ssh-serve "$KEY" --data "{data}"
"""


@dataclass(frozen=True)
class Person:
    """Who connects with a key. git's client of a `work` is told to use the program `client` as ssh."""

    client: Path
    data: Path
    fingerprint: str

    def git(self, work: Path, *arguments: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run git, whatever comes of it."""
        return subprocess.run(
            ["git", *arguments],
            cwd=work,
            env=self.environment | environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    @property
    def environment(self) -> dict[str, str]:
        own = {"GIT_SSH": str(self.client), "GIT_SSH_VARIANT": "ssh", "KEY": self.fingerprint}
        return ENVIRONMENT | own

    def ask(self, command: str, stdin: bytes = b"", **environ: str) -> "subprocess.CompletedProcess[bytes]":
        """Run a command as a client of SSH that is not git."""
        return subprocess.run(
            [sys.executable, "-I", *self._program],
            input=stdin,
            capture_output=True,
            env={"PATH": os.environ["PATH"], "SSH_ORIGINAL_COMMAND": command, **environ},
            timeout=60,
            check=False,
        )

    def begin(self, command: str) -> "subprocess.Popen[bytes]":
        """Start a command as a client of SSH that is not git."""
        # Not isolated: a test may run against a changed copy of the source, which a variable names.
        return subprocess.Popen(
            [sys.executable, *self._program],
            env=os.environ | {"SSH_ORIGINAL_COMMAND": command},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    @property
    def _program(self) -> list[str]:
        return ["-m", "roadstead", "ssh-serve", self.fingerprint, "--data", str(self.data)]


@pytest.fixture(scope="module")
def ssh_host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHost]:
    with live_host(tmp_path_factory.mktemp("ssh"), ssh_url=SSH_URL) as running:
        yield running


@pytest.fixture(scope="module")
def place(ssh_host: LiveHost) -> Place:
    """Return a private repository in a workspace of ann's, in which ben has no role."""
    ann, ben = ssh_host.work(tokens(["ann", "ben"]))
    ssh_host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
    return Place(ssh_host, ssh_host.work(new_repository(ann, "acme")), ann, ben)


@pytest.fixture(scope="module")
def ann(ssh_host: LiveHost, place: Place) -> Person:
    return person(ssh_host, keep_key(ssh_host, "ann").fingerprint)


def person(host: LiveHost, fingerprint: str) -> Person:
    """Return the holder of a key that the host knows, or does not know."""
    client = host.settings.data / "client"
    if not client.exists():
        client.write_text(_CLIENT.format(python=sys.executable, data=host.settings.data), "utf-8")
        client.chmod(0o700)
    return Person(client, host.settings.data, fingerprint)


def keep_key(host: LiveHost, username: str, key: str | None = None) -> SshKey:
    """Add a key of a user."""

    async def job(opened: Host) -> SshKey:
        return await ssh_keys.add_key(opened, await find_user(opened, username), key or public_key())

    made: SshKey = host.work(job)
    return made


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """Return a working copy with one commit."""
    made = new_work(tmp_path / "work")
    made.commit("First")
    return made

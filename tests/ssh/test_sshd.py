"""git over SSH through a real sshd, set up and used as the how-to says."""

import os
import pwd
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from roadstead.domain.people.users import deactivate_user
from roadstead.domain.people.workspaces import create_workspace
from tests.live import LiveHost, live_host
from tests.ports import free_port
from tests.smart_http.conftest import Place, new_repository, tokens
from tests.smart_http.git_client import ENVIRONMENT, new_work

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "serve-git-over-ssh.md").read_text("utf-8")
ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
SEPARATION = Path("/run/sshd")
"""Where sshd separates its privileges, if root runs it."""
_CLIENT = """\
Host code.example.com
  HostName 127.0.0.1
  Port {port}
  IdentityFile {folder}/id_ed25519
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {folder}/known
  StrictHostKeyChecking accept-new
  LogLevel ERROR
  BatchMode yes
"""


@dataclass(frozen=True)
class Desk:
    """A folder in which a user types the page's commands; `ssh` reaches the sshd of the test at the page's host."""

    folder: Path
    environment: dict[str, str]

    def type(self, command: str, **environ: str) -> "subprocess.CompletedProcess[str]":
        """Run a line of a shell; the account of the page is that of the test."""
        return subprocess.run(
            ["/bin/sh", "-c", command.replace("roadstead@", f"{ACCOUNT}@")],
            cwd=self.folder,
            env=self.environment | environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@contextmanager
def _sshd(folder: Path, data: Path) -> Iterator[int]:
    """Run an sshd with the page's configuration; yield its port. Skip if there is none."""
    program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("`sshd` is not there; install openssh-server to run the tests behind a real sshd")
    if os.getuid() == 0:
        with suppress(OSError):
            SEPARATION.mkdir(exist_ok=True)
    port = free_port()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "host")], check=True)
    (folder / "config").write_text(_configuration(folder, data, port), "utf-8")
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen([program, "-D", "-e", "-f", str(folder / "config")], stderr=log) as process,
    ):
        try:
            _wait_for(port, process, folder / "log")
            yield port
        finally:
            process.terminate()


def _configuration(folder: Path, data: Path, port: int) -> str:
    """Return the page's block, with the program in a form that sshd takes from a checkout, and more for a test."""
    (block,) = re.findall(r"^```\n# /etc/ssh/.*?\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    program = f"/usr/bin/env {sys.executable} -m roadstead"  # every folder above it belongs to root
    ours = (
        block.replace("/opt/roadstead/bin/roadstead", program)
        .replace("/var/lib/roadstead", str(data))
        .replace("User roadstead", f"User {ACCOUNT}")
    )
    lines = (f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {folder / 'host'}", "PidFile none", "UsePAM no")
    return "\n".join((*lines, "PermitRootLogin forced-commands-only", ours))


def _wait_for(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 30
    while f"listening on 127.0.0.1 port {port}" not in log.read_text("utf-8"):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text("utf-8")
            if "Privilege separation user" in said or "Missing privilege separation" in said:
                pytest.skip(f"sshd is not set up on this machine: {said.strip()}")
            raise AssertionError(said)
        time.sleep(0.01)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with live_host(tmp_path_factory.mktemp("data"), ssh_url=f"ssh://{ACCOUNT}@code.example.com") as host:
        ann, ben = host.work(tokens(["ann", "ben"]))
        host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
        yield Place(host, host.work(new_repository(ann, "acme")), ann, ben)


@pytest.fixture(scope="module")
def desk(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Yield the desk of a user whose key the operator has added, as the page says."""
    folder = tmp_path_factory.mktemp("desk")
    with _sshd(tmp_path_factory.mktemp("sshd"), place.host.settings.data) as port:
        yield _desk(folder, port, place.host)


def _desk(folder: Path, port: int, host: LiveHost) -> Desk:
    (folder / "bin").mkdir()
    configured = folder / "ssh_config"
    configured.write_text(_CLIENT.format(port=port, folder=folder), "utf-8")
    for name, line in (
        ("ssh", f'exec {shutil.which("ssh")} -F {configured} "$@"'),
        ("roadstead", f'exec {sys.executable} -m roadstead "$@"'),
    ):
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / "bin" / name).chmod(0o755)
    own = {
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "HOME": str(folder),
        "ROADSTEAD_DATA": str(host.settings.data),
    }
    return Desk(folder, ENVIRONMENT | own)


def _typed() -> list[tuple[str, str]]:
    """Return the page's commands of users, and what each prints."""
    consoles = re.findall(r"test_sshd.py types it -->\n```console\n(.*?)```", PAGE, re.DOTALL)
    return [
        (command, output)
        for console in consoles
        for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", console, re.MULTILINE)
    ]


@pytest.fixture(scope="module")
def after_page(place: Place, desk: Desk) -> Desk:
    """Type the page, each command of which does what it says; return the desk."""
    named = place.repository.full_name
    work = new_work(desk.folder / "first")
    work.commit("First")
    work.git("push", "--quiet", place.url(), "main")
    for command, output in _typed():
        done = desk.type(command.replace("acme/widgets", named).replace("-C widgets", f"-C {named.partition('/')[2]}"))
        assert done.returncode == 0, (command, done.stderr)
        shown = re.escape(output).replace("…", ".+")
        assert not output or re.fullmatch(shown, done.stdout), (command, done.stdout)
    return desk


def _address(place: Place) -> str:
    return f"roadstead@code.example.com:{place.repository.full_name}.git"


def test_the_page_sets_up_git_over_ssh(place: Place, after_page: Desk) -> None:
    """Its commands clone and push; version 2 of the protocol gets through, and a shallow clone is shallow."""
    assert "refs/heads/feature/quay" in place.mirror()
    asked = after_page.type(f"git ls-remote {_address(place)}", GIT_TRACE_PACKET="1")
    assert (asked.returncode, "version 2" in asked.stderr) == (0, True)
    shallow = (
        f"git clone --quiet --depth 1 {_address(place)} shallow && git -C shallow rev-parse --is-shallow-repository"
    )
    assert after_page.type(shallow).stdout == "true\n"


@pytest.mark.slow
def test_a_refused_push_shows_why(place: Place, after_page: Desk) -> None:
    """The host's reason gets through sshd."""
    done = after_page.type(f"git -C first push {_address(place)} main:refs/elsewhere/x")
    assert (done.returncode, "remote: " in done.stderr, "refs/elsewhere/x" in place.refs()) == (1, True, False)


@pytest.mark.slow
def test_a_deploy_key_reads(place: Place, after_page: Desk) -> None:
    """The page's request adds it; it clones, and its push is refused."""
    (request,) = re.findall(r"test_sshd.py types it -->\n```sh\n(.*?)\n```", PAGE, re.DOTALL)
    assert after_page.type("ssh-keygen -q -t ed25519 -N '' -f deploy").returncode == 0
    ours = request.replace("acme/widgets", place.repository.full_name).replace("http://localhost:7990", place.host.url)
    done = after_page.type(ours, TOKEN=place.ann)
    assert done.returncode == 0, done.stderr
    config = (after_page.folder / "ssh_config").read_text()
    (after_page.folder / "deploy_config").write_text(config.replace("id_ed25519", "deploy"))
    chosen = {"GIT_SSH_COMMAND": f"{shutil.which('ssh')} -F {after_page.folder}/deploy_config"}
    assert after_page.type(f"git clone --quiet {_address(place)} deployed", **chosen).returncode == 0
    pushed = after_page.type(f"git -C first push {_address(place)} main:deployed", **chosen)
    assert (pushed.returncode, "access via a deployment key is read-only." in pushed.stderr) == (128, True)


@pytest.mark.parametrize(
    "command",
    [
        "ssh roadstead@code.example.com id",
        pytest.param("ssh roadstead@code.example.com \"git-upload-pack 'acme/x'; id\"", marks=pytest.mark.slow),
        pytest.param("ssh -s roadstead@code.example.com sftp", marks=pytest.mark.slow),
        "ssh -N -o ExitOnForwardFailure=yes -R 127.0.0.1:0:127.0.0.1:1 roadstead@code.example.com",
        pytest.param("ssh -W 127.0.0.1:22 roadstead@code.example.com", marks=pytest.mark.slow),
        pytest.param(
            "ssh -o SetEnv=PYTHONPATH=/tmp roadstead@code.example.com id",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_sshd_opens_nothing_else(after_page: Desk, command: str) -> None:
    """No shell, no other program, no files, no forwarded port."""
    done = after_page.type(command)
    assert (done.returncode != 0, "uid=" in done.stdout) == (True, False), done


def test_there_is_no_terminal(after_page: Desk) -> None:
    """A client that insists on one is refused."""
    done = after_page.type("ssh -tt roadstead@code.example.com")
    assert (done.returncode, "PTY allocation request failed" in done.stderr) == (255, True)


@pytest.mark.slow
def test_a_key_that_is_gone_does_not_log_in(place: Place, after_page: Desk) -> None:
    """Removed by the operator, or with its user, who is deactivated: sshd refuses the key itself."""
    for user in ("ann", "ben"):
        assert after_page.type("rm id_ed25519 && ssh-keygen -q -t ed25519 -N '' -f id_ed25519").returncode == 0
        made = after_page.type(f"roadstead ssh-key add id_ed25519.pub --user {user}")
        assert made.returncode == 0, made.stderr
        assert after_page.type("ssh -T roadstead@code.example.com").returncode == 0
        if user == "ann":
            after_page.type(f"roadstead ssh-key remove {made.stdout.strip()}")
        else:
            place.host.work(lambda opened: deactivate_user(opened, "ben"))
        done = after_page.type("ssh -T roadstead@code.example.com")
        assert (done.returncode, "Permission denied" in done.stderr) == (255, True)

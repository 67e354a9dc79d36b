"""git over SSH, from the forced command on: the client is git, and a script stands in for sshd."""

import asyncio
import json
import os
import pwd
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.domain.access import ssh_keys
from roadstead.domain.access.credentials import find_token
from roadstead.domain.host import Host
from roadstead.domain.local_sockets import listening, read_frame
from roadstead.domain.people.users import deactivate_user, find_user
from roadstead.domain.repositories.changes import put_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.errors import StorageUnavailable
from roadstead.frames import SSH, framed, socket_folder, sockets_in
from roadstead.ssh import answers, session
from roadstead.ssh.answers import Answers
from tests.live import LiveHost, sender
from tests.public_keys import fingerprint, public_key
from tests.smart_http.conftest import Place, new_repository, wait_until
from tests.smart_http.git_client import Work
from tests.ssh.conftest import SSH_URL, Person, keep_key, person

READ_ONLY = "repository access denied. access via a deployment key is read-only.\n"
NOT_HERE = "The requested repository either does not exist or you do not have access.\n"


def _address(place: Place) -> str:
    return f"{SSH_URL}/{place.repository.full_name}.git"


@pytest.fixture(scope="module")
def deploy(ssh_host: LiveHost, place: Place) -> Person:
    """Return the holder of a deploy key of the repository."""
    return person(ssh_host, _deploy_key(place, f"/2.0/repositories/{place.repository.full_name}/deploy-keys"))


def _deploy_key(place: Place, address: str) -> str:
    key = public_key()
    assert sender(place.host, f"Bearer {place.ann}")("POST", address, json={"key": key}).status_code == 200
    return fingerprint(key)


@pytest.mark.sample(1)
@pytest.mark.parametrize("version", ["0", pytest.param("1", marks=pytest.mark.slow), "2"])
def test_a_repository_is_pushed_and_cloned(place: Place, ann: Person, work: Work, tmp_path: Path, version: str) -> None:
    """Each version of the protocol moves what was pushed; the push is an event of its user, and prints the links."""
    branch, chosen = f"v{version}", ("-c", f"protocol.version={version}")
    work.git("switch", "--quiet", "-C", branch)
    before = len(place.events())
    pushed = ann.git(work.folder, *chosen, "push", _address(place), branch)
    assert pushed.returncode == 0, pushed.stderr
    assert f"remote: Create pull request for {branch}:" in pushed.stderr
    cloned = ann.git(tmp_path, *chosen, "clone", "--quiet", "-b", branch, _address(place), "clone")
    assert cloned.returncode == 0, cloned.stderr
    assert Work(tmp_path / "clone").head() == work.head()
    user: Any = place.host.work(lambda opened: find_user(opened, "ann"))
    assert [event.user_id for event in place.events()[before:]] == [user.id]
    assert (place.is_whole(), place.mirror()[f"refs/heads/{branch}"]) == (True, work.head())
    nothing_new = ann.git(work.folder, *chosen, "push", _address(place), branch)
    assert (nothing_new.returncode, "Everything up-to-date" in nothing_new.stderr) == (0, True)


@pytest.mark.slow
def test_a_client_fetches_in_several_turns(place: Place, ann: Person, work: Work, tmp_path: Path) -> None:
    """A shallow clone deepens, and a clone fetches what has come since: in both protocols both sides speak in turn."""
    for number in range(5):
        work.commit(f"c{number}")
    assert ann.git(work.folder, "push", "-f", _address(place), "main:turns").returncode == 0
    for version in ("0", "2"):
        clone, chosen = tmp_path / f"clone{version}", ("-c", f"protocol.version={version}")
        options = ("--quiet", "--depth", "2", "-b", "turns", _address(place), str(clone))
        assert ann.git(tmp_path, *chosen, "clone", *options).returncode == 0
        assert Work(clone).git("rev-list", "--count", "HEAD").strip() == "2"
        assert ann.git(clone, *chosen, "fetch", "--quiet", "--unshallow").returncode == 0
        assert Work(clone).git("rev-list", "--count", "HEAD").strip() == work.git("rev-list", "--count", "HEAD").strip()
        new = work.commit(f"more {version}")
        assert ann.git(work.folder, "push", _address(place), "main:turns").returncode == 0
        assert ann.git(clone, *chosen, "fetch", "--quiet").returncode == 0
        assert Work(clone).head("origin/turns") == new


def test_a_refused_push_says_why(place: Place, ann: Person, work: Work) -> None:
    """The verdict before any ref changes is that of pushes over HTTP."""
    refused = ann.git(work.folder, "push", _address(place), "main:refs/elsewhere/x")
    assert (refused.returncode, "pre-receive hook declined" in refused.stderr) == (1, True)
    assert "remote: " in refused.stderr
    assert "refs/elsewhere/x" not in place.refs()


@pytest.mark.sample(1)
@pytest.mark.parametrize("form", ["/{}.git", "{}", "{}.git/"])
def test_each_form_of_a_path_is_taken(place: Place, ann: Person, form: str) -> None:
    """git sends the path of the URL with or without a slash in front, and users leave out the ending."""
    path = form.format(place.repository.full_name)
    asked = ann.ask(f"git-upload-pack '{path}'", b"0000")
    assert (asked.returncode, b"# service" in asked.stdout, asked.stderr) == (0, False, b"")


def test_a_deploy_key_reads_its_repository_alone(place: Place, deploy: Person, work: Work, tmp_path: Path) -> None:
    """It clones that one, writes nothing, and does not see another one of the workspace."""
    other = place.host.work(new_repository(place.ann, "acme"))
    assert deploy.git(tmp_path, "clone", "--quiet", _address(place), "clone").returncode == 0
    pushed = deploy.git(work.folder, "push", _address(place), "main:deployed")
    assert (pushed.returncode, READ_ONLY in pushed.stderr) == (128, True)
    hidden = deploy.git(tmp_path, "clone", f"{SSH_URL}/{other.full_name}.git", "other")
    assert (hidden.returncode, NOT_HERE in hidden.stderr) == (128, True)
    assert "refs/heads/deployed" not in place.refs()


def test_a_deploy_key_of_a_project_reads_its_repositories(ssh_host: LiveHost, place: Place, tmp_path: Path) -> None:
    """Each of them, also one that was made after the key was added."""
    key = _deploy_key(place, f"/2.0/workspaces/acme/projects/{place.repository.project.key}/deploy-keys")
    new = ssh_host.work(new_repository(place.ann, "acme"))
    for repository in (place.repository, new):
        done = person(ssh_host, key).git(tmp_path, "ls-remote", f"{SSH_URL}/{repository.full_name}.git")
        assert (done.returncode, done.stderr) == (0, "")


def test_a_user_without_a_role_sees_no_repository(ssh_host: LiveHost, place: Place, tmp_path: Path) -> None:
    """A private repository and a missing one get one answer."""
    ben = person(ssh_host, keep_key(ssh_host, "ben").fingerprint)
    for path in (place.repository.full_name, "acme/none", "none/none"):
        done = ben.ask(f"git-upload-pack '/{path}.git'")
        assert (done.returncode, done.stdout, done.stderr.decode()) == (1, b"", NOT_HERE)


def test_who_tests_the_connection_is_greeted(place: Place, ann: Person, deploy: Person) -> None:
    """`ssh -T` without a command succeeds, and says how the key is known."""
    for who, how in ((ann, "ssh key"), (deploy, "a deploy key")):
        done = who.ask("")
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.decode().splitlines() == [
            f"authenticated via {how}.",
            "",
            "You can use git to connect to Roadstead. Shell access is disabled.",
        ]


def test_a_key_that_is_gone_connects_no_one(ssh_host: LiveHost, place: Place) -> None:
    """Removed, expired, or of a deactivated user: sshd gets no line for it, and a session that begins is refused."""
    removed, expired, left = (public_key() for _ in range(3))

    async def job(opened: Host) -> None:
        ann, gone = await find_user(opened, "ann"), await find_user(opened, "ben")
        await ssh_keys.remove_key(opened, await ssh_keys.add_key(opened, ann, removed))
        made = await ssh_keys.add_key(opened, ann, expired)
        async with opened.store.database.transaction() as tx:
            await tx.run("UPDATE ssh_keys SET expires_on = ? WHERE id = ?", "2020-01-01T00:00:00.000000+00:00", made.id)
        await ssh_keys.add_key(opened, gone, left)
        await deactivate_user(opened, "ben")

    ssh_host.work(job)
    for key in (removed, expired, left):
        assert _lines(ssh_host, key) == ""
        done = person(ssh_host, fingerprint(key)).ask(f"git-upload-pack '/{place.repository.full_name}'")
        assert (done.returncode, done.stderr.decode()) == (1, NOT_HERE)
        assert person(ssh_host, fingerprint(key)).ask("").returncode == 1


def _lines(host: LiveHost, key: str, *, account: str | None = None) -> str:
    """Return what sshd gets for a key."""
    done = _ask_for(host, key, account=account)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _ask_for(host: LiveHost, key: str, *, account: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Ask as sshd does."""
    login = account or pwd.getpwuid(os.getuid()).pw_name
    asked = [login, *key.split()[:2], "--data", str(host.settings.data)]
    return subprocess.run(
        [sys.executable, "-m", "roadstead", "ssh-keys-for", *asked],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_sshd_gets_a_line_that_allows_one_command(ssh_host: LiveHost, place: Place) -> None:
    """It has the forced command for this key, and takes away everything else; another account gets none."""
    key = public_key()
    keep_key(ssh_host, "ann", key)
    line = _lines(ssh_host, key)
    assert line.startswith('command="')
    assert line.endswith(f'",restrict {key}\n')
    assert f"-I -m roadstead ssh-serve {fingerprint(key)} --data {ssh_host.settings.data}" in line
    assert [_lines(ssh_host, key, account="nobody"), _lines(ssh_host, public_key())] == ["", ""]
    assert _lines(ssh_host, "ssh-ed25519 x") == ""


def test_a_database_that_is_down_is_no_unknown_key(
    ssh_host: LiveHost, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The program fails, which sshd logs, and the host's log says why, without a traceback."""

    async def fails(*_: object) -> bool:
        raise StorageUnavailable("The database is unreachable.", "Connection refused.")

    monkeypatch.setattr(answers, "is_known", fails)
    done = _ask_for(ssh_host, public_key())
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        "error: Roadstead cannot look the key up now.",
        "       Its log says why.",
    ]
    logged = [record for record in caplog.records if "whose a key is" in record.getMessage()]
    assert [(record.levelname, record.exc_info) for record in logged] == [("WARNING", None)]


def test_a_repository_with_another_name_is_found(ssh_host: LiveHost, place: Place, ann: Person) -> None:
    """git over SSH follows no redirect, so the host does, and says so."""
    made = ssh_host.work(new_repository(place.ann, "acme"))

    async def rename(opened: Host) -> None:
        owner = await find_token(opened, place.ann)
        assert owner is not None
        await put_repository(opened, owner, "acme", made.slug, RepositoryChanges(name="Renamed"))

    ssh_host.work(rename)
    done = ann.ask(f"git-upload-pack '/{made.full_name}.git'", b"0000")
    told = "This repository is now acme/renamed. Change the URL of the remote.\n"
    assert (done.returncode, done.stderr.decode()) == (0, told)


def test_use_of_a_key_is_noted(place: Place, ann: Person) -> None:
    """The owner sees when the key was used last."""
    assert ann.ask("").returncode == 0

    async def used(opened: Host) -> bool:
        keys = await ssh_keys.list_keys(opened, await find_user(opened, "ann"))
        return any(key.last_used_on for key in keys if key.fingerprint == ann.fingerprint)

    wait_until(lambda: place.host.work(used))


def test_the_api_names_the_address(place: Place) -> None:
    """A repository's links have the one for SSH, with its port."""
    got = sender(place.host, f"Bearer {place.ann}")("GET", f"/2.0/repositories/{place.repository.full_name}").json()
    assert {"name": "ssh", "href": _address(place)} in got["links"]["clone"]


def test_git_lfs_is_told_where_to_go(place: Place, ann: Person, deploy: Person) -> None:
    """The address works with the header that comes with it; a deploy key gets none for an upload."""
    path = f"{place.repository.full_name}.git"
    for command in (f"git-lfs-authenticate {path} upload", f"git-lfs-authenticate '/{path}' download"):
        found = json.loads(ann.ask(command).stdout)
        asked = {"operation": command.rpartition(" ")[2], "objects": [{"oid": "0" * 64, "size": 1}]}
        kind = {"Content-Type": "application/vnd.git-lfs+json"}
        batch = httpx.post(f"{found['href']}/objects/batch", json=asked, headers=found["header"] | kind)
        assert (batch.status_code, found["expires_in"] > 0) == (200, True)
    assert deploy.ask(f"git-lfs-authenticate {path} download").returncode == 0
    refused = deploy.ask(f"git-lfs-authenticate {path} upload")
    assert (refused.returncode, refused.stderr.decode()) == (1, READ_ONLY)


ATTACKS = [
    "git-upload-pack '--upload-pack=touch /tmp/x'",
    "git-upload-pack --upload-pack=x '{}'",
    "git-upload-pack -oProxyCommand=x '{}'",
    "git-upload-pack '{}'; id",
    "git-upload-pack '{}' && id",
    "git-upload-pack '{}'\nid",
    "git-upload-pack '{}\n'",
    "git-upload-pack '$(id)/{}'",
    "git-upload-pack '`id`/x'",
    "git-upload-pack '{}' '{}'",
    "git-upload-pack {}",
    'git-upload-pack "{}"',
    "git-upload-pack '~ann/{}'",
    "git-upload-pack '~/{}'",
    "git-upload-pack '/etc/../{}'",
    "git-upload-pack '../{}'",
    "git-upload-pack '..'",
    "git-upload-pack '/../..'",
    "git-upload-pack '/./{}'",
    "git-upload-pack '/a/b/{}'",
    "git-upload-pack 'acme/widg\\'ets'",
    "git-upload-pack ''",
    "git-upload-pack",
    "git-upload-pack '" + "a/" * 600 + "'",
    "GIT-UPLOAD-PACK '{}'",
    " git-upload-pack '{}'",
    "env git-upload-pack '{}'",
    "git upload-pack '{}'",
    "git-upload-archive '{}'",
    "git-shell -c \"git-upload-pack '{}'\"",
    "git-lfs-authenticate {} delete",
    "git-lfs-authenticate '{} upload",
    "git-lfs-transfer {} upload",
    "sh",
    "bash -i",
    "scp -t /tmp",
    "/usr/lib/openssh/sftp-server",
    "internal-sftp",
    "rsync --server . /tmp",
    "hg -R {} serve --stdio",
    "roadstead sign-in",
]


def test_nothing_but_what_git_sends_is_run(place: Place, ann: Person) -> None:
    """Options, other programs, shells, paths and quoting of every kind are refused, and nothing is sent but why."""
    from roadstead.errors import RoadsteadError
    from roadstead.ssh.commands import read_command

    for attack in ATTACKS:
        command = attack.replace("{}", place.repository.full_name)
        try:
            asked = read_command(command)
        except RoadsteadError:
            continue
        assert {asked.workspace, asked.slug} & {"..", "."}, attack
    for attack in (ATTACKS[0], ATTACKS[3], ATTACKS[5], ATTACKS[17], "sh"):
        done = ann.ask(attack.replace("{}", place.repository.full_name))
        assert (done.returncode, done.stdout) == (1, b""), attack
        assert b"over SSH" in done.stderr or done.stderr.decode() == NOT_HERE, attack


@pytest.mark.sample(2)
@pytest.mark.parametrize("protocol", ["version=2:core.sshCommand=id", "x" * 65, "version=2 --exec=id", "\x1b[0m"])
def test_a_protocol_that_git_does_not_send_is_harmless(place: Place, ann: Person, protocol: str) -> None:
    """The variable reaches git only if it looks like one of git's, and never as an argument."""
    done = ann.ask(f"git-upload-pack '{place.repository.full_name}'", b"0000", GIT_PROTOCOL=protocol)
    assert (done.returncode, done.stderr) == (0, b"")


def test_variables_of_the_client_change_nothing(place: Place, ann: Person, tmp_path: Path) -> None:
    """Not what Python runs, not the data folder, and not what git does at the host."""
    (tmp_path / "sitecustomize.py").write_text("print('run')")
    evil = {
        "PYTHONPATH": str(tmp_path),
        "PYTHONSTARTUP": str(tmp_path / "sitecustomize.py"),
        "ROADSTEAD_DATA": str(tmp_path),
        "GIT_DIR": str(tmp_path),
        "GIT_EXEC_PATH": str(tmp_path),
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "uploadpack.packObjectsHook",
        "GIT_CONFIG_VALUE_0": "id",
    }
    usual = ann.ask(f"git-upload-pack '{place.repository.full_name}'", b"0000")
    assert ann.ask(f"git-upload-pack '{place.repository.full_name}'", b"0000", **evil).stdout == usual.stdout


def test_two_pushes_at_once_both_arrive(place: Place, ann: Person, work: Work) -> None:
    """Of two branches; each is one event."""
    before, command = len(place.events()), ["git", "push", "--quiet", _address(place)]
    both = [
        subprocess.Popen([*command, f"main:at-once-{number}"], cwd=work.folder, env=ann.environment)
        for number in range(2)
    ]
    assert [one.wait(timeout=60) for one in both] == [0, 0]
    assert (len(place.events()) - before, place.is_whole()) == (2, True)


def test_a_client_that_is_killed_leaves_nothing(place: Place, ann: Person) -> None:
    """In a push and in a clone: the host ends git's programs, and the repository is whole."""
    for program, begun in (("git-receive-pack", b""), ("git-upload-pack", b"")):
        client = ann.begin(f"{program} '/{place.repository.full_name}.git'")
        assert client.stdout is not None
        assert client.stdin is not None
        assert client.stdout.read(4)
        client.stdin.write(begun)
        client.send_signal(signal.SIGKILL)
        client.communicate(timeout=60)
    wait_until(lambda: place.host.work(_transfers) == 0)
    assert place.is_whole()


async def _transfers(host: Host) -> int:
    return host.transfers._places.held


def test_sshd_that_closes_the_streams_ends_the_session(place: Place, ann: Person) -> None:
    """A client that has gone without a word is noticed while git waits for it."""
    with ann.begin(f"git-upload-pack '{place.repository.full_name}'") as client:
        assert client.stdout is not None
        told = b""
        while not told.endswith(b"0000"):
            told += client.stdout.read(1)
        client.stdout.close()
        assert client.wait(timeout=60) == 0
    wait_until(lambda: place.host.work(_transfers) == 0)


def test_a_host_that_is_down_says_so(tmp_path: Path) -> None:
    """The program prints a sentence, and no traceback."""
    done = Person(tmp_path, tmp_path, "x").ask("git-upload-pack 'acme/widgets'")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().splitlines()[0].endswith("Roadstead is not running, or not set up for SSH.")


def test_the_socket_is_for_the_host_s_own_account(ssh_host: LiveHost) -> None:
    """Only the account of the host can connect to the socket, because a client of it can claim any key."""
    (made,) = (ssh_host.settings.data / "hosts").glob("*.ssh")
    assert (made.stat().st_mode & 0o777, made.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def _said(file: str, *requests: str) -> list[tuple[bytes, bytes]]:
    """Send a request, wait until the host ends the session, and return the frames."""
    reader, writer = await asyncio.open_unix_connection(file)
    writer.write(framed("\0".join(requests).encode()))
    frames = await _frames(reader)
    writer.close()
    return frames


async def _frames(reader: asyncio.StreamReader) -> list[tuple[bytes, bytes]]:
    """Return the frames until the host ends the session."""
    frames = []
    with suppress(asyncio.IncompleteReadError):
        while content := await read_frame(reader):
            frames.append((content[:1], content[1:]))
    return frames


def test_a_session_that_sends_a_byte_now_and_then_ends(
    place: Place, ann: Person, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Before it has sent a line that git would wait for; metrics count the sessions that end by themselves."""
    data = tmp_path_factory.mktemp("s")
    asked = ("serve", ann.fingerprint, "", f"git-upload-pack '{place.repository.full_name}'")
    line = b"0032want " + b"0" * 40 + b"\n"

    async def job(opened: Host) -> tuple[int, list[tuple[bytes, bytes]]]:
        answers = Answers(opened, idle_seconds=1)
        async with asyncio.timeout(30), listening(data, SSH, answers.serve):
            (file,) = sockets_in(socket_folder(str(data)), SSH)
            reader, writer = await asyncio.open_unix_connection(file)
            writer.write(framed("\0".join(asked).encode()))
            reading, sent = asyncio.create_task(_frames(reader)), 0
            while sent < len(line) and not reading.done():
                await asyncio.sleep(0.2)
                writer.write(framed(line[sent : sent + 1]))
                sent += 1
            writer.close()
            return sent, await reading

    sent, frames = place.host.work(job)
    assert sent < len(line)
    assert frames[-2:] == [(b"2", b"Roadstead has waited too long for the client.\n"), (b"0", b"1")]


def test_a_session_that_asks_again_and_again_ends(
    place: Place, ann: Person, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each list of refs that it takes gives it more time, but not without end."""
    monkeypatch.setattr(session, "_LONGEST_ASKING", 0.5)
    data = tmp_path_factory.mktemp("s")
    asked = ("serve", ann.fingerprint, "version=2", f"git-upload-pack '{place.repository.full_name}'")

    async def job(opened: Host) -> list[tuple[bytes, bytes]]:
        answers = Answers(opened, idle_seconds=5)
        async with asyncio.timeout(30), listening(data, SSH, answers.serve):
            (file,) = sockets_in(socket_folder(str(data)), SSH)
            reader, writer = await asyncio.open_unix_connection(file)
            writer.write(framed("\0".join(asked).encode()))
            reading = asyncio.create_task(_frames(reader))
            for _ in range(100):
                await asyncio.sleep(0.1)
                if reading.done():
                    break
                writer.write(framed(b"0014command=ls-refs\n00010000"))
            writer.close()
            return await reading

    frames = place.host.work(job)
    assert frames[-2:] == [(b"2", b"The client has asked for too long.\nFetch again.\n"), (b"0", b"1")]
    assert sum(kind == b"1" for kind, _ in frames) > 1


def test_metrics_count_sessions(place: Place, ann: Person) -> None:
    """By the program that was asked for and how it ended; another program has no name of its own."""
    assert ann.ask(f"git-upload-pack '{place.repository.full_name}'", b"0000").returncode == 0
    assert ann.ask("git-upload-pack 'acme/missing'").returncode == 1
    assert ann.ask("rm -rf /").returncode == 1
    shown = place.get("/-/metrics").text
    uploads = "/{workspace}/{repo_slug}/git-upload-pack"
    for route, status in ((uploads, "2xx"), (uploads, "4xx"), ("none", "4xx")):
        labels = f'method="SSH",route="{route}",status="{status}"'
        assert f"roadstead_request_duration_seconds_count{{{labels}}}" in shown


def test_a_silent_session_ends_and_a_key_has_a_share(
    place: Place, ann: Person, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """A client that says nothing is told why it is ended; meanwhile the same key opens no session over its share."""
    data = tmp_path_factory.mktemp("s")
    asked = ("serve", ann.fingerprint, "", f"git-upload-pack '{place.repository.full_name}'")

    async def job(opened: Host) -> list[list[tuple[bytes, bytes]]]:
        answers = Answers(opened, share=1, idle_seconds=1)
        async with asyncio.timeout(30), listening(data, SSH, answers.serve):
            (file,) = sockets_in(socket_folder(str(data)), SSH)
            first = asyncio.create_task(_said(file, *asked))
            while not answers.running:
                await asyncio.sleep(0.01)
            refused = await _said(file, *asked)
            return [await first, refused, await _said(file, "unknown")]

    silent, refused, unknown = place.host.work(job)
    assert silent[0][0] == b"1"
    assert silent[-2:] == [(b"2", b"Roadstead has waited too long for the client.\n"), (b"0", b"1")]
    assert refused == [
        (b"2", b"There are as many SSH sessions as there can be.\nTry again in a moment.\n"),
        (b"0", b"1"),
    ]
    assert unknown == [(b"0", b"1")]

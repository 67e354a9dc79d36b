"""The findings of `doctor` in set-ups with one fault each."""

import json
import os
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from starlette.applications import Starlette

from roadstead.cli.doctor import examine
from roadstead.cli.serve import prepare
from roadstead.cli.state import on_host
from roadstead.domain.apps.installations import register
from roadstead.domain.running import announced
from roadstead.settings import Settings
from roadstead.storage import sqlite
from tests.cli.conftest import Roadstead
from tests.live import live_host, serving


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Return a correct set-up without a running host."""
    settings = Settings(data=tmp_path / "data", base_url="http://localhost:1")
    on_host(settings, lambda host: register(host, "tide", "https://tide.example/"))
    return settings


def expose_key(data: Path) -> None:
    (data / "secret.key").chmod(0o644)


def lose_key(data: Path) -> None:
    (data / "secret.key").unlink()


def expose_folder(data: Path) -> None:
    data.chmod(0o755)


def let_others_write(data: Path) -> None:
    data.chmod(0o770)


def break_key(data: Path) -> None:
    (data / "secret.key").write_text("not a key")


def break_database(data: Path) -> None:
    for file in data.glob("roadstead.db*"):
        file.write_bytes(b"not a database" * 1000)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("damage", "check", "status"),
    [
        (expose_key, "key", "problem"),
        (lose_key, "key", "problem"),
        (expose_folder, "data folder", "warning"),
        (let_others_write, "data folder", "problem"),
        (break_key, "database", "problem"),
        (break_database, "database", "problem"),
    ],
)
def test_damage_is_found(settings: Settings, damage: Callable[[Path], None], check: str, status: str) -> None:
    """Each kind of damage is reported at its own line, with what to do about it."""
    assert all(found.status == "ok" for found in examine(settings) if found.name == check)
    damage(settings.data)
    (found,) = (found for found in examine(settings) if found.name == check)
    assert found.status == status
    assert found.advice


@pytest.fixture
def read_only(settings: Settings) -> Iterator[Settings]:
    """Yield a set-up that no one can write, not even root."""
    data = str(settings.data)
    if subprocess.run(["mount", "--bind", data, data], capture_output=True, check=False).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", data], check=True)
        yield settings
    finally:
        subprocess.run(["umount", "--lazy", data], check=True)


def test_a_read_only_disk_is_found(read_only: Settings) -> None:
    """The line of the data folder says so, and every other check is made."""
    found = {check.name: check for check in examine(read_only)}
    assert (found["data folder"].status, found["database"].status) == ("problem", "problem")
    assert "cannot be written to" in found["data folder"].message
    assert {"key", "disk", "git"} <= found.keys()


def test_lost_key_is_not_replaced(settings: Settings) -> None:
    """The check does not make a new key, which would hide the loss."""
    lose_key(settings.data)
    list(examine(settings))
    assert not (settings.data / "secret.key").exists()


def test_foreign_key_is_found(roadstead: Roadstead, serve_app: Callable[..., str]) -> None:
    """A key with which the secrets were not sealed is a problem of the database."""
    assert roadstead.call("install", serve_app(status=200, body=b"")).returncode == 0
    (roadstead.data / "secret.key").write_bytes(Fernet.generate_key())
    done = roadstead.call("doctor", "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document["healthy"] is False
    statuses = {check["name"]: check["status"] for check in document["checks"]}
    assert statuses["database"] == "problem"


def test_nothing_is_made_by_looking(roadstead: Roadstead) -> None:
    """On a machine where Roadstead was never started everything is fine, and stays untouched."""
    done = roadstead.call("doctor")
    assert done.returncode == 0
    assert b"is empty" in done.stdout
    assert not roadstead.data.exists()


def _statuses(settings: Settings) -> dict[str, str]:
    return {found.name: found.status for found in examine(settings)}


def test_what_a_killed_process_left_behind_is_named_and_swept_at_the_start(tmp_path: Path) -> None:
    """Drafts of the key and of exports that were not written to for a while, and nothing else."""
    data = tmp_path / "data"
    with live_host(data) as host:
        left = [data / "secret.key.123", data / "backup.gz.4567.partial"]
        kept = [data / name for name in ("secret.key.old", "backup.gz", "n.partial", "secret.key.99", "b.1.partial")]
        for file in (*left, *kept):
            file.write_text("draft")
        for file in (*left, *kept[:3]):
            os.utime(file, (0, 0))
        named = [check for check in examine(host.settings) if check.name == "leftover"]
        assert [check.status for check in named] == ["warning"] * 2
        assert all(str(file) in check.message for file, check in zip(sorted(left), named, strict=True))
        with ExitStack() as until_the_end:
            on_host(host.settings, lambda opened: prepare(opened, until_the_end))
        assert not any(file.exists() for file in left)
        assert all(file.exists() for file in kept)
        assert (data / "secret.key").exists()
        assert [check for check in examine(host.settings) if check.name == "leftover"] == []


@pytest.mark.parametrize(
    ("race", "versions"),
    [
        (True, ["3.40.1", "3.44.5", "3.45.0", "3.50.6", "3.51.2"]),
        (False, ["3.44.6", "3.50.7", "3.51.3", "3.53.0", "3.100.0"]),
    ],
)
def test_versions_of_sqlite_that_may_damage_a_file_are_known(race: bool, versions: list[str]) -> None:
    """As SQLite's own page lists them, including releases that were corrected later."""
    assert [sqlite.has_wal_reset_race(version) for version in versions] == [race] * len(versions)


@pytest.mark.sample(2)
@pytest.mark.parametrize(("workers", "race", "warned"), [(2, True, True), (2, False, False), (1, True, False)])
def test_such_a_version_is_a_warning_where_several_processes_write(
    settings: Settings, workers: int, race: bool, warned: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a set-up with several workers, or a running host with several."""
    monkeypatch.setattr(sqlite, "has_wal_reset_race", lambda: race)
    several = replace(settings, workers=workers)
    assert ("SQLite" in _statuses(several)) == warned
    with announced(several):
        assert ("SQLite" in _statuses(settings)) == warned


def test_a_healthy_host_is_all_well(tmp_path: Path) -> None:
    """Beside a host that runs and answers there is no warning: the port is its own."""
    with live_host(tmp_path / "data") as host, announced(host.settings):
        statuses = _statuses(host.settings)
    assert set(statuses.values()) == {"ok"}
    assert {"host", "base URL"} <= statuses.keys()
    assert "port" not in statuses


def test_two_hosts_on_one_state_are_mentioned(settings: Settings) -> None:
    """Each has a line, and a warning says which host's address commands use."""
    other = replace(settings, base_url="http://localhost:2")
    with announced(settings), announced(other):
        found = [check for check in examine(settings) if check.name == "host"]
    assert [check.status for check in found] == ["ok", "ok", "warning"]
    assert "http://localhost:1" in found[2].advice


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("base_url", "status", "words"),
    [
        ("http://localhost:1", "problem", "Connection refused"),
        ("http://nowhere.invalid", "warning", "The name of http://nowhere.invalid does not resolve"),
        ("the stranger", "problem", "not Roadstead"),
    ],
)
def test_what_is_wrong_with_the_base_url_of_a_running_host(
    settings: Settings, stranger: str, base_url: str, status: str, words: str
) -> None:
    """No server, a name without an address, and another server are three different faults, each with what to do."""
    chosen = replace(settings, base_url=stranger if base_url == "the stranger" else base_url)
    with announced(chosen):
        (found,) = (check for check in examine(chosen) if check.name == "base URL")
    assert found.status == status
    assert words in found.message
    assert f"listens on {settings.host}, port {settings.port}" in found.advice
    assert "roadstead serve" not in found.advice


def test_without_a_running_host_one_line_says_so(settings: Settings) -> None:
    """It says how to start one, and does not also say that no server answers at its address."""
    found = list(examine(settings))
    assert [check.advice for check in found if check.name == "host"] == ["Start it with: roadstead serve"]
    assert "base URL" not in {check.name for check in found}


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("taken_by", "words"),
    [("stranger", "Another program uses port"), ("mute", "Address already in use"), ("another_host", "another state")],
)
def test_a_port_that_somebody_else_has(
    settings: Settings, request: pytest.FixtureRequest, taken_by: str, words: str
) -> None:
    """The program that would prevent a start is named, with a way around it."""
    port = int(request.getfixturevalue(taken_by).rpartition(":")[2])
    (found,) = (check for check in examine(replace(settings, port=port)) if check.name == "port")
    assert found.status == "warning"
    assert words in found.message
    assert "--port" in found.advice


@pytest.fixture
def stranger() -> Iterator[str]:
    """Yield the address of a server that is not a Roadstead host."""
    with serving(Starlette()) as url:
        yield url


@pytest.fixture
def another_host(tmp_path: Path) -> Iterator[str]:
    """Yield the address of a host on another data folder."""
    with live_host(tmp_path / "other") as host:
        yield host.url


@pytest.fixture
def mute() -> Iterator[str]:
    """Yield the address of a server that does not speak HTTP."""

    class Refuse(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.sendall(b"220 mail\r\n")

    with socketserver.TCPServer(("127.0.0.1", 0), Refuse) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()

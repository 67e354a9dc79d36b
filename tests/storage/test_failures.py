"""A full or read-only disk, a locked or damaged database, a lost key: each with the real fault."""

import contextlib
import json
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from cryptography.fernet import Fernet

from roadstead.app import Parts
from roadstead.cli.state import on_host
from roadstead.domain.apps import handshakes
from roadstead.domain.apps.installations import register
from roadstead.domain.host import Host, open_host
from roadstead.errors import StorageUnusable
from roadstead.settings import Settings
from tests.cli.conftest import Roadstead
from tests.live import AppClient, LiveHost, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[Path]:
    """Make a file system of 4 MiB. Only root can."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a file system needs root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(file: Path) -> None:
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as out:
        while True:
            out.write(b"\0" * 4096)


def _doctor(data: Path) -> tuple[int, dict[str, str]]:
    """Return the exit code, and the status of each check."""
    done = Roadstead(data).call("doctor", "--json")
    return done.returncode, {check["name"]: check["status"] for check in json.loads(done.stdout)["checks"]}


def _roadstead(data: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "roadstead", *arguments, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_a_full_disk_loses_nothing_and_passes(tmp_path: Path) -> None:
    """A write is refused with 503 and `Retry-After`, reads work, and with room again so do writes, in one process."""
    with _small_disk(tmp_path / "disk") as disk, recording_app() as app, live_host(disk / "data") as host:
        api = AppClient(host.url, host.install(app))
        assert api("PUT", VALUES, json=["KEPT"]).status_code == 204
        _fill(disk / "filler")
        refused = api("PUT", VALUES, json=[f"{number:0200}" for number in range(5_000)])
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert "disk is full" in refused.json()["error"]["detail"]
        assert [value["value"] for value in api("GET", VALUES).json()["values"]] == ["KEPT"]
        assert _writable(host) == 0
        code, statuses = _doctor(disk / "data")
        assert (code, statuses["disk"]) == (1, "problem")
        (disk / "filler").unlink()
        assert _writable(host) == 1
        assert api("POST", VALUES, json={"value": "LATER"}).status_code == 201
        assert [value["value"] for value in api("GET", VALUES).json()["values"]] == ["KEPT", "LATER"]


SOON_BUSY = Parts(host=partial(open_host, busy_seconds=0.5))


def test_a_locked_database_is_waited_for_and_then_refused(tmp_path: Path) -> None:
    """While another process writes, writes get 503 and `Retry-After`, reads work, and afterwards everything works."""
    with recording_app() as app, live_host(tmp_path, SOON_BUSY) as host:
        api = AppClient(host.url, host.install(app))
        with contextlib.closing(sqlite3.connect(tmp_path / "roadstead.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = api("POST", VALUES, json={"value": "BB"})
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
            assert refused.json()["error"]["message"] == "The database is busy."
            assert api("GET", VALUES).json()["size"] == 0
            assert _writable(host) == 0
        assert api("POST", VALUES, json={"value": "BB"}).status_code == 201
        assert _writable(host) == 1


@pytest.mark.slow
def test_a_start_does_not_wait_for_a_locked_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that is replaced while another process writes serves at once; it says what it cannot undo yet."""
    undone: list[Host] = []

    async def undo(host: Host) -> None:
        undone.append(host)
        async with host.store.database.transaction():
            raise AssertionError

    with recording_app() as app, live_host(tmp_path) as host:
        api = AppClient(host.url, host.install(app))
    with _locked(tmp_path):
        with live_host(tmp_path, SOON_BUSY) as host:
            assert httpx.get(f"{host.url}/-/health/ready").status_code == 200
        monkeypatch.setattr(handshakes, "undo_abandoned_handshakes", undo)
        with live_host(tmp_path, SOON_BUSY) as host:
            assert AppClient(host.url, api.installation)("GET", VALUES).status_code == 200
    assert len(undone) == 1
    assert [line for line in caplog.messages if "undone later" in line]


def _writable(host: LiveHost) -> float:
    """Return the metric; the database answers meanwhile."""
    metrics = dict(line.split(" ") for line in httpx.get(f"{host.url}/-/metrics").text.splitlines() if line[0] != "#")
    assert float(metrics["roadstead_database_up"]) == 1
    return float(metrics["roadstead_database_writable"])


@contextlib.contextmanager
def _locked(data: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(data / "roadstead.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


@contextlib.contextmanager
def _read_only(data: Path) -> Iterator[None]:
    if subprocess.run(["mount", "--bind", str(data), str(data)], capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a file system needs root")
    subprocess.run(["mount", "-o", "remount,bind,ro", str(data)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(data)], check=True)


@contextlib.contextmanager
def _replaced(file: Path, content: bytes | None) -> Iterator[None]:
    original = file.read_bytes()
    if content is None:
        file.unlink()
    else:
        file.write_bytes(content)
    yield
    file.write_bytes(original)
    file.chmod(0o600)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("failure", "check", "message"),
    [
        # Each of the two commands waits ten seconds for the lock.
        pytest.param(_locked, "database", "busy", marks=pytest.mark.slow),
        (_read_only, "data folder", "cannot be"),
        (lambda data: _replaced(data / "roadstead.db", b"no database" * 1000), "database", "cannot be used"),
        (lambda data: _replaced(data / "secret.key", None), "key", "key file is missing"),
        (lambda data: _replaced(data / "secret.key", Fernet.generate_key()), "database", "cannot be decrypted"),
    ],
    ids=["locked", "read-only", "no database", "no key", "wrong key"],
)
def test_a_host_does_not_start_and_the_doctor_knows_why(
    tmp_path: Path, failure: Callable[[Path], "contextlib.AbstractContextManager[None]"], check: str, message: str
) -> None:
    """`serve` exits 1 with one clear message, `doctor` finds the cause, and afterwards everything is as before."""
    settings = Settings(data=tmp_path)
    on_host(settings, lambda host: register(host, "tide", "https://tide.example/"))
    with failure(tmp_path):
        started = _roadstead(tmp_path, "serve", "--port", "0")
        assert started.returncode == 1
        assert message in started.stderr
        assert "Traceback" not in started.stderr
        code, statuses = _doctor(tmp_path)
        assert (code, statuses[check]) == (1, "problem")
    on_host(settings, lambda host: register(host, "tide", "https://tide.example/"))


@pytest.mark.parametrize("umask", [0o002, 0o022, 0o077])
def test_a_folder_that_we_make_is_its_owners_alone(tmp_path: Path, umask: int) -> None:
    """With any umask of the user, also where new files belong to a group."""
    before = os.umask(umask)
    try:
        on_host(Settings(data=tmp_path / "data"), lambda host: register(host, "tide", "https://tide.example/"))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


@pytest.mark.sample(2)
@pytest.mark.parametrize("mode", [0o770, 0o777, 0o702])
@pytest.mark.parametrize("whose", ["data", "database"])
def test_a_folder_that_others_may_write_is_refused(tmp_path: Path, mode: int, whose: str) -> None:
    """The refusal has the command that corrects it: others could replace the key, or the database, in it."""
    settings = Settings(data=tmp_path / "data", database_url=f"sqlite:///{tmp_path / 'database' / 'roadstead.db'}")
    on_host(settings, lambda host: register(host, "tide", "https://tide.example/"))
    (tmp_path / whose).chmod(mode)
    with pytest.raises(StorageUnusable, match="may write") as refused:
        on_host(settings, lambda host: register(host, "ebb", "https://ebb.example/"))
    assert refused.value.detail == f"Run: chmod go-w {tmp_path / whose}"


def test_the_doctor_finds_damage_inside_the_database(tmp_path: Path) -> None:
    """An overwritten page deep in the file is found, although the file opens."""
    on_host(Settings(data=tmp_path), lambda host: register(host, "tide", "https://tide.example/"))
    file = tmp_path / "roadstead.db"
    with contextlib.closing(sqlite3.connect(file)) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'linker_values'").fetchone()[0]
    with file.open("r+b") as damaged:
        damaged.seek((root - 1) * 4096)
        damaged.write(b"\xff" * 4096)
    code, statuses = _doctor(tmp_path)
    assert (code, statuses["database"]) == (1, "problem")

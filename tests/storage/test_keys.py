"""Changing the key that secrets are encrypted with loses nothing, beside any process and after a kill at any moment."""

import asyncio
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from roadstead.cli.state import on_host
from roadstead.domain.apps import installations
from roadstead.domain.host import Host, open_host
from roadstead.domain.upkeep import audit
from roadstead.domain.upkeep.keys import rotate_key
from roadstead.errors import Conflict, InvalidInput, StorageUnusable
from roadstead.settings import Settings
from roadstead.storage import migrations
from roadstead.storage.secrets import new_key
from roadstead.storage.sqlite import DIALECT
from roadstead.storage.tables import TABLES
from tests.live import AppClient, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"
Stored = dict[str, str]


async def _register(host: Host, name: str) -> Stored:
    made = await installations.register(host, name, "https://tide.example/")
    return {name: made.shared_secret}


async def _registered(host: Host, *names: str) -> Stored:
    """Return the secrets that are stored under these names."""
    return {name: (await installations.get_registration(host, name)).shared_secret for name in names}


def _keys(data: Path) -> list[str]:
    return (data / "secret.key").read_text().split()


def test_a_running_host_goes_on(tmp_path: Path) -> None:
    """A token signed with the old secret works before and after, and the newest key alone opens everything."""
    with recording_app() as app, live_host(tmp_path) as host:
        api = AppClient(host.url, host.install(app))
        assert api("GET", VALUES).status_code == 200
        assert host.work(rotate_key) == 1
        assert api("GET", VALUES).status_code == 200
        assert api("POST", VALUES, json={"value": "BB"}).status_code == 201
        newest, _ = _keys(tmp_path)
        (tmp_path / "secret.key").write_text(newest)
        assert host.work(installations.list_apps) == [api.installation]


def test_whoever_has_not_heard_of_the_new_key_seals_with_it(tmp_path: Path) -> None:
    """A process that started before the rotation seals a secret after it with the new key."""

    async def work() -> Stored:
        async with open_host(Settings(data=tmp_path)) as old, open_host(Settings(data=tmp_path)) as other:
            before = await _register(old, "before")
            await rotate_key(other)
            after = await _register(old, "after")
            assert await _registered(old, "before") == before
            return before | after

    stored = asyncio.run(work())
    (tmp_path / "secret.key").write_text(_keys(tmp_path)[0])
    assert on_host(Settings(data=tmp_path), lambda host: _registered(host, *stored)) == stored


def test_keys_of_the_operator(tmp_path: Path) -> None:
    """Only a rotation puts the first key of the setting in force; then the others are not needed."""
    old, new = new_key(), new_key()
    only_old, both, only_new = (Settings(data=tmp_path, key=text) for text in (old, f"{new},{old}", new))
    stored = on_host(only_old, lambda host: _register(host, "tide"))
    with pytest.raises(InvalidInput, match="in use already"):
        on_host(only_old, rotate_key)
    stored |= on_host(both, lambda host: _register(host, "ebb"))
    assert on_host(only_old, lambda host: _registered(host, *stored)) == stored
    assert on_host(both, rotate_key) == 2
    assert on_host(only_new, lambda host: _registered(host, *stored)) == stored
    with pytest.raises(StorageUnusable, match="cannot be decrypted"):
        on_host(only_old, lambda host: _registered(host, *stored))
    assert not (tmp_path / "secret.key").exists()


def test_a_host_that_was_not_given_the_new_key_refuses_and_writes_nothing(tmp_path: Path) -> None:
    """It neither answers for secrets that it cannot read, nor stores one that the others could not read."""
    old, new = new_key(), new_key()

    async def work() -> None:
        async with (
            open_host(Settings(data=tmp_path, key=old)) as left_behind,
            open_host(Settings(data=tmp_path, key=f"{new},{old}")) as ahead,
        ):
            await _register(ahead, "tide")
            await rotate_key(ahead)
            for refused in (_registered, _register):
                with pytest.raises(StorageUnusable, match="cannot be decrypted"):
                    await refused(left_behind, "tide")

    asyncio.run(work())


def test_a_key_that_others_may_read_is_not_used(tmp_path: Path) -> None:
    """The operator first gets the command that corrects it."""
    on_host(Settings(data=tmp_path), lambda host: _register(host, "tide"))
    (tmp_path / "secret.key").chmod(0o640)
    for work in (installations.list_apps, rotate_key):
        with pytest.raises(StorageUnusable, match="may read the key file"):
            on_host(Settings(data=tmp_path), work)
    assert len(_keys(tmp_path)) == 1


def test_an_empty_state_takes_any_key(tmp_path: Path) -> None:
    """As long as nothing is sealed, another key is accepted."""
    for key in (None, new_key(), None):
        on_host(replace(Settings(data=tmp_path), key=key), installations.list_apps)


def test_a_state_from_before_there_were_several_keys(tmp_path: Path) -> None:
    """A database that does not name its key continues with the one that opens it."""
    old, new = new_key(), new_key()
    stored = on_host(Settings(data=tmp_path, key=old), lambda host: _register(host, "tide"))

    async def forget(host: Host) -> None:
        async with host.store.database.transaction() as tx:
            await tx.run("DELETE FROM sealing_key")

    on_host(Settings(data=tmp_path, key=old), forget)
    assert on_host(Settings(data=tmp_path, key=f"{new},{old}"), lambda host: _registered(host, "tide")) == stored
    assert on_host(Settings(data=tmp_path, key=old), lambda host: _registered(host, "tide")) == stored


def test_the_change_is_logged_and_keeps_owner_and_mode(tmp_path: Path) -> None:
    """The audit log has the number of secrets and no key; the file still belongs only to the owner."""
    settings = Settings(data=tmp_path)
    on_host(settings, lambda host: _register(host, "tide"))
    on_host(settings, rotate_key)
    entry, *_ = on_host(settings, lambda host: audit.latest_entries(host, 1))
    assert (entry.action, entry.details) == ("key rotated", {"secrets": 1})
    assert (tmp_path / "secret.key").stat().st_mode & 0o777 == 0o600
    assert not list(tmp_path.glob("secret.key.*"))


def test_a_rotation_that_fails_between_file_and_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the new key in the file and the database unchanged, everything is readable, and the next rotation works."""
    settings = Settings(data=tmp_path)
    stored = on_host(settings, lambda host: _register(host, "tide"))

    async def fail(*_: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr("roadstead.domain.upkeep.keys.seal_anew", fail)
        with pytest.raises(KeyboardInterrupt):
            on_host(settings, rotate_key)
    stored |= on_host(settings, lambda host: _register(host, "ebb"))
    assert len(_keys(tmp_path)) == 2
    assert on_host(settings, rotate_key) == 2
    assert on_host(settings, lambda host: _registered(host, *stored)) == stored


@pytest.mark.parametrize("rounds", [4, pytest.param(40, marks=pytest.mark.slow)])
def test_a_kill_during_a_rotation_loses_nothing(tmp_path: Path, rounds: int) -> None:
    """Killed after a moment that grows from round to round, it leaves every secret readable."""
    settings = Settings(data=tmp_path)
    stored: Stored = {}

    async def fill(host: Host) -> None:
        for number in range(300):
            stored.update(await _register(host, f"app-{number}"))

    on_host(settings, fill)
    command = [sys.executable, "-m", "roadstead", "rotate-key", "--data", str(tmp_path)]
    for number in range(rounds):
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            time.sleep(0.2 + 0.3 * number / rounds)
            process.send_signal(signal.SIGKILL)
        assert on_host(settings, lambda host: _registered(host, *stored)) == stored


def test_one_rotation_at_a_time(tmp_path: Path) -> None:
    """A second one is refused, and does not change the file."""

    async def work() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            lease = await host.store.database.lease("key-rotation")
            assert lease is not None
            with pytest.raises(Conflict):
                await rotate_key(host)
            await lease.release()

    asyncio.run(work())
    assert len(_keys(tmp_path)) == 1


def test_every_column_of_bytes_is_sealed_anew() -> None:
    """Bytes in the schema are secrets, and a rotation knows them all: a new one cannot be forgotten."""
    found: set[tuple[str, str]] = set()
    for migration in migrations.missing(set()):
        for statement in migration.statements(DIALECT):
            table = statement.split()[2]
            found |= {(table, column) for column in re.findall(rf"(\w+) {DIALECT.bytes}\b", statement)}
    assert found == {(table.name, column) for table in TABLES for column in table.sealed}


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_key_file_that_others_may_open_stops_the_start(tmp_path: Path, mode: int) -> None:
    """Unless only its owner can read the key of all secrets, nothing is opened with it."""
    settings = Settings(data=tmp_path)
    on_host(settings, lambda host: _register(host, "tide"))
    (tmp_path / "secret.key").chmod(mode)
    with pytest.raises(StorageUnusable, match="may read the key file"):
        on_host(settings, lambda host: _registered(host, "tide"))

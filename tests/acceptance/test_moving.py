"""`roadstead migrate-data`: the state from one database to another, and the proof that it arrived."""

import asyncio
import os
import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roadstead.domain.apps import installations
from roadstead.domain.host import open_host
from roadstead.domain.running import announced
from roadstead.domain.upkeep.copying import move_state
from roadstead.errors import StorageUnusable
from roadstead.settings import Settings
from roadstead.storage import transfer as rows
from tests.live import AppClient, live_host, recording_app
from tests.postgres import Server

VALUES = "/2.0/addon/linkers/tickets/values"


def _url(kind: str, folder: Path, server: Server) -> str:
    return server.new_database() if kind == "postgresql" else f"sqlite:///{folder}/{kind}.db"


def _migrate(data: Path, source: str, target: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "roadstead", "migrate-data", "--data", str(data), "--from", source, "--to", target]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("one", "postgresql"),
        pytest.param("postgresql", "one", marks=pytest.mark.slow),
        pytest.param("one", "another", marks=pytest.mark.slow),
    ],
    ids=lambda name: name,
)
def test_a_host_goes_on_with_another_database(tmp_path: Path, postgresql: Server, source: str, target: str) -> None:
    """Apps sign as before, ids and order stay, new values get later ids; a second copy is refused."""
    old_url, new_url = (_url(kind, tmp_path, postgresql) for kind in (source, target))
    with recording_app() as app:
        with live_host(tmp_path, database_url=old_url) as old:
            installed = old.install(app)
            values = [f"V{number}" for number in range(300)]
            assert AppClient(old.url, installed)("PUT", VALUES, json=values).status_code == 204
            before = AppClient(old.url, installed)("GET", f"{VALUES}?pagelen=100&page=3").json()["values"]
        done = _migrate(tmp_path, old_url, new_url)
        assert (done.returncode, "read back and compared" in done.stderr) == (0, True), done.stderr
        assert done.stderr.strip().endswith(f" serve --data {tmp_path} --database-url {new_url}")
        with live_host(tmp_path, database_url=new_url) as new:
            api = AppClient(new.url, installed)
            after = api("GET", f"{VALUES}?pagelen=100&page=3").json()["values"]
            assert [(value["id"], value["value"]) for value in after] == [(v["id"], v["value"]) for v in before]
            added = api("POST", VALUES, json={"value": "MORE"}).json()
            assert int(added["id"]) > int(before[-1]["id"])
            assert new.work(installations.list_apps) == [installed]
    again = _migrate(tmp_path, old_url, new_url)
    assert (again.returncode, "This state already has apps" in again.stderr) == (1, True)


def test_what_comes_next_shows_no_password(tmp_path: Path, postgresql: Server) -> None:
    """The last line is a command that works, once the URL is in the environment as the line before it says."""
    with live_host(tmp_path):
        pass
    url = postgresql.new_database().replace("roadstead@", "roadstead:planted@")
    done = _migrate(tmp_path, f"sqlite:///{tmp_path}/roadstead.db", url)
    before, last = done.stderr.splitlines()[-2:]
    assert "Set ROADSTEAD_DATABASE_URL to the URL that you gave with --to" in before
    command = last.removeprefix("Continue with: ")
    assert command.endswith(f" -m roadstead serve --data {tmp_path}")
    assert "planted" not in done.stderr
    look = shlex.split(command.replace(" serve ", " user list "))
    listed = subprocess.run(
        look, capture_output=True, text=True, check=False, env={**os.environ, "ROADSTEAD_DATABASE_URL": url}
    )
    assert (listed.returncode, "operator" in listed.stdout.lower()) == (0, True), listed


def test_a_host_that_still_serves_is_mentioned(tmp_path: Path) -> None:
    """What changes there after the copy would be lost without a word."""
    old, new = (f"sqlite:///{tmp_path}/{name}.db" for name in ("old", "new"))
    with live_host(tmp_path, database_url=old) as host, announced(host.settings):
        done = _migrate(tmp_path, old, new)
    assert f"A host serves the old database at {host.settings.base_url}" in done.stderr
    assert done.returncode == 0


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("sqlite:///{folder}/nothing.db", "sqlite:///{folder}/new.db", "no state"),
        ("mysql://x", "sqlite:///{folder}/new.db", "--from"),
        ("sqlite:///{folder}/nothing.db", "new.db", "--to"),
    ],
)
def test_what_cannot_be_copied_is_a_clear_error(tmp_path: Path, source: str, target: str, told: str) -> None:
    """The wrong option is named, and nothing is created."""
    done = _migrate(tmp_path, source.format(folder=tmp_path), target.format(folder=tmp_path))
    assert done.returncode in (1, 2)
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_row_that_gets_lost_is_noticed(tmp_path: Path, postgresql: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rows that are read back are compared with those that were sent, before any is in force."""
    add_rows = rows.add_rows

    async def losing(store: Any, tx: Any, table: Any, columns: Any, page: Sequence[Any], **options: Any) -> None:
        await add_rows(store, tx, table, columns, page[: len(page) - (table.name == "linker_values")], **options)

    old = Settings(data=tmp_path, base_url="http://localhost:1")
    new = replace(old, database_url=postgresql.new_database())

    async def run() -> None:
        async with open_host(old) as source, open_host(new) as target:
            with pytest.raises(StorageUnusable, match="linker_values"):
                await move_state(source, target)
            assert await rows.find_filled_tables(target.store.database) == []
            monkeypatch.undo()
            assert await move_state(source, target) > 0

    with recording_app() as app, live_host(tmp_path) as host:
        assert AppClient(host.url, host.install(app))("PUT", VALUES, json=["A", "B"]).status_code == 204
    monkeypatch.setattr(rows, "add_rows", losing)
    asyncio.run(run())

"""Two hosts, each a process of its own, on one state: what one was told holds at the other."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.domain.running import running_hosts
from tests.conftest import NewDatabase
from tests.live import AppClient, LiveHost, RecordingApp, host_process, recording_app

LINKERS = "/2.0/addon/linkers"
VALUES = f"{LINKERS}/tickets/values"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[tuple[LiveHost, LiveHost]]:
    """On one machine they share the data folder; on PostgreSQL each may have one of its own, with the same key."""
    one, other = tmp_path_factory.mktemp("one"), tmp_path_factory.mktemp("other")
    environ = _environ(new_database())
    with host_process(one, one / "log", **environ) as (first, _, _):
        if not environ:
            other = one
        else:
            (other / "secret.key").write_bytes((one / "secret.key").read_bytes())
            (other / "secret.key").chmod(0o600)
        with host_process(other, other / "log2", **environ) as (second, _, _):
            yield first, second


def _environ(database_url: str | None) -> dict[str, str]:
    return {} if database_url is None else {"ROADSTEAD_DATABASE_URL": database_url}


@contextmanager
def _installed(host: LiveHost) -> Iterator[tuple[RecordingApp, Any]]:
    with recording_app() as app:
        yield app, host.install(app, f"w-{app.key}")


def test_every_change_through_one_is_seen_through_the_other(hosts: tuple[LiveHost, LiveHost]) -> None:
    """Whoever adds, removes, replaces or lists: each read through the other host sees what was answered just before."""
    with _installed(hosts[0]) as (app, installation):
        clients = [AppClient(host.url, installation) for host in hosts]
        kept: list[str] = []
        for number in range(40):
            writer, reader = clients[number % 2], clients[(number + 1) % 2]
            kept.append(f"V{number}")
            made = writer("POST", VALUES, json={"value": kept[-1]})
            assert made.status_code == 201
            page = reader("GET", f"{VALUES}?pagelen=100").json()
            assert (page["size"], [value["value"] for value in page["values"]]) == (len(kept), kept)
            text = {"text": f"V{number}-1", "workspace": f"w-{app.key}", "format": "json"}
            assert len(httpx.post(f"{hosts[(number + 1) % 2].url}/-/linkify", json=text).json()["links"]) == 1
            if number % 4 == 3:
                assert writer("DELETE", f"{VALUES}/{made.json()['id']}").status_code == 204
                kept.pop()
                assert reader("GET", f"{VALUES}/{made.json()['id']}").status_code == 404
            if number % 10 == 9:
                kept = ["A", "B"]
                assert writer("PUT", VALUES, json=kept).status_code == 204


def test_an_app_that_leaves_through_one_is_a_stranger_at_the_other(hosts: tuple[LiveHost, LiveHost]) -> None:
    """The removal holds everywhere before it is answered, and so does the next installation."""
    with _installed(hosts[0]) as (app, first):
        installation = first
        for number in range(10):
            leaving, asked = (AppClient(hosts[(number + place) % 2].url, installation) for place in (0, 1))
            assert asked("GET", LINKERS).status_code == 200
            assert leaving("DELETE", "/2.0/addon").status_code == 204
            assert asked("GET", LINKERS).status_code == 401
            assert leaving("GET", LINKERS).status_code == 401
            installation = hosts[number % 2].install(app, f"w-{app.key}")


def test_workers_of_one_host_agree_and_stop_together(tmp_path: Path, new_database: NewDatabase) -> None:
    """What one connection was told holds on every other, whichever worker answers it; the sign-in link works once."""
    with (
        recording_app() as app,
        host_process(tmp_path, tmp_path / "log", ROADSTEAD_WORKERS="2", **_environ(new_database())) as (
            host,
            link,
            process,
        ),
    ):
        assert [one.base_url for one in running_hosts(host.settings)] == [host.url]
        # The first request waits for the workers to start.
        assert [httpx.get(link, timeout=60).status_code for _ in range(4)] == [303, 403, 403, 403]
        api = AppClient(host.url, host.install(app))
        for number in range(20):
            assert api("POST", VALUES, json={"value": f"V{number}"}).status_code == 201
            with httpx.Client() as another_connection:
                headers = {"Authorization": f"JWT {api.token('GET', VALUES)}"}
                page = another_connection.get(f"{host.url}{VALUES}", headers=headers).json()
            assert page["size"] == number + 1
        assert api("DELETE", "/2.0/addon").status_code == 204
        for _ in range(10):
            with httpx.Client() as another_connection:
                headers = {"Authorization": f"JWT {api.token('GET', LINKERS)}"}
                assert another_connection.get(f"{host.url}{LINKERS}", headers=headers).status_code == 401
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        assert (tmp_path / "log").read_bytes() == b""
        assert app.calls("uninstalled")

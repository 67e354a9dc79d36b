"""Two hosts, in separate processes, on one state: a change at one is in force at the other."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.running import running_hosts
from roadstead.model import Installation
from tests.conftest import NewDatabase
from tests.live import AppClient, LiveHost, RecordingApp, host_process, recording_app

LINKERS = "/2.0/addon/linkers"
VALUES = f"{LINKERS}/tickets/values"


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[tuple[LiveHost, LiveHost]]:
    """Yield two hosts: on one machine they share the data folder; on PostgreSQL each may have its own, with the same
    key.
    """
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


@pytest.mark.slow
def test_every_change_through_one_is_seen_through_the_other(hosts: tuple[LiveHost, LiveHost]) -> None:
    """After each addition, removal, replacement or listing, a read through the other host sees the answered change."""
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


# Each change of the processes' caches


def _declare(*linkers: tuple[str, str]) -> "Change":
    """Return a change: update the app through the API to have these linkers, by their keys and patterns."""

    def change(host: LiveHost, api: AppClient, app: RecordingApp) -> None:
        declared = [{"key": key, "regex": regex, "url": "/t", "type": "href"} for key, regex in linkers]
        app.descriptor["modules"] = {"linkers": declared}
        assert api("PUT", "/2.0/addon", json={}).status_code == 204

    return change


def _values(method: str, *, json: Any) -> "Change":
    def change(host: LiveHost, api: AppClient, app: RecordingApp) -> None:
        assert api(method, VALUES, json=json).is_success

    return change


def _delete_first_value(host: LiveHost, api: AppClient, app: RecordingApp) -> None:
    value = api("GET", VALUES).json()["values"][0]
    assert api("DELETE", f"{VALUES}/{value['id']}").status_code == 204


def _uninstall(host: LiveHost, api: AppClient, app: RecordingApp) -> None:
    assert api("DELETE", "/2.0/addon").status_code == 204


def _renew_secret(host: LiveHost, api: AppClient, app: RecordingApp) -> None:
    host.work(lambda opened: installations.renew_secret(opened, api.installation.id))


def _install_again(host: LiveHost, api: AppClient, app: RecordingApp) -> None:
    host.install(app, api.installation.workspace.slug)


Change = Callable[[LiveHost, AppClient, RecordingApp], None]
TICKETS, BUILDS = ("tickets", r"((?K)-\d+)"), ("builds", r"build (\d+)")
SEEN: list[tuple[str, Change, list[str], str]] = [
    ("value added", _values("POST", json={"value": "A"}), ["any-ref", "tickets"], "A-1 REF#1"),
    ("another", _values("POST", json={"value": "B"}), ["any-ref", "tickets"], "A-1 B-1 REF#1"),
    ("value deleted", _delete_first_value, ["any-ref", "tickets"], "B-1 REF#1"),
    ("values replaced", _values("PUT", json=["A", "C"]), ["any-ref", "tickets"], "A-1 C-1 REF#1"),
    ("linker removed", _declare(TICKETS), ["tickets"], "A-1 C-1"),
    ("linker added", _declare(TICKETS, BUILDS), ["builds", "tickets"], "A-1 C-1 build 1"),
    ("linker changed", _declare(TICKETS, ("builds", r"#(\d+)")), ["builds", "tickets"], "A-1 C-1 #1"),
    ("values deleted", _values("DELETE", json=None), ["builds", "tickets"], "A-1 B-1 C-1 #1"),
    ("secret renewed", _renew_secret, ["builds", "tickets"], "A-1 B-1 C-1 #1"),
    ("value added with it", _values("POST", json={"value": "B"}), ["builds", "tickets"], "B-1 #1"),
    ("uninstalled", _uninstall, [], ""),
    ("installed again", _install_again, ["builds", "tickets"], "A-1 B-1 C-1 #1"),
]
"""The changes, one after the other; the app's linkers then; and the links of the text."""
TEXT = "A-1 B-1 C-1 REF#1 build 1"


@pytest.mark.each_database
def test_each_change_through_one_is_seen_through_both(hosts: tuple[LiveHost, LiveHost]) -> None:
    """No host's cache of the app, its secret, its linkers and values is used after a change was answered."""

    def secrets() -> list[str]:
        return [call.body["sharedSecret"] for call in app.calls("installed")]

    def seen(host: LiveHost) -> tuple[list[str], str]:
        statuses, keys = [], []
        for secret in dict.fromkeys(secrets()):
            answer = AppClient(host.url, replace(installation, shared_secret=secret))("GET", LINKERS)
            statuses.append(answer.status_code)
            keys = sorted(linker["key"] for linker in answer.json().get("values", []))
        assert statuses[:-1] == [401] * len(statuses[:-1]), "a secret of before still opens"
        text = {"text": TEXT, "workspace": installation.workspace.slug, "format": "json"}
        links = httpx.post(f"{host.url}/-/linkify", json=text).json()["links"]
        return keys, " ".join(link["text"] for link in links)

    with _installed(hosts[0]) as (app, installation):
        for number, (name, change, keys, links) in enumerate(SEEN):
            writer = hosts[number % 2]
            change(writer, AppClient(writer.url, replace(installation, shared_secret=secrets()[-1])), app)
            assert [seen(host) for host in (*hosts, *reversed(hosts))] == [(keys, links)] * 4, name


def test_a_token_that_is_revoked_through_one_opens_nothing_at_the_other(hosts: tuple[LiveHost, LiveHost]) -> None:
    """An app's Bearer token goes with the app, an operator's when it is revoked."""
    with _installed(hosts[0]) as (_, installation):
        address = f"/2.0/workspaces/{installation.workspace.slug}"
        (bearer, _), (token, made) = hosts[0].work(lambda host: _tokens(host, installation))
        assert [_status(host, address, one) for host in hosts for one in (bearer, token)] == [200] * 4
        hosts[0].work(lambda host: credentials.revoke_api_token(host, made.id))
        assert [_status(host, address, token) for host in hosts] == [401, 401]
        assert AppClient(hosts[1].url, installation)("DELETE", "/2.0/addon").status_code == 204
        assert [_status(host, address, bearer) for host in hosts] == [401, 401]


async def _tokens(host: Host, installation: Installation) -> tuple[Any, Any]:
    return (
        await credentials.exchange(host, installation.id, scopes=[], repository=None),
        await credentials.create_api_token(host, "two hosts", None),
    )


def _status(host: LiveHost, address: str, token: str) -> int:
    return httpx.get(f"{host.url}{address}", headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.slow
def test_an_app_that_leaves_through_one_is_a_stranger_at_the_other(hosts: tuple[LiveHost, LiveHost]) -> None:
    """The removal is in force everywhere before it is answered, and so is the next installation."""
    with _installed(hosts[0]) as (app, first):
        installation = first
        for number in range(10):
            leaving, asked = (AppClient(hosts[(number + place) % 2].url, installation) for place in (0, 1))
            assert asked("GET", LINKERS).status_code == 200
            assert leaving("DELETE", "/2.0/addon").status_code == 204
            assert asked("GET", LINKERS).status_code == 401
            assert leaving("GET", LINKERS).status_code == 401
            installation = hosts[number % 2].install(app, f"w-{app.key}")


@pytest.mark.slow
def test_workers_of_one_host_agree_and_stop_together(tmp_path: Path, new_database: NewDatabase) -> None:
    """A change answered on one connection is in force on every other, with any worker; the sign-in link works once."""
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

"""`GET /-/requests`: the last calls in both directions, for operators, without secrets."""

import contextlib
import json
import logging
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.recorded import REQUEST_LIST
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app

LINKERS = "/2.0/addon/linkers"
VALUES = "/2.0/addon/linkers/tickets/values"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[LiveHost]:
    """Yield a separate host, whose record has only this test's calls."""
    with live_host(tmp_path) as host:
        yield host


def recorded(host: LiveHost, q: str = "", **query: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{host.url}/-/requests", params={"pagelen": "100", **({"q": q} if q else {}), **query})
    assert answer.status_code == 200, answer.text
    values: list[dict[str, Any]] = answer.json()["values"]
    return values


def await_call(host: LiveHost, q: str) -> list[dict[str, Any]]:
    """Return the record of a call that comes after an answer."""
    deadline = time.monotonic() + 10
    while not (found := recorded(host, q)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return found


def details(host: LiveHost, request_id: int) -> dict[str, Any]:
    answer = httpx.get(f"{host.url}/-/requests/{request_id}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def lines(host: LiveHost, q: str = "") -> list[tuple[Any, ...]]:
    return [(one["direction"], one["app"], one["method"], one["url"], one["status"]) for one in recorded(host, q)]


def test_calls_in_both_directions_are_recorded(watched: LiveHost, connect_app: RecordingApp) -> None:
    """The newest first: an app's accepted, refused and unknown requests, and the host's calls to it."""
    api = AppClient(watched.url, watched.install(connect_app))
    api("GET", f"{LINKERS}?page=1")
    api("POST", VALUES, json={"value": "BB"})
    api("GET", LINKERS, token=api.token("PUT", LINKERS))
    api("GET", "/2.0/repositories/acme")
    httpx.get(f"{watched.url}{LINKERS}")
    httpx.get(f"{watched.url}/")
    httpx.get(f"{watched.url}/-/health/live")
    api("DELETE", "/2.0/addon")
    await_call(watched, 'url ~ "uninstalled"')
    base, app = connect_app.base_url, connect_app.key
    found = lines(watched)
    assert found == [
        ("out", app, "POST", f"{base}/uninstalled", 204),
        ("in", app, "DELETE", "/2.0/addon", 204),
        ("in", None, "GET", LINKERS, 401),
        ("in", app, "GET", "/2.0/repositories/acme", 404),
        ("in", app, "GET", LINKERS, 401),
        ("in", app, "POST", VALUES, 201),
        ("in", app, "GET", f"{LINKERS}?page=1", 200),
        ("out", app, "POST", f"{base}/installed", 204),
        ("out", app, "GET", f"{base}/descriptor.json", 200),
    ]
    posted = details(watched, recorded(watched, "status = 201")[0]["id"])
    assert (posted["request"]["body"], posted["request_size"]) == ('{"value":"BB"}', 14)
    assert json.loads(posted["answer"]["body"])["value"] == "BB"
    assert posted["answer_size"] == len(posted["answer"]["body"])
    assert ["content-type", "application/json"] in posted["request"]["headers"]
    assert posted["duration_ms"] > 0


def test_whoever_called_with_another_credential_is_named(watched: LiveHost, connect_app: RecordingApp) -> None:
    """A Bearer token belongs to its app; the operator is not an app."""
    api = AppClient(watched.url, watched.install(connect_app))
    target = "/site/oauth2/access_token"
    form = {"grant_type": "urn:bitbucket:oauth2:jwt"}
    token = api("POST", target, data=form).json()["access_token"]
    for credential in (token, watched.api_token()):
        httpx.get(f"{watched.url}/2.0/user", headers={"Authorization": f"Bearer {credential}"})
    assert [one[1:] for one in lines(watched, 'direction = "in"')] == [
        (None, "GET", "/2.0/user", 200),
        (connect_app.key, "GET", "/2.0/user", 200),
        (connect_app.key, "POST", target, 200),
    ]


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("q", "count"),
    [
        ('direction = "out"', 2),
        ("status >= 400", 1),
        ('url ~ "tickets" AND method = "POST"', 2),
        ('app = "nobody"', 0),
        ("duration_ms >= 0", 5),
        ('app ~ "nobody"', 0),
        ('error !~ "nothing"', 5),
        ("status < 99999999999", 5),
        ("time < 2100-01-01T00:00:00+02:00 AND time > 2020-01-01T00:00:00-05:00", 5),
        ("time > 2100-01-01T00:00:00+02:00", 0),
    ],
)
def test_record_is_filtered(watched: LiveHost, connect_app: RecordingApp, q: str, count: int) -> None:
    """The fields of the table can be filtered."""
    api = AppClient(watched.url, watched.install(connect_app))
    api("GET", LINKERS)
    api("POST", VALUES, json={"value": "BB"})
    api("POST", VALUES, json={"value": "no value"})
    assert len(lines(watched, q)) == count


def test_record_is_sorted(watched: LiveHost, connect_app: RecordingApp) -> None:
    """By each field of `q`: null comes last in both directions; among equals the newest first."""
    installation = watched.install(connect_app)
    api = AppClient(watched.url, installation)
    api("GET", f"{LINKERS}/ghost")
    api("POST", VALUES, json={"value": "BB"})
    httpx.get(f"{watched.url}/2.0/user")

    def statuses(sort: str) -> list[int]:
        return [one["status"] for one in recorded(watched, sort=sort)]

    assert statuses("status") == sorted(statuses("-id"))
    assert statuses("-status") == sorted(statuses("id"), reverse=True)
    assert statuses("-time") == statuses("-id") == statuses("")
    assert [one["app"] for one in recorded(watched, sort="-app")][-1] is None
    for field in REQUEST_LIST.kinds:
        assert len(recorded(watched, sort=field)) == len(recorded(watched, sort=f"-{field}"))


def test_record_comes_in_pages(watched: LiveHost, connect_app: RecordingApp) -> None:
    """`next` leads on; a wrong parameter is refused, and an unknown id is a 404."""
    watched.install(connect_app)
    first = httpx.get(f"{watched.url}/-/requests?pagelen=1").json()
    assert (first["size"], len(first["values"])) == (2, 1)
    second = httpx.get(first["next"]).json()
    assert (second["values"][0]["id"], "next" in second) == (1, False)
    statuses = [
        httpx.get(f"{watched.url}/-/requests{rest}").status_code
        for rest in ("?sort=size", "?q=size>1", "?q=", "/99", "/x", "/0", "/1?fields=url")
    ]
    assert statuses == [400, 400, 200, 404, 404, 404, 200]


@pytest.mark.sample(2)
@pytest.mark.parametrize(("credential", "status"), [("none", 401), ("app", 403), ("operator", 200)])
def test_record_is_for_operators(watched: LiveHost, connect_app: RecordingApp, credential: str, status: int) -> None:
    """A caller by another name needs an API token; an app's JWT is refused."""
    installation = watched.install(connect_app)
    for target in ("/-/requests", "/-/requests/1"):
        headers = {"Host": "evil.example"}
        if credential == "app":
            headers["Authorization"] = f"JWT {AppClient(watched.url, installation).token('GET', target)}"
        elif credential == "operator":
            headers["Authorization"] = f"Bearer {watched.api_token()}"
        assert httpx.get(f"{watched.url}{target}", headers=headers).status_code == status


def test_no_secret_is_kept(watched: LiveHost, tmp_path: Path) -> None:
    """No shared secret is kept, although the app sends it back, no signature of a token, no Bearer token, no cookie."""
    with recording_app() as app:

        async def tell(body: dict[str, Any]) -> None:
            app.answer = f"your secret is {body['sharedSecret']}"

        app.on_installed = tell
        app.status = 200
        first = watched.install(app)
        installation = watched.install(app)
        api = AppClient(watched.url, installation)
        tokens = [
            api.token("GET", LINKERS),
            api.token("GET", LINKERS, secret="x" * 40),
            api.token("GET", LINKERS, exp=0),
        ]
        for token in tokens:
            api("GET", LINKERS, token=token, headers={"Cookie": "planted-cookie", "X-Api-Key": "planted-key"})
            httpx.get(f"{watched.url}{LINKERS}", headers={"Authorization": f"Bearer {token}"})
            httpx.get(f"{watched.url}{LINKERS}?jwt={token}")
        operator = watched.api_token()
        httpx.get(f"{watched.url}{LINKERS}", headers={"Authorization": f"Bearer {operator}"})
        api("POST", VALUES, json={"value": "BB", "sharedSecret": installation.shared_secret})
        exchange = {"grant_type": "urn:bitbucket:oauth2:jwt"}
        access = api("POST", "/site/oauth2/access_token", data=exchange).json()["access_token"]
        assert len(recorded(watched)) == 16
    secrets = [first.shared_secret, installation.shared_secret, operator, access, "planted-cookie", "planted-key"]
    connection = sqlite3.connect(tmp_path / "roadstead.db")
    everything = str(connection.execute("SELECT * FROM requests").fetchall())
    connection.close()
    for secret in (*secrets, *(token.rpartition(".")[2] for token in tokens)):
        assert secret not in everything
    assert tokens[0].rpartition(".")[0] in everything


@pytest.mark.slow
def test_only_the_last_are_kept(tmp_path: Path, connect_app: RecordingApp) -> None:
    """The record has as many as the operator says, through a restart, of all processes together."""
    with live_host(tmp_path, keep_requests=3) as host:
        api = AppClient(host.url, host.install(connect_app))
        for page in range(1, 6):
            api("GET", f"{LINKERS}?page={page}")
        assert [one["url"][-1] for one in recorded(host)] == ["5", "4", "3"]
        api("GET", f"{LINKERS}?page=6")
    with live_host(tmp_path, keep_requests=3) as host:
        assert [one["url"][-1] for one in recorded(host)] == ["6", "5", "4"]
    with live_host(tmp_path / "other", keep_requests=0) as host:
        AppClient(host.url, host.install(connect_app))("GET", LINKERS)
        assert recorded(host) == []


def test_batches_are_written_without_anybody_looking(
    watched: LiveHost, connect_app: RecordingApp, tmp_path: Path
) -> None:
    """Half a second later the calls of a burst are in the database, all of them and in order."""
    api = AppClient(watched.url, watched.install(connect_app))
    for page in range(1, 251):
        api("GET", f"{LINKERS}?page={page}")
    deadline = time.monotonic() + 20
    connection = sqlite3.connect(tmp_path / "roadstead.db")
    try:
        found: list[str] = []
        while len(found) < 250 and time.monotonic() < deadline:
            time.sleep(0.05)
            found = [
                url for (url,) in connection.execute("SELECT url FROM requests WHERE direction = 'in' ORDER BY id")
            ]
    finally:
        connection.close()
    assert found == [f"{LINKERS}?page={page}" for page in range(1, 251)]


def test_record_that_cannot_be_written_disturbs_no_call(
    watched: LiveHost, connect_app: RecordingApp, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The call is answered, the log says what is wrong, and recording continues after the repair."""
    api = AppClient(watched.url, watched.install(connect_app))
    connection = sqlite3.connect(tmp_path / "roadstead.db", isolation_level=None)
    try:
        connection.execute("ALTER TABLE requests RENAME TO elsewhere")
        with caplog.at_level(logging.WARNING):
            assert api("GET", LINKERS).status_code == 200
            assert httpx.get(f"{watched.url}/-/requests").status_code == 503
        assert "requests cannot be recorded" in caplog.text
        connection.execute("ALTER TABLE elsewhere RENAME TO requests")
    finally:
        connection.close()
    api("GET", f"{LINKERS}?page=2")
    assert recorded(watched)[0]["url"] == f"{LINKERS}?page=2"


@pytest.mark.slow
def test_record_waits_while_others_keep_the_database_busy(
    watched: LiveHost, connect_app: RecordingApp, tmp_path: Path
) -> None:
    """No request waits for the record meanwhile, and afterwards the record is complete."""
    api = AppClient(watched.url, watched.install(connect_app))
    before = recorded(watched)
    with contextlib.closing(sqlite3.connect(tmp_path / "roadstead.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        for page in range(1, 91):
            assert api("GET", f"{LINKERS}?page={page}").status_code == 200
        assert recorded(watched) == before
        other.execute("COMMIT")
    assert [one["url"] for one in recorded(watched)[:90]] == [f"{LINKERS}?page={page}" for page in range(90, 0, -1)]


def test_record_lets_the_oldest_go_while_it_cannot_be_written(tmp_path: Path, connect_app: RecordingApp) -> None:
    """As many calls wait to be written as are kept: the latest ones."""
    with live_host(tmp_path, keep_requests=5) as host:
        api = AppClient(host.url, host.install(connect_app))
        recorded(host)
        with contextlib.closing(sqlite3.connect(tmp_path / "roadstead.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            for page in range(1, 13):
                api("GET", f"{LINKERS}?page={page}")
                if page == 8:
                    recorded(host)
            other.execute("COMMIT")
        assert [one["url"] for one in recorded(host)] == [f"{LINKERS}?page={page}" for page in range(12, 7, -1)]


def test_call_of_ours_without_an_answer_is_recorded(watched: LiveHost, connect_app: RecordingApp) -> None:
    """The record has the reason instead of a status."""
    installation = watched.install(connect_app)
    api = AppClient(watched.url, installation)
    registered = {**connect_app.descriptor, "baseUrl": "http://nowhere.invalid"}
    assert api("PUT", "/2.0/addon", json={"descriptor": registered}).status_code == 204
    api("DELETE", "/2.0/addon")
    failed = await_call(watched, "status = null")
    assert [(one["url"], one["app"]) for one in failed] == [("http://nowhere.invalid/uninstalled", connect_app.key)]
    assert "cannot be resolved" in failed[0]["error"]
    assert details(watched, failed[0]["id"])["answer"] is None

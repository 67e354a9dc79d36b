"""The id of a request: in every answer, in its record, and in the log."""

import io
import json
import logging
import re
import socket
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from roadstead.app import Parts
from roadstead.domain.host import open_host
from roadstead.domain.traffic.request_log import RequestLine, RequestLines
from roadstead.server.logs import JsonFormatter
from tests.live import AppClient, LiveHost, live_host, recording_app

OURS = re.compile(r"[0-9a-f]{8}-[0-9a-f]{6,}")
VALUES = "/2.0/addon/linkers/tickets/values"


@pytest.mark.parametrize("kept", ["a", "7c1b2f3e-5d6a-4b7c-8d9e-0f1a2b3c4d5e", "Root=1-67/ab+cd:ef@x_y.z", "x" * 128])
def test_a_well_formed_id_is_kept(host: LiveHost, kept: str) -> None:
    """The caller, or a proxy, may name the request."""
    assert httpx.get(f"{host.url}/-/health/live", headers={"X-Request-Id": kept}).headers["X-Request-Id"] == kept


@pytest.mark.parametrize("sent", ["", "x" * 129, "a b", "<b>", 'a"b', "é", "a;b", "a,b"])
def test_another_id_is_replaced(host: LiveHost, sent: str) -> None:
    """An id that is too long, or has characters with another meaning, reaches neither the answer nor the log."""
    answer = httpx.get(f"{host.url}/-/health/live", headers=[(b"X-Request-Id", sent.encode())])
    assert OURS.fullmatch(answer.headers["X-Request-Id"])


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/2.0/addon/linkers", 401),
        ("/2.0/nothing", 404),
        ("/", 200),
        ("/nothing", 404),
        ("/-/static/base.css", 200),
        ("/-/install", 401),
    ],
)
def test_every_answer_has_an_id_of_its_own(host: LiveHost, path: str, status: int) -> None:
    """Answers of the API, of pages, of files and of unknown addresses have it."""
    first, second = (httpx.get(f"{host.url}{path}", headers={"Accept": "text/html"}) for _ in range(2))
    assert first.status_code == status
    assert OURS.fullmatch(first.headers["X-Request-Id"])
    assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"]


def test_requests_in_one_breath_keep_theirs_apart(host: LiveHost) -> None:
    """Pipelined requests start one inside the other, and each is answered with its own id."""
    with socket.create_connection((urlsplit(host.url).hostname, urlsplit(host.url).port), timeout=10) as connection:
        one = "GET {} HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: {}\r\n{}\r\n"
        last = one.format("/2.0/addon", "third", "Connection: close\r\n")
        connection.sendall(
            (one.format("/2.0/addon", "first", "") + one.format("/-/health/ready", "second", "") + last).encode()
        )
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert re.findall(rb"x-request-id: (\w+)", answers) == [b"first", b"second", b"third"]
    found = [
        dict(httpx.get(f"{host.url}/-/requests/{one['id']}").json()["answer"]["headers"])
        for one in httpx.get(f"{host.url}/-/requests?pagelen=2").json()["values"]
    ]
    assert [headers["x-request-id"] for headers in found] == ["third", "first"]


def test_the_record_has_the_id_of_the_answer(api: AppClient, host: LiveHost) -> None:
    """A user with the answer finds the call among the recorded ones."""
    answer = api("GET", VALUES, headers={"X-Request-Id": "find-me"})
    newest = httpx.get(f"{host.url}/-/requests?pagelen=1").json()["values"][0]
    kept = httpx.get(f"{host.url}/-/requests/{newest['id']}").json()["answer"]["headers"]
    assert ["x-request-id", answer.headers["X-Request-Id"]] in kept


# The log of requests


def _lines(caplog: pytest.LogCaptureFixture) -> dict[str, RequestLine]:
    """Return the logged lines by the id of the request; one of another test's host may be among them."""
    lines = (line for record in caplog.records if isinstance(record.msg, RequestLines) for line in record.msg.lines)
    return {line.request_id: line for line in lines}


def test_all_requests_can_be_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Each request has a line with its caller and sizes, without the secrets of the address."""
    caplog.set_level(logging.INFO, "roadstead.requests")
    with recording_app() as app, live_host(tmp_path, log_requests="all") as host:
        api = AppClient(host.url, host.install(app, "harbour"))
        api("POST", VALUES, json={"value": "BB"}, headers={"X-Request-Id": "posted"})
        token = api.token("GET", VALUES)
        httpx.head(f"{host.url}{VALUES}?jwt={token}&secret=plain-secret", headers={"X-Request-Id": "looked"})
        httpx.get(f"{host.url}/-/sign-in?code=plain-secret", headers={"X-Request-Id": "signed-in"})
    posted, head, page = (_lines(caplog)[named] for named in ("posted", "looked", "signed-in"))
    assert (posted.method, posted.path, posted.status) == ("POST", VALUES, 201)
    assert (posted.app, posted.workspace, posted.request_size) == (app.key, "harbour", len('{"value":"BB"}'))
    assert posted.answer_size > 50
    assert posted.duration_ms > 0
    assert (head.status, head.app, head.answer_size) == (401, None, 0)
    assert (page.path, page.status) == ("/-/sign-in", 403)
    logged = "\n".join(map(repr, (posted, head, page)))
    assert "plain-secret" not in logged
    assert token.rpartition(".")[2] not in logged
    assert token.rpartition(".")[0] in head.path


def test_only_failures_are_logged_unless_asked(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Successes, and mistakes of the caller, have no line; a 503 has, with the id in its answer."""
    impatient = Parts(host=partial(open_host, busy_seconds=0.1))
    caplog.set_level(logging.INFO, "roadstead.requests")
    with recording_app() as app, live_host(tmp_path, impatient) as host:
        api = AppClient(host.url, host.install(app))
        well = api("GET", VALUES)
        missing = api("GET", "/2.0/addon/linkers/nothing")
        with closing(sqlite3.connect(tmp_path / "roadstead.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = api("POST", VALUES, json={"value": "BB"})
    assert (well.status_code, missing.status_code, refused.status_code) == (200, 404, 503)
    lines = _lines(caplog)
    assert not lines.keys() & {answer.headers["X-Request-Id"] for answer in (well, missing)}
    line = lines[refused.headers["X-Request-Id"]]
    assert (line.status, line.level, line.app) == (503, "ERROR", app.key)
    assert line.reason == "The database is busy. Another process holds it; try again in a moment."
    assert line.message.endswith(f"ms: {line.reason}")


def test_a_mistake_of_ours_is_one_line_with_its_traceback(host: LiveHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line has the id of the 500, so that its receiver can be helped."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    monkeypatch.setattr(logging.getLogger("roadstead.api"), "handlers", [handler])
    monkeypatch.setattr("roadstead.domain.traffic.requests.page_of_requests", None)
    answer = httpx.get(f"{host.url}/-/requests")
    assert answer.status_code == 500
    line = json.loads(written.getvalue())
    assert line.keys() == {"time", "level", "logger", "message", "request_id", "traceback"}
    assert (line["level"], line["message"]) == ("ERROR", "GET /-/requests failed")
    assert line["request_id"] == answer.headers["X-Request-Id"]
    assert line["traceback"].startswith("Traceback (most recent call last):\n")

"""Input that breaks other servers gets a 4xx with a reason, and changes nothing."""

import gzip
import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.live import AppClient, LiveHost, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"
JSON = {"Content-Type": "application/json"}


def _refused(answer: Any, *statuses: int) -> None:
    assert answer.status_code in statuses, f"{answer.status_code} {answer.text[:200]}"
    assert answer.json()["type"] == "error"
    assert answer.json()["error"]["message"]


@pytest.fixture(scope="module")
def api(host: LiveHost) -> Iterator[AppClient]:
    """Yield one app for all tests, since none of them may change anything."""
    with recording_app() as app:
        yield AppClient(host.url, host.install(app))


@pytest.fixture(autouse=True)
def stored(api: AppClient) -> Any:
    """Store one value before each test, and check after it that only that value exists."""
    api("PUT", VALUES, json=["BEFORE"])
    yield
    assert [value["value"] for value in api("GET", VALUES).json()["values"]] == ["BEFORE"]


@pytest.mark.sample(8)
@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"value": "BB"',
        b"{'value': 'BB'}",
        b'{"value": BB}',
        b'{"value": "BB"} x',
        b'{"value": "B\x00B"}',
        b'{"value": "B\nB"}',
        b'{"value": "\xff\xfe"}',
        b'{"value": "\\ud800"}',
        b"\x00",
        b"NaN",
        b'{"value": NaN}',
        b"[" * 100_000,
        b'{"value":' * 50_000,
        b"\xef\xbb\xbf[]",
        b"value=BB",
        b"",
    ],
    ids=lambda body: repr(body[:24]),
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_body_that_is_no_json_is_refused(api: AppClient, method: str, body: bytes) -> None:
    """Malformed, mis-encoded, endless or empty bodies are a 400."""
    _refused(api(method, VALUES, content=body, headers=JSON), 400)


@pytest.mark.sample(6)
@pytest.mark.parametrize("levels", [101, 900, 1_000, 100_000])
@pytest.mark.parametrize(
    ("before", "after"),
    [("[", "]"), ('{"a":', "}"), ('{"value":[', "]}"), ('[{"value":', "}]"), ('{"a":1,"b":[[],', "]}")],
)
def test_deeply_nested_bodies_are_refused(api: AppClient, levels: int, before: str, after: str) -> None:
    """Valid JSON that is nested deeper than any real body is a 400, at any depth."""
    body = (before * levels + "0" + after * levels).encode()
    for method, target in (("POST", VALUES), ("PUT", VALUES), ("PUT", "/2.0/addon")):
        answer = api(method, target, content=body, headers=JSON)
        _refused(answer, 400)
        assert answer.json()["error"]["message"] == "The JSON is nested too deeply."


def test_what_is_large_but_flat_is_not_taken_for_deep(api: AppClient) -> None:
    """A hundred levels are accepted, and any number of objects beside each other."""
    body = ("[" * 100 + "]" * 100).encode()
    no_end = b'[1,"' + rb"\"[" * 20_000
    for flat in (body, b"[" + b"[]," * 200 + b"[]]", b'["' + b"[" * 200 + b'",[]]', no_end):
        assert "nested" not in api("PUT", VALUES, content=flat, headers=JSON).text
    assert api("PUT", VALUES, json={"values": [{"value": f"V{number}"} for number in range(200)]}).status_code == 204
    api("PUT", VALUES, json=["BEFORE"])


@pytest.mark.parametrize(
    "kind",
    [
        "text/plain",
        "text/html",
        "application/xml",
        "multipart/form-data; boundary=x",
        "image/png",
        "json",
        ";;;",
    ],
)
def test_other_content_types_are_refused(api: AppClient, kind: str) -> None:
    """The body is not guessed from its bytes: 415 says what to send."""
    _refused(api("POST", VALUES, content=b'{"value": "BB"}', headers={"Content-Type": kind}), 415)


@pytest.mark.parametrize("form", [b"value=A&value=B", b"value=%FF", b"value=%00", b"valu=A", b"%%%", b"a" * 10_000])
def test_broken_forms_are_refused(api: AppClient, form: bytes) -> None:
    """A form is read as strictly as JSON."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    _refused(api("POST", VALUES, content=form, headers=headers), 400)


def test_compressed_bodies_are_refused(api: AppClient) -> None:
    """A compressed body could unfold to anything: 415."""
    body = gzip.compress(b'{"value": "BB"}')
    _refused(api("POST", VALUES, content=body, headers={**JSON, "Content-Encoding": "gzip"}), 415)


def test_chunked_bodies_are_refused(api: AppClient) -> None:
    """Bitbucket documents 411 for a body without a stated length."""

    def chunks() -> Any:
        yield b'{"value": '
        yield b'"BB"}'

    _refused(api("POST", VALUES, content=chunks(), headers=JSON), 411)


def test_bodies_over_the_limit_are_refused(api: AppClient) -> None:
    """16 MiB are read, one byte more is not."""
    limit = 16 * 1024 * 1024
    _refused(api("PUT", VALUES, content=b" " * (limit + 1), headers=JSON), 413)
    body = json.dumps(["BEFORE"]).encode()
    assert api("PUT", VALUES, content=body + b" " * (limit - len(body)), headers=JSON).status_code == 204


def test_a_length_that_lies_is_refused(host: LiveHost, api: AppClient) -> None:
    """A body that ends before its stated length changes nothing, and the server continues."""
    token = api.token("PUT", VALUES)
    request = f"PUT {VALUES} HTTP/1.1\r\nHost: x\r\nAuthorization: JWT {token}\r\nContent-Length: 100\r\n\r\n[]"
    with socket.create_connection((urlsplit(host.url).hostname, urlsplit(host.url).port)) as connection:
        connection.sendall(request.encode())
    assert api("GET", VALUES).status_code == 200


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "99999999999999999999", "1 1", "ten", "+5"])
def test_a_length_that_is_no_number_is_refused(host: LiveHost, length: str) -> None:
    """An invalid length is a 4xx, and the connection is usable or closed."""
    request = f"PUT {VALUES} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
    with socket.create_connection((urlsplit(host.url).hostname, urlsplit(host.url).port), timeout=10) as connection:
        connection.sendall(request.encode())
        answer = connection.recv(65536)
    assert answer.startswith((b"HTTP/1.1 4", b""))
    assert not answer.startswith(b"HTTP/1.1 5")


@pytest.mark.sample(12)
@pytest.mark.parametrize(
    "key",
    [
        "..",
        ".",
        "%2e%2e",
        "tickets%2F..%2Ftickets",
        "tickets%00",
        "%00",
        "tickets%0a",
        "TICKETS",
        "tickets%20",
        "%F0%28%8C%28",
        "%ED%A0%80",
        "%",
        "%zz",
        "a" * 5000,
        "tickets;x=1",
        "tickets%23",
        "%5c",
        "'%20OR%201=1--",
        "{tickets}",
    ],
)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_tricks_in_the_linker_key_find_nothing(api: AppClient, method: str, key: str) -> None:
    """A key is compared after decoding it once: everything that is not a linker's key is a 404."""
    _refused(api(method, f"/2.0/addon/linkers/{key}/values", json=["BB"]), 404)


@pytest.mark.parametrize("size", [20_000, 200_000])
def test_endless_headers_and_queries_are_refused(api: AppClient, host: LiveHost, size: int) -> None:
    """A head that is too long is refused without further work."""
    answer = api("GET", f"/2.0/addon/linkers?x={'y' * size}", headers={"X-Long": "z" * size})
    assert answer.status_code in (200, 400, 414, 431)
    assert api("GET", "/2.0/addon/linkers").status_code == 200

"""The sample app as its users start it: another process, called over HTTP."""

import json
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import time
from typing import Any

import httpx
import pytest

from roadstead.connect import Descriptor
from roadstead.connect.jwt import issue
from roadstead.connect.qsh import canonical_request
from tests.client.loopback_host import LoopbackHost, refusal

APP_KEY = "roadstead-sample-app"
_numbers = count(1)


class Sample:
    """A running sample app, and a host's way to call it. Each instance is a separate installation."""

    def __init__(self, url: str, loopback: LoopbackHost) -> None:
        self.url = url
        self.client_key = f"connection:{next(_numbers)}"
        self.loopback = loopback
        loopback.app_key = APP_KEY

    def installed(self, secret: str, *, signed_with: str | None = None, **members: Any) -> httpx.Response:
        """Post an `installed` call with `secret`, which the host accepts from this moment on."""
        self.loopback.secrets[self.client_key] = secret
        return self.call("installed", {"sharedSecret": secret, **members}, signed_with)

    def uninstalled(self, *, signed_with: str | None = None, **members: Any) -> httpx.Response:
        return self.call("uninstalled", members, signed_with)

    def call(self, event: str, members: dict[str, Any], signed_with: str | None) -> httpx.Response:
        headers = {} if signed_with is None else self.signature(signed_with, f"/{event}")
        return httpx.post(f"{self.url}/{event}", json=self.body(event) | members, headers=headers)

    def body(self, event: str) -> dict[str, Any]:
        url = self.loopback.base_url
        return {
            "key": APP_KEY,
            "clientKey": self.client_key,
            "publicKey": "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQ",
            "eventType": event,
            "productType": "bitbucket",
            "baseUrl": url,
            "baseApiUrl": url,
            "principal": {"type": "team", "username": "local"},
        }

    def signature(
        self, secret: str, path: str, *, now: float | None = None, issuer: str | None = None
    ) -> dict[str, str]:
        token = issue(
            issuer=issuer or self.client_key,
            audience=self.client_key,
            now=time() if now is None else now,
            shared_secret=secret,
            canonical=canonical_request("POST", path, ""),
        )
        return {"Authorization": f"JWT {token}"}


@contextmanager
def running(*options: str) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    """Start the app and wait for its line; stop it as `roadstead demo` does."""
    command = [sys.executable, "-m", "roadstead.sample_app", "--port", "0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line.split()[-1].removesuffix("/descriptor.json"), process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running("--values", "CORE,DOCS") as (url, _):
        yield url


@pytest.fixture
def sample(url: str, loopback: LoopbackHost) -> Sample:
    return Sample(url, loopback)


def test_the_line_it_prints_ends_in_the_url_of_a_valid_descriptor(url: str) -> None:
    """The protocol library accepts the descriptor, which names the address where the app listens."""
    descriptor = Descriptor.from_json(httpx.get(f"{url}/descriptor.json").content)

    assert descriptor.base_url == url
    assert descriptor.key == APP_KEY


def test_the_pages_its_links_lead_to_escape_what_they_show(url: str) -> None:
    """A ticket key comes from the author of the text, and is shown as text."""
    response = httpx.get(f"{url}/tickets/BB-1%3Cscript%3E&quot;")

    assert response.headers["Content-Type"].startswith("text/html")
    assert "BB-1&lt;script&gt;&amp;quot;" in response.text
    assert "<script>" not in response.text
    assert f"{url}/descriptor.json" in httpx.get(url).text


def test_an_installation_stores_the_values_with_the_new_secret(sample: Sample) -> None:
    """Before it answers, the app uses the credentials: the host gets one signed replacement."""
    assert sample.installed("the first secret").status_code == 204

    (request,) = sample.loopback.requests
    assert (request.method, request.target) == ("PUT", "/2.0/addon/linkers/tickets/values")
    assert request.json() == {"values": ["CORE", "DOCS"]}


def test_the_secret_of_each_installation_signs_the_next_call(sample: Sample) -> None:
    """Reinstall, uninstall and install again, each signed with the secret that the app knew before."""
    assert sample.installed("secret one").status_code == 204
    assert sample.installed("secret two", signed_with="secret one").status_code == 204
    assert sample.uninstalled(signed_with="secret two").status_code == 204
    assert sample.installed("secret three").status_code == 401
    assert sample.installed("secret three", signed_with="secret two").status_code == 204


def test_a_first_installation_may_be_signed_with_a_secret_the_app_does_not_know(sample: Sample) -> None:
    """An app that lost its memory can be installed again, as with an unsigned call."""
    assert sample.installed("the secret", signed_with="a forgotten secret").status_code == 204


FORGERIES: dict[str, Callable[[Sample], dict[str, str]]] = {
    "nothing": lambda _: {},
    "no token": lambda _: {"Authorization": "JWT"},
    "garbage": lambda _: {"Authorization": "JWT a.b.c"},
    "another scheme": lambda sample: {
        "Authorization": sample.signature("right", "/installed")["Authorization"].replace("JWT", "Bearer")
    },
    "another secret": lambda sample: sample.signature("wrong", "/installed"),
    "the secret it brings": lambda sample: sample.signature("forged", "/installed"),
    "another path": lambda sample: sample.signature("right", "/uninstalled"),
    "another installation": lambda sample: sample.signature("right", "/installed", issuer="connection:0"),
    "expired": lambda sample: sample.signature("right", "/installed", now=time() - 7200),
}


@pytest.mark.sample(3)
@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_installation_is_refused(sample: Sample, forge: Callable[[Sample], dict[str, str]]) -> None:
    """A forger without the secret cannot replace it, nor make the app call any host."""
    sample.installed("right")
    body = sample.body("installed") | {"sharedSecret": "forged"}

    response = httpx.post(f"{sample.url}/installed", json=body, headers=forge(sample))

    assert response.status_code == 401
    assert len(sample.loopback.requests) == 1
    assert sample.installed("next", signed_with="right").status_code == 204


@pytest.mark.parametrize("secret", [None, "wrong"])
def test_a_forged_uninstallation_is_refused(sample: Sample, secret: str | None) -> None:
    """A forger without the secret cannot end the installation."""
    sample.installed("right")

    assert sample.uninstalled(signed_with=secret).status_code == 401
    assert sample.uninstalled(signed_with="right").status_code == 204


def test_uninstalled_of_a_stranger_is_refused(sample: Sample) -> None:
    """An installation that the app never had cannot be ended."""
    assert sample.uninstalled(signed_with="any secret").status_code == 404


BAD_CALLS: list[tuple[str, Any, int]] = [
    ("not JSON", b"{", 400),
    ("empty", b"", 400),
    ("not UTF-8", b"\xff\xfe", 400),
    ("a list", b"[]", 400),
    ("nested deeply", b'{"x":' + b"[" * 20_000 + b"]" * 20_000 + b"}", 400),
    ("another app", {"key": "another-app"}, 400),
    ("another event", {"eventType": "uninstalled"}, 404),
    ("an event that is none", {"eventType": "enabled"}, 400),
    ("no secret", {"sharedSecret": None}, 400),
    ("an empty secret", {"sharedSecret": ""}, 400),
    ("a client key that is no string", {"clientKey": 7}, 400),
    ("an empty client key", {"clientKey": ""}, 400),
    ("no address", {"baseApiUrl": ""}, 400),
    ("a site on a foreign host", {"baseUrl": "http://internal.example/"}, 403),
    ("an address on a foreign host", {"baseApiUrl": "http://internal.example/"}, 403),
    ("a backslash in the address", {"baseApiUrl": "http://127.0.0.1\\@internal.example/"}, 403),
    ("a bracket in the address", {"baseApiUrl": "http://[/"}, 403),
    ("an address that only looks like ours", {"baseApiUrl": "http://127.0.0.1@internal.example/"}, 403),
    ("an address that is no URL", {"baseApiUrl": "http://a\nb"}, 403),
    ("an address with a password", {"baseApiUrl": "http://me:pass@127.0.0.1/"}, 400),
    ("an address of another scheme", {"baseApiUrl": "file://localhost/etc/passwd"}, 400),
    ("too long", {"description": "x" * 70_000}, 413),
]


@pytest.mark.sample(7)
@pytest.mark.parametrize(("change", "status"), [case[1:] for case in BAD_CALLS], ids=[case[0] for case in BAD_CALLS])
def test_a_call_that_is_not_one_is_refused_with_a_reason(sample: Sample, change: Any, status: int) -> None:
    """Bad input gets a sentence, changes nothing, and does not make the installation known."""
    body = {**sample.body("installed"), "sharedSecret": "a secret"}
    content = change if isinstance(change, bytes) else json.dumps(body | change).encode()

    response = httpx.post(f"{sample.url}/installed", content=content)

    assert (response.status_code, response.text.count("\n")) == (status, 0)
    assert response.text
    assert sample.loopback.requests == []
    assert sample.installed("the right one").status_code == 204


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([refusal(400, "A linker value is not acceptable.")], "400: A linker value is not acceptable."),
        ([refusal(404, "There is no linker 'tickets'.")], "404: There is no linker 'tickets'."),
        ([refusal(503, "The database is locked.", retry_after=0)] * 4, "503: The database is locked."),
    ],
    ids=["refused", "not found", "unavailable"],
)
def test_an_installation_fails_when_its_credentials_do_not_work(
    sample: Sample, answers: list[Any], reason: str
) -> None:
    """The host gets the reason, and the app keeps its previous state: here nothing, so it can be installed again."""
    sample.loopback.script += answers

    response = sample.installed("the secret")

    assert response.status_code == 502
    assert reason in response.text
    assert "the secret" not in response.text
    assert sample.installed("another secret").status_code == 204


@pytest.mark.slow
def test_with_a_state_file_it_remembers_across_runs(tmp_path: Path, loopback: LoopbackHost) -> None:
    """After a restart the app still requires the signature; only the file's owner can read it."""
    state = tmp_path / "state.json"
    with running("--state", str(state)) as (url, _):
        sample = Sample(url, loopback)
        assert sample.installed("the secret").status_code == 204
        assert "installed in: 1." in httpx.get(url).text
        assert stat.S_IMODE(state.stat().st_mode) == 0o600
    with running("--state", str(state)) as (url, _):
        sample.url = url
        assert sample.installed("another").status_code == 401
        assert sample.uninstalled(signed_with="the secret").status_code == 204
        assert "installed in: 0." in httpx.get(url).text
        assert sample.installed("another", signed_with="the secret").status_code == 204
    assert list(tmp_path.iterdir()) == [state]


@pytest.mark.slow
def test_without_values_none_are_stored(loopback: LoopbackHost) -> None:
    """An empty list is stored like any other: the linker's values are removed."""
    with running("--values", "") as (url, _):
        assert Sample(url, loopback).installed("the secret").status_code == 204

    assert loopback.requests[0].json() == {"values": []}


@pytest.mark.slow
def test_sigterm_ends_it(loopback: LoopbackHost) -> None:
    """The process is gone and the port is free soon after the signal."""
    with running() as (url, process):
        assert httpx.get(url).status_code == 200

    assert process.poll() is not None
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--port", "99999"], "port must be 0-65535"),
        pytest.param(["--port", "x"], "invalid int value", marks=pytest.mark.slow),
        (["--host", "nowhere.invalid"], "nowhere.invalid"),
        pytest.param(["--state", "{tmp}/missing/state.json"], "No such file", marks=pytest.mark.slow),
        pytest.param(["--state", "{tmp}"], "Is a directory", marks=pytest.mark.slow),
        (["--state", "{tmp}/notes.txt"], "does not contain the installations"),
    ],
)
def test_an_option_that_cannot_work_is_an_error_in_words(tmp_path: Path, options: list[str], reason: str) -> None:
    """It exits with 2 and says what is wrong; a file of another program is not changed."""
    notes = tmp_path / "notes.txt"
    notes.write_text("Buy milk.")
    command = [
        sys.executable,
        "-m",
        "roadstead.sample_app",
        *(option.replace("{tmp}", str(tmp_path)) for option in options),
    ]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert ended.returncode == 2
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr
    assert notes.read_text() == "Buy milk."

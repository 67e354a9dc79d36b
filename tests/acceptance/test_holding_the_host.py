"""An attack of one caller takes nothing from others: no time, no memory, no answer."""

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from roadstead.app import Parts
from roadstead.domain.access.admission import Admission, open_files
from roadstead.domain.host import open_host
from tests.acceptance import attacks
from tests.acceptance.attacks import VALUES, Attack, request, signed
from tests.live import AppClient, LiveHost, host_process, live_host, recording_app
from tests.postgres import Server
from tests.smart_http.conftest import wait_until

KIBIBYTE = 1024
MANY_LISTS = b"[" + b"[]," * 5_592_404 + b"[]]"
"""16 MiB."""


@contextlib.contextmanager
def two_apps(host: LiveHost) -> Iterator[tuple[AppClient, AppClient]]:
    """Yield two apps, an attacker and a harmless one."""
    with recording_app() as bad, recording_app() as good:
        yield AppClient(host.url, host.install(bad, "bad")), AppClient(host.url, host.install(good, "good"))


ATTACKS: dict[str, tuple[Callable[[int, AppClient], Attack], int]] = {
    "requests that never come whole": (lambda port, api: attacks.starving(port, 1_020, seconds=60), 150),
    "forms that never come whole": (
        lambda port, api: attacks.starving(port, 1_020, seconds=60, path="/-/sign-in"),
        150,
    ),
    "bodies that never come whole": (lambda port, api: attacks.holding(port, api, 60, seconds=30), 350),
    "bodies of a million lists": (lambda port, api: attacks.stalling(port, api, MANY_LISTS, times=20), 250),
    "answers that are not taken": (
        lambda port, api: attacks.not_reading(port, api, 200, characters=4_000_000, seconds=30),
        700,
    ),
}
"""Each with the host's maximum of memory meanwhile, in MiB: without limits each takes more."""


@pytest.mark.parametrize(
    ("attack", "memory"),
    [
        pytest.param(lambda port, api: attacks.starving(port, 1_020, seconds=1), 150, id="requests, for a moment"),
        *(pytest.param(*attack, id=name, marks=pytest.mark.slow) for name, attack in ATTACKS.items()),
    ],
)
def test_others_are_served_during_an_attack(
    tmp_path: Path, attack: Callable[[int, AppClient], Attack], memory: float
) -> None:
    """Health and every request of another app from the same address are answered, and the host's memory is bounded."""
    _others_are_served(tmp_path, attack, memory)


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_others_are_served_on_postgresql_as_well(tmp_path: Path, name: str, postgresql: Server) -> None:
    """The same holds where the state is in PostgreSQL, whose driver takes some memory."""
    attack, memory = ATTACKS[name]
    _others_are_served(tmp_path, attack, memory + 30, ROADSTEAD_DATABASE=postgresql.new_database())


def _others_are_served(
    tmp_path: Path, attack: Callable[[int, AppClient], Attack], memory: float, **environ: str
) -> None:
    log = tmp_path / "log"
    with host_process(tmp_path / "data", log, **environ) as (host, _, process), two_apps(host) as (bad, good):
        port = urlsplit(host.url).port
        assert port is not None
        noticed = asyncio.run(attacks.during(attack(port, bad), port, process.pid, good))
    print(noticed)  # noqa: T201  # figures are wanted, not only the verdict
    assert {name: set(statuses) for name, statuses in noticed.statuses.items()} == {
        "live": {200},
        "ready": {200},
        "list": {200},
        "add": {201},
    }
    assert noticed.memory < memory
    assert "Traceback" not in log.read_text("utf-8")


@contextlib.contextmanager
def sent(host: LiveHost, number: int, what: bytes) -> Iterator[list[socket.socket]]:
    """Send the same on so many connections, and wait until the host has received it."""
    place = urlsplit(host.url)
    with contextlib.ExitStack() as stack:
        made = [
            stack.enter_context(socket.create_connection((place.hostname, place.port), timeout=20))
            for _ in range(number)
        ]
        for connection in made:
            connection.sendall(what)
        assert httpx.get(f"{host.url}/-/health/live").status_code == 200
        yield made


def _admitting(**limits: int) -> Parts:
    """Return a host that admits so much."""
    return Parts(host=partial(open_host, admission=Admission(open_files(), **limits)))


def _figure(host: LiveHost, start: str) -> float:
    lines = httpx.get(f"{host.url}/-/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(start))


def test_the_bodies_of_an_app_have_a_share_of_the_memory(tmp_path: Path) -> None:
    """Beyond it the app gets a 429 immediately, another app's body is accepted, and afterwards the first
    one's again.
    """
    limits = _admitting(body_bytes=1_200 * KIBIBYTE, body_share=900 * KIBIBYTE)
    body = json.dumps([f"{number:0255d}" for number in range(1_000)]).encode()
    with live_host(tmp_path, limits) as host, two_apps(host) as (bad, good):
        unfinished = signed(bad, "PUT", VALUES, body[: 100 * KIBIBYTE], length=len(body))
        with sent(host, 3, unfinished):
            refused = bad("PUT", VALUES, content=body)
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
            assert good("PUT", VALUES, content=body).status_code == 204
            assert bad("PUT", VALUES, json=["SHORT"]).status_code == 204
            with sent(host, 1, signed(good, "PUT", VALUES, b"[", length=len(body))):
                other = signed(good, "PUT", VALUES, b"[", length=len(body))
                with sent(host, 1, other) as (connection,):
                    assert connection.recv(100).startswith(b"HTTP/1.1 503 ")
        assert _figure(host, 'roadstead_refused_requests_total{reason="bodies",status="429"}') == 1
        assert _figure(host, 'roadstead_refused_requests_total{reason="bodies",status="503"}') == 1
        wait_until(lambda: bad("PUT", VALUES, content=body).status_code == 204)


def test_an_app_has_a_share_of_the_requests_under_way(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Beyond it the app gets a 429 and the operator a line; another app is served, and the first one again later."""
    others = {thread.ident for thread in threading.enumerate()}  # among them those of hosts that other tests share
    with live_host(tmp_path, _admitting(most_requests=8)) as host, two_apps(host) as (bad, good):
        with sent(host, 4, signed(bad, "PUT", VALUES, b"[", length=100)):
            refused = bad("GET", VALUES)
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
            assert good("GET", VALUES).status_code == 200
        assert _figure(host, 'roadstead_refused_requests_total{reason="installation",status="429"}') == 1
        wait_until(lambda: bad("GET", VALUES).status_code == 200)  # the host has to notice that clients have left
    (line,) = [one for one in caplog.records if one.name == "roadstead.admission" and one.thread not in others]
    assert "one app may" in line.getMessage()


def test_a_stranger_is_not_waited_for(tmp_path: Path) -> None:
    """The token exchange checks the credential before the body arrives, as every other operation does."""
    with live_host(tmp_path) as host:
        for path in ("/site/oauth2/access_token", "/2.0/addon", VALUES):
            with sent(host, 1, request("PUT" if path != "/site/oauth2/access_token" else "POST", path, length=100)) as (
                connection,
            ):
                assert connection.recv(100).startswith(b"HTTP/1.1 401 "), path


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[" + b"[]," * 100_000 + b"[]]", "[]: not a string."),
        (b"[" + b"{}," * 100_000 + b"{}]", "{}: not a string."),
        (b'{"values":[' + b"7," * 100_000 + b"7]}", "7: not a string."),
        (b"[" + b'" ",' * 100_000 + b'""]', "' ': contains ' '."),
        (b"[" + b'"A",' * 100_000 + b'"A"]', "'A': given more than once."),
        (b"[" + b'"A",' * 1_000_000 + b'"A"]', "At most 1,000,000 items"),
        (b'{"a":[' + b"[]," * 100_000 + b"[]]}", "Required, a list."),
        (b"[" + b"[]," * 100_000 + b"[}", "not valid JSON"),
    ],
    ids=lambda value: repr(value[:16]),
)
def test_a_refusal_names_the_first_offenders(host: LiveHost, body: bytes, says: str) -> None:
    """For any number of offenders, the answer is short, and nothing changes."""
    with recording_app() as app:
        api = AppClient(host.url, host.install(app))
        api("PUT", VALUES, json=["BEFORE"])
        answer = api("PUT", VALUES, content=body)
        assert answer.status_code == 400
        assert says in answer.text
        assert len(answer.content) < 2_000
        assert [value["value"] for value in api("GET", VALUES).json()["values"]] == ["BEFORE"]

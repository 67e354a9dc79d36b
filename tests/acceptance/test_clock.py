"""A clock that jumps 300 days ahead and back, as that of a virtual machine may when it is restored."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from inspect import signature
from pathlib import Path

import httpx
import pytest

from roadstead.app import Parts, create_app
from roadstead.domain.access.rate_limit import RateLimit
from roadstead.domain.apps import lifecycle
from roadstead.domain.host import Host
from roadstead.domain.linking.parking import LinkerRecords
from roadstead.model import LifecycleCall
from roadstead.settings import Settings
from tests.live import AppClient, LiveHost, RecordingApp, address, serving
from tests.ports import bound_socket

LINKERS = "/2.0/addon/linkers"
AHEAD = 300 * 86400.0
HOSTILE = {"key": "slow", "regex": "(.*)=(.*)=(.*)=(.*);(?!-)", "url": "/slow", "type": "href"}


@dataclass
class Jumping:
    """A host whose clock a test sets: `ahead` is by how many seconds."""

    live: LiveHost
    ahead: float = 0.0

    def now(self) -> float:
        return time.time() + self.ahead

    def __call__(self, api: AppClient, method: str, target: str) -> httpx.Response:
        """Send a request of an app with the host's clock."""
        now = int(self.now())
        return api(method, target, token=api.token(method, target, iat=now, exp=now + 180))


@pytest.fixture
def jumping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Jumping]:
    """Run a host that lets an app make three requests in an hour."""
    impatient = replace(lifecycle.QUEUE, retry=replace(lifecycle.QUEUE.retry, first_pause=0.1, growth=1, tries=10_000))
    monkeypatch.setattr(lifecycle, "QUEUE", impatient)  # also of the first try, in the request
    parts = Parts(calls=partial(lifecycle.making_pending_calls, queue=impatient, look_seconds=0.1))
    listener = bound_socket()
    url, port = address(listener), listener.getsockname()[1]
    settings = Settings(data=tmp_path, rate_limit=3, base_url=url, port=port)
    jumping = Jumping(LiveHost(url, settings))

    async def started(host: Host) -> None:
        object.__setattr__(host, "clock", jumping.now)

    with serving(create_app(settings, parts, started=started), listener):
        yield jumping


@pytest.mark.parametrize("kind", [RateLimit, LinkerRecords])
def test_what_counts_seconds_has_a_clock_that_never_jumps(kind: type) -> None:
    """Unless a test gives it another one."""
    assert signature(kind).parameters["clock"].default is time.monotonic


def test_an_app_that_used_up_its_limit_meanwhile_waits_an_hour(jumping: Jumping, connect_app: RecordingApp) -> None:
    """Not 300 days; nor does a jump give it more than its limit."""
    api = AppClient(jumping.live.url, jumping.live.install(connect_app))
    statuses = []
    for jumping.ahead in (0.0, AHEAD, AHEAD, AHEAD, 0.0):
        answer = jumping(api, "GET", LINKERS)
        statuses.append(answer.status_code)
    assert statuses == [200, 200, 200, 429, 429]
    assert int(answer.headers["Retry-After"]) <= 3600


def test_failed_sign_ins_of_meanwhile_count_for_five_minutes(jumping: Jumping) -> None:
    """Sign-ins refused because others tried too often are refused as long as always."""
    for jumping.ahead in (AHEAD, 0.0):
        for _ in range(11):
            answer = httpx.get(f"{jumping.live.url}/-/sign-in?code=guessed")
        assert answer.status_code == 429
        assert int(answer.headers.get("Retry-After", "300")) <= 300


def test_a_call_that_was_put_off_meanwhile_is_made(jumping: Jumping, connect_app: RecordingApp) -> None:
    """An app that was down, and is notified when the clock is right again, is called immediately."""
    installation = jumping.live.install(connect_app)
    api = AppClient(jumping.live.url, installation)
    jumping.ahead = AHEAD
    connect_app.status = 503
    assert jumping(api, "DELETE", "/2.0/addon").status_code == 204

    def pending() -> list[LifecycleCall]:
        calls: list[LifecycleCall] = jumping.live.work(lifecycle.list_pending_calls)
        return calls

    _until(lambda: [one.attempts > 0 and one.claimed_until is None for one in pending()] == [True])
    (put_off,) = pending()
    assert put_off.due_on is not None
    assert put_off.due_on > datetime.now(UTC) + timedelta(days=299)
    connect_app.next_statuses = [503]  # for an attempt that begins before the clock is right
    connect_app.status = 204
    jumping.ahead = 0.0
    _until(lambda: pending() == [])
    assert len(connect_app.calls("uninstalled")) >= 2


def test_a_linker_that_was_parked_meanwhile_is_tried_again_soon(jumping: Jumping, connect_app: RecordingApp) -> None:
    """The list says when: within ten minutes, by any clock."""
    connect_app.descriptor["modules"] = {"linkers": [HOSTILE]}
    jumping.live.install(connect_app)
    text = {"text": "=" * 3_000 + ";-OK-1", "workspace": "local"}
    jumping.ahead = AHEAD
    _until(lambda: _is_parked(jumping.live, text))
    jumping.ahead = 0.0
    (linker,) = httpx.get(f"{jumping.live.url}/-/linkers").json()["values"]
    left = datetime.fromisoformat(linker["parked_until"]) - datetime.now(UTC)
    assert timedelta(0) < left <= timedelta(minutes=10)


def _is_parked(host: LiveHost, text: dict[str, str]) -> bool:
    (unfinished,) = httpx.post(f"{host.url}/-/linkify", json=text, timeout=60).json()["unfinished"]
    return "parked" in unfinished["reason"]


def _until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)

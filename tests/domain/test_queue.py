"""Pending calls are made at least once, if any process dies, and a limited number of times."""

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.domain import queue
from roadstead.domain.apps import installations, lifecycle
from roadstead.domain.host import Host, open_host
from roadstead.errors import Conflict, InstallationFailed, NotFound
from roadstead.model import Installation, LifecycleCall
from roadstead.settings import Settings
from roadstead.storage import lifecycle as rows
from tests.conftest import NewDatabase
from tests.live import AppClient, RecordingApp, host_process, recording_app

DAY = 24 * 3600.0
RETRY = lifecycle.QUEUE.retry


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase) -> Settings:
    return Settings(data=tmp_path, database_url=new_database())


def at(host: Host, seconds: float) -> Host:
    """Return the host some seconds later."""
    clock = host.clock
    return replace(host, clock=lambda: clock() + seconds)


async def _remove(host: Host, app: RecordingApp, workspace: str = "local") -> tuple[Installation, int]:
    """Install the app and uninstall it, as a process does that dies before it could notify the app."""
    installation = await installations.install(host, app.descriptor_url, workspace)
    call_id = await installations.uninstall(host, installation.id)
    assert call_id is not None
    return installation, call_id


async def _make_what_is_due(host: Host) -> None:
    """Claim and run all due rows."""
    async with lifecycle.making_pending_calls(host):
        while await lifecycle.QUEUE.is_any_due(host.store.database, host.now()):
            await asyncio.sleep(0.01)


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not true():
            await asyncio.sleep(0.01)


def _doing(work: Callable[[], Coroutine[Any, Any, Any]]) -> Callable[[dict[str, Any]], Awaitable[None]]:
    """Return a handler of the app with which the test acts before the app answers."""
    loop = asyncio.get_running_loop()

    async def handle(body: dict[str, Any]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work(), loop))

    return handle


async def _find(host: Host, call_id: int) -> LifecycleCall:
    call = await lifecycle.find_call(host, call_id)
    assert call is not None
    return call


def _run(settings: Settings, scenario: Callable[[Host, RecordingApp], Any]) -> None:
    async def run() -> None:
        async with open_host(settings) as host:
            moment = host.clock()  # it stands still: however long a step takes, nothing becomes due by that
            await scenario(replace(host, clock=lambda: moment), app)

    with recording_app() as app:
        asyncio.run(run())


def test_a_call_is_made_again_until_the_app_has_answered(settings: Settings) -> None:
    """An app that fails twice is called after growing pauses, each signed anew, and then not again."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        installation, call_id = await _remove(host, app)
        app.next_statuses = [503, 429]
        seen = []
        for seconds in (0, 1, 10, 20, 100, 1000):
            await _make_what_is_due(at(host, seconds))
            call = await _find(host, call_id)
            seen.append((call.attempts, call.status, call.due_on is not None))
        assert seen == [
            (1, 503, True),
            (1, 503, True),
            (2, 429, True),
            (2, 429, True),
            (3, 204, False),
            (3, 204, False),
        ]
        sent = app.calls("uninstalled")
        assert [one.body["clientKey"] for one in sent] == [installation.client_key] * 3
        assert len({one.headers["authorization"] for one in sent}) == 3
        assert await lifecycle.count_pending_calls(host) == (0, 0, 0)

    _run(settings, scenario)


@pytest.mark.sample(2)
@pytest.mark.parametrize(("seconds", "made"), [(300 * DAY, True), (RETRY.longest_pause, False), (0, True)])
def test_what_is_due_later_than_any_pause_is_due_now(settings: Settings, seconds: float, made: bool) -> None:
    """A process whose clock was ahead has postponed or stored it; a long postponement still waits."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        _, call_id = await _remove(at(host, seconds), app)
        assert await lifecycle.QUEUE.is_any_due(host.store.database, host.now()) == made
        await _make_what_is_due(host)
        assert ((await _find(host, call_id)).attempts == 1) == made

    _run(settings, scenario)


@pytest.mark.parametrize(("ahead", "made"), [(300 * DAY, True), (0, False)])
def test_a_claim_that_lasts_longer_than_any_is_none(settings: Settings, ahead: float, made: bool) -> None:
    """A process whose clock was ahead claimed the call and died: another makes it, or the operator does."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        _, call_id = await _remove(host, app)
        later = at(host, ahead).now()
        async with host.store.database.transaction() as tx:
            assert await lifecycle.QUEUE.claim_one(tx, call_id, later) is not None
        assert await lifecycle.QUEUE.is_any_due(host.store.database, host.now()) == made
        if made:
            assert (await lifecycle.try_now(host, call_id)).status == 204
        else:
            with pytest.raises(Conflict):
                await lifecycle.try_now(host, call_id)

    _run(settings, scenario)


@pytest.mark.each_database
def test_a_commit_wakes_the_queue(settings: Settings) -> None:
    """The process that stored a call makes it immediately, because its commit says that it is due."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        async with lifecycle.making_pending_calls(host, look_seconds=600):
            _, call_id = await _remove(host, app)
            await _until(lambda: app.received[-1].path == "/uninstalled")
        assert (await _find(host, call_id)).status == 204

    _run(settings, scenario)


def test_who_waits_for_the_answer_makes_the_call(settings: Settings) -> None:
    """The operator's removal of an app is answered with the outcome, also where the commit wakes a queue beside it."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        async with lifecycle.making_pending_calls(host):
            for _ in range(5):
                installation = await installations.install(host, app.descriptor_url, "local")
                told = await installations.uninstall_and_tell(host, installation.id)
                assert told is not None
                assert (told.status, told.attempts) == (204, 1)
        assert len(app.calls("uninstalled")) == 5

    _run(settings, scenario)


@pytest.mark.sample(2)
@pytest.mark.parametrize("status", [200, 302, 401, 404, 410])
def test_the_last_word_of_an_app_is_taken(tmp_path: Path, status: int) -> None:
    """The app is notified and cannot object, so any answer except a passing failure is final."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        _, call_id = await _remove(host, app)
        app.status = status
        assert (await lifecycle.try_now(host, call_id)).status == status
        assert await lifecycle.list_pending_calls(host) == []
        with pytest.raises(Conflict, match="no longer pending"):
            await lifecycle.try_now(host, call_id)

    _run(Settings(data=tmp_path), scenario)


def test_what_fails_for_a_day_is_given_up_and_can_be_tried_again(settings: Settings) -> None:
    """The calls are counted, the time of giving up is recorded, and the operator may retry."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        _, call_id = await _remove(host, app)
        app.status = 500
        assert await lifecycle.count_pending_calls(host) == (1, 0, 0)
        assert await lifecycle.count_pending_calls(at(host, 100)) == (1, 1, 0)
        later = 0.0
        for _ in range(RETRY.tries):
            await _make_what_is_due(at(host, later))
            later += RETRY.longest_pause
        call = await _find(host, call_id)
        assert (call.attempts, call.due_on, call.status) == (RETRY.tries, None, 500)
        assert call.given_up_on is not None
        assert await lifecycle.count_pending_calls(host) == (0, 0, 1)
        await _make_what_is_due(at(host, 10 * DAY))
        assert len(app.calls("uninstalled")) == RETRY.tries
        assert (await lifecycle.try_now(host, call_id)).given_up_on is not None
        app.status = 204
        done = await lifecycle.try_now(host, call_id)
        assert (done.status, done.given_up_on, done.attempts) == (204, None, RETRY.tries + 2)
        assert await lifecycle.list_pending_calls(host) == []
        with pytest.raises(NotFound):
            await lifecycle.try_now(host, 10**6)

    _run(settings, scenario)


def test_an_app_that_was_installed_again_is_not_told_that_it_is_out(settings: Settings) -> None:
    """The call would end the new installation. During the new handshake, it waits for the outcome."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        _, call_id = await _remove(host, app)
        during = []

        async def look() -> None:
            await _make_what_is_due(host)
            during.append(await _find(host, call_id))

        app.on_installed = _doing(look)
        await installations.install(host, app.descriptor_url, "local")
        assert during[0].due_on is not None
        await _make_what_is_due(at(host, 100))
        call = await _find(host, call_id)
        assert (call.status, call.due_on) == (None, None)
        assert call.error == "Not sent: the app has been installed again since."
        assert [one.path for one in app.received] == ["/installed"] * 2

    _run(settings, scenario)


def test_a_pending_call_outlives_the_installation(settings: Settings) -> None:
    """An app that removes itself while it refuses its first installation leaves no row, and is notified."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        async def remove() -> None:
            (found,) = await installations.list_apps(host)
            await installations.uninstall(host, found.id)

        app.on_installed, app.next_statuses = _doing(remove), [500]
        with pytest.raises(InstallationFailed, match="refused the installation"):
            await installations.install(host, app.descriptor_url, "local")
        assert await host.store.database.read("SELECT 1 FROM installations") == []
        await _make_what_is_due(host)
        (told,) = app.calls("uninstalled")
        assert told.body["clientKey"] == app.calls("installed")[0].body["clientKey"]
        assert told.headers["authorization"].startswith("JWT ")

    _run(settings, scenario)


@pytest.mark.each_database
def test_the_calls_of_a_killed_process_are_made_by_another(tmp_path: Path, settings: Settings) -> None:
    """Killed when the app has the call and has not answered: another process takes it over when the claim
    has run out.
    """
    asked, killed = threading.Event(), threading.Event()

    async def answer_too_late(body: dict[str, Any]) -> None:
        asked.set()
        await asyncio.to_thread(killed.wait, 20)

    async def take_over() -> None:
        async with open_host(settings) as host:
            await _make_what_is_due(host)
            assert len(app.calls("uninstalled")) == 1
            await _make_what_is_due(at(host, queue.CLAIM_SECONDS + 1))
            call, *_ = await lifecycle.list_calls(host, installation)
            assert (call.status, call.attempts, call.due_on) == (204, 2, None)

    with recording_app() as app:
        with host_process(tmp_path, tmp_path / "log", **_environ(settings)) as (host, _, process):
            installation = host.install(app)
            app.on_uninstalled = answer_too_late
            assert AppClient(host.url, installation)("DELETE", "/2.0/addon").status_code == 204
            assert asked.wait(20)
            process.kill()
            killed.set()
        app.on_uninstalled = None
        asyncio.run(take_over())
        assert len(app.calls("uninstalled")) == 2


def _environ(settings: Settings) -> dict[str, str]:
    return {} if settings.database_url is None else {"ROADSTEAD_DATABASE_URL": settings.database_url}


async def _queue_fifty(host: Host, app: RecordingApp) -> None:
    installation, _ = await _remove(host, app)
    async with host.store.database.transaction() as tx:
        for number in range(49):
            url = f"{app.base_url}/uninstalled"
            call_id = await rows.add_call(tx, installation, "uninstalled", url=url, now=host.now())
            content = json.dumps({"eventType": "uninstalled", "clientKey": f"another {number}"})
            await rows.queue_call(
                tx,
                call_id,
                descriptor_url=installation.descriptor_url,
                content=content,
                canonical="",
                sealed_secret=None,
                now=host.now(),
            )


async def _all_made(host: Host) -> None:
    async with asyncio.timeout(20):
        while await lifecycle.list_pending_calls(host):
            await asyncio.sleep(0.02)


def _once_each(app: RecordingApp) -> bool:
    times = Counter(call.body["clientKey"] for call in app.calls("uninstalled"))
    return (len(times), set(times.values())) == (50, {1})


@pytest.mark.each_database
def test_fifty_calls_are_made_once_each(settings: Settings) -> None:
    """Each of three claims the others' unclaimed rows; none dies, so no call is made twice."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        await _queue_fifty(host, app)
        async with open_host(settings) as second, open_host(settings) as third:
            making = [lifecycle.making_pending_calls(one) for one in (host, second, third)]
            async with making[0], making[1], making[2]:
                await _all_made(host)
        assert _once_each(app)

    _run(settings, scenario)


@pytest.mark.slow
def test_two_processes_make_fifty_calls_once_each(tmp_path: Path, settings: Settings) -> None:
    """The same is true of processes that serve."""

    def on_host(work: Callable[[Host], Coroutine[Any, Any, None]]) -> None:
        async def run() -> None:
            async with open_host(settings) as host:
                await work(host)

        asyncio.run(run())

    with recording_app() as app:
        on_host(lambda host: _queue_fifty(host, app))
        with (
            host_process(tmp_path, tmp_path / "one", **_environ(settings)),
            host_process(tmp_path, tmp_path / "other", **_environ(settings)),
        ):
            on_host(_all_made)
        assert _once_each(app)


@pytest.mark.each_database
def test_a_claim_is_lost_to_whoever_took_the_call_over(settings: Settings) -> None:
    """A slow process's outcome after its claim has run out does not overwrite that of the other."""

    async def scenario(host: Host, app: RecordingApp) -> None:
        _, call_id = await _remove(host, app)
        hold = asyncio.Event()
        app.next_statuses, app.on_uninstalled = [204, 500], _doing(hold.wait)
        slow = asyncio.create_task(lifecycle.try_now(host, call_id))
        await _until(lambda: app.received[-1].path == "/uninstalled")
        app.on_uninstalled = None
        with pytest.raises(Conflict, match="being called at this moment"):
            await lifecycle.try_now(host, call_id)
        quick = await lifecycle.try_now(at(host, queue.CLAIM_SECONDS + 1), call_id)
        hold.set()
        assert (quick.status, quick.attempts) == (204, 2)
        assert await slow == quick

    _run(settings, scenario)


def test_stopping_leaves_what_takes_too_long_to_the_next(settings: Settings) -> None:
    """A hanging call is dropped at the end, and another process may make it immediately, without waiting
    for the claim.
    """

    async def scenario(host: Host, app: RecordingApp) -> None:
        _, call_id = await _remove(host, app)
        release = asyncio.Event()
        app.on_uninstalled = _doing(release.wait)
        async with lifecycle.making_pending_calls(host, finish_seconds=0.1):
            await _until(lambda: app.received[-1].path == "/uninstalled")
        left = await _find(host, call_id)
        assert (left.claimed_until, left.attempts) == (None, 1)
        release.set()
        app.on_uninstalled = None
        assert (await lifecycle.try_now(host, call_id)).status == 204

    _run(settings, scenario)


@given(st.integers(1, 10 * RETRY.tries), st.floats(0, 1), st.floats(0, 1))
def test_pauses_grow_up_to_a_bound_and_end(attempts: int, chance: float, other: float) -> None:
    """Each pause is longer than the one before until it is the longest, and after the last attempt there is none."""
    pause, next_pause = RETRY.pause_after(attempts, chance), RETRY.pause_after(attempts + 1, other)
    assert (pause is None) == (attempts >= RETRY.tries)
    if pause is not None:
        assert RETRY.first_pause * (1 - queue.SPREAD) <= pause <= RETRY.longest_pause
        assert next_pause is None or next_pause > pause or next_pause >= RETRY.longest_pause * (1 - queue.SPREAD)


def test_an_app_that_is_away_for_the_night_is_told_in_the_morning() -> None:
    """All attempts together take most of a day at least, and not much more than one."""
    for chance in (0.0, 1.0):
        pauses = [RETRY.pause_after(attempts, chance) for attempts in range(1, RETRY.tries)]
        assert 0.7 * DAY < sum(pause for pause in pauses if pause is not None) < 1.2 * DAY

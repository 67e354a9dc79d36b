"""An app with a slow server: others are served, for any number of its updates."""

import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from roadstead.domain.apps import updates
from tests.conftest import NewDatabase
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


@contextlib.contextmanager
def _slow(app: RecordingApp) -> Iterator[threading.Event]:
    """Let the app serve its descriptor only after the block ends; the event is set when it is requested."""
    asked, over = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        over.wait(10)

    app.on_descriptor = wait
    try:
        yield asked
    finally:
        over.set()
        app.on_descriptor = None


def _update(host: LiveHost, api: AppClient) -> int:
    client = AppClient(host.url, api.installation)
    return client("PUT", "/2.0/addon", json={}).status_code


@pytest.mark.each_database
def test_one_update_of_an_installation_runs_at_a_time(
    tmp_path: Path, new_database: NewDatabase, connect_app: RecordingApp
) -> None:
    """Of many, at either of two hosts, one waits for the app; the others get a 429 immediately, and other apps are
    answered.
    """
    database = new_database()
    with (
        live_host(tmp_path, database_url=database) as one,
        live_host(tmp_path, database_url=database) as two,
        recording_app() as other,
        ThreadPoolExecutor(1) as waiting,
    ):
        api, neighbour = AppClient(one.url, one.install(connect_app)), AppClient(one.url, one.install(other))
        with _slow(connect_app) as asked:
            first = waiting.submit(_update, one, api)
            assert asked.wait(30)
            with ThreadPoolExecutor(8) as others:
                statuses = Counter(others.map(lambda number: _update((one, two)[number % 2], api), range(24)))
            refused = api("PUT", "/2.0/addon", json={"descriptor": connect_app.descriptor})
            assert neighbour("PUT", "/2.0/addon", json={}).status_code == 204
            assert neighbour("GET", VALUES).status_code == 200
            assert not first.done()
        assert first.result() == 204
        assert statuses == {429: 24}
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert refused.json()["error"]["message"] == "The app is being updated at this moment."
        assert _update(two, api) == 204


def test_so_many_apps_update_themselves_at_once_in_a_process(
    host: LiveHost, connect_app: RecordingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each waits for its own server; beyond the limit an app gets a 429."""
    monkeypatch.setattr(updates, "MOST_AT_ONCE", 1)
    with recording_app() as other, ThreadPoolExecutor(1) as waiting:
        api, neighbour = AppClient(host.url, host.install(connect_app)), AppClient(host.url, host.install(other))
        with _slow(connect_app) as asked:
            first = waiting.submit(_update, host, api)
            assert asked.wait(30)
            refused = neighbour("PUT", "/2.0/addon", json={})
            assert refused.json()["error"]["message"] == "Too many apps are being updated at this moment."
            assert neighbour("GET", VALUES).status_code == 200
        assert first.result() == 204
        assert _update(host, neighbour) == 204


@pytest.mark.parametrize("failing", ["the app is gone", "the descriptor is none"])
def test_an_update_that_fails_makes_room(host: LiveHost, failing: str) -> None:
    """The next update is tried like the first."""
    with recording_app() as app:
        api = AppClient(host.url, host.install(app))
        if failing == "the descriptor is none":
            app.descriptor["scopes"] = ["everything"]
            assert [_update(host, api) for _ in range(2)] == [400, 400]
    if failing == "the app is gone":
        assert [_update(host, api) for _ in range(2)] == [400, 400]

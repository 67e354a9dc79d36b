from collections.abc import Iterator

import pytest

from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHost]:
    """A host that is running, shared by the tests of a process; each test installs its own app."""
    with live_host(tmp_path_factory.mktemp("host")) as running:
        yield running


@pytest.fixture
def connect_app() -> Iterator[RecordingApp]:
    """A Connect app on loopback that records what it was sent."""
    with recording_app() as app:
        yield app


@pytest.fixture
def api(host: LiveHost, connect_app: RecordingApp) -> AppClient:
    """The installed app as a caller of the API."""
    return AppClient(host.url, host.install(connect_app))

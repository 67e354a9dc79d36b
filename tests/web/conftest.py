from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from roadstead.domain.access import credentials
from tests.live import LiveHost, live_host
from tests.web.acme import Acme, acme_at
from tests.web.chromium import chromium, signed_in, tab_of, visitor

# Pages look for news every two seconds, and later on a busy machine.
expect.set_options(timeout=20_000)


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[LiveHost]:
    """Yield a separate host, whose record has only this test's calls."""
    with live_host(tmp_path) as host:
        yield host


@pytest.fixture
def operator(watched: LiveHost) -> Iterator[httpx.Client]:
    """Yield a browser that is signed in at that host."""
    with httpx.Client(base_url=watched.url, timeout=30) as client:
        assert client.get(watched.work(credentials.sign_in_link)).status_code == 303
        yield client


@pytest.fixture(scope="package")
def real_browser() -> Iterator[Browser]:
    """Yield Chromium, which all tests in a browser share: they follow each other. Meanwhile this thread has a running
    loop.
    """
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def profile(real_browser: Browser, host: LiveHost) -> Iterator[BrowserContext]:
    """Yield the signed-in operator's profile, shared by the tests of a module: another one takes half a second."""
    with signed_in(real_browser, host) as context:
        yield context


@pytest.fixture
def tab(profile: BrowserContext, host: LiveHost) -> Iterator[Page]:
    """Yield a new tab of it."""
    with tab_of(profile, host) as page:
        yield page


@pytest.fixture
def lone_tab(real_browser: Browser, host: LiveHost) -> Iterator[Page]:
    """Yield a tab in a profile of its own, whose clock and permissions a test may change."""
    with visitor(real_browser, host) as page:
        yield page


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Acme]:
    """Yield a workspace with people, shared by the tests of a module, which leave its five people their roles."""
    with live_host(tmp_path_factory.mktemp("acme")) as host, acme_at(host) as workspace:
        yield workspace

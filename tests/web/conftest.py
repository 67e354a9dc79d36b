from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page

from roadstead.domain.access import credentials
from tests.live import LiveHost, live_host
from tests.web.chromium import chromium, visitor


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


@pytest.fixture(scope="module")
def real_browser() -> Iterator[Browser]:
    """Yield Chromium. It ends with the tests of its module, because meanwhile this thread has a running loop."""
    with chromium() as running:
        yield running


@pytest.fixture
def tab(real_browser: Browser, host: LiveHost) -> Iterator[Page]:
    """Yield a signed-in operator's tab of it."""
    with visitor(real_browser, host) as page:
        yield page

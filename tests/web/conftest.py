from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from roadstead.domain import credentials
from tests.live import LiveHost, live_host


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[LiveHost]:
    """A host of its own, whose record holds nothing but this test's calls."""
    with live_host(tmp_path) as host:
        yield host


@pytest.fixture
def operator(watched: LiveHost) -> Iterator[httpx.Client]:
    """Signed in at that host."""
    with httpx.Client(base_url=watched.url) as client:
        assert client.get(watched.work(credentials.sign_in_link)).status_code == 303
        yield client

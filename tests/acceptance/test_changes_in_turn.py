"""Changes of many values: one at a time for each app, so that others come between them."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from roadstead.app import Parts
from roadstead.domain.host import open_host
from roadstead.domain.linking import linkers
from tests.live import AppClient, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_an_app_changes_many_values_once_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """Its further ones wait for one another, and some are refused; another app's are made immediately."""
    begun: list[int] = []
    may_end = threading.Event()

    def held(change: Callable[..., Any]) -> Callable[..., Any]:
        async def wait(host: Any, installation_id: int, *arguments: Any, **more: Any) -> None:
            begun.append(installation_id)
            while installation_id == greedy.installation.id and not may_end.is_set():
                await asyncio.sleep(0.01)
            await change(host, installation_id, *arguments, **more)

        return wait

    for change in ("replace_values", "delete_values"):
        monkeypatch.setattr(linkers, change, held(getattr(linkers, change)))
    with (
        live_host(tmp_path, Parts(host=partial(open_host, changes_waiting=2))) as host,
        recording_app() as one,
        recording_app() as other,
        ThreadPoolExecutor(4) as threads,
    ):
        greedy, modest = AppClient(host.url, host.install(one)), AppClient(host.url, host.install(other))
        body: dict[str, Any] = {"json": ["A"]} if method == "PUT" else {}
        asked = [threads.submit(greedy, method, VALUES, **body) for _ in range(4)]
        try:
            refused = next(as_completed(asked, timeout=30)).result()
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
            assert modest(method, VALUES, **body).status_code == 204
            assert greedy("POST", VALUES, json={"value": "B"}).status_code == 201
            assert begun == [greedy.installation.id, modest.installation.id]
        finally:
            may_end.set()
        assert sorted(each.result().status_code for each in asked) == [204, 204, 204, 429]
    assert len(begun) == 4

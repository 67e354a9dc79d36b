"""The memory of a long-running host."""

import json
from pathlib import Path

import httpx
import pytest

from tests.live import AppClient, RecordingApp, host_process

ROUNDS = 500
WARM = 70
"""Rounds after which the cache of unused patterns has its maximum."""
MOST_GROWTH = 20_000_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("regex", "more"),
    [
        (r"((?K)-\d+)|N{}-(\w+)x(\d+)", 0),
        (r"(?<!x)((?K)-\d+)|N{}-(\w+)x(\d+)", 0),
        (r"((?K)-\d+)|N{}-(\w+)x(\d+)", 200_000),
    ],
    ids=["linear", "bounded", "a large descriptor"],
)
def test_an_app_that_changes_its_linkers_again_and_again_costs_no_memory(
    tmp_path: Path, connect_app: RecordingApp, regex: str, more: int
) -> None:
    """After 500 rounds of another pattern and a text, the process has hardly more memory than after the first ones."""
    with host_process(tmp_path, tmp_path / "log") as (host, _, process):
        api = AppClient(host.url, host.install(connect_app))
        resident = []
        with httpx.Client(base_url=host.url) as client:
            for number in range(ROUNDS):
                connect_app.descriptor["description"] = "x" * more
                connect_app.descriptor["modules"] = {
                    "linkers": [{"key": "tickets", "regex": regex.format(number), "url": r"/\1", "type": "href"}]
                }
                assert api("PUT", "/2.0/addon", content=json.dumps({"descriptor": connect_app.descriptor})).is_success
                linked = client.post("/-/linkify", json={"text": f"BB-1 ünd N{number}-abx1"})
                assert len(linked.json()["links"]) == 2
                resident.append(_resident(process.pid))
    assert max(resident[WARM:]) - resident[WARM] < MOST_GROWTH, resident[::50]


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * 4096

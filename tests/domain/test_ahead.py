"""Large sets of values are read in the background, after the start."""

import asyncio
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from roadstead.app import Parts
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.linking import ahead, linkers
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.errors import StorageUnavailable
from roadstead.linkify import CompiledLinkers
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.live import live_host, opened, recording_app
from tests.log import records_of_this_thread

VALUES = {"small": 2, "large": 6, "middle": 4, "gone": 9}
"""How many there are in each workspace. The app in the last one is removed."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("ahead"), database_url=new_database())
    with opened(settings) as work, recording_app() as app:
        for workspace, count in VALUES.items():
            work(partial(_fill, url=app.descriptor_url, workspace=workspace, count=count))
    return settings


async def _fill(host: Host, url: str, workspace: str, count: int) -> None:
    made = await installations.install(host, url, workspace)
    await linkers.replace_values(host, made.id, "tickets", [f"V{number}" for number in range(count)])
    if workspace == "gone":
        await installations.uninstall(host, made.id)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("many", "room", "expected"),
    [
        (3, 100, ["large", "middle"]),
        (1, 100, ["large", "middle", "small"]),
        (6, 100, []),
        (3, 9, ["large"]),
        (3, 5, ["middle"]),
        (3, 3, []),
    ],
)
def test_the_largest_are_read_first_as_far_as_there_is_room(
    filled: Settings, many: int, room: int, expected: list[str]
) -> None:
    """What has few values waits for its first text; of what has too many to be kept, none are read."""

    read: list[str] = []

    class Watched(WorkspaceLinkers):
        async def of(self, workspace_slug: str) -> CompiledLinkers:
            read.append(workspace_slug)
            return await super().of(workspace_slug)

    async def run(host: Host) -> tuple[list[str], list[int]]:
        compiled = Watched(host, read_soon=many, most_values=room)
        await compiled.read_ahead()
        ahead = read.copy()
        return ahead, [(await compiled.of(slug)).value_count(0) for slug in ahead]

    with opened(filled) as work:
        assert work(run) == (expected, [VALUES[slug] for slug in expected])


def test_a_host_reads_after_its_start_and_stops_with_it(tmp_path: Path) -> None:
    """Requests are answered meanwhile, and the end of the host does not wait until everything is read."""
    begun, ended = threading.Event(), threading.Event()

    class Endless(WorkspaceLinkers):
        async def read_ahead(self) -> None:
            begun.set()
            try:
                await asyncio.sleep(3600)
            finally:
                ended.set()

    with live_host(tmp_path, Parts(linkers=Endless, ahead=partial(ahead.read_ahead, after=0))) as host:
        assert begun.wait(30)
        assert httpx.get(f"{host.url}/-/health/ready").status_code == 200
        assert not ended.is_set()
    assert ended.is_set()


def test_a_database_that_cannot_be_read_ahead_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The log says so, and the first text reads the values, as it would without this."""

    async def fail() -> None:
        raise StorageUnavailable("The database is busy.", "Try again.")

    asyncio.run(ahead.read_ahead(SimpleNamespace(read_ahead=fail), after=0))  # type: ignore[arg-type]  # all that it takes
    assert [record.getMessage() for record in records_of_this_thread(caplog)] == [
        "Large sets of values are read with the first text: The database is busy."
    ]

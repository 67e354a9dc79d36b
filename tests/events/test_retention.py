"""What is kept of events and deliveries."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from roadstead.domain.repositories.marks import is_behind_mark, keep_mark
from roadstead.events.retention import KEPT_FOR, remove_now
from roadstead.settings import Settings
from roadstead.storage.events import list_events, newest_event
from tests.conftest import NewDatabase
from tests.events.scene import Scene, at, receiving, run

LATER = KEPT_FOR.total_seconds() + 1


async def _kept(scene: Scene, seconds: float) -> tuple[Sequence[int], Sequence[int]]:
    """Remove what is old some seconds later; return the numbers of the events, and the ids of deliveries, that stay."""
    await remove_now(at(scene.host, seconds))
    events = await list_events(scene.host.store.database, scene.repositories[0].id)
    return [event.payload["number"] for event in events if "number" in event.payload], [
        one.id for one in await scene.log()
    ]


@pytest.mark.parametrize(
    ("keep", "seconds", "events", "deliveries"),
    [(2, 0, [4, 5], [2, 3]), (3, 0, [3, 4, 5], [1, 2, 3]), (9, 0, [1, 2, 3, 4, 5], [1, 2, 3]), (9, LATER, [4, 5], [])],
)
def test_the_newest_are_kept_and_the_pending(
    tmp_path: Path, new_database: NewDatabase, keep: int, seconds: float, events: list[int], deliveries: list[int]
) -> None:
    """Events and deliveries are removed by count and by age, but no event before it was dispatched."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url)
        for number in (1, 2, 3):
            await scene.event(number)
        await scene.dispatch()
        await scene.send()
        for number in (4, 5):
            await scene.event(number)
        assert await _kept(scene, seconds) == (events, deliveries)

    with receiving() as receiver:
        run(Settings(data=tmp_path, database_url=new_database(), keep_deliveries=keep), scenario)


def test_the_newest_event_is_kept_however_old(tmp_path: Path, new_database: NewDatabase) -> None:
    """After a month without any change, a start does not take the database for one of before the last push."""

    async def scenario(scene: Scene) -> None:
        for number in (1, 2):
            await scene.event(number)
        await scene.dispatch()
        newest = await newest_event(scene.host.store.database)
        await keep_mark(scene.host, newest)
        assert await _kept(scene, LATER) == ([2], [])
        assert not await is_behind_mark(scene.host)

    (tmp_path / "git").mkdir()
    run(Settings(data=tmp_path, database_url=new_database()), scenario)

"""How many deliveries may wait for a subscriber, and for a workspace."""

from pathlib import Path

import pytest

from roadstead.events.room import Limits
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.events.scene import Scene, receiving, run

OF_LANE = "Not sent: 3 deliveries to this subscriber about the repository are waiting."
OF_WORKSPACE = "Not sent: 3 deliveries of the workspace are waiting."


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase) -> Settings:
    return Settings(data=tmp_path, database_url=new_database())


@pytest.mark.parametrize("batches", [(5,), (2, 3)])
def test_a_subscriber_has_so_many_waiting(settings: Settings, batches: tuple[int, ...]) -> None:
    """Beyond the limit of a subscriber's deliveries about a repository, new ones are given up, visibly; those about
    another repository and to another subscriber are not. When what waited was sent, there is room again.
    """

    async def scenario(scene: Scene) -> None:
        limits, number = Limits(lane=3, workspace=100), iter(range(100))
        await scene.hook(receiver.url)
        for size in batches:
            for _ in range(size):
                await scene.event(next(number))
            await scene.dispatch(limits)
        log = await scene.log()
        assert [one.state for one in log] == ["pending"] * 3 + ["given up"] * 2
        assert {one.error for one in log[3:]} == {OF_LANE}
        await scene.hook(f"{receiver.url}/other", repository_id=None)
        await scene.event(next(number), repository=1)
        await scene.event(next(number))
        await scene.dispatch(limits)
        assert [one.state for one in (await scene.log())[5:]] == ["pending", "given up", "pending"]
        await scene.send()
        await scene.event(next(number))
        await scene.dispatch(limits)
        await scene.send()
        assert [one.state for one in (await scene.log())[8:]] == ["delivered"] * 2
        assert sorted(receiver.numbers) == [0, 1, 2, 5, 6, 7, 7]

    with receiving() as receiver:
        run(settings, scenario, repositories=2)


@pytest.mark.parametrize("batches", [(5,), (1, 1, 1, 1, 1)])
def test_a_workspace_has_so_many_waiting(settings: Settings, batches: tuple[int, ...]) -> None:
    """Whichever repositories and subscribers they are for, a workspace's deliveries beyond the limit are given up."""

    async def scenario(scene: Scene) -> None:
        limits, number = Limits(lane=3, workspace=3), iter(range(100))
        await scene.hook(receiver.url, repository_id=None)
        for size in batches:
            for _ in range(size):
                here = next(number)
                await scene.event(here, repository=here)
            await scene.dispatch(limits)
        log = await scene.log()
        assert [(one.state, one.error) for one in log] == [("pending", None)] * 3 + [("given up", OF_WORKSPACE)] * 2
        await scene.send()
        assert sorted(receiver.numbers) == [0, 1, 2]

    with receiving() as receiver:
        run(settings, scenario, repositories=5)

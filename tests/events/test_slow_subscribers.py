"""A subscriber that is slow, down or hostile holds up no other."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from roadstead.events.sending import QUEUE, sending_deliveries
from roadstead.receiver import Answering
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.events.scene import Scene, receiving, run


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase) -> Settings:
    return Settings(data=tmp_path, database_url=new_database())


def test_a_hanging_subscriber_holds_up_no_other(settings: Settings) -> None:
    """A server that does not answer occupies its share of the places, and another gets its delivery meanwhile."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(hanging.url, repository_id=None)
        for number in range(6):
            await scene.event(number, repository=number)
        await scene.dispatch()
        await scene.hook(quick.url, repository_id=None)
        await scene.event(7)
        await scene.dispatch()
        few = replace(QUEUE, at_once=8, shares={"target": 3, "workspace": 8})
        async with sending_deliveries(scene.host, queue=few, finish_seconds=0):
            async with asyncio.timeout(20):
                while not quick.kept or len(hanging.kept) < 3:
                    await asyncio.sleep(0.005)
        assert len(hanging.kept) == 3

    with receiving(answering=Answering(delay=30)) as hanging, receiving() as quick:
        run(settings, scenario, repositories=6)


def test_hanging_subscribers_leave_places_free(settings: Settings) -> None:
    """Several of them, with more work than there are places, take all but some; another is sent to meanwhile."""

    async def scenario(scene: Scene) -> None:
        for receiver in hanging:
            await scene.hook(receiver.url, repository_id=None)
        for number in range(8):
            await scene.event(number, repository=number)
        await scene.dispatch()
        await scene.hook(quick.url, repository_id=None)
        await scene.event(9)
        await scene.dispatch()
        few = replace(QUEUE, at_once=8, shares={"target": 8})
        async with sending_deliveries(scene.host, queue=few, finish_seconds=0), asyncio.timeout(20):
            while not quick.kept:
                await asyncio.sleep(0.005)

    with receiving(answering=Answering(delay=30)) as one, receiving(answering=Answering(delay=30)) as another:
        hanging = (one, another)
        with receiving() as quick:
            run(settings, scenario, repositories=8)

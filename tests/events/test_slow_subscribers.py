"""A subscriber that is slow, down or hostile holds up no other."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from roadstead.domain.host import Host
from roadstead.events.sending import QUEUE, sending_deliveries
from roadstead.outbound.calls import Outbound
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


def impatient(host: Host) -> Host:
    """Return the host as one that waits shortly for an answer."""
    return replace(host, outbound=Outbound(allow_loopback=True, total_seconds=0.2))


@pytest.mark.parametrize(
    ("answering", "said"),
    [
        (Answering(delay=1), "did not answer within 0.2 seconds"),
        (Answering(close=True), "cannot be reached"),
        (Answering(500, body=b"x" * 10_000_000), "500"),
        (Answering(302, headers=(("Location", "http://127.0.0.1:1/"),)), "302"),
    ],
)
def test_a_bad_answer_is_recorded(settings: Settings, answering: Answering, said: str) -> None:
    """An answer that does not come, ends early, is large or redirects is logged, and only its beginning is read."""

    async def scenario(scene: Scene) -> None:
        scene = Scene(impatient(scene.host), scene.repositories)
        await scene.hook(receiver.url)
        await scene.event(1)
        await scene.dispatch()
        await scene.send()
        await scene.host.outbound.close()
        (one,) = await scene.log()
        assert said in f"{one.status} {one.error}"
        assert one.state == ("failed" if one.status == 302 else "pending")
        assert len(receiver.kept) == 1

    with receiving(answering=answering) as receiver:
        run(settings, scenario)

"""Each event is dispatched once, to those who subscribe to it."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roadstead.domain.apps import installations
from roadstead.domain.host import open_host
from roadstead.events.payloads import Payload
from roadstead.events.sending import QUEUE, deliver
from roadstead.events.subscribers import Subscriber
from roadstead.receiver import Secrets
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.events.builders import BROKEN, GONE, LARGE, NO_TEXT, SENT
from tests.events.scene import Scene, at, receiving, run
from tests.live import recording_app


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase) -> Settings:
    return Settings(data=tmp_path, database_url=new_database())


@pytest.mark.each_database
def test_two_hosts_dispatch_each_event_once(settings: Settings) -> None:
    """Of two hosts on one database that find the same events, one stores their deliveries, in order."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url)
        for number in range(60):
            await scene.event(number)
        async with open_host(settings) as other:
            await asyncio.gather(
                scene.dispatch(), Scene(replace(other, clock=scene.host.clock), scene.repositories).dispatch()
            )
        await scene.send()
        assert receiver.numbers == list(range(60))

    with receiving() as receiver:
        run(settings, scenario)


def test_a_claim_that_was_taken_over_changes_nothing(settings: Settings) -> None:
    """A process that was too slow does not conclude a delivery that another has claimed since."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url)
        await scene.event(1)
        await scene.dispatch()
        async with scene.host.store.database.transaction() as tx:
            (slow,) = await QUEUE.claim_due(tx, scene.host.now(), [])
        receiver.next_statuses = [500, 204]
        await scene.send(100)
        assert await deliver(at(scene.host, 200), QUEUE, slow) is None
        (one,) = await scene.log()
        assert (one.state, one.status, one.attempts) == ("pending", 500, 2)

    with receiving() as receiver:
        run(settings, scenario)


def test_a_subscriber_that_cannot_be_told_holds_up_no_other(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours that concerns one subscriber is logged; the others hear of this event and of later ones."""

    def address(subscriber: Subscriber, payload: Payload) -> str:
        if subscriber.url.endswith("/odd"):
            raise ValueError(subscriber.url)
        return subscriber.url

    async def scenario(scene: Scene) -> None:
        await scene.hook(f"{receiver.url}/odd")
        await scene.hook(receiver.url)
        for number in (1, 2):
            await scene.event(number)
        await scene.dispatch()
        await scene.send()
        assert receiver.numbers == [1, 2]

    monkeypatch.setattr(Subscriber, "address", address)
    with receiving() as receiver:
        run(settings, scenario)


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("key", "changes", "said"),
    [
        (SENT, {}, ["delivered"]),
        (SENT, {"is_active": False}, []),
        (SENT, {"events": ("repo:fork",)}, []),
        (SENT, {"repository_id": None}, ["delivered"]),
        (SENT, {"home": None}, ["pending: 127.0.0.1 is not public"]),
        (GONE, {}, []),
        (LARGE, {}, ["failed: Not sent: the body has 300,"]),
        (BROKEN, {}, ["failed: The payload could not be built"]),
        (NO_TEXT, {}, ["failed: The payload could not be built"]),
    ],
)
def test_who_hears_of_what(settings: Settings, key: str, changes: dict[str, Any], said: list[str]) -> None:
    """Active hooks hear of the events they name, at permitted addresses; what cannot be sent is in the log, and holds
    up nothing.
    """

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url, **changes)
        await scene.event(1, key=key)
        await scene.dispatch()
        await scene.send()
        log = [f"{one.state}: {one.error}" if one.error else one.state for one in await scene.log()]
        assert [found[: len(wanted)] for found, wanted in zip(log, said, strict=True)] == said

    with receiving() as receiver:
        run(settings, scenario)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("webhooks", "scopes", "heard"),
    [
        ([{"event": "*", "url": "/heard"}], ["repository"], ["/heard"]),
        ([{"event": "repo:push", "url": "/heard?x=1"}], ["repository:write"], ["/heard?x=1"]),
        ([{"event": "*", "url": "/a"}, {"event": "repo:push", "url": "/b"}], ["repository"], ["/a", "/b"]),
        (
            [{"event": "*", "url": "/of/{repository.uuid}?b={branch.name}"}],
            ["repository"],
            ["/of/%7B1%7D?b={branch.name}"],
        ),
        ([{"event": "repo:fork", "url": "/heard"}], ["repository"], []),
        ([{"event": "*", "url": "/heard"}], ["account"], []),
    ],
)
def test_an_app_hears_what_its_scopes_let_it(
    settings: Settings, webhooks: list[dict[str, str]], scopes: list[str], heard: list[str]
) -> None:
    """An app gets the payload wrapped, with a token for the request, and one hook UUID for an event key."""

    async def scenario(scene: Scene) -> None:
        with recording_app(scopes=scopes) as app:
            app.descriptor |= {"modules": {"webhooks": webhooks}, "baseUrl": receiver.url}
            app.descriptor["lifecycle"] = {}
            installation = await installations.install(scene.host, app.descriptor_url, "acme")
        for number in (1, 2):
            await scene.event(number)
        await scene.dispatch()
        receiver.secrets = Secrets(app=installation.shared_secret)
        await scene.send()
        assert sorted(one.target for one in receiver.kept) == sorted(heard * 2)
        assert all(one.is_valid for one in receiver.kept), receiver.kept
        assert {json.loads(one.body)["event"] for one in receiver.kept} <= {"repo:push"}
        assert len({one.headers["X-Hook-UUID"] for one in receiver.kept}) == bool(heard)

    with receiving() as receiver:
        allowed = Settings.read(
            {"data": settings.data, "database_url": settings.database_url, "allow_target": [receiver.url[7:]]}, {}
        )
        run(allowed, scenario)

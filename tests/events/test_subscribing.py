"""Who is told of an event when subscriptions change between the event, its dispatch and its delivery."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.apps import installations
from roadstead.domain.people import users
from roadstead.events import hooks
from roadstead.events.hooks import HookChanges, Owner
from roadstead.events.sending import NOT_SUBSCRIBED
from roadstead.model import Installation
from roadstead.model.hooks import Hook
from roadstead.settings import Settings
from roadstead.storage.hooks import change_hook, delete_hook
from tests.conftest import NewDatabase
from tests.events.scene import Scene, receiving, run
from tests.live import recording_app


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase) -> Settings:
    return Settings(data=tmp_path, database_url=new_database())


Change = Callable[[Scene, Hook], Awaitable[object]]


async def _nothing(scene: Scene, hook: Hook) -> None:
    """Leave the hook as it is."""


async def _delete(scene: Scene, hook: Hook) -> None:
    async with scene.host.store.database.transaction() as tx:
        await delete_hook(tx, hook.id)


def _set(**members: Any) -> Change:
    async def change(scene: Scene, hook: Hook) -> None:
        async with scene.host.store.database.transaction() as tx:
            await change_hook(tx, msgspec.structs.replace(hook, **members))

    return change


@pytest.mark.parametrize(
    ("before", "after", "log"),
    [
        (_nothing, _nothing, [("delivered", None)]),
        (_delete, _nothing, []),
        (_set(is_active=False), _nothing, []),
        (_set(events=("repo:fork",)), _nothing, []),
        (_nothing, _delete, [("failed", NOT_SUBSCRIBED)]),
        (_nothing, _set(is_active=False), [("failed", NOT_SUBSCRIBED)]),
        (_nothing, _set(events=("repo:fork",)), [("delivered", None)]),
    ],
)
def test_a_hook_that_changes_meanwhile(
    settings: Settings, before: Change, after: Change, log: list[tuple[str, str | None]]
) -> None:
    """What a hook is when an event is dispatched decides whether it is told; one that is deleted or made inactive after
    that is sent nothing more, and the log says so.
    """

    async def scenario(scene: Scene) -> None:
        hook = await scene.hook(receiver.url)
        await scene.event(1)
        await before(scene, hook)
        await scene.dispatch()
        await after(scene, hook)
        await scene.send()
        found = [(one.state, one.error) for one in await scene.log()]
        assert found == log
        assert receiver.numbers == [1] * found.count(("delivered", None))

    with receiving() as receiver:
        run(settings, scenario)


@pytest.mark.each_database
def test_a_hook_hears_of_no_earlier_event(settings: Settings) -> None:
    """A hook that is added after an event, and before its dispatch, is told of the next one only, whatever happened
    elsewhere.
    """

    async def scenario(scene: Scene) -> None:
        await scene.hook(f"{receiver.url}/first")
        await scene.event(1)
        await scene.hook(f"{receiver.url}/second", repository_id=None)
        await scene.event(2)
        await scene.dispatch()
        await scene.hook(f"{receiver.url}/third")
        await scene.event(3)
        await scene.dispatch()
        await scene.send()
        heard = sorted((one.target, number) for one, number in zip(receiver.kept, receiver.numbers, strict=True))
        first, second, third = [("/first", n) for n in (1, 2, 3)], [("/second", n) for n in (2, 3)], [("/third", 3)]
        assert heard == [*first, *second, *third]

    with receiving() as receiver:
        run(settings, scenario)


def test_an_app_hears_of_no_event_before_it_was_installed(settings: Settings) -> None:
    """Nor of one before it was installed again; an update of an app that is installed costs it no event."""

    async def scenario(scene: Scene) -> None:
        with recording_app(scopes=["repository"]) as app:
            app.descriptor |= {"modules": {"webhooks": [{"event": "*", "url": "/heard"}]}, "baseUrl": receiver.url}
            app.descriptor["lifecycle"] = {}

            async def install() -> Installation:
                return await installations.install(scene.host, app.descriptor_url, "acme")

            await scene.event(1)
            await install()
            await scene.event(2)
            await install()
            await scene.dispatch()
            await scene.event(3)
            await installations.uninstall(scene.host, (await install()).id)
            await install()
            await scene.event(4)
            await scene.dispatch()
        await scene.send()
        assert receiver.numbers == [2, 4]

    with receiving() as receiver:
        allowed = {"data": settings.data, "database_url": settings.database_url, "allow_target": [receiver.url[7:]]}
        run(Settings.read(allowed, {}), scenario)


def test_what_waits_follows_the_hook(settings: Settings) -> None:
    """Deliveries that wait go to the address that the hook has by then, so a corrected address ends their waiting."""

    async def scenario(scene: Scene) -> None:
        hook = await scene.hook("http://127.0.0.1:9/")
        for number in (1, 2):
            await scene.event(number)
        await scene.dispatch()
        await scene.send()
        assert [one.attempts for one in await scene.log()] == [1, 0]
        owner = SessionUser(await users.find_user(scene.host, "owner"))
        subject = Owner(scene.repositories[0].workspace, scene.repositories[0])
        await hooks.change_hook(
            scene.host, owner, subject, hook.uuid, HookChanges(url=receiver.url, description="corrected")
        )
        await scene.send(60)
        assert receiver.numbers == [1, 2]
        assert [(one.state, one.url) for one in await scene.log()] == [("delivered", receiver.url)] * 2

    with receiving() as receiver:
        run(settings, scenario)

"""Transactions on the same rows lock them in the same order, so that none waits for one that waits for it."""

import asyncio
from contextlib import ExitStack
from pathlib import Path

import pytest

from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.upkeep.keys import rotate_key
from roadstead.errors import InstallationFailed
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.live import RecordingApp, opened, recording_app

ROUNDS = 3


async def _come_and_go(host: Host, app: RecordingApp) -> None:
    for _ in range(ROUNDS):
        installation = await installations.install(host, app.descriptor_url, "shared")
        await installations.install(host, app.descriptor_url, "shared")
        await installations.uninstall(host, installation.id)


async def _be_refused(host: Host, app: RecordingApp) -> None:
    for _ in range(2 * ROUNDS):
        try:
            await installations.install(host, app.descriptor_url, "shared")
        except InstallationFailed:
            continue
        raise AssertionError("the app refuses")


async def _rotate(host: Host, others: "asyncio.Future[list[None]]") -> None:
    while not others.done():
        await rotate_key(host)


@pytest.mark.each_database
def test_installations_undos_and_rotations_do_not_wait_for_each_other(
    tmp_path: Path, new_database: NewDatabase
) -> None:
    """Apps are installed, uninstalled and refuse in one workspace while the key is changed repeatedly,
    without a 503.
    """

    async def work(host: Host) -> None:
        comings = asyncio.gather(
            *(_come_and_go(host, app) for app in apps[:3]), *(_be_refused(host, app) for app in apps[3:])
        )
        await asyncio.gather(comings, _rotate(host, comings))

    with ExitStack() as stack:
        apps = [stack.enter_context(recording_app()) for _ in range(6)]
        for refusing in apps[3:]:
            refusing.status = 500
        with opened(Settings(data=tmp_path, database_url=new_database())) as on_host:
            on_host(work)

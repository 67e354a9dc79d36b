"""`roadstead deliveries`: what a running host has sent, on a terminal."""

import re
from pathlib import Path

from roadstead.cli.state import on_host
from roadstead.domain.host import Host
from roadstead.settings import Settings
from roadstead.storage.repositories import list_all
from tests.cli.conftest import Roadstead
from tests.events.scene import Scene, at, receiving, run


def test_a_pending_delivery_says_when_it_is_tried_again(roadstead: Roadstead) -> None:
    """Its times are those of the terminal's clock; one that waits for another has no time."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url)
        for number in range(2):
            await scene.event(number)
        await scene.dispatch()
        await scene.send()

    with receiving() as receiver:
        receiver.next_statuses = [503]
        run(Settings(data=roadstead.data), scenario)
    first, second = (roadstead.call("deliveries", "show", number).stdout.decode() for number in "12")
    assert re.search(r"^state +pending\nnext attempt +\S.*\nanswer +503$", first, re.MULTILINE)
    attempts = first.partition("Attempts\n\n")[2]
    assert re.fullmatch(r"[^TZ]+  503  [0-9.]+ ms\n", attempts)
    assert re.search(r"^state +pending\nanswer +none yet$", second, re.MULTILINE)


def test_what_waits_stays_with_a_host_that_moves(roadstead: Roadstead, tmp_path: Path) -> None:
    """An export says how many events it leaves out; at the new host, a hook is told of what happens there, from the
    first event on.
    """
    here, there, file = Settings(data=roadstead.data), Settings(data=tmp_path / "there"), str(tmp_path / "state.gz")

    async def leave_two(scene: Scene) -> None:
        for number in range(2):
            await scene.event(number)
        await scene.hook(receiver.url)
        await scene.dispatch()
        await scene.event(2)
        await scene.dispatch()
        await scene.event(3)

    async def begin_again(host: Host) -> None:
        scene = Scene(at(host, 0), await list_all(host.store.database))
        assert await scene.log() == []
        await scene.event(4)
        await scene.dispatch()
        await scene.send()

    with receiving() as receiver:
        run(here, leave_two)
        said = roadstead.call("export", file).stderr.decode()
        assert "still to be sent. Deliveries and events: 2\n" in said
        assert roadstead.call("import", file, "--data", str(there.data)).returncode == 0
        on_host(there, begin_again)
        assert receiver.numbers == [4]

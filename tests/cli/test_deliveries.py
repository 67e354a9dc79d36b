"""`roadstead deliveries`: what a running host has sent, on a terminal."""

import re

from roadstead.settings import Settings
from tests.cli.conftest import Roadstead
from tests.events.scene import Scene, receiving, run


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

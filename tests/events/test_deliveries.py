"""Events reach their subscribers: once, in order, signed, and tried again for about a day."""

import json
from itertools import product
from pathlib import Path

import pytest

from roadstead.listing import PageRequest, Slice
from roadstead.model.deliveries import DELIVERY_LIST, Delivery
from roadstead.query import Sort
from roadstead.receiver import Answering, Secrets
from roadstead.settings import Settings
from roadstead.storage.deliveries import page_of_deliveries
from tests.conftest import NewDatabase
from tests.events.scene import Scene, receiving, run


@pytest.fixture
def settings(tmp_path: Path, new_database: NewDatabase) -> Settings:
    return Settings(data=tmp_path, database_url=new_database())


@pytest.mark.each_database
def test_a_hook_hears_of_events_in_order(settings: Settings) -> None:
    """A hook gets the payload alone, the headers of the cloud, and a signature of the exact bytes."""

    async def scenario(scene: Scene) -> None:
        hook = await scene.hook(f"{receiver.url}/heard?a=b", secret="s" * 20)
        for number in range(5):
            await scene.event(number)
        await scene.dispatch()
        await scene.send()
        assert receiver.numbers == [0, 1, 2, 3, 4]
        first = receiver.kept[0]
        assert first.is_valid
        assert first.target == "/heard?a=b"
        sent = {name: value for name, value in first.headers.items() if not name.startswith("X-B3-")}
        request_id, signature = sent.pop("X-Request-UUID"), sent.pop("X-Hub-Signature")
        assert signature.startswith("sha256=")
        assert sent.pop("X-Event-Time").endswith(" GMT")
        assert sent == {
            "Host": receiver.url.removeprefix("http://"),
            "User-Agent": "Bitbucket-Webhooks/2.0",
            "Accept": "*/*",
            "Accept-Encoding": "gzip",
            "Content-Type": "application/json",
            "Content-Length": str(len(first.body)),
            "X-Event-Key": "repo:push",
            "X-Hook-UUID": hook.uuid.strip("{}"),
            "X-Attempt-Number": "1",
        }
        assert json.loads(first.body)["repository"]["full_name"].startswith("acme/")
        log = await scene.log()
        assert [(one.state, one.status, one.attempts) for one in log] == [("delivered", 200, 1)] * 5
        assert log[0].request_id == request_id

    with receiving(Secrets(hook="s" * 20)) as receiver:
        run(settings, scenario)


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("statuses", "seconds", "ended"),
    [
        ([500, 503, 408, 200], [0, 1, 3, 12, 45], ("delivered", 200, 4)),
        ([410], [0, 100], ("failed", 410, 1)),
    ],
)
def test_the_answer_decides_about_another_attempt(
    settings: Settings, statuses: list[int], seconds: list[float], ended: tuple[str, int, int]
) -> None:
    """Each attempt has the same request id and its own number; after the last one nothing is sent.

    `test_receivers.py` has all answers.
    """

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url)
        await scene.event(1)
        await scene.dispatch()
        for later in seconds:
            await scene.send(later)
        (one,) = await scene.log()
        assert (one.state, one.status, one.attempts) == ended
        assert [sent.attempt for sent in receiver.kept] == [str(number + 1) for number in range(ended[2])]
        assert {sent.headers["X-Request-UUID"] for sent in receiver.kept} == {one.request_id}

    with receiving() as receiver:
        receiver.next_statuses = list(statuses)
        run(settings, scenario)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("after", "before", "tried"),
    [("60", 50, 1), ("60", 61, 2), ("31536000", 4 * 3600 + 1, 2), ("soon", 3, 2), ("-1", 3, 2)],
)
def test_a_subscriber_says_when_to_try_again(settings: Settings, after: str, before: float, tried: int) -> None:
    """`Retry-After` makes the pause longer, but not longer than the longest one, unless it is not understood."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url)
        await scene.event(1)
        await scene.dispatch()
        await scene.send()
        await scene.send(before)
        assert len(receiver.kept) == tried

    with receiving(answering=Answering(429, headers=(("Retry-After", after),))) as receiver:
        run(settings, scenario)


def test_later_deliveries_wait_for_the_first(settings: Settings) -> None:
    """While a delivery is tried again, the next ones about the repository wait; those about another do not."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url, repository_id=None)
        for number in range(3):
            await scene.event(number)
        await scene.dispatch()
        await scene.send()
        await scene.event(10, repository=1)
        await scene.dispatch()
        await scene.send()
        assert receiver.numbers == [0, 10]
        await scene.event(3)
        await scene.dispatch()
        await scene.send(1)
        assert len(receiver.numbers) == 2
        await scene.send(3600)
        assert receiver.numbers[2:] == [0, 1, 2, 3]
        assert {one.state for one in await scene.log()} == {"delivered"}

    with receiving() as receiver:
        receiver.next_statuses = [503]
        run(settings, scenario, repositories=2)


def test_the_log_is_sorted_by_each_member(settings: Settings) -> None:
    """Page after page, in both directions, each delivery is there once."""

    async def scenario(scene: Scene) -> None:
        await scene.hook(receiver.url)
        for number in range(3):
            await scene.event(number)
        await scene.dispatch()
        database = scene.host.store.database
        for field, descending in product(DELIVERY_LIST.kinds, (False, True)):
            sort, found = Sort(field, descending), list[Slice[Delivery]]()
            while not found or found[-1].has_next:
                after = found[-1].after if found else None
                found.append(await page_of_deliveries(database, PageRequest(len(found) + 1, 1, None, sort, after)))
            assert sorted(item.id for one in found for item in one.items) == [1, 2, 3], (field, descending)

    with receiving() as receiver:
        run(settings, scenario)

"""`/-/deliveries`: what was sent to hooks and apps, for operators, without secrets, and sending it again."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

import httpx
import pytest

from roadstead.accounts import SessionUser
from roadstead.bitbucket.events import PAYLOADS
from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.domain.repositories.access import find_repository
from roadstead.events import deliveries
from roadstead.events.sending import NOT_SUBSCRIBED
from roadstead.receiver import Arrived, Secrets
from tests.events.scene import Receiving, receiving
from tests.live import LiveHost, live_host

SECRET = "a secret of twenty characters"
TOKEN = "a-token-in-the-url"


class Watched(NamedTuple):
    """A host with a hook of a repository at a receiver, which has heard of a change."""

    host: LiveHost
    receiver: Receiving
    repository: str
    headers: dict[str, str]

    def get(self, target: str, **query: str) -> Any:
        answer = httpx.get(f"{self.host.url}{target}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def resend(self, delivery: int, **body: Any) -> httpx.Response:
        return httpx.post(f"{self.host.url}/-/deliveries/{delivery}/resend", json=body)

    def ended(self, delivery: int) -> dict[str, Any]:
        """Return a delivery once it has ended."""
        deadline = time.monotonic() + 20
        while not self.get("/-/deliveries", q=f'id = {delivery} AND state != "pending"')["values"]:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        found: dict[str, Any] = self.get(f"/-/deliveries/{delivery}")
        return found


async def _make(host: Host) -> str:
    owner = await users.create_user(host, "ann")
    await workspaces.create_workspace(host, "acme", name=None, owner="ann")
    return (await credentials.create_api_token(host, "test", None, user_id=owner.id))[0]


def _repeating(receiver: Receiving) -> Callable[[Arrived], None]:
    """Return what keeps a request, and has its signature repeated in the answer."""

    def keep(one: Arrived, kept: Callable[[Arrived], None] = receiver.arrived) -> None:
        kept(one)
        receiver.answering = replace(receiver.answering, body=f"You sent {one.headers['X-Hub-Signature']}".encode())

    return keep


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with live_host(tmp_path_factory.mktemp("deliveries")) as host, receiving(Secrets(hook=SECRET)) as receiver:
        receiver.arrived = _repeating(receiver)
        headers = {"Authorization": f"Bearer {host.work(_make)}"}
        repository = f"{host.url}/2.0/repositories/acme/widgets"
        with httpx.Client(headers=headers) as owner:
            assert owner.post(repository, json={}).status_code == 200
            hook = {
                "url": f"{receiver.url}?token={TOKEN}",
                "description": "",
                "events": ["repo:updated"],
                "secret": SECRET,
            }
            assert owner.post(f"{repository}/hooks", json=hook).status_code == 201
            assert owner.put(repository, json={"description": "Widgets"}).status_code == 200
        yield Watched(host, receiver, repository, headers)


def test_a_change_is_delivered_and_shown(watched: Watched) -> None:
    """The log has event, exact body, answer and attempt, but no secret, signature or token of the URL."""
    found = watched.ended(1)
    (sent, *_) = watched.receiver.kept
    assert sent.is_valid
    assert (found["event"], found["status"], found["state"], found["attempts"]) == ("repo:updated", 200, "delivered", 1)
    assert (found["workspace"], found["repository"]) == ("acme", "acme/widgets")
    assert found["request"]["body"] == sent.body
    assert json.loads(sent.body)["changes"]["description"]["new"] == "Widgets"
    assert ["X-Hub-Signature", "(hidden)"] in found["request"]["headers"]
    assert [one["status"] for one in found["tries"]] == [200]
    assert found["answer"]["body"] == "You sent sha256=(hidden)"
    assert SECRET not in json.dumps(found)
    assert sent.headers["X-Hub-Signature"] not in json.dumps(found)
    assert found["url"] == f"{watched.receiver.url}?token=(hidden)"
    assert TOKEN not in json.dumps([found, watched.get("/-/deliveries")])
    wanted = 'event = "repo:updated" AND state = "delivered" AND resent_from = null'
    assert watched.get("/-/deliveries", q=wanted)["size"] == 1


def test_a_delivery_is_sent_again(watched: Watched) -> None:
    """As another delivery with a request id of its own, signed anew; an edited one is marked."""
    first = watched.ended(1)
    same, edited = watched.resend(1), watched.resend(1, body='{"edited": 1}')
    assert [answer.status_code for answer in (same, edited)] == [201, 201]
    for answer, is_edited in ((same, False), (edited, True)):
        found = watched.ended(answer.json()["id"])
        assert answer.headers["Location"].endswith(f"/-/deliveries/{found['id']}")
        assert (found["state"], found["resent_from"], found["is_edited"]) == ("delivered", 1, is_edited)
        assert found["request_id"] != first["request_id"]
        (arrived,) = (one for one in watched.receiver.kept if one.headers["X-Request-UUID"] == found["request_id"])
        assert arrived.is_valid
        assert arrived.target.endswith(f"?token={TOKEN}")
        assert arrived.body == ('{"edited": 1}' if is_edited else first["request"]["body"])


def test_a_sample_is_marked(watched: Watched) -> None:
    """A sample of an event, and one that is sent again, has a header of ours; what happened has not."""

    async def fire(host: Host) -> list[int]:
        operator = SessionUser(await host.find_operator())
        found = await find_repository(host, operator, "acme", "widgets", "admin")
        return await deliveries.fire(host, PAYLOADS, "repo:updated", found.repository)

    (fired,) = watched.host.work(fire)
    again = watched.resend(fired).json()["id"]
    for delivery, is_sample in ((1, False), (fired, True), (again, True)):
        found = watched.ended(delivery)
        (arrived,) = (one for one in watched.receiver.kept if one.headers["X-Request-UUID"] == found["request_id"])
        assert found["is_sample"] is is_sample
        assert arrived.headers.get("X-Roadstead-Sample") == ("true" if is_sample else None)
    assert {one["id"] for one in watched.get("/-/deliveries", q="is_sample = true")["values"]} == {fired, again}


@pytest.mark.parametrize(
    ("delivery", "body", "status"),
    [
        (1, {"body": "no JSON"}, 400),
        (1, {"body": "\x00"}, 400),
        (1, {"body": 7}, 400),
        (1, {"body": "[" * 100_000}, 400),
        (1, {"body": '"' + "x" * 262_144 + '"'}, 400),
        (10**18, {}, 404),
        (10**30, {}, 404),
    ],
)
def test_a_bad_resend_sends_nothing(watched: Watched, delivery: int, body: dict[str, Any], status: int) -> None:
    """A body that is no JSON text, too long or nested too deeply, and a delivery that is not there."""
    watched.ended(1)
    before = watched.get("/-/deliveries")["size"]
    assert watched.resend(delivery, **body).status_code == status
    assert watched.get("/-/deliveries")["size"] == before


def test_a_resend_to_a_hook_that_is_gone_fails(watched: Watched) -> None:
    """A deleted hook is sent nothing more, and the log says so."""
    with httpx.Client(headers=watched.headers) as owner:
        for hook in owner.get(f"{watched.repository}/hooks").json()["values"]:
            assert owner.delete(f"{watched.repository}/hooks/{hook['uuid']}").status_code == 204
    found = watched.ended(watched.resend(1).json()["id"])
    assert (found["state"], found["error"]) == ("failed", NOT_SUBSCRIBED)

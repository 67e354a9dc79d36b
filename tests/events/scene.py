"""A workspace with repositories, hooks and apps at receivers, and events that are told to them."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from itertools import accumulate
from threading import Thread
from typing import Any

import msgspec

from roadstead.accounts import SessionUser
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import projects, users, workspaces
from roadstead.domain.people.projects import ProjectChanges
from roadstead.domain.queue import Queue
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.events.dispatching import dispatch_some
from roadstead.events.payloads import Payloads
from roadstead.events.room import LIMITS, Limits
from roadstead.events.sending import QUEUE, sending_deliveries
from roadstead.listing import PageRequest
from roadstead.model import Repository
from roadstead.model.deliveries import Delivery
from roadstead.model.hooks import Hook
from roadstead.receiver import NO_SECRETS, USUAL, Answering, Arrived, Receiver, Secrets
from roadstead.settings import Settings
from roadstead.storage.deliveries import page_of_deliveries
from roadstead.storage.events import add_event
from roadstead.storage.hooks import add_hook
from roadstead.storage.moments import to_text
from roadstead.storage.sealing import sealer
from tests.events import builders
from tests.events.builders import BUILDERS, SENT
from tests.ports import free_port

PAUSES = [2, 8, 32, 128, 512, 2048, 8192, *[4 * 3600] * 5]
"""The longest pauses between the attempts of a day, in seconds."""
EACH_TRY = [0.0, *(total + 1.0 for total in accumulate(PAUSES))]
"""When each attempt of a delivery that fails is due, in seconds after the first."""
PAYLOADS = Payloads(dict.fromkeys(BUILDERS, builders.__name__))


class Receiving(Receiver):
    """A receiver that keeps what arrives. It answers each with the first of `next_statuses`, and then as told."""

    def __init__(self, secrets: Secrets = NO_SECRETS, answering: Answering = USUAL, port: int = 0) -> None:
        self.kept: list[Arrived] = []
        self.next_statuses: list[int] = []
        self.usual = answering
        super().__init__(port, secrets, answering, self._keep)

    def _keep(self, one: Arrived) -> None:
        self.kept.append(one)
        status = self.next_statuses.pop(0) if self.next_statuses else self.usual.status
        self.answering = replace(self.usual, status=status)

    @property
    def numbers(self) -> list[int]:
        """Return the numbers of the events that arrived, in order."""
        return [number_of(one) for one in self.kept]


def number_of(arrived: Arrived) -> int:
    """Return the number in the payload of `builders`."""
    body = json.loads(arrived.body)
    number: int = body.get("data", body)["number"]
    return number


@contextmanager
def receiving(secrets: Secrets = NO_SECRETS, answering: Answering = USUAL, port: int = 0) -> Iterator[Receiving]:
    """Yield a receiver that listens on loopback, at a free port if none is given."""
    receiver = Receiving(secrets, answering, port or free_port())
    thread = Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


@dataclass(frozen=True)
class Scene:
    """A host with a workspace `acme` and some repositories in it, at one moment."""

    host: Host
    repositories: list[Repository]

    async def hook(self, url: str, *, secret: str | None = None, **changes: Any) -> Hook:
        """Add a hook of the first repository, which may go to its own place on this machine."""
        hook = Hook(
            id=0,
            uuid=f"{{{uuid.uuid4()}}}",
            workspace_id=self.repositories[0].workspace.id,
            repository_id=self.repositories[0].id,
            installation_id=None,
            url=url,
            home=url,
            description="",
            is_active=True,
            has_secret=secret is not None,
            events=tuple(sorted(BUILDERS)),
            skip_cert_verification=False,
            history_enabled=False,
            created_at=self.host.now(),
            source=None,
        )
        hook = msgspec.structs.replace(hook, **changes)
        async with self.host.store.database.transaction() as tx:
            seal = await sealer(self.host.store.secrets, tx)
            hook_id = await add_hook(tx, hook, None if secret is None else seal(secret))
        return msgspec.structs.replace(hook, id=hook_id)

    async def event(self, number: int, repository: int = 0, key: str = SENT) -> None:
        """Let something happen in a repository."""
        there = self.repositories[repository]
        async with self.host.store.database.transaction() as tx:
            await add_event(
                tx,
                key,
                workspace_id=there.workspace.id,
                repository_id=there.id,
                user_id=None,
                installation_id=None,
                now=self.host.now(),
                payload={"number": number},
            )

    async def dispatch(self, limits: Limits = LIMITS) -> None:
        """Store the deliveries of all events."""
        while await dispatch_some(self.host, PAYLOADS, limits):
            pass

    async def send(self, seconds: float = 0, queue: Queue = QUEUE) -> None:
        """Make all attempts that are due some seconds from now."""
        host = at(self.host, seconds)
        async with sending_deliveries(host, queue=queue):
            due = "SELECT 1 FROM deliveries WHERE due_on <= ? LIMIT 1"
            while await host.store.database.read(due, to_text(host.now())):
                await asyncio.sleep(0.005)

    async def log(self) -> list[Delivery]:
        """Return all deliveries, the oldest first."""
        page = await page_of_deliveries(self.host.store.database, PageRequest(number=1, length=1000))
        return list(page.items)[::-1]


def at(host: Host, seconds: float) -> Host:
    """Return the host some seconds later, where its clock stands still."""
    moment = host.clock() + seconds
    return replace(host, clock=lambda: moment)


@asynccontextmanager
async def scene(settings: Settings, repositories: int = 1) -> AsyncIterator[Scene]:
    """Yield a scene, whose host serves nothing."""
    async with open_host(settings) as host:
        owner = SessionUser(await users.create_user(host, "owner"))
        await workspaces.create_workspace(host, "acme", name=None, owner="owner")
        await projects.create_project(host, owner, "acme", ProjectChanges("ALL", "ALL"))
        made = [
            await create_repository(host, owner, "acme", f"repo-{number}", RepositoryChanges(project="ALL"))
            for number in range(repositories)
        ]
        await _drain(host)
        yield Scene(at(host, 0), made)


async def _drain(host: Host) -> None:
    """Dispatch the events of the creations before any hook is there that would hear them."""
    while await dispatch_some(host, PAYLOADS):
        pass


def run(settings: Settings, scenario: Callable[[Scene], Awaitable[None]], repositories: int = 1) -> None:
    """Play a scenario."""

    async def play() -> None:
        async with scene(settings, repositories) as made:
            await scenario(made)

    asyncio.run(play())

"""The host: everything that domain functions work with, in one place."""

import asyncio
import base64
import logging
import math
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from roadstead.domain.access.admission import Admission, open_files
from roadstead.domain.access.git_places import COMPUTING_SHARE, GitPlaces
from roadstead.domain.access.guesses import Guesses
from roadstead.domain.access.rate_limit import RateLimit
from roadstead.domain.access.refusals import Refusals
from roadstead.domain.coalescing import Coalescing
from roadstead.domain.running import running_hosts
from roadstead.domain.shutdown import finish
from roadstead.domain.telemetry.metrics import Metrics
from roadstead.domain.traffic.recording import Recorder
from roadstead.domain.traffic.request_log import RequestLog
from roadstead.git import close as close_repositories
from roadstead.model import OPERATOR_ID, User
from roadstead.outbound.calls import Outbound
from roadstead.outbound.lifecycle import Sender
from roadstead.outbound.places import Ourselves
from roadstead.settings import DEFAULT_PORT, Settings, is_loopback
from roadstead.storage import Store, open_store
from roadstead.storage.database import BUSY_SECONDS
from roadstead.storage.facts import add_fact, find_fact, keep_fact
from roadstead.storage.users import find_user
from roadstead.turns import Turns

FINISH_SECONDS = 10.0
"""How long a stopping host waits for deferred work: as long as one call to an app may take."""
CHANGE_SECONDS = 60.0
"""How long a change of many values waits for earlier ones of the same app."""
CHANGES_WAITING = 20
"""Of one app."""
HASHING_SECONDS = 10.0
"""How long a password waits until it is hashed."""

log = logging.getLogger("roadstead")


@dataclass(frozen=True, slots=True)
class Host:
    """A running host, or a command line that works on the same state.

    `base_url` has no trailing slash. `operator` is the name of the acting operator in the audit log.
    `rate_limit` is that of each installation, by id. `clock` gives Unix time, for moments that are stored or shown.
    `updating` are the ids of the installations that are being updated here; the check of a descriptor locks `judging`.
    `guesses` counts wrong secrets; `domain/access/wrong_secrets.py` asks it.
    `token_uses` counts the uses of API tokens, to note one an hour.
    `changing` gives each installation its turn to change many values, and `hashing` each caller to hash a password.
    `transfers` has the places for clones and pushes, `computing` those for other processes that read a repository, and
    `writing` those for what the API and the pages make and change in repositories.
    `pushed_to` has the folders of repositories that were pushed to, for maintenance.
    """

    settings: Settings
    store: Store
    outbound: Outbound
    base_url: str
    operator: str
    recorder: Recorder
    request_log: RequestLog
    finish_seconds: float
    admission: Admission = field(repr=False)
    changing: Turns = field(repr=False)
    rate_limit: RateLimit | None = None
    metrics: Metrics = field(default_factory=Metrics)
    guesses: Guesses = field(default_factory=Guesses, repr=False)
    token_uses: RateLimit = field(default_factory=lambda: RateLimit(1, seconds=3600), repr=False)
    clock: Callable[[], float] = time.time
    updating: set[int] = field(default_factory=set, repr=False)
    judging: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)
    hashing: Turns = field(default_factory=lambda: Turns(1, HASHING_SECONDS, "passwords"), repr=False)
    computing: GitPlaces = field(
        default_factory=lambda: GitPlaces(share=COMPUTING_SHARE, what="comparisons, histories and archives"), repr=False
    )
    writing: GitPlaces = field(default_factory=lambda: GitPlaces(what="changes of repositories"), repr=False)
    transfers: GitPlaces = field(default_factory=GitPlaces, repr=False)
    pushed_to: asyncio.Queue[Path] = field(default_factory=asyncio.Queue, repr=False)
    _running: set[asyncio.Task[None]] = field(default_factory=set, repr=False)
    coalescing: Coalescing = field(init=False, repr=False)
    refusals: Refusals = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "coalescing", Coalescing(self.run_later))
        object.__setattr__(self, "refusals", Refusals(self.metrics))

    @property
    def is_for_this_machine(self) -> bool:
        """Return whether only this machine uses the host: another base URL means that others do, through a proxy."""
        name = urlsplit(self.base_url).hostname or ""
        return self.settings.listens_on_loopback and is_loopback(name)

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def run_later(self, work: Coroutine[Any, Any, None]) -> None:
        """Start work that must not delay an answer. It is finished before the host closes."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("work after an answer failed", exc_info=task.exception())

    async def finish(self) -> None:
        """Wait for all deferred work, up to a limit."""
        await finish(self._running, self.finish_seconds)

    async def sender(self, actor: User | None = None) -> Sender:
        """Return the sender of lifecycle calls; without an actor, the operator acts.

        Its key is made once and kept, because apps may compare it.
        """
        public_key = await self._fact("public_key", _make_public_key)
        return Sender(self.base_url, public_key, actor or await self.find_operator())

    async def find_operator(self) -> User:
        """Return the operator, whom the migrations made."""
        operator = await find_user(self.store.database, OPERATOR_ID)
        assert operator is not None  # noqa: S101  # see above
        return operator

    async def remember_address(self) -> str | None:
        """Store our address for commands that find no running host on their machine. Return the previous one."""
        async with self.store.database.transaction() as tx:
            before = await find_fact(tx, "base_url")
            await keep_fact(tx, "base_url", self.base_url)
            await keep_fact(tx, "host", self.settings.host)
        return before

    async def _fact(self, name: str, make: Callable[[], str]) -> str:
        database = self.store.database
        known = await find_fact(database, name)
        if known is None:
            made = await asyncio.to_thread(make)
            async with database.transaction() as tx:
                await add_fact(tx, name, made)
                known = await find_fact(tx, name)
        return known or made


@asynccontextmanager
async def open_host(
    settings: Settings,
    *,
    operator: str = "operator (host)",
    admission: Admission | None = None,
    transfers: GitPlaces | None = None,
    changes_waiting: int = CHANGES_WAITING,
    busy_seconds: float = BUSY_SECONDS,
    finish_seconds: float = FINISH_SECONDS,
) -> AsyncIterator[Host]:
    """Open the state and close it again. Raise `StorageUnusable`.

    Without a base URL in the settings it is that of the host which has been running the longest, or else that of the
    last host, so that a command beside a running host gives apps the same address. Such a command does not call apps on
    this machine when one of the running hosts may not.
    """
    async with open_store(settings, busy_seconds=busy_seconds) as store:
        recorder = Recorder(store, keep=settings.keep_requests, clock=time.time)
        running = running_hosts(settings)
        base_url = settings.base_url or (
            running[0].base_url if running else await find_fact(store.database, "base_url")
        )
        listened_at = [one.host for one in running] or [await find_fact(store.database, "host") or settings.host]
        port = settings.port or DEFAULT_PORT
        base_url = base_url or f"http://localhost:{port}"
        host = Host(
            settings=settings,
            store=store,
            outbound=Outbound(
                allow_loopback=settings.listens_on_loopback and all(map(is_loopback, listened_at)),
                allowed=settings.allow_target,
                ourselves=Ourselves.at(base_url, (port, *(one.port for one in running))),
                watch=recorder.add,
            ),
            base_url=base_url,
            operator=operator,
            rate_limit=RateLimit(settings.rate_limit, seconds=3600) if settings.rate_limit else None,
            recorder=recorder,
            admission=admission or Admission(open_files()),
            transfers=transfers or GitPlaces(),
            changing=Turns(math.inf, CHANGE_SECONDS, "changes of many values", most_waiting=changes_waiting),
            finish_seconds=finish_seconds,
            request_log=RequestLog(store, which=settings.log_requests, clock=time.time),
        )
        try:
            yield host
        finally:
            await host.finish()
            await host.outbound.close()
            await recorder.close()
            await host.request_log.close()
            await close_repositories()


def _make_public_key() -> str:
    """Return the Base64 DER of an RSA public key, which apps take as the sign of a real host; it signs nothing."""
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    return base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()

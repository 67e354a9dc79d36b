"""The same host on PostgreSQL, which is started here with its default durability.

There are two processors: the server under test has one, the database and the load share the other, except that two
workers have both. So rates say little, and processor time per request is compared instead.
"""

import asyncio
import os
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import asyncpg
from tests.postgres import running_server

from bench import bulk, servers
from bench.api import Workload, beside_hello, measure, new_values, repeated, roadstead_workloads
from bench.app import App, Client, install
from bench.figures import Figure
from bench.scratch import scratch_folder
from bench.servers import Server

T = TypeVar("T")

HELLO = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
TARGETS = {
    "get": ("GET one value out of 100,000", 0.35),
    "post": ("POST one value, committed", 0.15),
    "hundred-thousand first": ("a page of 50 out of 100,000", None),
}


def figures() -> Iterator[Figure | str]:
    with running_server(durable=True) as database, scratch_folder() as data:
        ((version,),) = database.run("SHOW server_version")
        yield f"PostgreSQL {version}"
        url = database.new_database()
        with _stored_at(url):
            app = install(data)
            yield from _beside_hello(app, data)
            yield from _bulk(app, data, url)
            yield from _two_workers(app, data)


@contextmanager
def _stored_at(url: str) -> Iterator[None]:
    """Make the servers and commands that are started here keep their state there."""
    os.environ["ROADSTEAD_DATABASE_URL"] = url
    try:
        yield
    finally:
        del os.environ["ROADSTEAD_DATABASE_URL"]


def _beside_hello(app: App, data: Path) -> Iterator[Figure]:
    with servers.hello() as hello, servers.roadstead(data) as roadstead:
        ours = roadstead_workloads(app, roadstead)
        runs = measure({"hello": repeated(hello, HELLO), **{name: ours[name] for name in TARGETS}})
    for name, (what, target) in TARGETS.items():
        yield beside_hello(what, runs[name], runs["hello"], target)


def _two_workers(app: App, data: Path) -> Iterator[Figure]:
    """Yield that a request costs two workers no more; without processors to spare, nothing else can be shown."""
    with servers.roadstead(data) as one, servers.roadstead(data, workers=2) as two:
        work: dict[tuple[str, Server], Workload] = {}
        for server, earlier_rounds in ((one, 20), (two, 40)):
            work["GET", server] = roadstead_workloads(app, server)["get"]
            work["POST", server] = Workload(server, partial(_additions, app, earlier_rounds), status=201)
        runs = measure(work)
    for name in ("GET", "POST"):
        pairs = list(zip(runs[name, one], runs[name, two], strict=True))
        cost = median(two_run.cost / one_run.cost for one_run, two_run in pairs)
        rate = median(two_run.rate / one_run.rate for one_run, two_run in pairs)
        yield Figure(f"two workers, processor time of a {name}", cost, "× one", note=f"rate {rate:.2f} ×")


def _additions(app: App, earlier_rounds: int, number: int) -> Iterable[bytes]:
    return new_values(app, earlier_rounds + number)


def _bulk(app: App, data: Path, url: str) -> Iterator[Figure]:
    with (
        servers.roadstead(data) as server,
        closing(Client(app, server.port)) as client,
        closing(_ByHand(url)) as by_hand,
    ):
        yield from bulk.beside(bulk.request(client), by_hand.replacing, "COPY by hand")


class _ByHand:
    """The same change of a set as an administrator would make it: `COPY` into a table, then the difference."""

    def __init__(self, url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._connection: asyncpg.Connection = self._run(asyncpg.connect(url))
        self._run(self._connection.execute('CREATE TEMPORARY TABLE incoming (value TEXT COLLATE "C")'))
        sql = "SELECT id, installation_id FROM linkers WHERE key = $1"
        self._linker, self._installation = self._run(self._connection.fetchrow(sql, bulk.LINKER))

    def _run(self, work: Awaitable[T]) -> T:
        return self._loop.run_until_complete(work)

    def replacing(self, values: Sequence[str]) -> partial[None]:
        return partial(self._run, self._replace([(value,) for value in values]))

    async def _replace(self, records: list[tuple[str]]) -> None:
        connection = self._connection
        async with connection.transaction():
            await connection.execute("TRUNCATE incoming")
            await connection.copy_records_to_table("incoming", records=records)
            await connection.execute("ANALYZE incoming")
            await connection.execute(
                "DELETE FROM linker_values AS v WHERE linker_id = $1 "
                "AND NOT EXISTS (SELECT 1 FROM incoming WHERE incoming.value = v.value)",
                self._linker,
            )
            await connection.execute(
                "INSERT INTO linker_values (installation_id, linker_id, value) SELECT $1, $2, value FROM incoming "
                "WHERE NOT EXISTS (SELECT 1 FROM linker_values AS v WHERE linker_id = $2 AND v.value = incoming.value)",
                self._installation,
                self._linker,
            )
            await connection.execute(
                "UPDATE linkers SET value_count = $1, revision = revision + 1 WHERE id = $2", len(records), self._linker
            )

    def close(self) -> None:
        self._run(self._connection.close())
        self._loop.close()

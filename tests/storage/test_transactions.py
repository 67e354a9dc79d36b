"""The promises of every database: transactions, reads, leases, snapshots and the schema."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from roadstead.connect.evidence import Check, Evidence, Known
from roadstead.errors import StorageUnusable
from roadstead.listing import PageRequest
from roadstead.recorded import Message, RecordedRequest, RequestDetails
from roadstead.settings import Settings
from roadstead.storage import open_database, postgres, sqlite
from roadstead.storage.database import AlreadyThere, Database, ListTakesTooLong, Transaction, Unfit
from roadstead.storage.facts import find_fact, keep_fact
from roadstead.storage.requests import add_requests, find_request, page_of_requests
from tests.conftest import NewDatabase

Scenario = Callable[[Database], Awaitable[None]]


@dataclass(frozen=True)
class Place:
    """The place of a database; each opening stands for another process."""

    settings: Settings

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Database]:
        database = open_database(self.settings)
        try:
            await database.migrate()
            yield database
        finally:
            await database.close()

    def run(self, scenario: Scenario) -> None:
        async def run() -> None:
            async with self.opened() as database:
                await scenario(database)

        asyncio.run(run())


@pytest.fixture
def place(tmp_path: Path, new_database: NewDatabase) -> Place:
    return Place(Settings(data=tmp_path, database_url=new_database()))


async def _keep(database: Database, name: str, value: str = "1") -> None:
    async with database.transaction() as tx:
        await keep_fact(tx, name, value)


def test_what_a_transaction_wrote_is_there_after_it(place: Place) -> None:
    """A committed change is seen by the next read and by another process's connection."""

    async def scenario(database: Database) -> None:
        await _keep(database, "a")
        assert await find_fact(database, "a") == "1"
        async with place.opened() as other:
            assert await find_fact(other, "a") == "1"

    place.run(scenario)


def test_a_failing_block_changes_nothing(place: Place) -> None:
    """An exception in the block undoes its changes and keeps those of others that share the commit."""

    async def scenario(database: Database) -> None:
        async def fail() -> None:
            async with database.transaction() as tx:
                await keep_fact(tx, "lost", "1")
                raise ValueError

        outcomes = await asyncio.gather(
            _keep(database, "a"), fail(), _keep(database, "b"), fail(), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None), ValueError]
        assert [await find_fact(database, name) for name in ("a", "lost", "b")] == ["1", None, "1"]

    place.run(scenario)


def test_writers_at_the_same_time_all_get_through(place: Place) -> None:
    """A thousand concurrent transactions each find their own change committed when they end."""

    async def scenario(database: Database) -> None:
        async def write(number: int) -> None:
            await _keep(database, f"n{number}")
            assert await find_fact(database, f"n{number}") == "1"

        await asyncio.gather(*(write(number) for number in range(1000)))

    place.run(scenario)


def test_cancelled_writers_do_not_hold_up_others(place: Place) -> None:
    """Writers that give up at any point leave a working database, and the rest are committed."""

    async def scenario(database: Database) -> None:
        tasks = [asyncio.create_task(_keep(database, f"n{number}")) for number in range(200)]
        for number, task in enumerate(tasks):
            if number % 3 == 0:
                task.cancel()
            if number % 7 == 0:
                await asyncio.sleep(0)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        for number, outcome in enumerate(outcomes):
            if outcome is None:
                assert await find_fact(database, f"n{number}") == "1"
        await _keep(database, "after")
        assert await find_fact(database, "after") == "1"

    place.run(scenario)


def test_reads_do_not_see_what_is_not_committed(place: Place) -> None:
    """Outside its transaction a change does not exist before the commit."""

    async def scenario(database: Database) -> None:
        async with database.transaction() as tx:
            await keep_fact(tx, "a", "1")
            assert await find_fact(tx, "a") == "1"
            assert await find_fact(database, "a") is None

    place.run(scenario)


def test_a_unique_constraint_is_translated(place: Place) -> None:
    """A driver's error leaves the database as ours."""

    async def scenario(database: Database) -> None:
        async def add(tx: Transaction) -> None:
            await tx.insert(
                "INSERT INTO workspaces (slug, uuid, name, created_on) VALUES ('a', 'u', 'a', '') RETURNING id"
            )

        with pytest.raises(AlreadyThere):  # noqa: PT012  # it is the second that is refused
            async with database.transaction() as tx:
                await add(tx)
                await add(tx)
        assert await database.read("SELECT slug FROM workspaces") == []

    place.run(scenario)


def test_opening_again_finds_the_schema_in_place(place: Place) -> None:
    """Migrations run once, and data survives closing."""

    async def write(database: Database) -> None:
        await _keep(database, "a")

    async def read(database: Database) -> None:
        assert await find_fact(database, "a") == "1"

    place.run(write)
    place.run(read)


def test_data_of_a_newer_version_is_refused(place: Place) -> None:
    """An older program never touches a schema that it does not know."""

    async def spoil(database: Database) -> None:
        async with database.transaction() as tx:
            await tx.run("INSERT INTO migrations (number) VALUES (9999)")

    async def unused(database: Database) -> None:
        raise AssertionError

    place.run(spoil)
    with pytest.raises(StorageUnusable, match="newer version"):
        place.run(unused)


def test_kept_diagnoses_take_the_word_of_today(place: Place) -> None:
    """Change 0012 turns the former verdict `holds` of a recorded check into `passes`, and changes nothing
    else of it.
    """
    nothing = Message((), "", 0)
    checks = [
        Check("signature", "passes", 'It holds; "verdict":"holds" is quoted from the token.'),
        Check("signature", "fails", "It was signed with another secret.", "Install the app again."),
    ]
    kept = [Evidence((Known("tide", "ck", "harbour", installed=True),), check) for check in checks]

    async def go_back(database: Database) -> None:
        async with database.transaction() as tx:
            request = RecordedRequest(0, datetime.now(UTC), "in", None, "GET", "/", 401, None, 1.0, 0, 0)
            rows = [RequestDetails(request, nothing, nothing, None, evidence) for evidence in (*kept, None)]
            await add_requests(tx, rows, keep=3)
            await tx.run("""UPDATE requests SET evidence = replace(evidence, '"passes"', '"holds"')""")
            await tx.run("DELETE FROM migrations WHERE number = 12")

    async def read(database: Database) -> None:
        page = await page_of_requests(database, PageRequest(number=1, length=3))
        details = [await find_request(database, one.id) for one in reversed(page.items)]
        assert [one.evidence for one in details if one] == [*kept, None]

    place.run(go_back)
    place.run(read)


def test_a_lease_is_held_by_one(place: Place) -> None:
    """A lease can be taken once, also from another connection to the same file, until it is released."""

    async def scenario(database: Database) -> None:
        lease = await database.lease("name")
        assert lease is not None
        assert await database.lease("name") is None
        async with place.opened() as other:
            assert await other.lease("name") is None
            unrelated = await other.lease("another name")
            assert await other.lease("another name") is None
            assert await database.lease("another name") is None
            assert unrelated is not None
            await unrelated.release()
            await lease.release()
            again = await other.lease("name")
            assert again is not None
            await again.release()

    place.run(scenario)


def test_a_snapshot_stays_as_it_was(place: Place) -> None:
    """A commit while a snapshot is open is not seen in it, and is not delayed by it."""

    async def scenario(database: Database) -> None:
        await _keep(database, "before")
        async with database.snapshot() as snapshot:
            await _keep(database, "meanwhile")
            assert await find_fact(database, "meanwhile") == "1"
            assert await snapshot.scan("SELECT name FROM facts") == [("before",)]
            assert await snapshot.read("SELECT COUNT(*) FROM facts") == [(1,)]

    place.run(scenario)


def test_every_change_of_what_is_remembered_makes_another_version(place: Place) -> None:
    """For a change by any process, the version after its commit is new, and with other commits it stays."""

    async def scenario(database: Database) -> None:
        async with place.opened() as other:
            seen = [await database.version()]
            for number in range(20):
                through = other if number % 2 else database
                async with through.transaction() as tx:
                    await tx.run("UPDATE workspaces SET name = ?", str(number))
                await _keep(through, "a", str(number))
                await asyncio.sleep(0)  # an answered request is never handled in the turn of an unanswered one
                seen.append(await database.version())
            assert len(set(seen)) == 21
            await _keep(other, "a")
            assert await asyncio.gather(*(database.version() for _ in range(50))) == [seen[-1]] * 50

    place.run(scenario)


def test_what_was_read_for_a_change_is_held(place: Place) -> None:
    """Of transactions that read a number and write it one higher, none overwrites another's."""

    async def scenario(database: Database) -> None:
        async def count_on(through: Database) -> None:
            async with through.transaction() as tx:
                found = await tx.read(f"SELECT value FROM facts WHERE name = 'count'{tx.dialect.for_update}")
                await keep_fact(tx, "count", str(int(found[0][0]) + 1))

        await _keep(database, "count", "0")
        async with place.opened() as other:
            await asyncio.gather(*(count_on(through) for _ in range(20) for through in (database, other)))
        assert await find_fact(database, "count") == "40"

    place.run(scenario)


def test_bulk_statements_take_many_strings(place: Place) -> None:
    """A set of strings is one argument: its members and non-members are found, compared by code points."""

    async def scenario(database: Database) -> None:
        kept = ["b", "B", "é", "Z", "a", "\U0001f6a2"]
        async with database.transaction() as tx:
            await tx.run_many("INSERT INTO facts (name, value) VALUES (?, ?)", [(name, "") for name in kept])
            assert (
                await tx.run_bulk(
                    f"DELETE FROM facts WHERE {tx.dialect.not_among.format(column='name')}", tx.pack_strings(kept[:-2])
                )
                == 2
            )
            found = await tx.scan(f"SELECT value FROM ({tx.dialect.strings}) AS packed", tx.pack_strings(["x", "y"]))
        assert sorted(found) == [("x",), ("y",)]
        assert await database.scan("SELECT name FROM facts ORDER BY name") == [("B",), ("Z",), ("b",), ("é",)]

    place.run(scenario)


CONTAINED = [
    ("Straße", "STRASSE", True),
    ("ÉCOLE-1", "école", True),
    ("50%", "5_", False),
    ("BB-1", "bb", True),
    ("BB-1", "cc", False),
    ("ΣΊΣΥΦΟΣ", "σίσυφος", True),
]


def test_containing_ignores_case(place: Place) -> None:
    """Letters are Unicode's, and nothing in the part is a wildcard."""

    async def scenario(database: Database) -> None:
        for text, part, contained in CONTAINED:
            found = await database.read("SELECT CASE WHEN contains_folded(?, ?) THEN 1 ELSE 0 END", text, part)
            assert found == [(int(contained),)], (text, part)

    place.run(scenario)


def test_rows_that_do_not_fit_are_refused(place: Place) -> None:
    """Among many rows, one that the schema refuses undoes the others."""

    async def scenario(database: Database) -> None:
        for row in (("b", None), ("a", "2"), ("\ud800", "1")):
            with pytest.raises(Unfit):
                async with database.transaction() as tx:
                    await tx.run_many("INSERT INTO facts (name, value) VALUES (?, ?)", [("a", "1"), row])
            assert await database.read("SELECT name FROM facts") == []

    place.run(scenario)


def test_ids_go_on_after_those_that_were_given(place: Place) -> None:
    """A row that is added after others came with their ids gets a higher one."""

    async def scenario(database: Database) -> None:
        add = "INSERT INTO workspaces (slug, uuid, name, created_on) VALUES (?, ?, '', '') RETURNING id"
        async with database.transaction() as tx:
            await tx.run_many(
                "INSERT INTO workspaces (id, slug, uuid, name, created_on) VALUES (?, ?, ?, '', '')", [(7, "a", "a")]
            )
            await tx.go_on_after_ids("workspaces")
            assert await tx.insert(add, "b", "b") == 8

    place.run(scenario)


def test_the_audit_log_is_append_only(place: Place) -> None:
    """Code with an open database cannot alter or delete an entry by mistake."""

    async def scenario(database: Database) -> None:
        async with database.transaction() as tx:
            await tx.run("INSERT INTO audit_log (time, actor, action, subject, details) VALUES ('', '', '', '', '')")
        for statement in ("UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log"):
            with pytest.raises(Exception, match=r"append-only|reported an error"):  # nobody in the code does this
                async with database.transaction() as tx:
                    await tx.run(statement)

    place.run(scenario)


@pytest.mark.sample(1)
@pytest.mark.parametrize("inside", ["database", "snapshot"])
def test_a_search_that_takes_too_long_is_ended(place: Place, inside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database reports it, and serves the next."""
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n WHERE i < ?"

    async def search(database: Database) -> None:
        if inside == "database":
            await database.search(endless, 0)
        async with database.snapshot() as snapshot:
            await snapshot.search(endless, 0)

    async def scenario(database: Database) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(sqlite, "SEARCH_SECONDS", 0.05)
            patch.setattr(postgres, "SEARCH_SECONDS", 0.05)
            with pytest.raises(ListTakesTooLong):
                await search(database)
        assert await database.search("SELECT name FROM facts") == []

    place.run(scenario)

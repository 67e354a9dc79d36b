"""PostgreSQL: a server that goes down, a database that cannot be used, and several hosts on one."""

import asyncio
import contextlib
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from roadstead.cli.doctor import examine
from roadstead.cli.state import on_host
from roadstead.domain.apps.installations import register
from roadstead.errors import StorageUnavailable, StorageUnusable
from roadstead.settings import Settings
from roadstead.storage import open_database, postgres
from roadstead.storage.facts import find_fact, keep_fact
from roadstead.storage.postgres_errors import translate
from tests.live import AppClient, live_host, recording_app
from tests.postgres import Server

VALUES = "/2.0/addon/linkers/tickets/values"


@pytest.fixture
def settings(tmp_path: Path, postgresql: Server) -> Settings:
    return Settings(data=tmp_path / "data", database_url=postgresql.new_database(), base_url="http://localhost:1")


def _open(settings: Settings) -> None:
    on_host(settings, lambda host: register(host, "tide", "https://tide.example/"))


@contextlib.contextmanager
def _stopped(server: Server) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


def test_a_server_that_is_away_is_503_and_then_all_is_well(tmp_path: Path, postgresql: Server) -> None:
    """Reads and writes are answered 503 with `Retry-After`, and work again with the server, without a restart of the
    host.
    """
    url = postgresql.new_database()
    with recording_app() as app, live_host(tmp_path, database_url=url) as host:
        api = AppClient(host.url, host.install(app))
        assert api("PUT", VALUES, json=["KEPT"]).status_code == 204
        with _stopped(postgresql):
            for answer in (api("GET", VALUES), api("POST", VALUES, json={"value": "LOST"})):
                assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
                assert answer.json()["error"]["message"] == "The database is unreachable."
            assert httpx.get(f"{host.url}/-/health/ready").status_code == 503
            assert httpx.get(f"{host.url}/-/health/live").status_code == 200
        assert api("POST", VALUES, json={"value": "LATER"}).status_code == 201
        assert [value["value"] for value in api("GET", VALUES).json()["values"]] == ["KEPT", "LATER"]


def test_a_connection_that_ends_in_a_transaction_changes_nothing(settings: Settings, postgresql: Server) -> None:
    """The server ends the session in the middle: the block is refused as unavailable, and the next one works."""

    async def run() -> None:
        database = open_database(settings)
        try:
            await database.migrate()
            with pytest.raises(StorageUnavailable):  # noqa: PT012  # which statement is told of it does not matter
                async with database.transaction() as tx:
                    await keep_fact(tx, "lost", "1")
                    ((process,),) = await tx.read("SELECT pg_backend_pid()")
                    await database.read("SELECT pg_terminate_backend(?)", process)
                    await keep_fact(tx, "lost", "2")
            async with database.transaction() as tx:
                assert await find_fact(tx, "lost") is None
                await keep_fact(tx, "kept", "1")
            assert await find_fact(database, "kept") == "1"
        finally:
            await database.close()

    asyncio.run(run())


def test_nothing_is_asked_of_the_server_before_the_connection_is_there(settings: Settings) -> None:
    """A session's settings are made in it: a pooler refuses a start-up with more parameters than a name."""

    async def run() -> set[str]:
        database = open_database(settings)
        try:
            names = ", ".join(f"'{name}'" for name in (*postgres._SETTINGS, "lock_timeout"))
            # A reset restores the parameters of the start-up.
            asked = f"SELECT CAST(name AS TEXT) FROM pg_settings WHERE name IN ({names}) AND setting <> reset_val"
            return {name for (name,) in await database.read(asked)}
        finally:
            await database.close()

    assert asyncio.run(run()) == {"idle_in_transaction_session_timeout", "jit", "lock_timeout"}


@pytest.mark.parametrize("kind", [asyncpg.ProtocolViolationError, asyncpg.ConnectionRejectionError])
def test_a_refusal_is_told_as_the_server_says_it(kind: type[Exception]) -> None:
    """A server that answers is not unreachable."""
    with pytest.raises(StorageUnavailable) as refused:
        translate(kind("unsupported startup parameter: jit"))
    assert refused.value.message == "The database refuses the connection."
    assert refused.value.detail == "It says: unsupported startup parameter: jit."


def test_a_row_that_is_held_is_waited_for_and_then_refused(settings: Settings) -> None:
    """A writer that waits too long for another's transaction gets `StorageUnavailable`; reads work meanwhile."""

    async def run() -> None:
        database = open_database(settings, busy_seconds=2)  # also to connect, on a busy machine
        try:
            await database.migrate()
            async with database.transaction() as tx:
                await keep_fact(tx, "a", "1")
            async with database.transaction() as tx:
                await keep_fact(tx, "a", "2")
                with pytest.raises(StorageUnavailable, match="busy"):
                    async with database.transaction() as other:
                        await keep_fact(other, "a", "3")
                assert await find_fact(database, "a") == "1"
            assert await find_fact(database, "a") == "2"
        finally:
            await database.close()

    asyncio.run(run())


@pytest.mark.slow
def test_more_readers_than_connections_take_turns(settings: Settings) -> None:
    """Readers wait for a connection; one that waits too long is refused, and delays no other."""

    async def run() -> None:
        database = open_database(settings, busy_seconds=1)
        try:
            async with contextlib.AsyncExitStack() as held:
                for _ in range(postgres.CONNECTIONS):
                    await held.enter_async_context(database.snapshot())
                with pytest.raises(StorageUnavailable, match="busy"):
                    await database.read("SELECT 1")
            assert await asyncio.gather(*(database.scan("SELECT 1") for _ in range(100))) == [[(1,)]] * 100
        finally:
            await database.close()

    asyncio.run(run())


def test_reads_of_one_moment_go_together_and_stay_apart(settings: Settings) -> None:
    """Each gets its own rows, in their order; one that fails or is cancelled does not disturb the others."""

    async def run() -> None:
        database = open_database(settings)
        sql = (
            "SELECT value, CAST(? AS TEXT) FROM generate_series(CAST(? AS INT), 3) AS found (value) ORDER BY value DESC"
        )
        try:
            asked = [asyncio.ensure_future(database.read(sql, f"{first}", first)) for first in range(6)]
            wrong = asyncio.ensure_future(database.read(sql, "\0", 1))
            await asyncio.sleep(0)
            asked[2].cancel()
            for first in (0, 1, 3, 4, 5):
                assert await asked[first] == [(value, f"{first}") for value in range(3, first - 1, -1)]
            assert await wrong == []
        finally:
            await database.close()

    asyncio.run(run())


def test_cancelled_readers_leave_no_connection_at_work(settings: Settings) -> None:
    """A reader that gives up in the middle costs its connection, never another's answer."""

    async def run() -> None:
        database = open_database(settings)
        try:
            for _ in range(30):
                reading = asyncio.create_task(database.scan("SELECT CAST(pg_sleep(10) AS TEXT)"))
                await asyncio.sleep(0.002)
                reading.cancel()
                await asyncio.wait([reading])
            assert await asyncio.gather(*(database.read("SELECT 1") for _ in range(30))) == [[(1,)]] * 30
        finally:
            await database.close()

    asyncio.run(run())


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("preparation", "url", "told"),
    [
        ((), "{server}/missing", "does not exist"),
        (("CREATE ROLE guest LOGIN", "CREATE DATABASE owned"), "{guest}/owned", "permission denied"),
        (("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0",), "{server}/latin", "ENCODING 'UTF8'"),
        ((), "postgresql://x@127.0.0.1/y?sslmode=perhaps", "Check --database-url"),
    ],
    ids=["no database", "no rights", "no Unicode", "no URL"],
)
def test_a_database_that_cannot_be_used_is_a_clear_error(
    tmp_path: Path, postgresql: Server, preparation: tuple[str, ...], url: str, told: str
) -> None:
    """The message says what to do, and `doctor` finds the same."""
    for statement in preparation:
        postgresql.run(statement)
    url = url.format(server=postgresql.url, guest=postgresql.url.replace("roadstead@", "guest@"))
    settings = Settings(data=tmp_path, database_url=url)
    with pytest.raises(StorageUnusable) as refused:
        _open(settings)
    assert told in f"{refused.value.message} {refused.value.detail}"


def test_the_doctor_looks_at_the_database(settings: Settings, postgresql: Server) -> None:
    """The check creates nothing; a good state has no finding; a server that is down is a problem."""
    assert _status(settings, "database") == "warning"
    assert not settings.data.exists()
    _open(settings)
    assert (_status(settings, "database"), _status(settings, "key")) == ("ok", "ok")
    with _stopped(postgresql):
        assert _status(settings, "database") == "problem"
    (settings.data / "secret.key").unlink()
    assert _status(settings, "key") == "problem"


def _status(settings: Settings, name: str) -> str:
    (found,) = (check for check in examine(settings) if check.name == name)
    return found.status


def test_a_second_host_needs_the_key_of_the_first(tmp_path: Path, settings: Settings) -> None:
    """It never makes its own, which would open nothing; with the key file copied, both work on one state."""
    _open(settings)
    second = Settings(data=tmp_path / "second", database_url=settings.database_url)
    with pytest.raises(StorageUnusable, match="key file is missing"):
        _open(second)
    (second.data / "secret.key").write_bytes((settings.data / "secret.key").read_bytes())
    (second.data / "secret.key").chmod(0o600)
    _open(second)


def test_the_password_is_not_shown(tmp_path: Path) -> None:
    """The printable form of the settings names the database, and neither password nor options."""
    settings = Settings(data=tmp_path, database_url="postgresql://tide:hush@db.example:5433/rs?password=hush")
    assert settings.database_name == "postgresql://tide:***@db.example:5433/rs"
    assert "hush" not in repr(settings)

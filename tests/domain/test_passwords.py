"""Passwords beside other changes of their user: what happens between the check and the session."""

import asyncio
import gzip
import io
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from roadstead.domain.access import credentials, passwords
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import users
from roadstead.domain.upkeep import transfer
from roadstead.errors import Conflict
from roadstead.model import User
from roadstead.settings import Settings
from roadstead.storage import passwords as rows

FIRST, SECOND = "three words in a row", "quite another password"


async def _ann(host: Host) -> User:
    ann = await users.create_user(host, "ann")
    await passwords.change(host, ann, "", FIRST, "here", staying="")
    return ann


async def _deactivate(host: Host) -> None:
    await users.deactivate_user(host, "ann")


async def _change(host: Host) -> None:
    await passwords.change(host, await users.find_user(host, "ann"), FIRST, SECOND, "elsewhere", staying="")


async def _reset(host: Host) -> None:
    await passwords.reset(host, "ann")


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Host], Awaitable[None]]], None]:
    """Return a function that lets something happen once, after the password was found to be right."""

    def once(happens: Callable[[Host], Awaitable[None]]) -> None:
        check = passwords._is_right

        async def check_and_wait(host: Host, *arguments: str) -> bool:
            is_right = await check(host, *arguments)
            monkeypatch.setattr(passwords, "_is_right", check)
            await happens(host)
            return is_right

        monkeypatch.setattr(passwords, "_is_right", check_and_wait)

    return once


@pytest.mark.sample(1)
@pytest.mark.parametrize("happens", [_deactivate, _change, _reset])
def test_a_password_that_no_longer_holds_begins_no_session(
    tmp_path: Path,
    new_database: Callable[[], str | None],
    between: Callable[[Callable[[Host], Awaitable[None]]], None],
    happens: Callable[[Host], Awaitable[None]],
) -> None:
    """The user is deactivated, or the password is changed or reset, by another host while it is being checked."""
    settings = Settings(data=tmp_path, database_url=new_database())

    async def run() -> None:
        async with open_host(settings) as host, open_host(settings) as other:
            await _ann(host)
            between(lambda _: happens(other))
            assert await passwords.sign_in(host, "ann", FIRST, "here") is None

    asyncio.run(run())


def test_of_two_changes_at_once_one_is_refused(
    tmp_path: Path, between: Callable[[Callable[[Host], Awaitable[None]]], None]
) -> None:
    """The one that comes first holds."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            ann = await _ann(host)
            between(_change)
            with pytest.raises(Conflict):
                await passwords.change(host, ann, FIRST, "a third password", "here", staying="")
            assert await passwords.sign_in(host, "ann", SECOND, "here") is not None

    asyncio.run(run())


@pytest.mark.each_database
def test_deactivation_ends_everything_on_every_host(tmp_path: Path, new_database: Callable[[], str | None]) -> None:
    """A session, the password and a token that another host has just accepted are worth nothing there afterwards."""
    settings = Settings(data=tmp_path, database_url=new_database())

    async def run() -> None:
        async with open_host(settings) as host, open_host(settings) as other:
            ann = await _ann(host)
            session = await passwords.sign_in(other, "ann", FIRST, "here")
            token, _ = await credentials.create_api_token(host, "ci", None, user_id=ann.id)
            assert session is not None
            assert await credentials.find_session_user(other, session) is not None
            assert await credentials.find_token(other, token) is not None
            await users.deactivate_user(host, "ann")
            assert await credentials.find_session_user(other, session) is None
            assert await credentials.find_token(other, token) is None
            assert await rows.find_hash(other.store.database, ann.id) is None
            with pytest.raises(Conflict):
                await passwords.reset(other, "ann")

    asyncio.run(run())


@pytest.mark.parametrize("with_secrets", [False, True])
def test_a_password_moves_with_the_secrets(tmp_path: Path, with_secrets: bool) -> None:
    """An export without secrets has no hash, which could be guessed at; after the import the user has no password."""
    exported = io.BytesIO()

    async def run() -> None:
        async with open_host(Settings(data=tmp_path / "old")) as host:
            await _ann(host)
            await transfer.export_state(host, exported, with_secrets=with_secrets)
        assert (b"$argon2" in gzip.decompress(exported.getvalue())) == with_secrets
        async with open_host(Settings(data=tmp_path / "new")) as host:
            await transfer.import_state(host, io.BytesIO(exported.getvalue()))
            assert await passwords.has_password(host, await users.find_user(host, "ann")) == with_secrets
            assert (await passwords.sign_in(host, "ann", FIRST, "here") is not None) == with_secrets

    asyncio.run(run())


def test_a_reset_ends_password_and_sessions(tmp_path: Path) -> None:
    """Tokens stay, and the link signs in once."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            ann = await _ann(host)
            session = await passwords.sign_in(host, "ann", FIRST, "here")
            token, _ = await credentials.create_api_token(host, "ci", None, user_id=ann.id)
            link = await passwords.reset(host, "ann")
            assert await passwords.sign_in(host, "ann", FIRST, "here") is None
            assert await credentials.find_session_user(host, session or "") is None
            assert await credentials.find_token(host, token) is not None
            assert link.endswith("&next=/-/profile")
            assert await credentials.sign_in(host, link.partition("code=")[2].partition("&")[0]) is not None
            assert not await passwords.has_password(host, ann)
            with pytest.raises(users.UserNotFound):
                await passwords.reset(host, "ben")

    asyncio.run(run())

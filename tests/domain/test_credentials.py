"""The lifetimes of the operator's and the apps' credentials."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from roadstead.domain.access import credentials
from roadstead.domain.apps import installations
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import users
from roadstead.domain.upkeep import audit
from roadstead.model import User
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.live import recording_app

NOW = 1_800_000_000.0
Works = Callable[[Host], Awaitable[object]]


def _at(host: Host, moment: float) -> Host:
    return replace(host, clock=lambda: moment)


async def _api_token(host: Host) -> Works:
    token, _ = await credentials.create_api_token(host, "test", timedelta(days=2))
    return lambda later: credentials.find_api_token(later, token)


async def _api_token_without_end(host: Host) -> Works:
    token, _ = await credentials.create_api_token(host, "test", None)
    return lambda later: credentials.find_api_token(later, token)


async def _session(host: Host) -> Works:
    session = await credentials.sign_in(host, await _code(host))
    assert session is not None
    return lambda later: credentials.find_session_user(later, session)


async def _sign_in_code(host: Host) -> Works:
    code = await _code(host)
    return lambda later: credentials.sign_in(later, code)


async def _code(host: Host) -> str:
    return (await credentials.sign_in_link(host)).rpartition("code=")[2]


async def _access_token(host: Host) -> Works:
    with recording_app() as app:
        installation = await installations.install(host, app.descriptor_url, "local")
    token, _ = await credentials.exchange(host, installation.id, scopes=(), repository=None)
    return lambda later: credentials.find_access_token(later, token)


HOUR, DAY = 3600, 86400


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("make", "lifetime"),
    [(_api_token, 2 * DAY), (_session, 7 * DAY), (_sign_in_code, 12 * HOUR), (_access_token, HOUR)],
)
def test_it_ends(tmp_path: Path, make: Callable[[Host], Awaitable[Works]], lifetime: int) -> None:
    """A credential is valid until its last second, and not a second longer, also if something still caches it."""

    async def outcomes() -> list[bool]:
        async with open_host(Settings(data=tmp_path)) as host:
            works = await make(_at(host, NOW))
            moments = (NOW + lifetime, NOW + lifetime - 1)
            return [bool(await works(_at(host, moment))) for moment in moments]

    assert asyncio.run(outcomes()) == [False, True]


@pytest.mark.sample(2)
@pytest.mark.parametrize("make", [_api_token, _session, _sign_in_code, _access_token])
def test_what_a_clock_made_that_was_ahead_ends_with_that(
    tmp_path: Path, make: Callable[[Host], Awaitable[Works]]
) -> None:
    """When the clock is right again, the credential is invalid; clocks of several hosts may differ by some seconds."""

    async def outcomes() -> list[bool]:
        async with open_host(Settings(data=tmp_path)) as host:
            works = await make(_at(host, NOW))
            return [bool(await works(_at(host, NOW - ahead))) for ahead in (300 * DAY, 5)]

    assert asyncio.run(outcomes()) == [False, True]


def test_a_token_without_an_end_has_none(tmp_path: Path) -> None:
    """It works until it is revoked, which takes effect everywhere immediately."""

    async def outcomes() -> list[bool]:
        async with open_host(Settings(data=tmp_path)) as host, open_host(Settings(data=tmp_path)) as other:
            works = await _api_token_without_end(host)
            before = bool(await works(_at(other, NOW * 2)))
            await credentials.revoke_api_token(host, (await credentials.list_api_tokens(host))[0].token.id)
            return [before, bool(await works(other))]

    assert asyncio.run(outcomes()) == [True, False]


def test_a_token_has_its_user_as_another_process_left_it(tmp_path: Path, new_database: NewDatabase) -> None:
    """At the next use, although the token was read before: with another name, and not at all once it is deactivated."""
    settings = Settings(data=tmp_path, database_url=new_database())

    async def run() -> None:
        async with open_host(settings) as host, open_host(settings) as other:

            async def users_found() -> list[User | None]:
                found = [await credentials.find_api_token(one, token) for one in (host, other)]
                return [None if one is None else one.user for one in found]

            ann, token = await credentials.create_user_with_token(host, "ann")
            assert await users_found() == [ann, ann]
            await users.rename(host, ann, display_name="Ann Marie", nickname="ann")
            assert await users_found() == [await users.find_user(host, "ann")] * 2
            await users.deactivate_user(host, "ann")
            assert await users_found() == [None, None]

    asyncio.run(run())


def test_the_log_says_who_used_a_sign_in_link(tmp_path: Path) -> None:
    """The user whose link it was; the operator has the name that all changes on the pages have."""

    async def actors() -> list[str]:
        async with open_host(Settings(data=tmp_path)) as host:
            ann = await users.create_user(host, "ann")
            links = [await credentials.sign_in_link(host, user_id=ann.id), await credentials.sign_in_link(host)]
            for link in links:
                await credentials.sign_in(host, link.rpartition("code=")[2])
            entries = await audit.latest_entries(host, 10)
            return [one.actor for one in entries if one.action == "sign-in link used"]

    assert asyncio.run(actors()) == ["operator (host)", "user ann"]

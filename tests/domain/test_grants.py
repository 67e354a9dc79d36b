"""Grants of OAuth consumers: how long their tokens last, what two uses at once do, and what moves with the state."""

import asyncio
import io
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from roadstead.domain.access import consumers, credentials, grants
from roadstead.domain.access.grants import Asked, Issued, Refused
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import users, workspaces
from roadstead.domain.upkeep import transfer
from roadstead.errors import Conflict, InvalidInput, NotAuthenticated, NotFound
from roadstead.model import Consumer
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.postgres import Server

NOW = 1_800_000_000.0
MINUTE, HOUR, DAY = 60, 3600, 86400
CALLBACK = "https://app.example/callback"


def _at(host: Host, moment: float) -> Host:
    return replace(host, clock=lambda: moment)


async def _consumer(host: Host, name: str = "Widgets") -> Consumer:
    try:
        await users.create_user(host, "ann")
        await workspaces.create_workspace(host, "acme", name=None, owner="ann")
    except Conflict:
        pass
    made, _ = await consumers.create_consumer(host, "acme", name, callback_url=CALLBACK, scopes="account")
    return made


async def _code(host: Host, consumer: Consumer) -> str:
    asked = Asked(consumer, consumer.scopes, None, None)
    return await grants.consent(host, await users.find_user(host, "ann"), asked)


async def _redeem(host: Host, consumer: Consumer, code: str) -> Issued:
    return await grants.redeem(host, consumer, code, redirect_uri=None, verifier=None)


async def _refresh(host: Host, consumer: Consumer, token: str) -> Issued:
    return await grants.refresh(host, consumer, token, None)


Use = Callable[[Host], Awaitable[object]]


async def _use_of_code(host: Host, consumer: Consumer) -> Use:
    code = await _code(host, consumer)
    return lambda later: _redeem(later, consumer, code)


async def _use_of_refresh_token(host: Host, consumer: Consumer) -> Use:
    issued = await grants.act_as_owner(host, consumer, None)
    return lambda later: _refresh(later, consumer, issued.refresh_token)


async def _use_of_access_token(host: Host, consumer: Consumer) -> Use:
    issued = await grants.act_as_owner(host, consumer, None)
    return lambda later: grants.find_token(later, issued.access_token)


async def _works(use: Use, host: Host) -> bool:
    try:
        return await use(host) is not None
    except (Refused, NotAuthenticated):
        return False


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("make", "lifetime"),
    [(_use_of_code, 10 * MINUTE), (_use_of_access_token, 2 * HOUR), (_use_of_refresh_token, 90 * DAY)],
)
def test_it_ends(tmp_path: Path, make: Callable[[Host, Consumer], Awaitable[Use]], lifetime: int) -> None:
    """It works until its last second; one that a clock made that was ahead does not work when that is right again."""

    async def run() -> list[bool]:
        async with open_host(Settings(data=tmp_path)) as host:
            use = await make(_at(host, NOW), await _consumer(host))
            return [await _works(use, _at(host, NOW + after)) for after in (lifetime, -300 * DAY, lifetime - 1)]

    assert asyncio.run(run()) == [False, False, True]


def test_what_comes_twice_at_once_is_used_once(tmp_path: Path, new_database: NewDatabase) -> None:
    """Of two requests with one code, and of two with one refresh token, one gets tokens, and these end."""
    settings = Settings(data=tmp_path, database_url=new_database())

    async def run() -> None:
        async with open_host(settings) as host:
            consumer = await _consumer(host)
            for kind, use in (("code", _redeem), ("refresh", _refresh)):
                token = await _code(host, consumer)
                if kind == "refresh":
                    token = (await _redeem(host, consumer, token)).refresh_token
                both = await asyncio.gather(*(use(host, consumer, token) for _ in range(2)), return_exceptions=True)
                assert sorted(type(one).__name__ for one in both) == ["Issued", "Refused"]
                (issued,) = [one for one in both if isinstance(one, Issued)]
                assert await grants.find_token(host, issued.access_token) is None

    asyncio.run(run())


def test_it_moves_with_the_state(tmp_path: Path, new_database: NewDatabase) -> None:
    """At a new host the consumer has its key and secret, and refreshes the tokens that it had."""
    new = Settings(data=tmp_path / "new", database_url=new_database())

    async def run() -> None:
        exported = io.BytesIO()
        async with open_host(Settings(data=tmp_path / "old")) as host:
            await _consumer(host)
            made, secret = await consumers.create_consumer(host, "acme", "x", callback_url=CALLBACK, scopes=None)
            issued = await _redeem(host, made, await _code(host, made))
            await transfer.export_state(host, exported, with_secrets=False)
        async with open_host(new) as host:
            await transfer.import_state(host, io.BytesIO(exported.getvalue()))
            assert await consumers.find_by_secret(host, made.key, secret) == made
            renewed = await _refresh(host, made, issued.refresh_token)
            assert await grants.find_token(host, renewed.access_token) is not None

    asyncio.run(run())


def test_what_has_expired_is_deleted(tmp_path: Path, new_database: NewDatabase) -> None:
    """A consumer that lives on client credentials leaves no rows behind, nor does one that refreshes."""
    settings = Settings(data=tmp_path, database_url=new_database())

    async def run() -> None:
        async with open_host(settings) as host:
            consumer = await _consumer(host)
            issued = await grants.act_as_owner(_at(host, NOW), consumer, None)
            for number in range(1, 4):
                issued = await _refresh(_at(host, NOW + number * 89 * DAY), consumer, issued.refresh_token)
            assert await _count(host, "oauth_tokens") == 3  # the used token before, and the two that work
            await grants.act_as_owner(_at(host, NOW + 400 * DAY), consumer, None)
            assert (await _count(host, "oauth_grants"), await _count(host, "oauth_tokens")) == (1, 2)

    asyncio.run(run())


async def _count(host: Host, table: str) -> int:
    ((number,),) = await host.store.database.read(f"SELECT COUNT(*) FROM {table}")
    return int(number)


NOT_CREATED: list[tuple[dict[str, str], type[Exception]]] = [
    ({"name": ""}, InvalidInput),
    ({"name": "two\nlines"}, InvalidInput),
    ({"callback_url": ""}, InvalidInput),
    ({"callback_url": "app.example/callback"}, InvalidInput),
    ({"callback_url": "javascript:alert(1)"}, InvalidInput),
    ({"callback_url": "https://ann@app.example/"}, InvalidInput),
    ({"callback_url": "https://app.example/#top"}, InvalidInput),
    ({"callback_url": "https://app.example/a/../b"}, InvalidInput),
    ({"callback_url": "https://app.example/?state=x"}, InvalidInput),
    ({"callback_url": f"https://app.example/{'x' * 2048}"}, InvalidInput),
    ({"scopes": "everything"}, InvalidInput),
    ({"scopes": ""}, InvalidInput),
    ({"slug": "nowhere"}, NotFound),
]


def test_a_consumer_that_could_not_be_trusted_is_not_created(tmp_path: Path) -> None:
    """Name, callback and scopes are checked before anything is stored."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            await _consumer(host)
            for changes, error in NOT_CREATED:
                given: dict[str, Any] = {
                    "slug": "acme",
                    "name": "x",
                    "callback_url": CALLBACK,
                    "scopes": "account",
                    **changes,
                }
                slug, name = given.pop("slug"), given.pop("name")
                with pytest.raises(error):
                    await consumers.create_consumer(host, slug, name, **given)
            assert len(await consumers.list_consumers(host, "acme")) == 1
            with pytest.raises(NotFound):
                await consumers.delete_consumer(host, "acme", "0" * 18)

    asyncio.run(run())


def test_a_consumer_of_the_operator_does_not_have_every_workspace(tmp_path: Path) -> None:
    """It acts in the workspaces of which the operator is a member, where the operator's own token has all of them."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            await _consumer(host)
            await workspaces.create_workspace(host, "fleet", name=None, owner="operator")
            consumer, _ = await consumers.create_consumer(host, "fleet", "C", callback_url=CALLBACK, scopes="account")
            issued = await grants.act_as_owner(host, consumer, None)
            granted = await grants.find_token(host, issued.access_token)
            token, _ = await credentials.create_api_token(host, "ci", None)
            usual = await credentials.find_api_token(host, token)
            assert granted is not None
            assert usual is not None
            for identity in (granted, usual):
                assert (await workspaces.find_visible(host, identity, "fleet")).role == "owner"
            assert (await workspaces.find_visible(host, usual, "acme")).role == "owner"
            with pytest.raises(NotFound):
                await workspaces.find_visible(host, granted, "acme")

    asyncio.run(run())


def test_a_refresh_does_not_wait_for_an_owner_who_changes_the_consumer(tmp_path: Path, postgresql: Server) -> None:
    """The owner holds the own row, and then takes the grants: a refresh that did the reverse would be a deadlock."""

    settings = Settings(data=tmp_path, database_url=postgresql.new_database())

    async def run() -> None:
        async with open_host(settings) as host:
            consumer = await _consumer(host)
            issued = await grants.act_as_owner(host, consumer, None)
            async with host.store.database.transaction() as tx:
                await users.lock_active(tx, consumer.owner.id)
                assert (await _refresh(host, consumer, issued.refresh_token)).scopes == ("account",)

    asyncio.run(run())


def test_a_deactivated_owner_ends_client_credentials(tmp_path: Path) -> None:
    """The consumer acts for no one then, and the next one belongs to an owner who is active."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            consumer = await _consumer(host)
            issued = await grants.act_as_owner(host, consumer, None)
            found = [await grants.find_token(host, one) for one in (issued.access_token, issued.refresh_token)]
            assert [one is not None for one in found] == [True, False]
            await users.deactivate_user(host, "ann")
            assert await grants.find_token(host, issued.access_token) is None
            with pytest.raises(Refused, match="deactivated"):
                await grants.act_as_owner(host, consumer, None)
            with pytest.raises(Conflict):
                await _consumer(host)
            await users.create_user(host, "ben")
            await workspaces.add_member(host, "acme", "ben", "owner")
            assert (await _consumer(host)).owner.username == "ben"

    asyncio.run(run())

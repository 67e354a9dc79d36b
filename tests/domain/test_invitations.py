"""Invitations: who may make them, and when they are in force."""

import asyncio
from pathlib import Path

import pytest

from roadstead.domain.apps.installations import get_workspace
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import invitations, users, workspaces
from roadstead.errors import InvalidInput, NotFound, WrongCredential
from roadstead.model import User, Workspace
from roadstead.settings import Settings
from tests.conftest import NewDatabase


async def _code(host: Host, by: User | None, workspace: str | None = None) -> str:
    link, _ = await invitations.invite(host, by=by, workspace=workspace)
    return link.partition("code=")[2]


async def _acme(host: Host) -> tuple[User, User, Workspace]:
    """Return an owner and a member of a workspace."""
    owner, member = [await users.create_user(host, name) for name in ("olga", "mia")]
    await workspaces.create_workspace(host, "acme", name=None, owner="olga")
    await workspaces.add_member(host, "acme", "mia", "member")
    return owner, member, await get_workspace(host, "acme")


def test_only_administrators_and_owners_invite(tmp_path: Path) -> None:
    """An owner invites into the own workspace alone; a member, and the owner of another one, nowhere."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            owner, member, _ = await _acme(host)
            await workspaces.create_workspace(host, "other", name=None, owner="operator")
            assert await _code(host, owner, "acme")
            assert await _code(host, None)
            assert await _code(host, None, "other")
            for by, workspace in ((owner, None), (owner, "other"), (member, "acme"), (member, None)):
                with pytest.raises(WrongCredential):
                    await invitations.invite(host, by=by, workspace=workspace)

    asyncio.run(run())


@pytest.mark.parametrize("wrong", [{"username": "Not A Name"}, {"email": "nobody"}, {"email": "a@b\x00"}], ids=str)
def test_what_is_proposed_can_be_of_an_account(tmp_path: Path, wrong: dict[str, str]) -> None:
    """A name or an address that no account can have is refused at once, not when the guest comes."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            with pytest.raises(InvalidInput):
                await invitations.invite(host, **wrong)  # type: ignore[arg-type]

    asyncio.run(run())


def test_an_invitation_is_as_strong_as_its_maker(tmp_path: Path) -> None:
    """It ends with the maker's ownership and with the maker's deactivation, and when an owner withdraws it."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            owner, member, acme = await _acme(host)
            demoted, withdrawn = await _code(host, owner, "acme"), await _code(host, owner, "acme")
            with pytest.raises(WrongCredential):
                await invitations.withdraw(host, acme, 2, member)
            await invitations.withdraw(host, acme, 2, owner)
            with pytest.raises(NotFound):
                await invitations.withdraw(host, acme, 2, owner)
            assert await invitations.find_open(host, withdrawn) is None
            assert await invitations.find_open(host, demoted) is not None
            await workspaces.add_member(host, "acme", "mia", "owner")
            await workspaces.add_member(host, "acme", "olga", "member")
            assert await invitations.find_open(host, demoted) is None
            by_member = await _code(host, member, "acme")
            await workspaces.add_member(host, "acme", "operator", "owner")
            await users.deactivate_user(host, "mia")
            assert await invitations.find_open(host, by_member) is None
            assert [one.inviter.username for one in await invitations.list_invitations(host, acme)] == ["olga"]

    asyncio.run(run())


@pytest.mark.each_database
def test_people_who_invite_each_other_all_join(tmp_path: Path, new_database: NewDatabase) -> None:
    """At the same time, into each other's workspaces: no one waits for the other until the database gives up."""
    settings = Settings(data=tmp_path, database_url=new_database())

    async def run() -> None:
        async with open_host(settings) as host:
            ann, ben = [await users.create_user(host, name) for name in ("ann", "ben")]
            for name in ("ann", "ben"):
                await workspaces.create_workspace(host, f"of-{name}", name=None, owner=name)
            codes = [await _code(host, ann, "of-ann"), await _code(host, ben, "of-ben")]
            joined = await asyncio.gather(invitations.join(host, codes[0], ben), invitations.join(host, codes[1], ann))
            assert [one.slug for one in joined] == ["of-ann", "of-ben"]

    asyncio.run(run())


def test_of_two_guests_at_once_one_comes_in(tmp_path: Path, new_database: NewDatabase) -> None:
    """The link is used once, also when it is followed twice at the same time."""
    settings = Settings(data=tmp_path, database_url=new_database())

    async def run() -> None:
        async with open_host(settings) as host:
            code = await _code(host, None)
            outcomes = await asyncio.gather(
                *(_accept(host, code, name) for name in ("gil", "gus")), return_exceptions=True
            )
            assert sorted(isinstance(one, invitations.NoSuchInvitation) for one in outcomes) == [False, True]
            assert [one.username for one in await users.list_users(host) if one.username.startswith("g")] in (
                ["gil"],
                ["gus"],
            )

    asyncio.run(run())


async def _accept(host: Host, code: str, name: str) -> str:
    return await invitations.accept(
        host,
        code,
        username=name,
        display_name="",
        password="three words in a row",
        caller=name,
        ending=None,
    )


def test_only_an_administrator_vouches_for_an_address(tmp_path: Path) -> None:
    """An owner could name the address of another person: the account's is not confirmed, and no one goes by it."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            owner, _, _ = await _acme(host)
            for by, name in ((owner, "gil"), (None, "gus")):
                link, _ = await invitations.invite(host, by=by, email=f"{name}@acme.example", workspace="acme")
                await _accept(host, link.partition("code=")[2], name)
                guest = await users.find_user(host, name)
                (email,) = await users.list_emails(host, guest)
                assert (email.address, email.is_confirmed) == (f"{name}@acme.example", by is None)
            assert await users.find_user(host, "gus@acme.example") == guest
            with pytest.raises(NotFound):
                await users.find_user(host, "gil@acme.example")

    asyncio.run(run())

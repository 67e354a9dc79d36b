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


def test_only_an_administrator_vouches_for_an_address(tmp_path: Path) -> None:
    """An owner could name an address of somebody else, so the account's is not confirmed."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            owner, _, _ = await _acme(host)
            for by, name in ((owner, "gil"), (None, "gus")):
                link, _ = await invitations.invite(host, by=by, email=f"{name}@acme.example", workspace="acme")
                await invitations.accept(
                    host,
                    link.partition("code=")[2],
                    username=name,
                    display_name="",
                    password="three words in a row",
                    caller="here",
                    ending=None,
                )
                (email,) = await users.list_emails(host, await users.find_user(host, name))
                assert (email.address, email.is_confirmed) == (f"{name}@acme.example", by is None)

    asyncio.run(run())

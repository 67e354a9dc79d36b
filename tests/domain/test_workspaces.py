"""Workspaces: who may change one is judged again under its lock."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.domain.people.workspaces import NoSuchWorkspace, hold_workspace
from roadstead.errors import NotAuthenticated, WrongCredential
from roadstead.settings import Settings
from tests.live import opened


async def _demote(host: Host) -> None:
    await workspaces.add_member(host, "acme", "ben", "member")


async def _remove(host: Host) -> None:
    await workspaces.remove_member(host, "acme", "ben")


async def _deactivate(host: Host) -> None:
    await users.deactivate_user(host, "ben")


@pytest.mark.parametrize(
    ("lose", "refusal"), [(_demote, WrongCredential), (_remove, NoSuchWorkspace), (_deactivate, NotAuthenticated)]
)
def test_who_is_no_owner_any_more_holds_no_workspace(
    tmp_path: Path, lose: Callable[[Host], Awaitable[None]], refusal: type[Exception]
) -> None:
    """An owner passes the first check of a change, and loses the role before the change has the lock."""

    async def work(host: Host) -> None:
        await workspaces.create_workspace(host, "acme", name=None, owner="operator")
        ben = SessionUser(await users.create_user(host, "ben"))
        await workspaces.add_member(host, "acme", "ben", "owner")
        workspace = await workspaces.find_changeable(host, "acme", ben)
        await lose(host)
        async with host.store.database.transaction() as tx:
            with pytest.raises(refusal):
                await hold_workspace(host, tx, workspace, ben)

    with opened(Settings(data=tmp_path)) as on_host:
        on_host(work)

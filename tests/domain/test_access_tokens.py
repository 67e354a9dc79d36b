"""Access tokens of workspaces, projects and repositories: who they are, and that requests end with them."""

from functools import partial
from pathlib import Path

import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.access import access_tokens, credentials
from roadstead.domain.access.access_tokens import create_access_token, page_of_access_tokens, revoke_access_token
from roadstead.domain.host import Host
from roadstead.domain.people import projects, users, workspaces
from roadstead.domain.people.privileges import NoSuchProject
from roadstead.domain.people.projects import ProjectChanges
from roadstead.domain.people.workspaces import lock_and_keep
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.errors import InvalidInput, NotAuthenticated, WorkspaceNotFound, WrongCredential
from roadstead.listing import PageRequest
from roadstead.model import Workspace
from roadstead.settings import Settings
from roadstead.storage import members
from roadstead.storage.database import Transaction
from tests.conftest import NewDatabase
from tests.live import opened


@pytest.mark.each_database
def test_a_revoked_token_changes_nothing_any_more(tmp_path: Path, new_database: NewDatabase) -> None:
    """Not even in a request whose credential was checked before. The other token of the project goes on."""

    async def work(host: Host) -> None:
        await workspaces.create_workspace(host, "acme", name=None, owner="operator")
        operator = (await credentials.create_api_token(host, "operator", None))[1]
        await projects.create_project(host, operator, "acme", ProjectChanges(key="TOOLS", name="Tools"))
        first, second, kept = [
            (await create_access_token(host, name, "acme", "TOOLS", scopes="project:admin", lifetime=None))[1].token
            for name in ("first", "second", "kept")
        ]
        await credentials.revoke_api_token(host, first.id)
        await revoke_access_token(host, "acme", "TOOLS", second.id, by=SessionUser(operator.user))
        for revoked in (first, second):
            with pytest.raises(NotAuthenticated):
                await projects.put_project(host, revoked, "acme", "TOOLS", ProjectChanges(name="New"))
        changed, _ = await projects.put_project(host, kept, "acme", "TOOLS", ProjectChanges(description="New"))
        assert (changed.name, changed.description) == ("Tools", "New")
        assert [one.token.name for one in await credentials.list_api_tokens(host)] == ["operator", "kept"]
        by = SessionUser(operator.user)
        await create_access_token(host, "whole", "acme", None, scopes=None, lifetime=None, by=by)
        for key, shown in (("TOOLS", ("kept", None)), (None, ("whole", operator.user.display_name))):
            page = await page_of_access_tokens(host, "acme", key, PageRequest(1, 10), by=by)
            assert [(token.name, creator) for token, creator in page.items] == [shown]
        for slug, key, name, scopes, error in (
            ("ghost", None, "ci", None, WorkspaceNotFound),
            ("acme", "GHOST", "ci", None, NoSuchProject),
            ("acme", None, " ", None, InvalidInput),
            ("acme", None, "ci", "", InvalidInput),
            ("acme", None, "ci", "repositry", InvalidInput),
        ):
            with pytest.raises(error):
                await create_access_token(host, name, slug, key, scopes=scopes, lifetime=None)
        assert len(await credentials.list_api_tokens(host)) == 3

    with opened(Settings(data=tmp_path, database_url=new_database())) as on_host:
        on_host(work)


@pytest.mark.parametrize(("key", "repository"), [(None, None), ("TOOLS", None), (None, "widgets")])
def test_who_lost_the_right_meanwhile_neither_makes_nor_revokes_a_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None, repository: str | None
) -> None:
    """An owner passes the first check, and has lost the role when the change gets the lock of the workspace."""

    async def work(host: Host) -> None:
        workspace = await workspaces.create_workspace(host, "acme", name=None, owner="operator")
        ben = SessionUser(await users.create_user(host, "ben"))
        await workspaces.add_member(host, "acme", "ben", "owner")
        await projects.create_project(host, ben, "acme", ProjectChanges(key="TOOLS", name="Tools", is_private=False))
        await create_repository(host, ben, "acme", "widgets", RepositoryChanges(is_private=False))
        make = partial(
            create_access_token, host, "ci", "acme", key, repository=repository, scopes=None, lifetime=None, by=ben
        )
        kept = (await make())[1].token

        async def lock_too_late(tx: Transaction, locked: Workspace) -> None:
            await lock_and_keep(tx, locked)
            await members.keep_member(tx, workspace.id, ben.user.id, "member", host.now())

        monkeypatch.setattr(access_tokens, "lock_and_keep", lock_too_late)
        revoke = revoke_access_token(host, "acme", key, kept.id, repository=repository, by=ben)
        for change in (make(), revoke):
            with pytest.raises(WrongCredential):
                await change
        assert [one.token.id for one in await credentials.list_api_tokens(host)] == [kept.id]

    with opened(Settings(data=tmp_path)) as on_host:
        on_host(work)

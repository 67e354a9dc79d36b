"""Access tokens of workspaces and projects: who they are, and that a running request ends with its token."""

from pathlib import Path

import pytest

from roadstead.domain.access import credentials
from roadstead.domain.access.access_tokens import create_access_token
from roadstead.domain.host import Host
from roadstead.domain.people import projects, workspaces
from roadstead.domain.people.privileges import NoSuchProject
from roadstead.domain.people.projects import ProjectChanges
from roadstead.errors import InvalidInput, NotAuthenticated, WorkspaceNotFound
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.live import opened


@pytest.mark.each_database
def test_a_revoked_token_changes_nothing_any_more(tmp_path: Path, new_database: NewDatabase) -> None:
    """Not even in a request whose credential was checked before. The other token of the project goes on."""

    async def work(host: Host) -> None:
        await workspaces.create_workspace(host, "acme", name=None, owner="operator")
        operator = (await credentials.create_api_token(host, "operator", None))[1]
        await projects.create_project(host, operator, "acme", ProjectChanges(key="TOOLS", name="Tools"))
        revoked, kept = [
            (await create_access_token(host, name, "acme", "TOOLS", scopes="project:admin", lifetime=None))[1].token
            for name in ("revoked", "kept")
        ]
        await credentials.revoke_api_token(host, revoked.id)
        with pytest.raises(NotAuthenticated):
            await projects.put_project(host, revoked, "acme", "TOOLS", ProjectChanges(name="New"))
        changed, _ = await projects.put_project(host, kept, "acme", "TOOLS", ProjectChanges(description="New"))
        assert (changed.name, changed.description) == ("Tools", "New")
        assert [one.token.name for one in await credentials.list_api_tokens(host)] == ["operator", "kept"]
        for slug, key, name, scopes, error in (
            ("ghost", None, "ci", None, WorkspaceNotFound),
            ("acme", "GHOST", "ci", None, NoSuchProject),
            ("acme", None, " ", None, InvalidInput),
            ("acme", None, "ci", "", InvalidInput),
            ("acme", None, "ci", "repositry", InvalidInput),
        ):
            with pytest.raises(error):
                await create_access_token(host, name, slug, key, scopes=scopes, lifetime=None)
        assert len(await credentials.list_api_tokens(host)) == 2

    with opened(Settings(data=tmp_path, database_url=new_database())) as on_host:
        on_host(work)

"""Changes of one project at once, and by a caller who loses the right to them meanwhile."""

import asyncio
from pathlib import Path

import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import projects, users, workspaces
from roadstead.domain.people.privileges import NoSuchProject, find_project
from roadstead.domain.people.projects import ProjectChanges
from roadstead.errors import WrongCredential
from roadstead.model import Identity
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.live import opened

OTHERS = 3


async def _owner(host: Host, name: str) -> Identity:
    """Return a user's token after making the user an owner of the workspace, which the first one creates."""
    user, token = await credentials.create_user_with_token(host, name)
    if name == "ann":
        await workspaces.create_workspace(host, "acme", name=None, owner=name)
    await workspaces.add_member(host, "acme", name, "owner")
    found = await credentials.find_api_token(host, token)
    assert found is not None
    assert found.user == user
    return found


@pytest.mark.each_database
def test_no_change_of_a_project_is_lost(tmp_path: Path, new_database: NewDatabase) -> None:
    """Of several calls at once that put a new project, one creates it. Each that changes another member has effect."""

    async def work(host: Host) -> None:
        ann = await _owner(host, "ann")
        new = ProjectChanges(name="Tools", is_private=False)
        put = await asyncio.gather(
            *(projects.put_project(host, ann, "acme", "TOOLS", new) for _ in range(OTHERS)), return_exceptions=True
        )
        assert sorted(isinstance(one, tuple) and one[1] for one in put) == [False] * (OTHERS - 1) + [True]
        assert not [one for one in put if isinstance(one, BaseException)]
        changes = (ProjectChanges(name="New"), ProjectChanges(description="Text"), ProjectChanges(is_private=True))
        await asyncio.gather(*(projects.put_project(host, ann, "acme", "TOOLS", one) for one in changes))
        left = await find_project(host, ann, "acme", "TOOLS", "read")
        assert (left.name, left.description, left.is_private) == ("New", "Text", True)

    with opened(Settings(data=tmp_path, database_url=new_database())) as on_host:
        on_host(work)


@pytest.mark.parametrize("is_private", [True, False])
def test_an_owner_who_became_a_member_grants_nothing(tmp_path: Path, is_private: bool) -> None:
    """The role is read once more where it stays as it is, after the first check of a call has passed."""

    async def work(host: Host) -> None:
        await _owner(host, "ann")
        ben = await _owner(host, "ben")
        given = ProjectChanges(key="TOOLS", name="Tools", is_private=is_private)
        project = await projects.create_project(host, ben, "acme", given)
        user = await users.find_user(host, "ben")
        await workspaces.add_member(host, "acme", "ben", "member")
        with pytest.raises(NoSuchProject if is_private else WrongCredential):
            await projects.grant_to_user(host, ben, project, user, "admin")
        with pytest.raises(NoSuchProject if is_private else WrongCredential):
            await projects.add_reviewer(host, ben, project, user)
        assert await projects.privilege_of_user(host, project, user) == "none"

    with opened(Settings(data=tmp_path)) as on_host:
        on_host(work)

"""Changes of one project at once, and by a caller who loses the right to them meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import groups, permissions, projects, users, workspaces
from roadstead.domain.people.privileges import NoSuchProject, find_project
from roadstead.domain.people.projects import ProjectChanges
from roadstead.domain.people.workspaces import NoSuchWorkspace
from roadstead.errors import NotAuthenticated, WrongCredential
from roadstead.listing import PageRequest
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


async def _demote(host: Host) -> None:
    await workspaces.add_member(host, "acme", "ben", "member")


async def _remove(host: Host) -> None:
    await workspaces.remove_member(host, "acme", "ben")


async def _deactivate(host: Host) -> None:
    await users.deactivate_user(host, "ben")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("lose", "is_private", "refusal"),
    [
        (_demote, False, WrongCredential),
        (_demote, True, NoSuchProject),
        (_remove, False, NoSuchWorkspace),
        (_deactivate, False, NotAuthenticated),
    ],
)
def test_who_lost_the_right_meanwhile_changes_nothing(
    tmp_path: Path, lose: Callable[[Host], Awaitable[None]], is_private: bool, refusal: type[Exception]
) -> None:
    """The transaction of a change reads the caller's role again, after the first check of the call has passed."""

    async def work(host: Host) -> None:
        ann, ben = [await _owner(host, name) for name in ("ann", "ben")]
        given = ProjectChanges(key="TOOLS", name="Tools", is_private=is_private)
        project = await projects.create_project(host, ben, "acme", given)
        carl, _ = await credentials.create_user_with_token(host, "carl")
        await workspaces.add_member(host, "acme", "carl", "member")
        await lose(host)
        for change in (
            permissions.grant(host, ben, project, carl, "admin"),
            projects.add_reviewer(host, ben, project, carl),
        ):
            with pytest.raises(refusal):
                await change
        assert await permissions.privilege_of(host, project, carl) == "none"
        await permissions.grant(host, ann, project, carl, "admin")

    with opened(Settings(data=tmp_path)) as on_host:
        on_host(work)


def test_a_user_counts_the_projects_that_they_see(tmp_path: Path, new_database: NewDatabase) -> None:
    """Each once: public ones, and private ones by a grant to the user, to a group, or to both; no other workspace's."""

    async def work(host: Host) -> None:
        ann = await _owner(host, "ann")
        ben, token = await credentials.create_user_with_token(host, "ben")
        caller = await credentials.find_api_token(host, token)
        assert caller is not None
        await workspaces.create_workspace(host, "other", name=None, owner="ann")
        for slug in ("acme", "other"):
            await workspaces.add_member(host, slug, "ben", "member")
            group = await groups.create_group(host, slug, "crew", ["ben"])
            for key in ("DIRECT", "GROUP", "BOTH", "HIDDEN", "PUBLIC"):
                given = ProjectChanges(key=key, name=key, is_private=key != "PUBLIC")
                project = await projects.create_project(host, ann, slug, given)
                if key in ("DIRECT", "BOTH", "PUBLIC"):
                    await permissions.grant(host, ann, project, ben, "read")
                if key in ("GROUP", "BOTH", "PUBLIC"):
                    await permissions.grant(host, ann, project, group, "read")
        for number, length, seen in ((1, 10, "DIRECT GROUP BOTH PUBLIC"), (2, 3, "PUBLIC")):
            page = await projects.page_of_projects(host, caller, "acme", PageRequest(number, length))
            assert (page.size, [one.key for one in page.items]) == (4, seen.split())

    with opened(Settings(data=tmp_path, database_url=new_database())) as on_host:
        on_host(work)

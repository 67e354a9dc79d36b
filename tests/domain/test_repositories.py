"""Repositories: who may do what in them, by each way to a privilege, and their lives from creation to deletion."""

import asyncio
import subprocess
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.access import access_tokens, credentials
from roadstead.domain.host import Host
from roadstead.domain.people import groups, projects, users, workspaces
from roadstead.domain.people.projects import ProjectChanges
from roadstead.domain.people.workspaces import NoSuchWorkspace
from roadstead.domain.repositories.access import NoSuchRepository, RepositoryMoved, find_repository
from roadstead.domain.repositories.changes import delete_repository, put_repository
from roadstead.domain.repositories.creation import (
    ForkChanges,
    create_repository,
    fork_repository,
    import_repository,
)
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.lists import list_repositories, page_of_watchers
from roadstead.errors import GitFailed, InvalidInput, NotAuthenticated, NotFound, WrongCredential
from roadstead.git.folders import Folders
from roadstead.git.local_commits import make_repository
from roadstead.listing import PageRequest
from roadstead.model import UNIDENTIFIED, Identity, Privilege, Repository
from roadstead.settings import Settings
from roadstead.storage import permissions
from roadstead.storage.events import list_events
from roadstead.storage.refs import list_refs
from roadstead.storage.repositories import keep_watcher
from tests.conftest import NewDatabase
from tests.live import opened

PRIVATE, PUBLIC = RepositoryChanges(project="HIDDEN"), RepositoryChanges(project="OPEN", is_private=False)


async def _user(host: Host, name: str, role: Any = None) -> SessionUser:
    user = await users.create_user(host, name)
    if role:
        await workspaces.add_member(host, "acme", name, role)
    return SessionUser(user)


async def _acme(host: Host) -> SessionUser:
    """Make a workspace with an owner, a private and a public project, and a repository in each. Return the owner."""
    owner = await _user(host, "owner")
    await workspaces.create_workspace(host, "acme", name=None, owner="owner")
    for key, is_private in (("HIDDEN", True), ("OPEN", False)):
        await projects.create_project(host, owner, "acme", ProjectChanges(key, key, is_private=is_private))
    await create_repository(host, owner, "acme", "secret", PRIVATE)
    await create_repository(host, owner, "acme", "known", PUBLIC)
    return owner


Work = Callable[[Host], Coroutine[Any, Any, None]]


@pytest.fixture
def run(tmp_path: Path, new_database: NewDatabase) -> Any:
    """Return a function that runs work on a host with an empty state."""

    def run(work: Work) -> None:
        with opened(Settings(data=tmp_path, database_url=new_database())) as on_host:
            on_host(work)

    return run


async def _holds(host: Host, identity: Identity, slug: str, workspace: str = "acme") -> Privilege:
    try:
        return (await find_repository(host, identity, workspace, slug, "read")).privilege
    except NotFound:
        return "none"


async def _repository(host: Host, owner: Identity, slug: str = "secret") -> Repository:
    return (await find_repository(host, owner, "acme", slug, "admin")).repository


@pytest.mark.each_database
def test_the_highest_privilege_holds(run: Any) -> None:
    """Each way to a privilege gives it: the role of an owner, a grant to the user or a group, there or in the project;
    membership alone gives none. Everyone reads what is public.
    """
    granted: dict[str, tuple[dict[str, Privilege], Privilege]] = {
        # By a grant in the repository, by group there, in the project, by group there; and what holds.
        "nothing": ({}, "none"),
        "directly": ({"repository": "write"}, "write"),
        "by-group": ({"repository group": "admin"}, "admin"),
        "in-project": ({"project": "read"}, "read"),
        "creator": ({"project": "create-repo"}, "write"),
        "by-project-group": ({"project group": "admin"}, "admin"),
        "several": ({"repository": "read", "project group": "write"}, "write"),
        "highest-last": ({"repository group": "write", "project": "read", "project group": "read"}, "write"),
    }

    async def work(host: Host) -> None:
        owner = await _acme(host)
        repository = await _repository(host, owner)
        for name, (grants, held) in granted.items():
            member = await _user(host, name, "collaborator")
            for where, privilege in grants.items():
                place = repository if where.startswith("repository") else repository.project
                group = await groups.create_group(host, "acme", f"{name} {where}", [name]) if "group" in where else None
                async with host.store.database.transaction() as tx:
                    await permissions.keep_permission(tx, place, group or member.user, privilege)
            assert await _holds(host, member, "secret") == held, name
            assert await _holds(host, member, "known") == "read", name
        stranger = await _user(host, "stranger")
        operator = SessionUser(await host.find_operator())
        callers: list[tuple[Identity, Privilege]] = [(owner, "admin"), (stranger, "none"), (UNIDENTIFIED, "none")]
        for caller, held in [*callers, (operator, "admin")]:
            assert await _holds(host, caller, "secret") == held, caller
            assert await _holds(host, caller, "known") != "none", caller
            assert await _holds(host, caller, repository.uuid, "{}") == held, caller

    run(work)


def test_a_member_administers_what_the_member_created(run: Any) -> None:
    """A fork as well, by a grant like any other; an owner needs none."""

    async def work(host: Host) -> None:
        owner = await _acme(host)
        member, other = [await _user(host, name, "collaborator") for name in ("member", "other")]
        known = await _repository(host, owner, "known")
        async with host.store.database.transaction() as tx:
            for one in (member, other):
                await permissions.keep_permission(tx, known.project, one.user, "create-repo")
        made = await create_repository(host, member, "acme", "made", PUBLIC)
        fork = await fork_repository(host, member, known, ForkChanges(RepositoryChanges(name="forked")))
        for repository in (made, fork):
            held = [await _holds(host, one, repository.slug) for one in (member, other)]
            assert held == ["admin", "write"]
        assert await permissions.find_privilege(host.store.database, known, owner.user) == "none"

    run(work)


def test_an_access_token_has_what_it_belongs_to(run: Any) -> None:
    """The token of a workspace, a project or a repository administers the repositories there, and no others."""
    owners: dict[str, tuple[str | None, str | None, set[str]]] = {
        "workspace": (None, None, {"secret", "other", "known"}),
        "project": ("HIDDEN", None, {"secret", "other"}),
        "repository": (None, "secret", {"secret"}),
    }

    async def work(host: Host) -> None:
        owner = await _acme(host)
        await create_repository(host, owner, "acme", "other", PRIVATE)
        await workspaces.create_workspace(host, "elsewhere", name=None, owner="owner")
        await create_repository(host, owner, "elsewhere", "secret", RepositoryChanges())
        for name, (key, slug, administered) in owners.items():
            secret, made = await access_tokens.create_access_token(
                host, name, "acme", key, repository=slug, scopes=None, lifetime=None
            )
            assert made.token.user.kind == f"{name}_access_token"
            token = await credentials.find_token(host, secret)
            assert token is not None
            held = {slug for slug in ("secret", "other", "known") if await _holds(host, token, slug) == "admin"}
            assert (held, await _holds(host, token, "secret", "elsewhere")) == (administered, "none")
        listed = {(one.workspace, one.project, one.repository) for one in await credentials.list_api_tokens(host)}
        assert listed == {("acme", None, None), ("acme", "HIDDEN", None), ("acme", None, "secret")}
        managed = await access_tokens.page_of_access_tokens(host, "acme", None, PageRequest(1, 10), by=owner)
        assert [token.name for token, _ in managed.items] == ["workspace"]
        await delete_repository(host, owner, await _repository(host, owner))
        assert {one.repository for one in await credentials.list_api_tokens(host)} == {None}

    run(work)


def test_a_member_who_is_removed_loses_what_was_granted(run: Any) -> None:
    """Also as a watcher; coming back brings nothing back."""

    async def work(host: Host) -> None:
        owner = await _acme(host)
        member = await _user(host, "member", "member")
        repository = await _repository(host, owner)
        async with host.store.database.transaction() as tx:
            await permissions.keep_permission(tx, repository, member.user, "admin")
            await keep_watcher(tx, repository, member.user.id)
        assert await _holds(host, member, "secret") == "admin"
        await workspaces.remove_member(host, "acme", "member")
        await workspaces.add_member(host, "acme", "member", "member")
        watchers = await page_of_watchers(host, repository, PageRequest(1, 10))
        assert (await _holds(host, member, "secret"), [one.username for one in watchers.items]) == ("none", ["owner"])

    run(work)


def test_what_is_missing_and_what_is_invisible_are_refused_alike(run: Any) -> None:
    """A stranger learns of a workspace only where it has a public repository, and a member of no repository."""

    async def work(host: Host) -> None:
        owner = await _acme(host)
        member, stranger = await _user(host, "member", "member"), await _user(host, "stranger")
        for caller in (member, stranger, UNIDENTIFIED):
            for slug in ("secret", "missing"):
                with pytest.raises(NoSuchRepository):
                    await find_repository(host, caller, "acme", slug, "read")
        await delete_repository(host, owner, await _repository(host, owner, "known"))
        for caller in (stranger, UNIDENTIFIED):
            for workspace in ("acme", "nowhere"):
                with pytest.raises(NoSuchWorkspace):
                    await find_repository(host, caller, workspace, "secret", "read")
        with pytest.raises(NoSuchRepository):
            await find_repository(host, member, "acme", "secret", "read")

    run(work)


@pytest.mark.sample(4)
def test_a_bad_creation_changes_nothing(run: Any) -> None:
    """A slug that is none or taken, a project that is none, and a member out of bounds are refused."""
    bad = [
        ("Capitals", RepositoryChanges()),
        ("..", RepositoryChanges()),
        ("a--b", RepositoryChanges()),
        ("x" * 63, RepositoryChanges()),
        ("widgets.git", RepositoryChanges()),
        ("secret", PRIVATE),
        ("new", RepositoryChanges(project="MISSING")),
        ("new", RepositoryChanges(project="HIDDEN", is_private=False)),
        ("new", RepositoryChanges(fork_policy="any")),
        ("new", RepositoryChanges(name=" ")),
        ("new", RepositoryChanges(description="\0")),
        ("new", RepositoryChanges(website="x" * 101)),
    ]

    async def work(host: Host) -> None:
        owner = await _acme(host)
        for slug, given in bad:
            with pytest.raises(InvalidInput):
                await create_repository(host, owner, "acme", slug, given)
        assert [one.slug for one in await list_repositories(host, "acme")] == ["known", "secret"]

    run(work)


def test_a_repository_belongs_to_a_project(run: Any) -> None:
    """It is that which is given, or the oldest of the workspace, or else the first one, which an owner gets made; its
    privacy is the project's.
    """

    async def work(host: Host) -> None:
        owner = await _user(host, "owner")
        await workspaces.create_workspace(host, "acme", name=None, owner="owner")
        member = await _user(host, "member", "member")
        with pytest.raises(WrongCredential):
            await create_repository(host, member, "acme", "first", RepositoryChanges())
        first = await create_repository(host, owner, "acme", "first", RepositoryChanges(name="First one"))
        assert (first.name, first.project.key, first.project.name) == ("First one", "PROJ", "Untitled project")
        given = ProjectChanges("OPEN", "Open", is_private=False)
        later = await projects.create_project(host, owner, "acme", given)
        second = await create_repository(host, owner, "acme", "second", RepositoryChanges())
        third = await create_repository(host, owner, "acme", "third", RepositoryChanges(project=later.uuid))
        assert [(one.project.key, one.is_private) for one in (second, third)] == [("PROJ", True), ("OPEN", False)]
        with pytest.raises(WrongCredential, match="create-repo"):
            await create_repository(host, member, "acme", "fourth", RepositoryChanges())
        with pytest.raises(WrongCredential, match="still contains"):
            await projects.delete_project(host, owner, "acme", "OPEN")
        with pytest.raises(InvalidInput):
            await projects.put_project(host, owner, "acme", "OPEN", ProjectChanges(is_private=True))
        await delete_repository(host, owner, third)
        await projects.delete_project(host, owner, "acme", "OPEN")

    run(work)


def test_an_earlier_slug_leads_to_the_repository(run: Any) -> None:
    """After a rename, and for those who see it alone; until another repository takes the slug."""

    async def work(host: Host) -> None:
        owner = await _acme(host)
        member = await _user(host, "member", "member")
        renamed, before = await put_repository(host, owner, "acme", "secret", RepositoryChanges(name="Quite Secret"))
        assert (renamed.slug, before and before.slug) == ("quite-secret", "secret")
        with pytest.raises(RepositoryMoved) as moved:
            await find_repository(host, owner, "acme", "secret", "read")
        assert moved.value.repository == renamed
        with pytest.raises(NoSuchRepository):
            await find_repository(host, member, "acme", "secret", "read")
        back, _ = await put_repository(host, owner, "acme", "quite-secret", RepositoryChanges(name="secret"))
        assert (back.slug, await _holds(host, owner, "secret")) == ("secret", "admin")
        await put_repository(host, owner, "acme", "secret", RepositoryChanges(name="other"))
        taken = await create_repository(host, owner, "acme", "secret", PRIVATE)
        assert (await find_repository(host, owner, "acme", "secret", "read")).repository == taken
        with pytest.raises(InvalidInput, match="already exists"):
            await put_repository(host, owner, "acme", "secret", RepositoryChanges(name="other"))

    run(work)


@pytest.mark.each_database
def test_one_of_several_creations_at_once_succeeds(run: Any) -> None:
    """The others are told that the slug is taken."""

    async def work(host: Host) -> None:
        owner = await _acme(host)
        made = await asyncio.gather(
            *(create_repository(host, owner, "acme", "new", PRIVATE) for _ in range(3)), return_exceptions=True
        )
        assert sorted(type(one).__name__ for one in made) == ["InvalidInput", "InvalidInput", "Repository"]

    run(work)


def test_a_caller_who_lost_the_right_meanwhile_deletes_nothing(run: Any) -> None:
    """An owner who became a member since the repository was found, and one who was deactivated."""

    async def work(host: Host) -> None:
        owner = await _acme(host)
        repository = await _repository(host, owner)
        ben = await _user(host, "ben", "owner")
        await workspaces.add_member(host, "acme", "ben", "member")
        with pytest.raises(NoSuchRepository):
            await delete_repository(host, ben, repository)
        await users.deactivate_user(host, "ben")
        with pytest.raises(NotAuthenticated):
            await delete_repository(host, ben, repository)
        assert await _repository(host, owner) == repository

    run(work)


def test_a_copy_has_its_refs_and_its_events(run: Any, tmp_path: Path) -> None:
    """An import and a fork of it have branches, tags and main branch in files and mirror alike; each is told once."""
    source = tmp_path / "source"
    source.mkdir()
    make_repository(source, ["one", "two"], first_on=datetime(2026, 1, 1, tzinfo=UTC))
    for command in (("branch", "-M", "trunk"), ("branch", "side"), ("tag", "v1")):
        subprocess.run(["git", "-C", str(source), *command], check=True)  # git of this machine

    async def work(host: Host) -> None:
        owner = await _acme(host)
        copy = await import_repository(host, owner, "acme", "copy", PRIVATE, source)
        fork = await fork_repository(host, owner, copy, ForkChanges(RepositoryChanges(name="Fork")))
        reader = host.store.database
        mirrored = [await list_refs(reader, one.id) for one in (copy, fork)]
        assert [(one.kind, one.name) for one in mirrored[0]] == [("branch", "side"), ("branch", "trunk"), ("tag", "v1")]
        assert mirrored[0] == mirrored[1]
        assert [one.mainbranch for one in (copy, fork)] == ["trunk", "trunk"]
        assert (fork.parent and fork.parent.uuid, (await _repository(host, owner, "fork")).parent) == (
            copy.uuid,
            fork.parent,
        )
        await put_repository(host, owner, "acme", "fork", RepositoryChanges(name="Fork 2", language="c"))
        for branch in ("side", "trunk"):
            changed, _ = await put_repository(host, owner, "acme", "copy", RepositoryChanges(mainbranch=branch))
            head = (Folders(host.settings.data).path(copy.uuid) / "HEAD").read_text("utf-8")
            assert (changed.mainbranch, head) == (branch, f"ref: refs/heads/{branch}\n")
        with pytest.raises(InvalidInput, match="branch not found: v1"):
            await put_repository(host, owner, "acme", "copy", RepositoryChanges(mainbranch="v1"))
        assert (await _repository(host, owner, "copy")).mainbranch == "trunk"
        found = await _repository(host, owner, "fork-2")
        assert found.mainbranch == "trunk", "a change has lost what a push stored"
        told = [[event.key for event in await list_events(reader, one.id)] for one in (copy, fork)]
        updated = ["repo:updated", "repo:updated"]
        assert told == [["repo:imported", "repo:fork", *updated], ["repo:created", "repo:updated"]]
        changes = (await list_events(reader, fork.id))[1].payload["changes"]
        assert changes["full_name"] == {"old": "acme/fork", "new": "acme/fork-2"}
        assert list(changes) == ["name", "language", "full_name", "slug"]

    run(work)


def test_a_copy_of_what_is_no_repository_leaves_nothing(run: Any, tmp_path: Path) -> None:
    """Neither a row nor a folder."""

    async def work(host: Host) -> None:
        owner = await _acme(host)
        folders = Folders(host.settings.data)
        before = sorted(folders.uuids())
        with pytest.raises((InvalidInput, GitFailed)):
            await import_repository(host, owner, "acme", "copy", PRIVATE, tmp_path)
        await host.finish()
        assert (sorted(folders.uuids()), await _holds(host, owner, "copy")) == (before, "none")

    run(work)

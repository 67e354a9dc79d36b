"""A repository goes to another workspace: what it takes with it, what ends, and who may do that."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.access import access_tokens, deploy_keys
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.people import permissions, projects, users, workspaces
from roadstead.domain.people.projects import ProjectChanges
from roadstead.domain.repositories.access import RepositoryMoved, find_repository, hold_repository
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.lists import page_of_watchers
from roadstead.domain.repositories.repository_transfer import transfer_repository
from roadstead.errors import InvalidInput, NotFound, RoadsteadError, WrongCredential
from roadstead.listing import PageRequest
from roadstead.model import Repository, User
from roadstead.settings import Settings
from roadstead.storage.events import list_events
from roadstead.storage.properties import Subject, add_property
from roadstead.storage.repositories import keep_watcher
from tests.conftest import NewDatabase
from tests.live import opened, recording_app
from tests.public_keys import public_key

PAGE = PageRequest(1, 10)


@pytest.fixture
def run(tmp_path: Path, new_database: NewDatabase) -> Any:
    """Return a function that runs work on a host with an empty state."""

    def run(work: Callable[[Host], Coroutine[Any, Any, None]]) -> None:
        with opened(Settings(data=tmp_path, database_url=new_database())) as on_host:
            on_host(work)

    return run


async def _workspaces(host: Host) -> tuple[SessionUser, Repository]:
    """Make `acme` with a public repository, and `other` with a public and a private project, of one owner."""
    owner = SessionUser(await users.create_user(host, "owner"))
    for slug in ("acme", "other"):
        await workspaces.create_workspace(host, slug, name=None, owner="owner")
        for key, is_private in (("OPEN", False), ("HIDDEN", True)):
            await projects.create_project(host, owner, slug, ProjectChanges(key, key, is_private=is_private))
    given = RepositoryChanges(project="OPEN", is_private=False)
    return owner, await create_repository(host, owner, "acme", "widgets", given)


async def _member(host: Host, name: str, *slugs: str) -> User:
    user = await users.create_user(host, name)
    for slug in slugs:
        await workspaces.add_member(host, slug, name, "member")
    return user


async def _fill(host: Host, owner: SessionUser, repository: Repository, app_url: str) -> None:
    """Let two members watch and write to a repository, one of them also of `other`; add a token, a key and a hook."""
    for name, slugs in (("both", ("acme", "other")), ("acme-only", ("acme",))):
        user = await _member(host, name, *slugs)
        await permissions.grant(host, owner, repository, user, "write")
        async with host.store.database.transaction() as tx:
            await keep_watcher(tx, repository, user.id)
    await access_tokens.create_access_token(host, "ci", "acme", None, repository="widgets", scopes=None, lifetime=None)
    await deploy_keys.add_key(host, owner, repository, public_key(), "server")
    installation = await installations.install(host, app_url, "acme")
    async with host.store.database.transaction() as tx:
        await add_property(tx, installation.id, Subject(repository_id=repository.id), "state", "{}")
        await tx.run(
            "INSERT INTO hooks (uuid, workspace_id, repository_id, url, description, is_active, events, "
            "skip_cert_verification, history_enabled, created_at) VALUES ('{1}', ?, ?, '', '', 1, '', 0, 0, '')",
            repository.workspace.id,
            repository.id,
        )


async def _counts(host: Host, repository: Repository) -> dict[str, int]:
    tables = ("permissions", "api_tokens", "deploy_keys", "hooks", "properties")
    counts = {}
    for table in tables:
        statement = f"SELECT COUNT(*) FROM {table} WHERE repository_id = ?"
        ((counts[table],),) = await host.store.database.read(statement, repository.id)
    return counts


@pytest.mark.each_database
def test_the_earlier_workspace_keeps_no_way_in(run: Any) -> None:
    """Permissions, tokens, keys, hooks and properties end; members of the new workspace still watch it."""

    async def work(host: Host) -> None:
        owner, before = await _workspaces(host)
        with recording_app() as app:
            await _fill(host, owner, before, app.descriptor_url)
        assert min((await _counts(host, before)).values()) > 0
        after = await transfer_repository(host, owner, before, "other")
        assert (after.full_name, after.project.key, after.uuid) == ("other/widgets", "OPEN", before.uuid)
        assert set((await _counts(host, before)).values()) == {0}
        watchers = await page_of_watchers(host, after, PAGE)
        assert [user.username for user in watchers.items] == ["owner", "both"]
        told = (await list_events(host.store.database, before.id))[-1]
        assert (told.key, told.workspace_id) == ("repo:transfer", after.workspace.id)
        assert told.payload["previous_workspace"]["slug"] == "acme"

    run(work)


def test_the_earlier_address_leads_to_it(run: Any) -> None:
    """It leads there until the slug is taken; a transfer back takes the address again."""

    async def work(host: Host) -> None:
        owner, before = await _workspaces(host)
        after = await transfer_repository(host, owner, before, "other", "OPEN")
        with pytest.raises(RepositoryMoved) as moved:
            await find_repository(host, owner, "acme", "widgets", "read")
        assert moved.value.repository == after
        back = await transfer_repository(host, owner, after, "acme")
        assert (await find_repository(host, owner, "acme", "widgets", "admin")).repository == back
        with pytest.raises(RepositoryMoved):
            await find_repository(host, owner, "other", "widgets", "read")

    run(work)


def test_work_that_began_before_a_transfer_ends(run: Any) -> None:
    """Who looked the repository up in its earlier workspace holds no lock on the new one, and changes nothing."""

    async def work(host: Host) -> None:
        owner, before = await _workspaces(host)
        await transfer_repository(host, owner, before, "other")
        async with host.store.database.transaction() as tx:
            with pytest.raises(RepositoryMoved):
                await hold_repository(host, tx, owner, before, "admin")

    run(work)


def test_a_transfer_that_may_not_be_changes_nothing(run: Any) -> None:
    """The caller administers the repository and creates some there; the place is another one, free, and as private."""

    async def work(host: Host) -> None:
        owner, before = await _workspaces(host)
        await create_repository(host, owner, "other", "taken", RepositoryChanges(project="HIDDEN"))
        taken = await create_repository(host, owner, "acme", "taken", RepositoryChanges(project="HIDDEN"))
        administrator = SessionUser(await _member(host, "administrator", "acme", "other"))
        await permissions.grant(host, owner, before, administrator.user, "admin")
        writer = SessionUser(await _member(host, "writer", "acme"))
        await workspaces.create_workspace(host, "writers", name=None, owner="writer")
        cases: tuple[tuple[SessionUser, Repository, str, str | None, type[RoadsteadError]], ...] = (
            (owner, before, "acme", None, InvalidInput),
            (owner, before, "missing", None, NotFound),
            (owner, before, "other", "NONE", InvalidInput),
            (owner, before, "other", "HIDDEN", InvalidInput),
            (owner, taken, "other", None, InvalidInput),
            (administrator, before, "other", None, WrongCredential),
            (writer, before, "writers", None, WrongCredential),
            (writer, before, "other", None, NotFound),
        )
        for identity, repository, workspace, project, error in cases:
            with pytest.raises(error):
                await transfer_repository(host, identity, repository, workspace, project)
            assert (await find_repository(host, owner, "acme", repository.slug, "admin")).repository == repository
        assert (await host.store.database.read("SELECT project_count FROM workspaces WHERE slug = 'writers'"))[0][
            0
        ] == 0

    run(work)


@pytest.mark.each_database
def test_opposed_transfers_do_not_wait_for_each_other(run: Any) -> None:
    """Two repositories change places, again and again, and no transfer fails."""

    async def work(host: Host) -> None:
        owner, one = await _workspaces(host)
        other = await create_repository(host, owner, "other", "gadgets", RepositoryChanges(project="OPEN"))
        for there, back in (("other", "acme"), ("acme", "other")) * 3:
            one, other = await asyncio.gather(
                transfer_repository(host, owner, one, there), transfer_repository(host, owner, other, back)
            )
        assert (one.full_name, other.full_name) == ("acme/widgets", "other/gadgets")

    run(work)

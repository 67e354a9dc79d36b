"""What a caller was found to be allowed is found again for this caller alone, and until something changes."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roadstead.domain.access.recall import recall
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import users
from roadstead.domain.people.privileges import find_project
from roadstead.domain.people.projects import ProjectChanges, create_project, page_of_projects
from roadstead.domain.people.workspaces import create_workspace, find_visible
from roadstead.domain.repositories.access import find_repository
from roadstead.domain.repositories.approvals import approvals_of
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.people import users_of
from roadstead.git.objects import Signature
from roadstead.listing import PageRequest
from roadstead.model import AccessToken, ApiToken, Identity, TokenOwner
from roadstead.settings import Settings
from roadstead.storage.remembered import COUNTERS
from roadstead.storage.repositories import find_by_id, note_push
from tests.storage.reads import tables_read


async def _ann(host: Host) -> ApiToken:
    user = await users.create_user(host, "ann")
    return ApiToken(1, "", user, None, host.now(), None, None, None)


def test_no_caller_finds_what_was_found_for_another(tmp_path: Path) -> None:
    """Callers differ by account, by whether it is an administrator's, by app, by repository and by owner."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            ann = await _ann(host)
            others: list[Identity] = [
                ann,
                msgspec.structs.replace(ann, user=msgspec.structs.replace(ann.user, is_administrator=True)),
                msgspec.structs.replace(ann, user=msgspec.structs.replace(ann.user, id=99)),
                msgspec.structs.replace(ann, owner=TokenOwner(1, None, None)),
                msgspec.structs.replace(ann, owner=TokenOwner(1, 2, None)),
                AccessToken(1, (), None, host.now()),
                AccessToken(1, (), "{a}", host.now()),
                AccessToken(2, (), None, host.now()),
            ]
            found = []

            async def find() -> object:
                found.append(object())
                return found[-1]

            for _ in range(2):
                answers = [await recall(host, identity, "it", find) for identity in others]
                assert answers == found
            assert await recall(host, ann, "another", find) != found[0]

    asyncio.run(run())


def test_what_is_recalled_comes_from_the_tables_that_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept of permissions and people that is read from a table whose changes no version counts."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            ann = await _ann(host)
            await create_workspace(host, "acme", name=None, owner="ann")
            await create_project(host, ann, "acme", ProjectChanges("TOOLS", "Tools"))
            widgets = await create_repository(host, ann, "acme", "widgets", RepositoryChanges())
            with tables_read(host.store.database, monkeypatch) as read:
                await find_repository(host, ann, "acme", "widgets", "read")
                await find_project(host, ann, "acme", "TOOLS", "read")
                await find_visible(host, ann, "acme")
                await page_of_projects(host, ann, "acme", PageRequest(1, 10))
                await users_of(host, [Signature("Ann", "ann@example.com", 0, 0)])
                await approvals_of(host, widgets, "a" * 40)
            assert {"users", "emails", "commit_approvals"} <= read
            assert {"repositories", "permissions", "group_members", "members", "projects", "workspaces"} <= read
            assert read - {"remembered"} <= set(COUNTERS)

    asyncio.run(run())


def test_two_pushes_of_one_moment_are_told_apart(tmp_path: Path) -> None:
    """What was read of a repository before a push is never taken for what is there after it."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            ann, now = await _ann(host), host.now()
            await create_workspace(host, "acme", name=None, owner="ann")
            made = await create_repository(host, ann, "acme", "widgets", RepositoryChanges())
            seen: list[Any] = [await find_by_id(host.store.database, made.id)]
            for _ in range(2):
                async with host.store.database.transaction() as tx:
                    seen.append(await note_push(tx, made.id, now))
            assert seen[1] != seen[2] != seen[0]
            assert seen[1] == msgspec.structs.replace(seen[2], pushes=1)

    asyncio.run(run())

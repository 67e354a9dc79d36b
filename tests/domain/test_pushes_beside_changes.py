"""A push is recorded while its repository is changed: both wait in one order."""

import asyncio
from pathlib import Path

import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.host import open_host
from roadstead.domain.people.users import create_user
from roadstead.domain.people.workspaces import create_workspace
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.journal import begin, new_id, record
from roadstead.pushed import NO_OBJECT, RefChange
from roadstead.settings import Settings
from roadstead.storage.events import list_events
from roadstead.storage.workspaces import lock_workspace
from tests.conftest import NewDatabase


@pytest.mark.each_database
def test_a_push_waits_for_a_change_that_has_locked_the_workspace(tmp_path: Path, new_database: NewDatabase) -> None:
    """It locks the workspace, which its event refers to, before the repository, as every change does: no deadlock."""

    async def main() -> None:
        async with open_host(Settings(data=tmp_path / "data", database_url=new_database())) as host:
            ann = SessionUser(await create_user(host, "ann"))
            await create_workspace(host, "acme", name=None, owner="ann")
            repository = await create_repository(host, ann, "acme", "widgets", RepositoryChanges())
            change = RefChange(NO_OBJECT, "1" * 40, "refs/heads/main")
            push = await begin(host, ann, repository, new_id(), [change])
            async with host.store.database.transaction() as tx:
                await lock_workspace(tx, repository.workspace.id)
                recorded = asyncio.create_task(record(host, repository, push, [change]))
                await asyncio.sleep(0.3)
                await tx.run("UPDATE repositories SET description = 'changed' WHERE id = ?", repository.id)
            assert await recorded == [change]
            assert "repo:push" in [event.key for event in await list_events(host.store.database, repository.id)]

    asyncio.run(main())

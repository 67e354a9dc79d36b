"""Transfer a repository to another workspace.

What the earlier workspace let others do with it ends: permissions in it, its access tokens, deploy keys and hooks, and
what that workspace's apps keep beside it. Its content, forks, and addresses, which lead to the new place, stay.
"""

import msgspec

from roadstead.domain.happened import actor_of, happened
from roadstead.domain.host import Host
from roadstead.domain.people.changes import log_change
from roadstead.domain.people.projects import add_default_project
from roadstead.domain.people.workspaces import find_visible, lock_and_keep
from roadstead.domain.repositories.access import hold_repository
from roadstead.domain.repositories.given import check_privacy, slug_taken
from roadstead.domain.repositories.places import project_to_create_in
from roadstead.errors import InvalidInput
from roadstead.model import Identity, Project, Repository, Workspace
from roadstead.storage import credentials, deploy_keys, hooks, permissions, properties
from roadstead.storage import repositories as rows
from roadstead.storage.database import Transaction
from roadstead.storage.workspaces import lock_workspace


async def transfer_repository(
    host: Host, identity: Identity, repository: Repository, workspace: str, project: str | None = None
) -> Repository:
    """Transfer a repository to a project of another workspace, in which the caller may create repositories.

    Without a project, it goes to the oldest of the workspace. Raise `InvalidInput`, `NoSuchWorkspace`,
    `WrongCredential`, and as `find_repository` does.
    """
    target = (await find_visible(host, identity, workspace)).workspace
    if target.id == repository.workspace.id:
        raise InvalidInput(f"The repository {repository.full_name} is in that workspace.")
    async with host.store.database.transaction() as tx:
        await _lock(tx, repository.workspace, target)
        before = await hold_repository(host, tx, identity, repository, "admin")
        place = await _project(host, tx, identity, target, project)
        check_privacy(place, is_private=before.is_private)
        after = msgspec.structs.replace(before, workspace=target, project=place, updated_on=host.now())
        await _move(tx, before, after)
        details = {"before": before.full_name}
        await log_change(host, tx, identity, "repository transferred", target, "repository", after.slug, details)
        told = {"previous_workspace": before.workspace}
        await happened(host, tx, "repo:transfer", actor_of(identity), after, told)
    return after


async def _lock(tx: Transaction, *workspaces: Workspace) -> None:
    """Lock workspaces in the order of their ids, so that no two transfers wait for each other."""
    for workspace in sorted(workspaces, key=lambda one: one.id):
        await lock_workspace(tx, workspace.id)


async def _project(host: Host, tx: Transaction, identity: Identity, workspace: Workspace, key: str | None) -> Project:
    await lock_and_keep(tx, workspace)
    visible = await find_visible(host, identity, workspace.slug, tx)
    found = await project_to_create_in(tx, identity, visible, key)
    return found or await add_default_project(host, tx, identity, workspace)


async def _move(tx: Transaction, before: Repository, after: Repository) -> None:
    """Store the new place, and delete what the earlier workspace let others do. Raise `InvalidInput`."""
    try:
        await rows.change_repository(tx, before, after)
    except rows.SlugTaken as exc:
        raise slug_taken() from exc
    await rows.move_watchers(tx, after)
    await permissions.drop_in_repository(tx, after.id)
    await credentials.drop_tokens_of_repository(tx, after.id)
    await deploy_keys.drop_keys(tx, after.id)
    await hooks.drop_of_repository(tx, after.id)
    await properties.drop_of_repository(tx, after.id)

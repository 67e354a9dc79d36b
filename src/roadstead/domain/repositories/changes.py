"""Change and delete repositories."""

from dataclasses import asdict, dataclass

import msgspec

from roadstead.domain.happened import actor_of, changes_of, happened
from roadstead.domain.host import Host
from roadstead.domain.people.changes import log_change
from roadstead.domain.people.workspaces import find_visible
from roadstead.domain.repositories.access import NoSuchRepository, find_repository, hold_repository
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.folders import folders_of
from roadstead.domain.repositories.given import RepositoryChanges, check_privacy, check_slug, slug_taken
from roadstead.domain.repositories.places import expect_branch, named_project
from roadstead.domain.repositories.stored_files import downloads_in, lfs_objects_in
from roadstead.domain.slugs import slug_of
from roadstead.errors import invalid_member
from roadstead.model import Identity, Project, Repository
from roadstead.storage import repositories as rows
from roadstead.storage.audit import Details
from roadstead.storage.database import Transaction

_TOLD = ("name", "website", "language", "description", "full_name", "slug")
"""The members that an event of a change tells."""


async def put_repository(
    host: Host, identity: Identity, workspace: str, slug: str, given: RepositoryChanges
) -> tuple[Repository, Repository | None]:
    """Change a repository, or create one with that slug. Return it, and how it was unless it is new.

    Raise as `find_repository` and `create_repository` do.
    """
    try:
        held = await find_repository(host, identity, workspace, slug, "admin")
    except NoSuchRepository:
        return await create_repository(host, identity, workspace, slug, given), None
    return await change_repository(host, identity, held.repository, given), held.repository


async def change_repository(
    host: Host, identity: Identity, repository: Repository, given: RepositoryChanges
) -> Repository:
    """Change a repository; another name gives it another slug. Raise `InvalidInput`, and as `find_repository` does."""
    async with host.store.database.transaction() as tx:
        before = await hold_repository(host, tx, identity, repository, "admin")
        project = await _project(host, tx, identity, before, given.project)
        changed = msgspec.structs.replace(before, **given.members(), project=project, updated_on=host.now())
        # A slug that was chosen at the creation stays until the name changes.
        after = changed if changed.name == before.name else msgspec.structs.replace(changed, slug=slug_of(changed.name))
        if given.mainbranch is not None:
            after = await _with_main_branch(host, tx, after, given.mainbranch)
        check_slug(after.slug)
        check_privacy(project, is_private=after.is_private)
        if before.is_private and not after.is_private:
            await _check_parent(tx, before)
        try:
            await rows.change_repository(tx, before, after)
        except rows.SlugTaken as exc:
            raise slug_taken() from exc
        details: Details = {} if after.slug == before.slug else {"before": before.full_name}
        await log_change(host, tx, identity, "repository changed", after.workspace, "repository", after.slug, details)
        await happened(
            host, tx, "repo:updated", actor_of(identity), after, {"changes": changes_of(before, after, _TOLD)}
        )
    return after


async def _check_parent(tx: Transaction, fork: Repository) -> None:
    """Raise `InvalidInput` for a private fork that becomes public although its parent forbids public forks."""
    parent = None if fork.parent is None else await rows.find_by_id(tx, fork.parent.id)
    if parent is not None and parent.fork_policy != "allow_forks":
        raise invalid_member("is_private", "The parent of this repository allows no public forks.")


async def _with_main_branch(host: Host, tx: Transaction, repository: Repository, name: str) -> Repository:
    """Make a branch the main one, which a clone checks out. Raise `InvalidInput` if there is no such branch."""
    from roadstead.git.ref_names import BRANCH
    from roadstead.git.refs import set_head

    await expect_branch(tx, repository, name)
    await set_head(folders_of(host).path(repository.uuid), BRANCH + name)
    await rows.set_mainbranch(tx, repository.id, name)
    return msgspec.structs.replace(repository, mainbranch=name)


async def _project(host: Host, tx: Transaction, identity: Identity, repository: Repository, key: str | None) -> Project:
    """Return the project of a repository, or another in which the caller may create repositories."""
    if key is None or key in (repository.project.key, repository.project.uuid):
        return repository.project
    visible = await find_visible(host, identity, repository.workspace.slug, tx)
    return await named_project(tx, identity, visible, key)


@dataclass(frozen=True, slots=True)
class OverrideChanges:
    """Which settings a repository takes from itself, not from its project. One without a value stays as it is."""

    own_merge_strategy: bool | None = None
    own_branching_model: bool | None = None


async def change_overrides(host: Host, identity: Identity, repository: Repository, given: OverrideChanges) -> None:
    """Change which settings a repository takes from itself. Raise as `find_repository` does."""
    changes = {name: value for name, value in asdict(given).items() if value is not None}
    async with host.store.database.transaction() as tx:
        before = await hold_repository(host, tx, identity, repository, "admin")
        await rows.change_repository(tx, before, msgspec.structs.replace(before, **changes))
        await log_change(host, tx, identity, "repository changed", before.workspace, "repository", before.slug, changes)


async def delete_repository(host: Host, identity: Identity, repository: Repository) -> None:
    """Delete a repository, which is gone for everyone at once; its files follow. Raise as `find_repository` does."""
    async with host.store.database.transaction() as tx:
        before = await hold_repository(host, tx, identity, repository, "admin")
        await happened(host, tx, "repo:deleted", actor_of(identity), before, {"repository": before})
        await rows.delete_repository(tx, before.id)
        await log_change(host, tx, identity, "repository deleted", before.workspace, "repository", before.slug)
    host.run_later(folders_of(host).trash(before.uuid))
    for files in (downloads_in(host.settings.data), lfs_objects_in(host.settings.data)):
        host.run_later(files.remove_all(before.uuid))

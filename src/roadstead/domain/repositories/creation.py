"""Create repositories: empty ones, forks, and copies of repositories on this machine.

The folder is made before the row: a repository that is in the database has its files.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from roadstead.domain.access.git_places import account_of
from roadstead.domain.happened import actor_of, happened
from roadstead.domain.host import Host
from roadstead.domain.people.changes import log_change
from roadstead.domain.people.projects import add_default_project
from roadstead.domain.people.workspaces import Visible, find_visible, lock_and_keep, role_of
from roadstead.domain.repositories.access import find_repository
from roadstead.domain.repositories.folders import folders_of
from roadstead.domain.repositories.given import RepositoryChanges, check_privacy, check_slug, slug_taken
from roadstead.domain.repositories.imported_objects import bring_objects
from roadstead.domain.repositories.places import expect_branch, project_to_create_in
from roadstead.domain.repositories.stored_files import lfs_objects_in
from roadstead.domain.slugs import slug_of
from roadstead.errors import GitFailed, WrongCredential, invalid_member
from roadstead.model import BriefRepository, Identity, Project, Repository
from roadstead.pushed import Ref
from roadstead.storage import repositories as rows
from roadstead.storage.database import Transaction
from roadstead.storage.permissions import keep_permission
from roadstead.storage.refs import keep_refs

if TYPE_CHECKING:
    from roadstead.git.refs import GitRef


@dataclass(frozen=True, slots=True)
class ForkChanges:
    """The members of a fork that differ from its parent's, and the workspace to make it in."""

    members: RepositoryChanges
    workspace: str | None = None


@dataclass(frozen=True, slots=True)
class _Plan:
    """A repository to create. `make` makes the folder of a UUID."""

    workspace: str
    slug: str
    given: RepositoryChanges
    event: str
    make: Callable[[str], Awaitable["_Made"]]
    parent: Repository | None = None


class _Made(NamedTuple):
    """A new folder: the branch that its HEAD names, which may not exist, and its refs."""

    branch: str
    refs: Sequence["GitRef"]


async def create_repository(
    host: Host, identity: Identity, workspace: str, slug: str, given: RepositoryChanges
) -> Repository:
    """Create an empty repository. Raise `NoSuchWorkspace`, `WrongCredential`, `InvalidInput` and `GitFailed`."""

    async def make(uuid: str) -> _Made:
        await folders_of(host).create(uuid)
        return _Made("", ())

    return await _create(host, identity, _Plan(workspace, slug, given, "repo:created", make))


async def import_repository(
    host: Host, identity: Identity, workspace: str, slug: str, given: RepositoryChanges, source: Path
) -> Repository:
    """Create a repository with the branches, tags and LFS objects of one on this machine.

    Raise as `create_repository` does.
    """

    async def make(uuid: str) -> _Made:
        from roadstead.git.folders import repository_around
        from roadstead.git.refs import read_all

        origin = await repository_around(source)
        branch = await folders_of(host).import_from(origin, uuid)
        await bring_objects(origin, lfs_objects_in(host.settings.data), uuid)
        return _Made(branch, await read_all(folders_of(host).path(uuid)))

    return await _create(host, identity, _Plan(workspace, slug, given, "repo:imported", make))


async def fork_repository(host: Host, identity: Identity, parent: Repository, given: ForkChanges) -> Repository:
    """Fork a repository: it takes from its parent each member that is not given, and shares its files.

    Raise as `create_repository` does.
    """
    members = _forked(parent, given.members)
    if members.mainbranch is not None:
        await expect_branch(host.store.database, parent, members.mainbranch)

    async def make(uuid: str) -> _Made:
        try:
            refs = await folders_of(host).fork(parent.uuid, uuid, branch=members.mainbranch)
        except GitFailed:
            await find_repository(host, identity, rows.ANY_WORKSPACE, parent.uuid, "read")  # deleted meanwhile?
            raise
        await lfs_objects_in(host.settings.data).share(parent.uuid, uuid)
        return _Made(members.mainbranch or parent.mainbranch or "", refs)

    workspace = given.workspace or parent.workspace.slug
    slug = slug_of(members.name or "")
    return await _create(host, identity, _Plan(workspace, slug, members, "repo:created", make, parent))


def _forked(parent: Repository, given: RepositoryChanges) -> RepositoryChanges:
    """Return the members of a fork. Raise `InvalidInput` and `WrongCredential` if its parent forbids it."""
    if parent.fork_policy == "no_forks":
        raise WrongCredential("Access denied. This repository cannot be forked.")
    if parent.fork_policy == "no_public_forks" and given.is_private is False:
        raise invalid_member("is_private", "Forks of this repository are private.")
    taken = ("name", "description", "fork_policy", "language", "has_issues", "has_wiki", "website")
    missing: dict[str, Any] = {name: getattr(parent, name) for name in taken if getattr(given, name) is None}
    if given.is_private is None and (parent.is_private or parent.fork_policy == "no_public_forks"):
        missing["is_private"] = True
    return replace(given, **missing)


async def _create(host: Host, identity: Identity, plan: _Plan) -> Repository:
    """Create the folder of a repository and then the repository, unless the caller may not."""
    visible = await find_visible(host, identity, plan.workspace)
    await _check(host, identity, visible, plan)
    name = f"{{{uuid.uuid4()}}}"
    try:
        # They import git, see `folders_of`.
        from roadstead.domain.repositories.mirroring import mirror_of
        from roadstead.domain.repositories.sizes import size_of

        async with host.writing.place(account_of(identity)):
            branch, there = await plan.make(name)
        refs = await mirror_of(folders_of(host).path(name), there)
        size = await size_of(host, name)
        async with host.store.database.transaction() as tx:
            await lock_and_keep(tx, visible.workspace)
            if plan.parent is not None:
                await rows.lock_repository(tx, plan.parent.id)
            visible = await find_visible(host, identity, plan.workspace, tx)
            project = await _check(host, identity, visible, plan, tx)
            project = project or await add_default_project(host, tx, identity, visible.workspace)
            has_branch = any(ref.kind == "branch" and ref.name == branch for ref in refs)
            made = _new(host, project, plan, uuid=name, branch=branch if has_branch else None)
            repository = msgspec.structs.replace(made, size=size)
            return await _add(host, tx, identity, plan, repository, refs)
    except BaseException:
        host.run_later(folders_of(host).trash(name))
        host.run_later(lfs_objects_in(host.settings.data).remove_all(name))
        raise


async def _check(
    host: Host, identity: Identity, visible: Visible, plan: _Plan, tx: Transaction | None = None
) -> Project | None:
    """Check that the caller may carry out the plan. Return its project, or `None` if it has to be made."""
    parent, reader = plan.parent, tx or host.store.database
    if parent is not None:
        await find_repository(host, identity, rows.ANY_WORKSPACE, parent.uuid, "read", tx)
    usual = parent.project.key if parent is not None and parent.workspace.id == visible.workspace.id else None
    project = await project_to_create_in(reader, identity, visible, plan.given.project, usual)
    check_slug(plan.slug)
    plan.given.members()
    if project is not None:
        check_privacy(project, is_private=_is_private(plan, project))
    if await rows.find_repository(reader, visible.workspace.slug, plan.slug):
        raise slug_taken()
    return project


def _is_private(plan: _Plan, project: Project) -> bool:
    """Return what is given, else the privacy of a named project; without a named one, a repository is private."""
    if plan.given.is_private is not None:
        return plan.given.is_private
    is_chosen = plan.given.project is not None or plan.parent is not None
    return project.is_private or not is_chosen


def _new(host: Host, project: Project, plan: _Plan, *, uuid: str, branch: str | None) -> Repository:
    """Return the repository of a plan, which has no id yet."""
    now, is_private = host.now(), _is_private(plan, project)
    empty = Repository(
        id=0,
        workspace=project.workspace,
        project=project,
        uuid=uuid,
        slug=plan.slug,
        name=plan.slug,
        description="",
        is_private=is_private,
        fork_policy="no_public_forks" if is_private else "allow_forks",
        language="",
        has_issues=False,
        has_wiki=False,
        website=None,
        mainbranch=branch,
        size=0,
        own_merge_strategy=False,
        own_branching_model=False,
        created_on=now,
        updated_on=now,
        parent=None if plan.parent is None else _brief(plan.parent),
    )
    return msgspec.structs.replace(empty, **plan.given.members())


def _brief(repository: Repository) -> BriefRepository:
    return BriefRepository(
        repository.id,
        repository.workspace.slug,
        repository.slug,
        repository.uuid,
        repository.name,
        repository.is_private,
    )


async def _add(
    host: Host, tx: Transaction, identity: Identity, plan: _Plan, repository: Repository, refs: Sequence[Ref]
) -> Repository:
    """Add a repository, which its creator watches and administers, with its refs and the event."""
    added = await rows.add_repository(tx, repository)
    await keep_refs(tx, added.id, refs)
    await happened(host, tx, plan.event, actor_of(identity), added, {})
    if plan.parent is not None:
        await happened(host, tx, "repo:fork", actor_of(identity), plan.parent, {"fork": added.uuid})
    if identity.user is not None and identity.user.kind == "user":
        await rows.keep_watcher(tx, added, identity.user.id)
        if await role_of(tx, added.workspace, identity.user) not in (None, "owner"):
            await keep_permission(tx, added, identity.user, "admin")
    details = {"parent": added.parent.full_name} if added.parent else {}
    await log_change(host, tx, identity, "repository created", added.workspace, "repository", added.slug, details)
    return added

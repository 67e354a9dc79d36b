"""Create, change and delete repositories."""

import re
import uuid
from dataclasses import asdict, dataclass
from typing import Any

import msgspec

from roadstead.domain.host import Host
from roadstead.domain.names import LONGEST_DESCRIPTION, LONGEST_NAME, is_name, is_text
from roadstead.domain.people.changes import log_change
from roadstead.domain.people.privileges import NoSuchProject, project_in
from roadstead.domain.people.projects import add_default_project
from roadstead.domain.people.workspaces import Visible, administered, find_visible, lock_and_keep
from roadstead.domain.repositories.access import NoSuchRepository, find_repository, hold
from roadstead.domain.slugs import LONGEST, slug_of
from roadstead.errors import InvalidInput, WrongCredential
from roadstead.model import FORK_POLICIES, Identity, Project, Repository
from roadstead.storage import repositories as rows
from roadstead.storage.audit import Details
from roadstead.storage.database import Transaction
from roadstead.storage.projects import oldest_project

_SLUG = re.compile(rf"[a-z0-9_.-]{{1,{LONGEST}}}", re.ASCII)
_LANGUAGE = 50
"""Characters that a language has at most."""


@dataclass(frozen=True, slots=True)
class RepositoryChanges:
    """The members that a body gives of a repository. A project is named by its key or UUID."""

    name: str | None = None
    description: str | None = None
    is_private: bool | None = None
    fork_policy: str | None = None
    language: str | None = None
    has_issues: bool | None = None
    has_wiki: bool | None = None
    website: str | None = None
    project: str | None = None


async def create_repository(
    host: Host, identity: Identity, workspace: str, slug: str, given: RepositoryChanges
) -> Repository:
    """Create an empty repository. Raise `NoSuchWorkspace`, `WrongCredential` and `InvalidInput`."""
    visible = await find_visible(host, identity, workspace)
    async with host.store.database.transaction() as tx:
        await lock_and_keep(tx, visible.workspace)
        visible = await find_visible(host, identity, workspace, tx)
        project = await _project_to_create_in(host, tx, identity, visible, given.project)
        _check_slug(slug)
        repository = await _add(tx, _new(host, project, slug, given))
        if identity.user is not None and identity.user.kind == "user":
            await rows.keep_watcher(tx, repository, identity.user.id)
        await _log(host, tx, "repository created", repository, identity)
    return repository


async def put_repository(
    host: Host, identity: Identity, workspace: str, slug: str, given: RepositoryChanges
) -> tuple[Repository, bool]:
    """Change a repository, or create one with that slug. Return it, and whether it is new. Raise as the others do."""
    try:
        held = await find_repository(host, identity, workspace, slug, "admin")
    except NoSuchRepository:
        return await create_repository(host, identity, workspace, slug, given), True
    return await _change(host, identity, held.repository, given), False


async def delete_repository(host: Host, identity: Identity, repository: Repository) -> None:
    """Delete a repository, which is gone for everyone at once. Raise as `find_repository` does."""
    async with host.store.database.transaction() as tx:
        repository = await hold(host, tx, identity, repository, "admin")
        await rows.delete_repository(tx, repository.id)
        await _log(host, tx, "repository deleted", repository, identity)


async def _change(host: Host, identity: Identity, repository: Repository, given: RepositoryChanges) -> Repository:
    async with host.store.database.transaction() as tx:
        before = await hold(host, tx, identity, repository, "admin")
        project = before.project
        if given.project is not None:
            visible = await find_visible(host, identity, before.workspace.slug, tx)
            project = await _project(tx, identity, visible, given.project)
        members = _checked(given)
        slug = before.slug if members.get("name", before.name) == before.name else slug_of(members["name"])
        _check_slug(slug)
        after = msgspec.structs.replace(before, project=project, slug=slug, updated_on=host.now(), **members)
        _check_privacy(after)
        try:
            await rows.change_repository(tx, before, after)
        except rows.SlugTaken as exc:
            raise slug_taken() from exc
        await _log(host, tx, "repository changed", after, identity, _moved(before, after))
    return after


def _moved(before: Repository, after: Repository) -> Details:
    """Return what an entry of the audit log says of a new name."""
    return {} if before.slug == after.slug else {"before": before.full_name}


# Projects


async def _project_to_create_in(
    host: Host, tx: Transaction, identity: Identity, visible: Visible, key: str | None
) -> Project:
    """Return the project of a new repository: without a key the oldest of the workspace, which is made if need be."""
    if key is not None:
        return await _project(tx, identity, visible, key)
    oldest = await oldest_project(tx, visible.workspace)
    if oldest is None:
        await administered(host, identity, visible.workspace.slug, tx)
        return await add_default_project(host, tx, identity, visible.workspace)
    try:
        return await project_in(tx, identity, visible, oldest.key, "create-repo")
    except NoSuchProject as exc:
        raise WrongCredential("Access denied. You must have create-repo access to this project.") from exc


async def _project(tx: Transaction, identity: Identity, visible: Visible, key: str) -> Project:
    """Return a project in which the caller may create repositories. Raise `InvalidInput` and `WrongCredential`."""
    try:
        return await project_in(tx, identity, visible, key, "create-repo")
    except NoSuchProject as exc:
        raise InvalidInput(f"project: {exc.message}", fields={"project": [exc.message]}) from exc


# What is given


def _new(host: Host, project: Project, slug: str, given: RepositoryChanges) -> Repository:
    """Return a repository that is to be added."""
    members, now = _checked(given), host.now()
    is_private = members.setdefault("is_private", project.is_private)
    members.setdefault("fork_policy", "no_public_forks" if is_private else "allow_forks")
    members.setdefault("name", slug)
    defaults: dict[str, Any] = {"description": "", "language": "", "has_issues": False, "has_wiki": False}
    return Repository(
        id=0,
        workspace=project.workspace,
        project=project,
        uuid=f"{{{uuid.uuid4()}}}",
        slug=slug,
        website=members.pop("website", None),
        mainbranch=None,
        size=0,
        own_merge_strategy=False,
        own_branching_model=False,
        created_on=now,
        updated_on=now,
        **(defaults | members),
    )


async def _add(tx: Transaction, repository: Repository) -> Repository:
    _check_privacy(repository)
    try:
        return await rows.add_repository(tx, repository)
    except rows.SlugTaken as exc:
        raise slug_taken() from exc


def slug_taken() -> InvalidInput:
    """Return the cloud's refusal of a second repository of one slug."""
    return InvalidInput(
        "Repository with this Slug and Owner already exists.",
        fields={"name": ["You already have a repository with this name."]},
    )


def _check_slug(slug: str) -> None:
    """Raise `InvalidInput` for a text that is no slug of a repository. `.git` ends the address for git."""
    is_slug = _SLUG.fullmatch(slug) and slug.strip(".") and not slug.endswith(".git")
    if not is_slug or slug_of(slug) != slug:
        raise InvalidInput(
            "Invalid slug. Slugs must be lowercase, alphanumerical, and may also contain underscores, dashes, or dots."
        )


def _check_privacy(repository: Repository) -> None:
    if repository.project.is_private and not repository.is_private:
        text = "A private project cannot have public repositories."
        raise InvalidInput(f"is_private: {text}", fields={"is_private": [text]})


def _checked(given: RepositoryChanges) -> dict[str, Any]:
    """Return the members that are given, but for the project. Raise `InvalidInput`."""
    members = {name: value for name, value in asdict(given).items() if value is not None and name != "project"}
    wrong: dict[str, str] = {}
    if not is_name(members.get("name", "x")):
        wrong["name"] = f"Use 1 to {LONGEST_NAME} printable characters."
    for name, longest in (("description", LONGEST_DESCRIPTION), ("website", LONGEST_NAME), ("language", _LANGUAGE)):
        if not is_text(members.get(name, ""), longest):
            wrong[name] = f"Use at most {longest} characters, and no NUL."
    if members.get("fork_policy", FORK_POLICIES[0]) not in FORK_POLICIES:
        wrong["fork_policy"] = f"not one of {', '.join(FORK_POLICIES)}"
    if wrong:
        raise InvalidInput("Bad request", fields=wrong)
    return members


async def _log(
    host: Host, tx: Transaction, action: str, repository: Repository, identity: Identity, details: Details | None = None
) -> None:
    await log_change(host, tx, identity, action, repository.workspace, "repository", repository.slug, details)

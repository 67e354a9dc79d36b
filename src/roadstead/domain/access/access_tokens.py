"""Access tokens of workspaces, projects and repositories. Each acts as an account that has the name of the token.

Owners manage those of their workspace, and administrators of a project or a repository those of that: in a signed-in
session only, so that no token makes another. Without a user, an operator does at the command line.
"""

import secrets
import uuid
from datetime import timedelta
from typing import NamedTuple

from roadstead.accounts import SessionUser
from roadstead.domain.access.credentials import add_token, token_scopes
from roadstead.domain.apps.installations import get_workspace
from roadstead.domain.host import Host
from roadstead.domain.names import check_name
from roadstead.domain.people.privileges import NoSuchProject, project_in
from roadstead.domain.people.workspaces import actor_of, administered, find_visible, lock_and_keep
from roadstead.domain.repositories.access import NoSuchRepository, find_repository
from roadstead.errors import NotFound
from roadstead.listing import PageRequest, Slice
from roadstead.model import AccountKind, ApiToken, ListedToken, Project, Repository, TokenOwner, User, Workspace
from roadstead.storage import credentials, projects, repositories, users
from roadstead.storage.audit import Details, add_entry
from roadstead.storage.database import Reader, Transaction


class _Found(NamedTuple):
    """What access tokens are of: a workspace, or a project or a repository in it."""

    workspace: Workspace
    project: Project | None = None
    repository: Repository | None = None

    @property
    def owner(self) -> TokenOwner:
        """Return it by its ids."""
        return TokenOwner(self.workspace.id, *(one.id if one else None for one in (self.project, self.repository)))

    @property
    def name(self) -> str:
        """Return its name in the audit log."""
        below = self.project.key if self.project else self.repository.slug if self.repository else None
        return "/".join(filter(None, (self.workspace.slug, below)))

    @property
    def kind(self) -> AccountKind:
        """Return the kind of the accounts of its tokens."""
        if self.repository is not None:
            return "repository_access_token"
        return "workspace_access_token" if self.project is None else "project_access_token"


async def create_access_token(
    host: Host,
    name: str,
    slug: str,
    key: str | None,
    *,
    repository: str | None = None,
    scopes: str | None,
    lifetime: timedelta | None,
    by: SessionUser | None = None,
) -> tuple[str, ListedToken]:
    """Create an access token of a workspace, or with a key of a project, or of a repository that is named.

    It is shown now and never again. Without scopes it has all of them. Raise `InvalidInput`, `NotFound` and
    `WrongCredential`.
    """
    check_name(name, "A token needs a name.")
    granted = token_scopes(scopes)
    found = await _find(host, slug, key, repository, by)
    async with host.store.database.transaction() as tx:
        found = await _hold(host, tx, found, by)
        account, creator = await _add_account(host, tx, name, found.kind), None if by is None else by.user
        token, made = await add_token(host, tx, account, name, granted, lifetime, found.owner, creator)
        await _log(host, tx, "access token made", found, by, {"token": made.id, "name": name})
    return token, ListedToken(made, found.workspace.slug, key, found.repository.slug if found.repository else None)


async def page_of_access_tokens(
    host: Host, slug: str, key: str | None, wanted: PageRequest, *, repository: str | None = None, by: SessionUser
) -> Slice[tuple[ApiToken, str | None]]:
    """Return a page of the access tokens of a workspace, a project or a repository, each with its creator's name.

    Raise `NotFound` and `WrongCredential`.
    """
    found = await _find(host, slug, key, repository, by)
    return await credentials.page_of_access_tokens(host.store.database, found.owner, wanted)


async def revoke_access_token(
    host: Host, slug: str, key: str | None, token_id: int, *, repository: str | None = None, by: SessionUser
) -> None:
    """Revoke an access token of a workspace, a project or a repository.

    Raise `NotFound`, also for one of others, and `WrongCredential`.
    """
    found = await _find(host, slug, key, repository, by)
    async with host.store.database.transaction() as tx:
        found = await _hold(host, tx, found, by)
        await users.deactivate_account_of(tx, token_id)
        if not await credentials.delete_access_token(tx, found.owner, token_id):
            raise NotFound("There is no such token.", "It may have been revoked.")
        await _log(host, tx, "access token revoked", found, by, {"token": token_id})


async def _find(
    host: Host,
    slug: str,
    key: str | None,
    repository: str | None,
    by: SessionUser | None,
    tx: Transaction | None = None,
) -> _Found:
    """Return what the tokens are of that the user manages. Raise `NotFound` and `WrongCredential`."""
    reader = tx or host.store.database
    if repository is not None:
        return await _find_repository(host, slug, repository, by, tx)
    if by is None:
        workspace = await get_workspace(host, slug)
        return _Found(workspace, None if key is None else await _find_project(reader, workspace, key))
    if key is None:
        return _Found((await administered(host, by, slug, tx)).workspace)
    visible = await find_visible(host, by, slug, tx)
    return _Found(visible.workspace, await project_in(reader, by, visible, key, "admin"))


async def _find_repository(
    host: Host, slug: str, repository: str, by: SessionUser | None, tx: Transaction | None
) -> _Found:
    if by is not None:
        held = await find_repository(host, by, slug, repository, "admin", tx)
        return _Found(held.repository.workspace, repository=held.repository)
    workspace = await get_workspace(host, slug)
    found = await repositories.find_repository(tx or host.store.database, slug, repository)
    if found is None:
        raise NoSuchRepository
    return _Found(workspace, repository=found)


async def _hold(host: Host, tx: Transaction, found: _Found, by: SessionUser | None) -> _Found:
    """Lock a workspace, and check again that the user manages these tokens. Raise as `_find` does."""
    workspace, project, repository = found
    await lock_and_keep(tx, workspace)
    key, slug = project.key if project else None, repository.slug if repository else None
    return await _find(host, workspace.slug, key, slug, by, tx)


async def _find_project(reader: Reader, workspace: Workspace, key: str) -> Project:
    found = await projects.find_project(reader, workspace, key, 0)
    if found is None:
        raise NoSuchProject(key)
    return found[0]


async def _add_account(host: Host, tx: Transaction, name: str, kind: AccountKind) -> User:
    account_id = secrets.token_hex(12)
    return await users.add_user(
        tx,
        uuid=f"{{{uuid.uuid4()}}}",
        account_id=account_id,
        username=account_id,
        display_name=name,
        now=host.now(),
        kind=kind,
    )


async def _log(
    host: Host, tx: Transaction, action: str, found: _Found, by: SessionUser | None, details: Details
) -> None:
    actor = actor_of(host, by)
    await add_entry(tx, actor=actor, action=action, subject=found.name, details=details, now=host.now())

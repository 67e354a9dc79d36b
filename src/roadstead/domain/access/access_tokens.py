"""Access tokens of workspaces, projects and repositories. Each acts as an account that has the name of the token.

Owners of a workspace manage its tokens, and administrators of a project or a repository those of that, in a signed-in
session only, so that no token makes another. Without a user, an operator manages them at the command line.
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


class _Owner(NamedTuple):
    """The owner of access tokens: a workspace, or a project or a repository in it."""

    workspace: Workspace
    project: Project | None = None
    repository: Repository | None = None

    @property
    def ids(self) -> TokenOwner:
        """Return the ids of the owner."""
        return TokenOwner(self.workspace.id, *(one.id if one else None for one in (self.project, self.repository)))

    @property
    def name(self) -> str:
        """Return the name of the owner in the audit log."""
        below = self.project.key if self.project else self.repository.slug if self.repository else None
        return "/".join(filter(None, (self.workspace.slug, below)))

    @property
    def kind(self) -> AccountKind:
        """Return the kind of the accounts of the owner's tokens."""
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
    owner = await _find_owner(host, slug, key, repository, by)
    async with host.store.database.transaction() as tx:
        owner = await _lock_owner(host, tx, owner, by)
        account, creator = await _add_account(host, tx, name, owner.kind), None if by is None else by.user
        token, made = await add_token(host, tx, account, name, granted, lifetime, owner.ids, creator)
        await _log(host, tx, "access token made", owner, by, {"token": made.id, "name": name})
    return token, ListedToken(made, owner.workspace.slug, key, owner.repository.slug if owner.repository else None)


async def page_of_access_tokens(
    host: Host, slug: str, key: str | None, wanted: PageRequest, *, repository: str | None = None, by: SessionUser
) -> Slice[tuple[ApiToken, str | None]]:
    """Return a page of the access tokens of a workspace, a project or a repository, each with its creator's name.

    Raise `NotFound` and `WrongCredential`.
    """
    owner = await _find_owner(host, slug, key, repository, by)
    return await credentials.page_of_access_tokens(host.store.database, owner.ids, wanted)


async def revoke_access_token(
    host: Host, slug: str, key: str | None, token_id: int, *, repository: str | None = None, by: SessionUser
) -> None:
    """Revoke an access token of a workspace, a project or a repository.

    Raise `NotFound`, also for one of others, and `WrongCredential`.
    """
    owner = await _find_owner(host, slug, key, repository, by)
    async with host.store.database.transaction() as tx:
        owner = await _lock_owner(host, tx, owner, by)
        await users.deactivate_account_of(tx, token_id)
        if not await credentials.delete_access_token(tx, owner.ids, token_id):
            raise NotFound("There is no such token.", "It may have been revoked.")
        await _log(host, tx, "access token revoked", owner, by, {"token": token_id})


async def _find_owner(
    host: Host,
    slug: str,
    key: str | None,
    repository: str | None,
    by: SessionUser | None,
    tx: Transaction | None = None,
) -> _Owner:
    """Return the owner of tokens, which the user manages. Raise `NotFound` and `WrongCredential`."""
    reader = tx or host.store.database
    if repository is not None:
        return await _find_repository(host, slug, repository, by, tx)
    if by is None:
        workspace = await get_workspace(host, slug)
        return _Owner(workspace, None if key is None else await _find_project(reader, workspace, key))
    if key is None:
        return _Owner((await administered(host, by, slug, tx)).workspace)
    visible = await find_visible(host, by, slug, tx)
    return _Owner(visible.workspace, await project_in(reader, by, visible, key, "admin"))


async def _find_repository(
    host: Host, slug: str, repository: str, by: SessionUser | None, tx: Transaction | None
) -> _Owner:
    if by is not None:
        held = await find_repository(host, by, slug, repository, "admin", tx)
        return _Owner(held.repository.workspace, repository=held.repository)
    workspace = await get_workspace(host, slug)
    found = await repositories.find_repository(tx or host.store.database, slug, repository)
    if found is None:
        raise NoSuchRepository
    return _Owner(workspace, repository=found)


async def _lock_owner(host: Host, tx: Transaction, owner: _Owner, by: SessionUser | None) -> _Owner:
    """Lock the owner's workspace, and check again that the user manages the tokens. Raise as `_find_owner` does."""
    workspace, project, repository = owner
    await lock_and_keep(tx, workspace)
    key, slug = project.key if project else None, repository.slug if repository else None
    return await _find_owner(host, workspace.slug, key, slug, by, tx)


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
    host: Host, tx: Transaction, action: str, owner: _Owner, by: SessionUser | None, details: Details
) -> None:
    actor = actor_of(host, by)
    await add_entry(tx, actor=actor, action=action, subject=owner.name, details=details, now=host.now())

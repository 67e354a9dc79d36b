"""Access tokens of workspaces, projects and repositories. Each acts as an account that has the name of the token.

Owners manage those of their workspace, and administrators of a project those of the project: in a signed-in session
only, so that no token makes another. Without a user, an operator does at the command line.
"""

import secrets
import uuid
from datetime import timedelta

from roadstead.accounts import SessionUser
from roadstead.domain.access.credentials import add_token, token_scopes
from roadstead.domain.apps.installations import get_workspace
from roadstead.domain.host import Host
from roadstead.domain.names import check_name
from roadstead.domain.people.privileges import NoSuchProject, project_in
from roadstead.domain.people.workspaces import actor_of, administered, find_visible, lock_and_keep
from roadstead.domain.repositories.access import NoSuchRepository
from roadstead.errors import NotFound
from roadstead.listing import PageRequest, Slice
from roadstead.model import AccountKind, ApiToken, ListedToken, Project, TokenOwner, User, Workspace
from roadstead.storage import credentials, projects, repositories, users
from roadstead.storage.audit import Details, add_entry
from roadstead.storage.database import Reader, Transaction


async def create_access_token(
    host: Host,
    name: str,
    slug: str,
    key: str | None,
    *,
    scopes: str | None,
    lifetime: timedelta | None,
    by: SessionUser | None = None,
) -> tuple[str, ListedToken]:
    """Create an access token of a workspace, or with a key of a project; it is shown now and never again.

    Without scopes it has all of them. Raise `InvalidInput`, `NotFound` and `WrongCredential`.
    """
    check_name(name, "A token needs a name.")
    granted = token_scopes(scopes)
    workspace, _ = await _find_owner(host, slug, key, by)
    async with host.store.database.transaction() as tx:
        owner = await _hold_owner(host, tx, workspace, key, by)
        kind: AccountKind = "workspace_access_token" if key is None else "project_access_token"
        account, creator = await _add_account(host, tx, name, kind), None if by is None else by.user
        token, made = await add_token(host, tx, account, name, granted, lifetime, owner, creator)
        await _log(host, tx, "access token made", workspace, key, by, {"token": made.id, "name": name})
    return token, ListedToken(made, workspace.slug, key, None)


async def create_repository_token(
    host: Host, name: str, slug: str, repository_slug: str, *, scopes: str | None, lifetime: timedelta | None
) -> tuple[str, ListedToken]:
    """Create an access token of a repository, for an operator, as `create_access_token` does.

    Raise `InvalidInput`, `WorkspaceNotFound` and `NoSuchRepository`.
    """
    check_name(name, "A token needs a name.")
    granted = token_scopes(scopes)
    workspace = await get_workspace(host, slug)
    async with host.store.database.transaction() as tx:
        await lock_and_keep(tx, workspace)
        repository = await repositories.find_repository(tx, slug, repository_slug)
        if repository is None:
            raise NoSuchRepository
        owner = TokenOwner(workspace.id, None, repository.id)
        account = await _add_account(host, tx, name, "repository_access_token")
        token, made = await add_token(host, tx, account, name, granted, lifetime, owner)
        details: Details = {"token": made.id, "name": name}
        await _log(host, tx, "access token made", workspace, repository.slug, None, details)
    return token, ListedToken(made, workspace.slug, None, repository.slug)


async def page_of_access_tokens(
    host: Host, slug: str, key: str | None, wanted: PageRequest, *, by: SessionUser
) -> Slice[tuple[ApiToken, str | None]]:
    """Return a page of the access tokens of a workspace or a project, each with its creator's name.

    Raise `NotFound` and `WrongCredential`.
    """
    _, owner = await _find_owner(host, slug, key, by)
    return await credentials.page_of_access_tokens(host.store.database, owner, wanted)


async def revoke_access_token(host: Host, slug: str, key: str | None, token_id: int, *, by: SessionUser) -> None:
    """Revoke an access token of a workspace or a project. Raise `NotFound`, also for one of others, and
    `WrongCredential`.
    """
    workspace, _ = await _find_owner(host, slug, key, by)
    async with host.store.database.transaction() as tx:
        owner = await _hold_owner(host, tx, workspace, key, by)
        await users.deactivate_account_of(tx, token_id)
        if not await credentials.delete_access_token(tx, owner, token_id):
            raise NotFound("There is no such token.", "It may have been revoked.")
        await _log(host, tx, "access token revoked", workspace, key, by, {"token": token_id})


async def _find_owner(
    host: Host, slug: str, key: str | None, by: SessionUser | None, tx: Transaction | None = None
) -> tuple[Workspace, TokenOwner]:
    """Return a workspace, and what the tokens belong to that the user manages: it or a project of it.

    Raise `NotFound` and `WrongCredential`.
    """
    reader = tx or host.store.database
    if by is None:
        workspace = await get_workspace(host, slug)
        project = None if key is None else await _find_project(reader, workspace, key)
    elif key is None:
        workspace, project = (await administered(host, by, slug, tx)).workspace, None
    else:
        visible = await find_visible(host, by, slug, tx)
        workspace, project = visible.workspace, await project_in(reader, by, visible, key, "admin")
    return workspace, TokenOwner(workspace.id, project.id if project else None, None)


async def _hold_owner(
    host: Host, tx: Transaction, workspace: Workspace, key: str | None, by: SessionUser | None
) -> TokenOwner:
    """Lock a workspace, and check again that the user manages these tokens. Raise as `_find_owner` does."""
    await lock_and_keep(tx, workspace)
    return (await _find_owner(host, workspace.slug, key, by, tx))[1]


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
    host: Host,
    tx: Transaction,
    action: str,
    workspace: Workspace,
    key: str | None,
    by: SessionUser | None,
    details: Details,
) -> None:
    """Add an entry about a workspace, or about what is there with a key or a slug."""
    subject = workspace.slug if key is None else f"{workspace.slug}/{key}"
    await add_entry(tx, actor=actor_of(host, by), action=action, subject=subject, details=details, now=host.now())

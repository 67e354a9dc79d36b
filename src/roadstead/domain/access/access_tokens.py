"""Access tokens of workspaces and projects. Each acts as an account of its own, whose name is the token's."""

import secrets
import uuid
from datetime import timedelta

from roadstead.domain.access.credentials import add_token, token_scopes
from roadstead.domain.apps.installations import get_workspace
from roadstead.domain.host import Host
from roadstead.domain.names import check_name
from roadstead.domain.people.privileges import NoSuchProject
from roadstead.domain.people.workspaces import lock_and_keep
from roadstead.model import AccountKind, ListedToken, Project, TokenOwner, User, Workspace
from roadstead.storage import projects, users
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Transaction


async def create_access_token(
    host: Host, name: str, slug: str, key: str | None, *, scopes: str | None, lifetime: timedelta | None
) -> tuple[str, ListedToken]:
    """Create an access token of a workspace, or with a key of a project; it is shown now and never again.

    Without scopes it has all of them. Raise `InvalidInput`, `WorkspaceNotFound` and `NoSuchProject`.
    """
    check_name(name, "A token needs a name.")
    granted = token_scopes(scopes)
    workspace = await get_workspace(host, slug)
    async with host.store.database.transaction() as tx:
        await lock_and_keep(tx, workspace)
        project = None if key is None else await _project(tx, workspace, key)
        account = await _add_account(host, tx, name, "project_access_token" if project else "workspace_access_token")
        owner = TokenOwner(workspace.id, project.id if project else None)
        token, made = await add_token(host, tx, account, name, granted, lifetime, owner)
        await add_entry(
            tx,
            actor=host.operator,
            action="access token made",
            subject=slug if key is None else f"{slug}/{key}",
            details={"token": made.id, "name": name},
            now=host.now(),
        )
    return token, ListedToken(made, workspace.slug, key)


async def _project(tx: Transaction, workspace: Workspace, key: str) -> Project:
    found = await projects.find_project(tx, workspace, key, 0)
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

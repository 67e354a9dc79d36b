"""OAuth consumers: create, list and delete them, and tell one by its key and secret."""

import re
import secrets

from roadstead.accounts import SessionUser
from roadstead.connect.scopes import SCOPES
from roadstead.connect.urls import MAX_URL_LENGTH, is_below, web_url_fault
from roadstead.domain.access.credentials import granted_scopes
from roadstead.domain.host import Host
from roadstead.domain.names import check_name
from roadstead.domain.people.users import lock_active
from roadstead.domain.people.workspaces import actor_of, find_changeable, hold, list_members
from roadstead.errors import Conflict, InvalidInput, NotFound
from roadstead.model import Consumer, User, Workspace
from roadstead.storage import consumers as rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Transaction

_IN_ANSWERS = re.compile(r"[?&](code|state|error|error_description|iss)(=|&|$)", re.IGNORECASE)
"""A parameter of the answer in the query of a `redirect_uri`: the consumer would read two of one name."""


async def create_consumer(
    host: Host, slug: str, name: str, *, callback_url: str, scopes: str | None, by: SessionUser | None = None
) -> tuple[Consumer, str]:
    """Create a consumer and return it with its secret, which is shown now and never again.

    Without scopes it may ask for all of them. It belongs to the owner who creates it: with the secret, the creator acts
    as its owner in every workspace of that user. One that an operator creates belongs to the earliest active owner.
    Raise `InvalidInput`, `NotFound`, `WrongCredential` and `Conflict`.
    """
    _check(name, callback_url)
    granted = tuple(sorted(SCOPES)) if scopes is None else granted_scopes(scopes)
    workspace = await find_changeable(host, slug, by)
    owner = await _earliest_owner(host, workspace) if by is None or by.is_operator else by.user
    secret = secrets.token_urlsafe(32)
    async with host.store.database.transaction() as tx:
        await hold(host, tx, workspace, by)
        await lock_active(tx, owner.id)
        made = await rows.add_consumer(
            tx,
            key=secrets.token_hex(9),
            secret=secret,
            workspace=workspace,
            owner=owner,
            name=name,
            callback_url=callback_url,
            scopes=granted,
            now=host.now(),
        )
        await _log(host, tx, "OAuth consumer created", workspace, made.key, by)
    return made, secret


def _check(name: str, callback_url: str) -> None:
    check_name(name, "A consumer needs a name.")
    fault = web_url_fault(callback_url)
    if fault is None and (not callback_url.isascii() or len(callback_url) > MAX_URL_LENGTH):
        fault = f"is not ASCII, or longer than {MAX_URL_LENGTH} characters"
    if fault is None and not may_redirect(callback_url, callback_url):
        fault = "contains a fragment, a user name, dots as a folder, or a parameter that the answer adds"
    if fault is not None:
        wrong, hint = f"The callback URL {fault}.", "Write it as in https://app.example/callback"
        raise InvalidInput(wrong, hint, fields={"callback": [f"{wrong} {hint}"]})


async def _earliest_owner(host: Host, workspace: Workspace) -> User:
    owners = [one for one in await list_members(host, workspace) if one.role == "owner" and one.user.is_active]
    if not owners:
        raise Conflict(f"The workspace {workspace.slug} has no active owner.", "Make a member an owner first.")
    return min(owners, key=lambda one: (one.added_on, one.user.id)).user


async def get_consumer(host: Host, key: str) -> Consumer:
    """Return the consumer of a key. Raise `NotFound`."""
    found = await rows.find_consumer(host.store.database, key)
    if found is None:
        raise NotFound("There is no OAuth consumer with this client_id.", "It may have been deleted.")
    return found


async def find_by_secret(host: Host, key: str, secret: str) -> Consumer | None:
    """Return the consumer of that key and secret."""
    return await rows.find_by_secret(host.store.database, key, secret)


async def list_consumers(host: Host, slug: str, *, by: SessionUser | None = None) -> list[Consumer]:
    """Return the consumers of a workspace in the order of their creation. Raise `NotFound` and `WrongCredential`."""
    return await rows.list_consumers(host.store.database, (await find_changeable(host, slug, by)).id)


async def delete_consumer(host: Host, slug: str, key: str, *, by: SessionUser | None = None) -> None:
    """Delete a consumer, and end all its codes and tokens. Raise `NotFound` and `WrongCredential`."""
    workspace = await find_changeable(host, slug, by)
    async with host.store.database.transaction() as tx:
        await hold(host, tx, workspace, by)
        if not await rows.delete_consumer(tx, workspace.id, key):
            raise NotFound(
                f"There is no consumer {key!r} in {slug}.", "List them with: roadstead consumer list WORKSPACE"
            )
        await _log(host, tx, "OAuth consumer deleted", workspace, key, by)


def may_redirect(url: str, callback_url: str) -> bool:
    """Return whether an answer may go to `url`: the callback itself, or an address below it on the same origin."""
    if "#" in url or len(url) > MAX_URL_LENGTH or _IN_ANSWERS.search(url) or not is_below(url, url.partition("?")[0]):
        return False
    return url == callback_url or ("?" not in callback_url and is_below(url, callback_url))


async def _log(
    host: Host, tx: Transaction, action: str, workspace: Workspace, key: str, by: SessionUser | None
) -> None:
    actor, details = actor_of(host, by), {"consumer": key}
    await add_entry(tx, actor=actor, action=action, subject=workspace.slug, details=details, now=host.now())

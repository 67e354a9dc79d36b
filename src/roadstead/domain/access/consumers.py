"""OAuth consumers: create, list, change and delete them, and tell one by its key and secret."""

import re
import secrets
from typing import NoReturn

from msgspec.structs import replace

from roadstead.accounts import SessionUser
from roadstead.connect.scopes import SCOPES
from roadstead.connect.urls import MAX_URL_LENGTH, is_below, web_url_fault
from roadstead.domain.access.credentials import granted_scopes
from roadstead.domain.access.grants import keep_within
from roadstead.domain.host import Host
from roadstead.domain.names import check_name
from roadstead.domain.people.users import lock_active
from roadstead.domain.people.workspaces import actor_of, find_changeable, hold_workspace, list_members
from roadstead.errors import Conflict, InvalidInput, NotFound
from roadstead.model import Consumer, User, Workspace
from roadstead.storage import consumers as rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Reader, Transaction

LONGEST_DESCRIPTION = 1_000
_IN_ANSWERS = re.compile(r"[?&](code|state|error|error_description|iss)(=|&|$)", re.IGNORECASE)
"""A parameter of the answer in the query of a `redirect_uri`: the consumer would read two of one name."""


async def create_consumer(
    host: Host,
    slug: str,
    name: str,
    *,
    callback_url: str,
    scopes: str | None,
    description: str = "",
    url: str = "",
    by: SessionUser | None = None,
) -> tuple[Consumer, str]:
    """Create a consumer and return it with its secret, which is shown now and never again.

    Without scopes it may ask for all of them. It belongs to the owner who creates it: with the secret, the creator acts
    as its owner in every workspace of that user. One that an operator creates belongs to the earliest active owner.
    Raise `InvalidInput`, `NotFound`, `WrongCredential` and `Conflict`.
    """
    _check(name, callback_url, description, url)
    granted = tuple(sorted(SCOPES)) if scopes is None else granted_scopes(scopes)
    workspace = await find_changeable(host, slug, by)
    owner = await _earliest_owner(host, workspace) if by is None or by.is_operator else by.user
    secret = secrets.token_urlsafe(32)
    async with host.store.database.transaction() as tx:
        await hold_workspace(host, tx, workspace, by)
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
            description=description,
            url=url,
            now=host.now(),
        )
        await _log(host, tx, "OAuth consumer created", workspace, made.key, by)
    return made, secret


async def change_consumer(
    host: Host,
    slug: str,
    key: str,
    *,
    name: str,
    callback_url: str,
    scopes: str,
    description: str,
    url: str,
    by: SessionUser,
) -> None:
    """Change a consumer. Scopes that it loses are taken from all its grants and tokens, before this returns.

    Raise as `create_consumer` does.
    """
    _check(name, callback_url, description, url)
    granted = granted_scopes(scopes)
    workspace = await find_changeable(host, slug, by)
    async with host.store.database.transaction() as tx:
        await hold_workspace(host, tx, workspace, by)
        changed = replace(
            await _find(tx, workspace, key),
            name=name,
            callback_url=callback_url,
            scopes=granted,
            description=description,
            url=url,
        )
        await rows.change_consumer(tx, changed)
        await keep_within(tx, changed)
        given = {"callback": callback_url, "scopes": " ".join(granted)}
        await _log(host, tx, "OAuth consumer changed", workspace, key, by, given)


def _check(name: str, callback_url: str, description: str, url: str) -> None:
    check_name(name, "A consumer needs a name.")
    fault = _fault(callback_url)
    if fault is None and not may_redirect(callback_url, callback_url):
        fault = "contains a fragment, a user name, dots as a folder, or a parameter that the answer adds"
    if fault is not None:
        _refuse("callback", f"The callback URL {fault}.", "Write it as in https://app.example/callback")
    if url and (fault := _fault(url)):
        _refuse("url", f"The URL {fault}.", "Write it as in https://app.example/")
    if len(description) > LONGEST_DESCRIPTION or "\0" in description:
        _refuse("description", f"A description has at most {LONGEST_DESCRIPTION} characters, and no NUL.")


def _fault(url: str) -> str | None:
    fault = web_url_fault(url)
    if fault is None and (not url.isascii() or len(url) > MAX_URL_LENGTH):
        fault = f"is not ASCII, or longer than {MAX_URL_LENGTH} characters"
    return fault


def _refuse(field: str, wrong: str, hint: str = "") -> NoReturn:
    raise InvalidInput(wrong, hint, fields={field: [f"{wrong} {hint}".strip()]})


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


async def get_consumer_of(host: Host, slug: str, key: str, *, by: SessionUser) -> Consumer:
    """Return a consumer of a workspace. Raise `NotFound` and `WrongCredential`."""
    return await _find(host.store.database, await find_changeable(host, slug, by), key)


async def _find(reader: Reader, workspace: Workspace, key: str) -> Consumer:
    found = await rows.find_in_workspace(reader, workspace.id, key)
    if found is None:
        raise _no_consumer(workspace.slug, key)
    return found


def _no_consumer(slug: str, key: str) -> NotFound:
    return NotFound(f"There is no consumer {key!r} in {slug}.", "List them with: roadstead consumer list WORKSPACE")


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
        await hold_workspace(host, tx, workspace, by)
        if not await rows.delete_consumer(tx, workspace.id, key):
            raise _no_consumer(slug, key)
        await _log(host, tx, "OAuth consumer deleted", workspace, key, by)


def may_redirect(url: str, callback_url: str) -> bool:
    """Return whether an answer may go to `url`: the callback itself, or an address below it on the same origin."""
    if "#" in url or len(url) > MAX_URL_LENGTH or _IN_ANSWERS.search(url) or not is_below(url, url.partition("?")[0]):
        return False
    return url == callback_url or ("?" not in callback_url and is_below(url, callback_url))


async def _log(
    host: Host,
    tx: Transaction,
    action: str,
    workspace: Workspace,
    key: str,
    by: SessionUser | None,
    given: dict[str, str] | None = None,
) -> None:
    actor, details = actor_of(host, by), {"consumer": key, **(given or {})}
    await add_entry(tx, actor=actor, action=action, subject=workspace.slug, details=details, now=host.now())

"""Hooks of a repository or a workspace: who may have which, and where they may lead."""

import re
import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from roadstead.connect.scopes import satisfy
from roadstead.domain.access.credentials import scopes_of
from roadstead.domain.apps.installations import get_installed
from roadstead.domain.host import Host
from roadstead.domain.people import workspaces
from roadstead.domain.people.changes import log_change
from roadstead.domain.repositories import access
from roadstead.errors import InvalidInput, NotFound, OutgoingCallFailed, ScopeMissing, invalid_member
from roadstead.events.catalogue import CATALOGUE, Subject
from roadstead.events.subscribers import server_of
from roadstead.listing import PageRequest, Slice
from roadstead.model import Identity, Repository, Workspace
from roadstead.model.hooks import Hook
from roadstead.outbound.calls import shown
from roadstead.storage import hooks as rows
from roadstead.storage.database import Transaction
from roadstead.storage.deliveries import send_elsewhere
from roadstead.storage.sealing import sealer
from roadstead.storage.workspaces import lock_workspace

MOST = 50
"""Hooks of a repository, or of a workspace itself. The cloud documents no limit."""
MOST_OF_APP = 20
"""Of these, so that an app leaves room for others."""
_UUID = re.compile("[0-9a-f-]{36}")
_LONGEST = {"url": 2048, "description": 1024, "secret": 128}
"""Characters. The last is the cloud's, the first that of an app's webhooks; no limit of a description is known."""


class NoSuchHook(NotFound):
    """There is no such hook. The message is the cloud's, which names what the hook would belong to."""

    def __init__(self, owner: "Owner", uid: str) -> None:
        super().__init__(
            f"{owner.slug} is not a valid hook", f"It has no hook {uid[:60]!r}. Its hooks are in its list."
        )


class MembersMissing(InvalidInput):
    """A hook lacks members. Here, the cloud lists sentences as `fields`."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__("Bad request")
        self.sentences = [f'Required field: "{name}" is not present' for name in names]


class HookChanges(msgspec.Struct):
    """What a caller gives of a hook; `None` leaves a member as it is. An empty secret removes the hook's."""

    url: str | None = None
    description: str | None = None
    active: bool | None = None
    events: list[str] | None = None
    secret: str | msgspec.UnsetType | None = msgspec.UNSET
    skip_cert_verification: bool | None = None
    history_enabled: bool | None = None


@dataclass(frozen=True, slots=True)
class Owner:
    """What hooks belong to: a repository, or the workspace itself."""

    workspace: Workspace
    repository: Repository | None = None

    @property
    def kind(self) -> Subject:
        """Return the kind of subject, as the catalogue names it."""
        return "workspace" if self.repository is None else "repository"

    @property
    def slug(self) -> str:
        """Return the slug of the subject."""
        return self.workspace.slug if self.repository is None else self.repository.slug

    @property
    def ids(self) -> tuple[int, int | None]:
        """Return the ids by which rows of hooks name the subject."""
        return self.workspace.id, None if self.repository is None else self.repository.id


async def page_of_hooks(host: Host, owner: Owner, wanted: PageRequest) -> Slice[Hook]:
    """Return a page of the hooks of a subject."""
    return await rows.page_of_hooks(host.store.database, *owner.ids, wanted)


async def get_hook(host: Host, owner: Owner, uid: str, tx: Transaction | None = None) -> Hook:
    """Return a hook by its UUID, with or without braces. Raise `NoSuchHook`."""
    bare, found = uid.strip("{}").lower(), None
    if _UUID.fullmatch(bare):
        found = await rows.find_hook(tx or host.store.database, *owner.ids, f"{{{bare}}}")
    if found is None:
        raise NoSuchHook(owner, uid)
    return found


async def create_hook(host: Host, identity: Identity, owner: Owner, given: HookChanges) -> Hook:
    """Create a hook. Raise `InvalidInput`, `ScopeMissing`, and as `_hold` does."""
    if missing := [name for name in ("url", "events") if getattr(given, name) is None]:
        raise MembersMissing(missing)
    hook = _new(host, identity, owner)
    allowed = await _allowed(host, identity, hook, given)
    async with host.store.database.transaction() as tx:
        seal = await sealer(host.store.secrets, tx)
        await _hold(host, tx, identity, owner)
        await _expect_room(tx, identity, owner)
        hook = _changed(owner, hook, given, allowed)
        secret = seal(given.secret) if given.secret else None
        hook = msgspec.structs.replace(hook, id=await rows.add_hook(tx, hook, secret), has_secret=bool(secret))
        await _log(host, tx, identity, owner, "webhook created", hook)
    return await get_hook(host, owner, hook.uuid)


async def change_hook(host: Host, identity: Identity, owner: Owner, uid: str, given: HookChanges) -> Hook:
    """Change a hook. Its URL and its description are given with each change. Raise as `create_hook` does."""
    if missing := [name for name in ("url", "description") if getattr(given, name) is None]:
        raise MembersMissing(missing)
    allowed = await _allowed(host, identity, await get_hook(host, owner, uid), given)
    async with host.store.database.transaction() as tx:
        seal = await sealer(host.store.secrets, tx)
        await _hold(host, tx, identity, owner)
        before = await get_hook(host, owner, uid, tx)
        hook = _changed(owner, before, given, allowed)
        await rows.change_hook(tx, hook)
        if hook.url != before.url:
            await send_elsewhere(tx, hook.id, hook.url, server_of(hook.url))
        if not isinstance(given.secret, msgspec.UnsetType):
            await rows.change_secret(tx, hook.id, seal(given.secret) if given.secret else None)
        await _log(host, tx, identity, owner, "webhook changed", hook)
    return await get_hook(host, owner, uid)


async def delete_hook(host: Host, identity: Identity, owner: Owner, uid: str) -> None:
    """Delete a hook. Raise `NoSuchHook`, and as `_hold` does."""
    async with host.store.database.transaction() as tx:
        await _hold(host, tx, identity, owner)
        hook = await get_hook(host, owner, uid, tx)
        await rows.delete_hook(tx, hook.id)
        await _log(host, tx, identity, owner, "webhook deleted", hook)


def _new(host: Host, identity: Identity, owner: Owner) -> Hook:
    workspace_id, repository_id = owner.ids
    return Hook(
        id=0,
        uuid=f"{{{uuid.uuid4()}}}",
        workspace_id=workspace_id,
        repository_id=repository_id,
        installation_id=identity.installation_id,
        url="",
        home=None,
        description="",
        is_active=True,
        has_secret=False,
        events=(),
        skip_cert_verification=False,
        history_enabled=False,
        created_at=host.now(),
        source=identity.app_key,
    )


class _Allowed(NamedTuple):
    """What a caller's hook may be: the scopes of its events, or all, and the URL whose place on this machine it has."""

    scopes: Collection[str] | None
    home: str | None


async def _allowed(host: Host, identity: Identity, hook: Hook, given: HookChanges) -> _Allowed:
    """Return what a caller's hook may be. Raise `InvalidInput` for a new URL that may not be called."""
    url, is_stored = given.url, hook.id > 0
    home = hook.home if url is None or (is_stored and url == hook.url) else await _checked_home(host, identity, url)
    return _Allowed(await scopes_of(host, identity), home)


def _changed(owner: Owner, hook: Hook, given: HookChanges, allowed: _Allowed) -> Hook:
    """Return a hook with the given changes. Raise `InvalidInput`, and `ScopeMissing` for events."""
    _check_texts(given)
    if given.events is not None:
        hook = msgspec.structs.replace(hook, events=_checked_events(given.events, owner.kind))
    _expect_scopes(allowed.scopes, hook.events)
    if given.url is not None and given.url != hook.url:
        hook = msgspec.structs.replace(hook, url=given.url, home=allowed.home)
    members = {
        "description": given.description,
        "is_active": given.active,
        "skip_cert_verification": given.skip_cert_verification,
        "history_enabled": given.history_enabled,
    }
    return msgspec.structs.replace(hook, **{name: value for name, value in members.items() if value is not None})


def _check_texts(given: HookChanges) -> None:
    for name, longest in _LONGEST.items():
        text = getattr(given, name)
        if isinstance(text, str) and len(text) > longest:
            raise invalid_member(name, f"At most {longest} characters are taken.")
        if isinstance(text, str) and "\0" in text:
            raise invalid_member(name, "It has a NUL character.")


def _checked_events(keys: Sequence[str], subject: Subject) -> tuple[str, ...]:
    """Return the keys of events, sorted. Raise `InvalidInput` unless hooks of the subject may subscribe to each."""
    if not keys:
        raise invalid_member("events", "At least one event is needed.")
    if len(set(keys)) < len(keys):
        raise invalid_member("events", "An event is named more than once.")
    unknown = [key for key in keys if key not in CATALOGUE or subject not in CATALOGUE[key].subjects]
    if unknown:
        raise invalid_member("events", f"{unknown[0][:60]!r} is no event of a {subject}.")
    return tuple(sorted(keys))


def _expect_scopes(granted: Collection[str] | None, events: Iterable[str]) -> None:
    """Raise `ScopeMissing` for a credential without the scopes that the objects of events need."""
    needed = sorted({CATALOGUE[key].scope for key in events if key in CATALOGUE})
    if granted is not None and not all(satisfy(granted, scope, [f"read:{scope}:bitbucket"]) for scope in needed):
        raise ScopeMissing(["webhook", *needed], granted)


async def _checked_home(host: Host, identity: Identity, url: str) -> str | None:
    """Return the URL whose place on this machine a hook may lead to. Raise `InvalidInput` for a forbidden URL.

    An app's hook leads where the app is. An administrator, and each user of a host that serves only this machine, says
    where the hook leads; any other user chooses among public addresses, and those that the operator allows.
    """
    home: str | None = None
    if identity.installation_id is not None:
        home = (await get_installed(host, identity.installation_id)).descriptor_url
    elif identity.user is not None and not identity.is_integration:
        home = url if host.is_for_this_machine or identity.user.is_administrator else None
    try:
        host.outbound.check(url, home=home)
    except OutgoingCallFailed as exc:
        raise invalid_member("url", exc.message, exc.detail) from exc
    return home


async def _hold(host: Host, tx: Transaction, identity: Identity, owner: Owner) -> None:
    """Lock the workspace, and check again that the caller administers the subject."""
    if owner.repository is not None:
        await access.hold_repository(host, tx, identity, owner.repository, "admin")
    else:
        await lock_workspace(tx, owner.workspace.id)
        await workspaces.administered(host, identity, owner.workspace.slug, tx)


async def _expect_room(tx: Transaction, identity: Identity, owner: Owner) -> None:
    number, of_app = await rows.count_hooks(tx, *owner.ids, identity.installation_id)
    if number >= MOST or (identity.installation_id is not None and of_app >= MOST_OF_APP):
        most = f"At most {MOST} are kept, and of one app {MOST_OF_APP}."
        raise InvalidInput(f"The {owner.kind} has as many webhooks as it may.", f"{most} Delete one first.")


async def _log(host: Host, tx: Transaction, identity: Identity, owner: Owner, action: str, hook: Hook) -> None:
    name = f"hooks/{hook.uuid}" if owner.repository is None else f"{owner.slug}/hooks/{hook.uuid}"
    await log_change(host, tx, identity, action, owner.workspace, "webhook", name, {"url": shown(hook.url)})

"""Application properties: JSON objects that apps keep beside repositories, commits and users.

Each installation has its own properties, so apps with the same key in different workspaces do not affect each other.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from roadstead.domain.apps.installations import get_installed
from roadstead.domain.host import Host
from roadstead.domain.repositories.access import hold_repository
from roadstead.errors import InvalidInput, NotFound, WrongCredential
from roadstead.model import Identity, Repository, User
from roadstead.storage import properties as rows
from roadstead.storage.database import Transaction
from roadstead.storage.properties import Property, Subject

MOST_BYTES = 32_768
"""Of a value as JSON. Bitbucket documents no limit; this is that of the entity properties of Jira and Confluence."""
MOST_LEVELS = 100
"""Levels of nested objects and lists, as in every other body."""
_KEY = re.compile(r"[-_a-zA-Z0-9]{1,255}")
"""The name of a property, and of each member of a value on any level: the cloud's pattern, and the length of Jira's."""

Attribute = Literal["public", "read_only"]
Value = dict[str, Any]
Place = Repository | User


class NoSuchProperty(NotFound):
    """There is no such property, or the caller may not read it."""

    def __init__(self, app_key: str, name: str) -> None:
        super().__init__(f"The app {app_key[:100]!r} has no property {name[:100]!r} here that you may read.")


def subject_of(place: Place, commit_hash: str = "") -> Subject:
    """Return the subject of a property: a user, a repository, or a commit of a repository."""
    if isinstance(place, User):
        return Subject(user_id=place.id)
    return Subject(repository_id=place.id, commit_hash=commit_hash)


async def get_property(host: Host, identity: Identity, subject: Subject, app_key: str, name: str) -> Value:
    """Return the value that an app keeps, for a caller who sees the subject. Raise `NoSuchProperty`.

    The app and its pages read all properties of the app, other callers only public ones.
    """
    found = await rows.find_properties(host.store.database, subject, app_key, name)
    own = [one for one in found if one.installation_id == identity.installation_id]
    for one in own or filter(_is_public, found):
        value: Value = msgspec.json.decode(one.value)
        return value
    raise NoSuchProperty(app_key, name)


def _is_public(stored: Property) -> bool:
    return _has(stored.value, "public")


def _has(value: str, attribute: Attribute) -> bool:
    return attribute in msgspec.json.decode(value).get("_attributes", ())


async def put_property(
    host: Host, identity: Identity, place: Place, commit_hash: str, app_key: str, name: str, value: Value
) -> None:
    """Store the value that an app keeps. Raise `WrongCredential`, `InvalidInput`, and as `find_repository` does."""
    installation_id = _installation(identity, app_key)
    if not _KEY.fullmatch(name):
        raise _refused("property_name", f"a name must match {_KEY.pattern}")
    text = _checked(value)
    async with host.store.database.transaction() as tx:
        subject, _ = await _hold(host, tx, identity, installation_id, place, commit_hash, name)
        await rows.delete_property(tx, installation_id, subject, name)
        await rows.add_property(tx, installation_id, subject, name, text)


async def delete_property(
    host: Host, identity: Identity, place: Place, commit_hash: str, app_key: str, name: str
) -> None:
    """Delete the value that an app keeps. Raise as `put_property` does, and `NoSuchProperty`."""
    installation_id = _installation(identity, app_key)
    async with host.store.database.transaction() as tx:
        subject, stored = await _hold(host, tx, identity, installation_id, place, commit_hash, name)
        if stored is None:
            raise NoSuchProperty(app_key, name)
        await rows.delete_property(tx, installation_id, subject, name)


def _installation(identity: Identity, app_key: str) -> int:
    """Return the installation of the app of that key, if the app calls with its JWT, or one of its pages does."""
    if identity.installation_id is None or identity.app_key != app_key:
        raise WrongCredential(
            "Access denied. Only the app with this key may change its properties.",
            "The app calls with its JWT, or one of its pages does with AP.request.",
        )
    return identity.installation_id


async def _hold(
    host: Host,
    tx: Transaction,
    identity: Identity,
    installation_id: int,
    place: Place,
    commit_hash: str,
    name: str,
) -> tuple[Subject, str | None]:
    """Lock the installation, and check that it may change the property. Return the subject and the present value."""
    installed = await get_installed(host, installation_id, tx)
    if isinstance(place, Repository):
        place = await hold_repository(host, tx, identity, place, "read")
        if place.workspace.id != installed.workspace.id:
            raise WrongCredential("Access denied. The app is not installed in the workspace of this repository.")
    subject = subject_of(place, commit_hash)
    stored = await rows.find_property(tx, installation_id, subject, name)
    if identity.user is not None and stored is not None and _has(stored, "read_only"):
        raise WrongCredential("Access denied. This property is read-only for pages of the app.")
    return subject, stored


def _checked(value: Value) -> str:
    """Return the JSON of a value that may be stored. Raise `InvalidInput`."""
    _check_keys(value)
    attributes = value.get("_attributes", [])
    if not isinstance(attributes, list) or any(one not in ("public", "read_only") for one in attributes):
        raise _refused("_attributes", "expected a list of `public` and `read_only`")
    text = msgspec.json.encode(value)
    if len(text) > MOST_BYTES:
        raise InvalidInput("The property is too large.", f"Its JSON may have {MOST_BYTES:,} bytes.")
    return text.decode()


def _check_keys(value: Value) -> None:
    """Raise `InvalidInput` for a member of any level whose name does not match, and for too many levels."""
    level: list[Any] = [value]
    for _ in range(MOST_LEVELS):
        for one in level:
            wrong = [key for key in one if not _KEY.fullmatch(key)] if isinstance(one, dict) else []
            if wrong:
                raise _refused(wrong[0][:60], f"a key must match {_KEY.pattern}")
        level = [child for one in level for child in _children(one)]
        if not level:
            return
    raise InvalidInput("The JSON is nested too deeply.", f"At most {MOST_LEVELS} levels are taken.")


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _refused(member: str, reason: str) -> InvalidInput:
    return InvalidInput("Bad request", f"{member}: {reason}.", fields={member: [reason]})

"""Events of repositories and projects, each stored in the transaction of its change: neither is without the other."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from roadstead.domain.host import Host
from roadstead.model import Identity, Project, Repository
from roadstead.storage.database import Transaction
from roadstead.storage.events import add_event


class Actor(NamedTuple):
    """Who caused an event: a user's id, an installation's, or of a page of an app both."""

    user_id: int | None
    installation_id: int | None


def actor_of(identity: Identity) -> Actor:
    """Return the caller as the one who causes events."""
    return Actor(None if identity.user is None else identity.user.id, identity.installation_id)


async def happened(
    host: Host, tx: Transaction, key: str, actor: Actor, place: Repository | Project, payload: Mapping[str, Any]
) -> int:
    """Add an event of a repository or a project, and return its id. `payload` has only what the database and the
    repository will not tell later.
    """
    return await add_event(
        tx,
        key,
        workspace_id=place.workspace.id,
        repository_id=place.id if isinstance(place, Repository) else None,
        user_id=actor.user_id,
        installation_id=actor.installation_id,
        now=host.now(),
        payload=payload,
    )


def changes_of(before: object, after: object, names: Iterable[str]) -> dict[str, Any]:
    """Return the old and the new of each member that has changed, as an event tells them."""
    both = ((name, getattr(before, name), getattr(after, name)) for name in names)
    return {name: {"old": old, "new": new} for name, old, new in both if old != new}

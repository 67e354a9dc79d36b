"""Events of repositories. Each is stored in the transaction of its change, so neither is there without the other."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from roadstead.domain.host import Host
from roadstead.model import Identity, Repository
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
    host: Host, tx: Transaction, key: str, actor: Actor, repository: Repository, payload: Mapping[str, Any]
) -> None:
    """Add an event of a repository. `payload` has only what the database and the repository will not tell later."""
    await add_event(
        tx,
        key,
        workspace_id=repository.workspace.id,
        repository_id=repository.id,
        user_id=actor.user_id,
        installation_id=actor.installation_id,
        now=host.now(),
        payload=payload,
    )

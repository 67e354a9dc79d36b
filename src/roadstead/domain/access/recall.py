"""What a caller was found to be allowed, kept until anything may have changed that decides about it."""

from collections.abc import Awaitable, Callable, Hashable
from typing import TypeVar

from roadstead.domain.host import Host
from roadstead.model import Identity

T = TypeVar("T")

_BYTES = 4_000
"""Of a repository or a project with its workspace and names of usual length, and what keeping it takes."""


async def recall(host: Host, identity: Identity, what: Hashable, find: Callable[[], Awaitable[T]]) -> T:
    """Return what was found before for such a caller, or else find it. What `find` raises is not kept.

    No change of callers, people, permissions or repositories by any process is missed: each has counted a version up
    before it was answered, and the versions are read before what they protect.
    """
    versions = await host.store.database.versions()
    key = what, facts_of(identity)
    kept = host.store.memory.kept
    known: T | None = kept.find(key, versions)
    if known is None:
        known = await find()
        kept.keep(key, versions, known, _BYTES)
    return known


def facts_of(identity: Identity) -> Hashable:
    """Return all of a caller that decides what the caller may do.

    It has whether the account is an administrator's: the account was read before the versions, so it may be older.
    """
    user = identity.user
    account = None if user is None else (user.id, user.is_administrator)
    return account, identity.installation_id, identity.owner, identity.repository, identity.is_integration

"""Approvals of commits. A user needs a grant in the repository: reading a public one is not enough."""

from collections.abc import Sequence

import msgspec

from roadstead.domain.host import Host
from roadstead.domain.repositories.access import held_in, hold_repository, reach_of
from roadstead.errors import WrongCredential
from roadstead.model import Identity, Repository, User
from roadstead.model.reviews import Approval
from roadstead.storage import commit_approvals as rows
from roadstead.storage.database import Transaction

_BYTES = 500
"""The size in memory of whether a repository has approvals."""


async def approvals_of(host: Host, repository: Repository, commit_hash: str) -> Sequence[Approval]:
    """Return who has approved a commit, the earliest first. In most repositories, no commit was ever approved."""
    if not await _has_any(host, repository):
        return []
    return await rows.list_approvals(host.store.database, repository.id, commit_hash)


async def _has_any(host: Host, repository: Repository) -> bool:
    key, kept, people = (Approval, repository.id), host.store.memory.kept, (await host.store.database.versions()).people
    known: bool | None = kept.find(key, people)
    if known is None:
        known = await rows.has_approvals(host.store.database, repository.id)
        kept.keep(key, people, known, _BYTES)
    return known


async def approve(host: Host, identity: Identity, repository: Repository, commit_hash: str) -> Approval:
    """Approve a commit, unless the caller has. Raise `WrongCredential`, and as `hold_repository` does."""
    async with host.store.database.transaction() as tx:
        user = await _approver(host, tx, identity, repository)
        await rows.keep_approval(tx, repository.id, commit_hash, user.id, host.now())
        found = await rows.list_approvals(tx, repository.id, commit_hash)
    return next(approval for approval in found if approval.user.id == user.id)


async def withdraw(host: Host, identity: Identity, repository: Repository, commit_hash: str) -> None:
    """Withdraw the caller's approval, if there is one. Raise as `approve` does."""
    async with host.store.database.transaction() as tx:
        user = await _approver(host, tx, identity, repository)
        await rows.delete_approval(tx, repository.id, commit_hash, user.id)


async def _approver(host: Host, tx: Transaction, identity: Identity, repository: Repository) -> User:
    """Return the user who approves. Raise `WrongCredential` for one who reads only because it is public."""
    repository = await hold_repository(host, tx, identity, repository, "read")
    if identity.user is None:
        raise WrongCredential("Only a user approves a commit.")
    private = msgspec.structs.replace(repository, is_private=True)
    if await held_in(tx, await reach_of(host, identity, tx), private) is None:
        raise WrongCredential("Access denied. You must have been granted access to this repository.")
    return identity.user

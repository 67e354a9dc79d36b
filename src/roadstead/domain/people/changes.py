"""Entries of the audit log about projects and repositories of a workspace, and permissions in them."""

from roadstead.domain.host import Host
from roadstead.model import Identity, User, Workspace
from roadstead.storage.audit import Details, add_entry, add_entry_of_run
from roadstead.storage.database import Transaction


async def log_change(
    host: Host,
    tx: Transaction,
    identity: Identity,
    action: str,
    workspace: Workspace,
    kind: str,
    name: str,
    details: Details | None = None,
) -> None:
    """Add an entry about something of a workspace, of a kind and with a name.

    What an app repeats is counted, so that no app fills the log.
    """
    given, now = details or {}, host.now()
    if identity.user is None:
        assert identity.installation_id is not None  # noqa: S101  # every other credential is a user's
        named = {kind: name, **given}
        await add_entry_of_run(tx, identity.installation_id, action=action, about=name, details=named, now=now)
        return
    subject = f"{workspace.slug}/{name}"
    await add_entry(tx, actor=_actor(identity.user), action=action, subject=subject, details=given, now=now)


def _actor(user: User) -> str:
    return f"user {user.username}" if user.kind == "user" else f"access token {user.display_name} {user.uuid}"

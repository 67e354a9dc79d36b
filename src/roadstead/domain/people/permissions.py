"""What is granted to users and groups in a project or a repository: only people who administer it change that."""

from roadstead.domain.host import Host
from roadstead.domain.people.changes import log_change
from roadstead.domain.people.privileges import hold_project
from roadstead.domain.people.workspaces import role_of
from roadstead.domain.repositories.access import hold_repository
from roadstead.errors import InvalidInput, NotFound, WrongCredential
from roadstead.listing import PageRequest, Slice
from roadstead.model import PRIVILEGES, Group, Holder, Identity, Place, Privilege, Project, User
from roadstead.storage import groups
from roadstead.storage import permissions as rows
from roadstead.storage.database import Transaction

NOT_BY_APPS = "This API is only accessible with the following authentication types: apitoken"
"""In the style of what the cloud answers to a user's token at an address for apps."""


async def find_group(host: Host, place: Place, slug: str) -> Group:
    """Return a group of the workspace. Raise `NotFound`."""
    group = await groups.find_group(host.store.database, place.workspace, slug)
    if group is None:
        raise NotFound(f"No group with identifier '{slug}'.")
    return group


async def page_of_users(host: Host, place: Place, wanted: PageRequest) -> Slice[tuple[User, Privilege]]:
    """Return a page of the users with a privilege of their own."""
    return await rows.page_of_users(host.store.database, place, wanted)


async def page_of_groups(host: Host, place: Place, wanted: PageRequest) -> Slice[tuple[Group, Privilege]]:
    """Return a page of the groups with a privilege."""
    return await rows.page_of_groups(host.store.database, place, wanted)


async def privilege_of(host: Host, place: Place, holder: Holder) -> Privilege:
    """Return what is granted to a user alone, or to a group."""
    return await rows.find_privilege(host.store.database, place, holder)


async def grant(host: Host, identity: Identity, place: Place, holder: Holder, privilege: Privilege) -> None:
    """Grant a privilege to a group, or to a member who is no owner. Raise `InvalidInput`."""
    async with host.store.database.transaction() as tx:
        place = await _hold(host, tx, identity, place)
        if isinstance(holder, User) and await role_of(tx, place.workspace, holder) in (None, "owner"):
            raise InvalidInput(
                "Bad request",
                "A permission is for a member of the workspace who is no owner.",
                fields={"user": "not a member, or an owner"},
            )
        await rows.keep_permission(tx, place, holder, privilege)
        await _log(host, tx, place, identity, holder, privilege)


async def take_back(host: Host, identity: Identity, place: Place, holder: Holder) -> None:
    """Take back what is granted to a user or to a group, if anything is."""
    async with host.store.database.transaction() as tx:
        place = await _hold(host, tx, identity, place)
        await rows.delete_permission(tx, place, holder)
        await _log(host, tx, place, identity, holder, None)


async def _hold(host: Host, tx: Transaction, identity: Identity, place: Place) -> Place:
    if isinstance(place, Project):
        return await hold_project(host, tx, identity, place)
    return await hold_repository(host, tx, identity, place, "admin")


async def _log(
    host: Host, tx: Transaction, place: Place, identity: Identity, holder: Holder, privilege: Privilege | None
) -> None:
    named = {"user": holder.username} if isinstance(holder, User) else {"group": holder.slug}
    kind, name = ("project", place.key) if isinstance(place, Project) else ("repository", place.slug)
    details = {**named, "permission": privilege}
    await log_change(host, tx, identity, "permission changed", place.workspace, kind, name, details)


def refuse_apps(identity: Identity) -> None:
    """Raise `WrongCredential` for an app, an OAuth consumer or an access token: only people change permissions."""
    if identity.is_integration:
        raise WrongCredential(NOT_BY_APPS)


def grantable(privilege: str, place: Place) -> Privilege:
    """Return a privilege that can be granted there. Raise `InvalidInput`."""
    known = [one for one in PRIVILEGES[1:] if isinstance(place, Project) or one != "create-repo"]
    found = next((one for one in known if one == privilege), None)
    if found is None:
        raise InvalidInput("Bad request", fields={"permission": f"not one of {', '.join(known)}"})
    return found

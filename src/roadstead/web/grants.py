"""What is granted in a project or a repository, and the forms of its page that change that."""

from dataclasses import dataclass

from roadstead.domain.people import permissions
from roadstead.domain.people.workspaces import find_member_named
from roadstead.errors import InvalidInput
from roadstead.model import Group, Holder, Place, Privilege, User
from roadstead.web.page import Visit
from roadstead.web.workspace_page import Form, Part, part_of, wanted_page


@dataclass(frozen=True, slots=True)
class Grants:
    """What was granted to users and to groups."""

    users: Part[tuple[User, Privilege]]
    groups: Part[tuple[Group, Privilege]]


async def grants_in(visit: Visit, place: Place, path: str) -> Grants:
    """Return what is granted in a project or a repository, whose page has the address `path`."""
    users = await permissions.page_of_users(visit.host, place, wanted_page(visit, "users"))
    groups = await permissions.page_of_groups(visit.host, place, wanted_page(visit, "groups"))
    return Grants(part_of(path, users, "users"), part_of(path, groups, "groups"))


async def grant(visit: Visit, place: Place, form: Form) -> None:
    """Grant what a form says. Raise `InvalidInput` and `NotFound`."""
    privilege = permissions.grantable(form.get("permission", ""), place)
    await permissions.grant(visit.host, visit.identity, place, await _holder(visit, place, form), privilege)


async def take_back(visit: Visit, place: Place, form: Form) -> None:
    """Take back what is granted to the user or the group that a form names. Raise `InvalidInput` and `NotFound`."""
    await permissions.take_back(visit.host, visit.identity, place, await _holder(visit, place, form))


async def _holder(visit: Visit, place: Place, form: Form) -> Holder:
    user, group = form.get("user", "").strip(), form.get("group", "").strip()
    if bool(user) == bool(group):
        wrong = "Name either a user or a group."
        raise InvalidInput(wrong, fields={"user": [wrong]})
    if user:
        return await find_member_named(visit.host, place.workspace, user)
    return await permissions.find_group(visit.host, place, group)

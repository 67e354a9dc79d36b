"""`roadstead group`: the groups of a workspace."""

from typing import TYPE_CHECKING, Annotated, Any

from roadstead.cli.declared import Argument, Option
from roadstead.cli.options import AsJson, Data, DatabaseUrl, InWorkspace, KnownUser, read_settings
from roadstead.cli.output import print_json, print_list, tell
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row

if TYPE_CHECKING:
    from roadstead.model import Group, User

HELP = "Create or list groups; add, remove members."

GroupSlug = Annotated[str, Argument(metavar="GROUP", help="The short name of the group, as in roadstead group list.")]


def create(
    workspace: InWorkspace,
    name: Annotated[str, Argument(metavar="NAME", help="The name that people see; its short name is made of it.")],
    member: Annotated[
        list[str] | None, Option("--member", metavar="NAME", help="A user who is in it. May be repeated.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Create a group of members."""
    from roadstead.domain.people import groups

    made = on_host(
        read_settings(data=data, database_url=database_url),
        lambda host: groups.create_group(host, workspace, name, member or []),
    )
    _say(made, f"Created the group {made.slug}.", as_json)


def add(
    workspace: InWorkspace,
    group: GroupSlug,
    name: KnownUser,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Add a user to a group.

    A user who is no member of the workspace becomes one.
    """
    from roadstead.domain.people import groups

    found, joined = on_host(
        read_settings(data=data, database_url=database_url),
        lambda host: groups.add_to_group(host, workspace, group, name),
    )
    also = f", and now a member of {workspace}" if joined else ""
    _say(found, f"{name} is in the group {found.slug}{also}.", as_json)


def remove(
    workspace: InWorkspace,
    group: GroupSlug,
    name: KnownUser,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Remove a user from a group."""
    from roadstead.domain.people import groups

    found = on_host(
        read_settings(data=data, database_url=database_url),
        lambda host: groups.remove_from_group(host, workspace, group, name),
    )
    _say(found, f"{name} is not in the group {found.slug} any more.", as_json)


def list_groups(
    workspace: InWorkspace, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """List the groups of a workspace."""
    from roadstead.domain.people import groups

    found = on_host(
        read_settings(data=data, database_url=database_url), lambda host: groups.list_groups(host, workspace)
    )
    nothing = "There are no groups. Create one with: roadstead group create WORKSPACE NAME"
    print_list(found, ("GROUP", "NAME", "MEMBERS"), _row, _with_members, nothing, as_json=as_json)


def _row(listed: "tuple[Group, list[User]]") -> Row:
    group, users = listed
    return Row((group.slug, group.name, " ".join(one.username for one in users)))


def _with_members(listed: "tuple[Group, list[User]]") -> dict[str, Any]:
    group, users = listed
    return {**_as_data(group), "members": [one.username for one in users]}


def _say(group: "Group", message: str, as_json: bool) -> None:
    if as_json:
        print_json(_as_data(group))
    else:
        tell(message)


def _as_data(group: "Group") -> dict[str, Any]:
    return {"slug": group.slug, "name": group.name}

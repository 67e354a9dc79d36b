"""`roadstead workspace`: workspaces and their members."""

from typing import TYPE_CHECKING, Annotated, Any

from roadstead.cli.declared import Argument, Option
from roadstead.cli.options import AsJson, Data, DatabaseUrl, KnownUser, read_role, read_settings
from roadstead.cli.output import print_facts, print_json, print_list, print_table, tell
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row

if TYPE_CHECKING:
    from collections.abc import Sequence

    from roadstead.domain.host import Host
    from roadstead.model import Membership, Workspace

    _Found = tuple[Workspace, Sequence[Membership]]

HELP = "Create, list or show workspaces; add, remove members."

Slug = Annotated[str, Argument(metavar="SLUG", help="The short name of the workspace, as in its addresses.")]


def create(
    slug: Slug,
    name: Annotated[
        str | None, Option("--name", metavar="TEXT", help="The name that people see. Default: SLUG.")
    ] = None,
    owner: Annotated[
        str, Option("--owner", metavar="NAME", help="The user who owns it. Default: operator.")
    ] = "operator",
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Create a workspace."""
    from roadstead.domain.people import workspaces

    async def make(host: "Host") -> "_Found":
        return await _with_members(host, await workspaces.create_workspace(host, slug, name=name, owner=owner))

    made, members = on_host(read_settings(data=data, database_url=database_url), make)
    if as_json:
        print_json(_details(made, members))
    else:
        tell(f"Created the workspace {made.slug}, {made.uuid}.")


def add(
    slug: Slug,
    name: KnownUser,
    role: Annotated[
        str, Option("--role", metavar="owner|collaborator|member", help="What the user is there. Default: member.")
    ] = "member",
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Add a member, or give one another role."""
    from roadstead.domain.people import workspaces

    known = read_role(role)

    async def work(host: "Host") -> "_Found":
        return await _with_members(host, await workspaces.add_member(host, slug, name, known))

    found = on_host(read_settings(data=data, database_url=database_url), work)
    if as_json:
        print_json(_details(*found))
    else:
        tell(f"{name} is {known} of {slug}.")


def remove(
    slug: Slug, name: KnownUser, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Remove a member."""
    from roadstead.domain.people import workspaces

    async def work(host: "Host") -> "_Found":
        return await _with_members(host, await workspaces.remove_member(host, slug, name))

    found = on_host(read_settings(data=data, database_url=database_url), work)
    if as_json:
        print_json(_details(*found))
    else:
        tell(f"{name} is no member of {slug} any more.")


def list_workspaces(data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """List the workspaces."""
    from roadstead.domain.apps import installations

    found = on_host(read_settings(data=data, database_url=database_url), installations.list_workspaces)
    nothing = "There are no workspaces. Create one with: roadstead workspace create SLUG"
    print_list(found, ("SLUG", "NAME", "CREATED"), _row, _as_data, nothing, as_json=as_json)


def _row(workspace: "Workspace") -> Row:
    return Row((workspace.slug, workspace.name, workspace.created_on))


def show(slug: Slug, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Show a workspace and its members."""
    from roadstead.domain.apps import installations

    async def read(host: "Host") -> "_Found":
        return await _with_members(host, await installations.get_workspace(host, slug))

    workspace, members = on_host(read_settings(data=data, database_url=database_url), read)
    if as_json:
        print_json(_details(workspace, members))
        return
    print_facts((("slug", workspace.slug), ("name", workspace.name), ("UUID", workspace.uuid)))
    print()
    rows = [Row((one.user.username, one.user.display_name, one.role, one.added_on)) for one in members]
    print_table(("MEMBER", "DISPLAY NAME", "ROLE", "SINCE"), rows)


async def _with_members(host: "Host", workspace: "Workspace") -> "_Found":
    from roadstead.domain.people import workspaces

    return workspace, await workspaces.list_members(host, workspace)


def _details(workspace: "Workspace", members: "Sequence[Membership]") -> dict[str, Any]:
    listed = [
        {"username": one.user.username, "role": one.role, "added_on": one.added_on.isoformat()} for one in members
    ]
    return {**_as_data(workspace), "members": listed}


def _as_data(workspace: "Workspace") -> dict[str, Any]:
    return {
        "slug": workspace.slug,
        "uuid": workspace.uuid,
        "name": workspace.name,
        "created_on": workspace.created_on.isoformat(),
    }

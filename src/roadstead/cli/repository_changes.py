"""`roadstead repo`: rename, transfer, and the permissions in a repository."""

from typing import TYPE_CHECKING, Annotated

from roadstead.cli.declared import Argument, Option, WrongUsage
from roadstead.cli.one_repository import Name, as_operator, find, say
from roadstead.cli.options import AsJson, Data, DatabaseUrl
from roadstead.cli.output import print_json, tell

if TYPE_CHECKING:
    from roadstead.accounts import SessionUser
    from roadstead.domain.host import Host
    from roadstead.model import Holder, Repository


_PERMISSIONS = ("read", "write", "admin", "none")


def rename(
    name: Name,
    new_name: Annotated[
        str, Argument(metavar="NAME", help="The name that people see; the new short name is made of it.")
    ],
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Rename a repository."""

    async def work(host: "Host", by: "SessionUser") -> "Repository":
        from roadstead.domain.repositories.changes import change_repository
        from roadstead.domain.repositories.given import RepositoryChanges

        return await change_repository(host, by, await find(host, by, name), RepositoryChanges(name=new_name))

    now = as_operator(data, database_url, work)
    say(now, f"The repository is now {now.full_name}.", as_json)


def transfer(
    name: Name,
    workspace: Annotated[str, Argument(metavar="WORKSPACE", help="The short name of the workspace to move it to.")],
    project: Annotated[
        str | None, Option("--project", metavar="KEY", help="Its project there. Default: the oldest of the workspace.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Move a repository to another workspace."""

    async def work(host: "Host", by: "SessionUser") -> "Repository":
        from roadstead.domain.repositories.repository_transfer import transfer_repository

        return await transfer_repository(host, by, await find(host, by, name), workspace, project)

    now = as_operator(data, database_url, work)
    say(now, f"The repository is now {now.full_name}, in the project {now.project.key}.", as_json)


def prune(name: Name, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Remove at once what no branch, tag or note leads to.

    As a commit with a password, after a push that replaced it. Otherwise that takes two to three weeks.
    """

    async def work(host: "Host", by: "SessionUser") -> "Repository":
        from roadstead.domain.upkeep.pruning import prune_repository

        await prune_repository(host, by, await find(host, by, name))
        return await find(host, by, name)

    now = as_operator(data, database_url, work)
    say(now, f"Pruned the repository {now.full_name}. It has {now.size:,} bytes.", as_json)


def grant(
    name: Name,
    holder: Annotated[
        str, Argument(metavar="NAME", help="A member: the user name, or an e-mail address. With --group: a group.")
    ],
    permission: Annotated[
        str, Argument(metavar="read|write|admin|none", help="What to grant. none takes back what was granted.")
    ],
    group: Annotated[bool, Option("--group", help="NAME is the short name of a group.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Grant a permission in a repository.

    To a member of the workspace who is no owner, or to a group.
    """

    if permission not in _PERMISSIONS:
        raise WrongUsage("permission", f"{permission!r} is not one of {', '.join(_PERMISSIONS)}.")

    async def work(host: "Host", by: "SessionUser") -> "Repository":
        repository = await find(host, by, name)
        await _grant(host, by, repository, holder, permission, group)
        return repository

    found = as_operator(data, database_url, work)
    if as_json:
        kind = "group" if group else "user"
        print_json({"repository": found.full_name, kind: holder, "permission": permission})
    else:
        tell(f"{holder} has {permission} in {found.full_name}.")


async def _grant(
    host: "Host", by: "SessionUser", repository: "Repository", name: str, permission: str, is_group: bool
) -> None:
    """Grant a permission, or take back what was granted. Raise `InvalidInput` and `NotFound`."""
    from roadstead.domain.people import permissions
    from roadstead.domain.people.workspaces import find_member_named

    holder: Holder
    if is_group:
        holder = await permissions.find_group(host, repository, name)
    else:
        holder = await find_member_named(host, repository.workspace, name)
    if permission == "none":
        await permissions.take_back(host, by, repository, holder)
    else:
        await permissions.grant(host, by, repository, holder, permissions.grantable(permission, repository))

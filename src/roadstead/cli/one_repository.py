"""What the commands about one repository share."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from roadstead.cli.declared import Argument
from roadstead.cli.options import read_settings, split
from roadstead.cli.output import print_json, tell
from roadstead.cli.state import on_host

if TYPE_CHECKING:
    from roadstead.accounts import SessionUser
    from roadstead.domain.host import Host
    from roadstead.model import Repository

T = TypeVar("T")

Name = Annotated[
    str, Argument(metavar="WORKSPACE/SLUG", help="The short names of the workspace and of the repository.")
]


async def find(host: "Host", by: "SessionUser", name: str) -> "Repository":
    """Return the repository of a name. Raise as `find_repository` does."""
    from roadstead.domain.repositories.access import find_repository

    return (await find_repository(host, by, *split_name(name), "admin")).repository


def as_operator(data: str | None, database_url: str | None, work: "Callable[[Host, SessionUser], Awaitable[T]]") -> T:
    """Run work as the operator, who may do everything."""

    async def run(host: "Host") -> T:
        from roadstead.accounts import SessionUser

        return await work(host, SessionUser(await host.find_operator()))

    return on_host(read_settings(data=data, database_url=database_url), run)


def split_name(name: str) -> tuple[str, str]:
    """Return the short names of workspace and repository. Raise `WrongUsage`."""
    return split(name, "a repository", "WORKSPACE/SLUG")


def say(repository: "Repository", message: str, as_json: bool) -> None:
    """Print a repository as JSON, or a message about it."""
    if as_json:
        print_json(as_data(repository))
    else:
        tell(message)


def as_data(repository: "Repository") -> dict[str, Any]:
    """Return a repository as the JSON of commands has it."""
    return {
        "workspace": repository.workspace.slug,
        "slug": repository.slug,
        "full_name": repository.full_name,
        "uuid": repository.uuid,
        "name": repository.name,
        "project": repository.project.key,
        "is_private": repository.is_private,
        "mainbranch": repository.mainbranch,
        "size": repository.size,
        "parent": repository.parent.full_name if repository.parent else None,
        "created_on": repository.created_on.isoformat(),
        "updated_on": repository.updated_on.isoformat(),
    }

"""`roadstead repo`: the repositories of workspaces."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from roadstead.cli.declared import Argument, Option, WrongUsage
from roadstead.cli.one_repository import Name, as_data, as_operator, find, say, split_name
from roadstead.cli.options import AsJson, Data, DatabaseUrl, InWorkspace, read_settings
from roadstead.cli.output import print_facts, print_json, print_list, tell
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row
from roadstead.errors import InvalidInput

if TYPE_CHECKING:
    from roadstead.accounts import SessionUser
    from roadstead.domain.host import Host
    from roadstead.domain.repositories.given import RepositoryChanges
    from roadstead.domain.upkeep.repository_check import Checked
    from roadstead.model import Repository

HELP = "Create, import, rename, move or check repositories."

InProject = Annotated[
    str | None, Option("--project", metavar="KEY", help="Its project. Default: the oldest of the workspace.")
]
Public = Annotated[bool, Option("--public", help="Everyone may read it.")]
Private = Annotated[
    bool, Option("--private", help="Only those with a permission may. Default, unless --project names a public one.")
]


def create(
    name: Name,
    project: InProject = None,
    public: Public = False,
    private: Private = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Create an empty repository."""
    workspace, slug = split_name(name)
    given = _given(project, public, private)

    async def work(host: "Host", by: "SessionUser") -> "tuple[Repository, Iterable[str]]":
        from roadstead.domain.repositories.clone_addresses import clone_addresses
        from roadstead.domain.repositories.creation import create_repository

        made = await create_repository(host, by, workspace, slug, given)
        return made, clone_addresses(made.full_name, host.base_url, host.settings.ssh_url).values()

    made, addresses = as_operator(data, database_url, work)
    say(made, f"Created the repository {made.full_name}, {made.uuid}.", as_json)
    if not as_json:
        for address in addresses:
            tell(f"git clone {address}")


def import_repository(
    path: Annotated[str, Argument(metavar="PATH", help="A repository on this machine, bare or not.")],
    name: Name,
    project: InProject = None,
    public: Public = False,
    private: Private = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Copy a repository on this machine.

    With all its branches, tags and notes, and the contents that git LFS keeps there.
    """
    from roadstead.domain.repositories import creation

    workspace, slug = split_name(name)
    given, source = _given(project, public, private), _folder(path)
    made = as_operator(
        data,
        database_url,
        lambda host, by: creation.import_repository(host, by, workspace, slug, given, source),
    )
    say(made, f"Imported the repository {made.full_name}, {made.uuid}.", as_json)


def _folder(path: str) -> Path:
    """Return the folder of a repository. Raise `InvalidInput` for an address, which only git reads."""
    source = Path(path).absolute()
    if "://" in path and not source.exists():
        raise InvalidInput(f"{path} is not on this machine.", f"Clone it first, with: git clone --mirror {path} FOLDER")
    return source


def list_repositories(
    workspace: InWorkspace, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """List the repositories of a workspace."""
    from roadstead.domain.repositories.lists import list_repositories

    found = on_host(
        read_settings(data=data, database_url=database_url), lambda host: list_repositories(host, workspace)
    )
    nothing = "There are no repositories. Create one with: roadstead repo create WORKSPACE/SLUG"
    print_list(found, ("SLUG", "NAME", "PROJECT", "ACCESS", "UPDATED"), _row, as_data, nothing, as_json=as_json)


def _row(repository: "Repository") -> Row:
    access = _access(repository)
    return Row((repository.slug, repository.name, repository.project.key, access, repository.updated_on))


def show(name: Name, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Show a repository."""
    found = as_operator(data, database_url, lambda host, by: find(host, by, name))
    if as_json:
        print_json(as_data(found))
        return
    facts = [("name", found.name), ("UUID", found.uuid), ("project", found.project.key), ("access", _access(found))]
    facts.append(("size", f"{found.size:,} bytes"))
    if found.mainbranch is not None:
        facts.append(("main branch", found.mainbranch))
    if found.parent is not None:
        facts.append(("fork of", found.parent.full_name))
    print_facts([("repository", found.full_name), *facts])


def delete(
    name: Name,
    yes: Annotated[bool, Option("--yes", help="Delete it without asking.")] = False,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Delete a repository.

    Its forks stay.
    """
    from roadstead.domain.repositories.changes import delete_repository

    async def work(host: "Host", by: "SessionUser") -> "Repository":
        found = await find(host, by, name)
        await delete_repository(host, by, found)
        return found

    if not yes:
        _confirm(f"Delete the repository {name} with all its commits?")
    gone = as_operator(data, database_url, work)
    say(gone, f"Deleted the repository {gone.full_name}.", as_json)


def check(
    name: Annotated[
        str | None, Argument(metavar="WORKSPACE/SLUG", help="Only this one. Default: all, and folders without one.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Compare repositories with the database and check them.

    The host may go on serving meanwhile. Exits with 1 if something is wrong.
    """

    async def work(host: "Host", by: "SessionUser") -> "list[Checked]":
        from roadstead.domain.upkeep.repository_check import check_repositories

        only = None if name is None else await find(host, by, name)
        return [checked async for checked in check_repositories(host, only)]

    found = as_operator(data, database_url, work)
    if as_json:
        print_json([{"repository": one.name, "faults": list(one.faults)} for one in found])
    else:
        _print_faults(found)
    if any(one.faults for one in found):
        raise typer.Exit(1)


def _print_faults(found: "Sequence[Checked]") -> None:
    for one in found:
        for fault in one.faults:
            print_facts([("repository", one.name), ("fault", fault)])
    faulty = sum(bool(one.faults) for one in found)
    tell(f"Repositories checked: {len(found)}. With faults: {faulty}")


def _confirm(question: str) -> None:
    """Ask the user, and end the command unless the answer is yes. Raise `InvalidInput` without a terminal."""
    if not sys.stdin.isatty():
        raise InvalidInput("Without a terminal, this command cannot ask for confirmation.", "Give --yes.")
    if not typer.confirm(question, err=True):
        tell("Nothing was changed.")
        raise typer.Exit(1)


def _given(project: str | None, public: bool, private: bool) -> "RepositoryChanges":
    """Return what the options say. Raise `WrongUsage`."""
    from roadstead.domain.repositories.given import RepositoryChanges

    if public and private:
        raise WrongUsage("--private", "A repository is public or private.")
    return RepositoryChanges(project=project, is_private=not public if public or private else None)


def _access(repository: "Repository") -> str:
    return "private" if repository.is_private else "public"

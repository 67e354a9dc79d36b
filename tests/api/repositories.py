"""Repositories for tests of what is below them, made as the host makes them."""

import itertools
from contextlib import suppress
from dataclasses import dataclass

import pygit2

from roadstead.domain.host import Host
from roadstead.domain.people.projects import ProjectChanges, put_project
from roadstead.domain.people.workspaces import create_workspace
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.errors import Conflict
from roadstead.git.folders import Folders
from roadstead.model import ApiToken, Repository
from tests.live import LiveHost

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Made:
    """A repository with one commit on `main`, and the address of its API."""

    repository: Repository
    commit: str

    @property
    def below(self) -> str:
        return f"/2.0/repositories/{self.repository.full_name}"


def repository(host: LiveHost, workspace: str = "local", *, is_private: bool = True) -> Made:
    """Make a repository in a workspace, which is made if need be."""

    async def job(opened: Host) -> Made:
        operator = await host_operator(opened)
        with suppress(Conflict):
            await create_workspace(opened, workspace, name=None, owner=operator.user.username)
        given = ProjectChanges("TESTED", "Of tests", is_private=False)
        await put_project(opened, operator, workspace, "TESTED", given)
        changes = RepositoryChanges(project="TESTED", is_private=is_private)
        made = await create_repository(opened, operator, workspace, f"made-{next(_numbers)}", changes)
        return Made(made, await first_commit(opened, made))

    result: Made = host.work(job)
    return result


async def host_operator(host: Host) -> ApiToken:
    """Return the operator as a caller."""
    return ApiToken(0, "tests", await host.find_operator(), None, host.now(), None, None, None)


async def first_commit(host: Host, made: Repository) -> str:
    """Return the commit on `main`, which is made if need be."""
    opened = pygit2.Repository(str(Folders(host.settings.data).path(made.uuid)))
    if "refs/heads/main" in opened.references:
        return str(opened.references["refs/heads/main"].target)
    ann = pygit2.Signature("Ann", "ann@acme.example", 0, 0)
    return str(opened.create_commit("refs/heads/main", ann, ann, "First", opened.TreeBuilder().write(), []))

"""A host with a workspace, its people and their tokens, and as many repositories as the tests want."""

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from roadstead.domain.access.credentials import create_api_token, find_token
from roadstead.domain.host import Host
from roadstead.domain.people.projects import ProjectChanges, create_project
from roadstead.domain.people.users import create_user
from roadstead.domain.people.workspaces import create_workspace
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.git.folders import Folders
from roadstead.model import Repository
from roadstead.pushed import Event, Push, Ref
from roadstead.storage.events import list_events
from roadstead.storage.pushes import list_pushes
from roadstead.storage.refs import list_refs
from tests.conftest import NewDatabase
from tests.live import Job, LiveHost, live_host
from tests.smart_http.git_client import Work, git, new_work

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Place:
    """A repository at a host, with the tokens of `ann`, who owns the workspace, and `ben`, who has no role in it."""

    host: LiveHost
    repository: Repository
    ann: str
    ben: str

    def url(self, token: str | None = None, *, user: str = "x-token-auth") -> str:
        """Return the address for git; with ann's token, unless another one is named."""
        scheme, server, *_ = urlsplit(self.host.url)
        return f"{scheme}://{quote(user)}:{quote(self.ann if token is None else token)}@{server}{self.path}"

    @property
    def path(self) -> str:
        return f"/{self.repository.full_name}.git"

    @property
    def public_url(self) -> str:
        return f"{self.host.url}{self.path}"

    @property
    def folder(self) -> Path:
        """The folder of the repository at the host."""
        return Folders(self.host.settings.data).path(self.repository.uuid)

    def events(self) -> list[Event]:
        """Return the events of pushes."""
        found: list[Event] = self.host.work(lambda host: list_events(host.store.database, self.repository.id))
        return [event for event in found if event.key == "repo:push"]

    def changes(self) -> list[tuple[str, str | None, str | None]]:
        """Return the name, the old and the new object of each change of which there is an event."""
        told = [change for event in self.events() for change in event.payload.get("changes", [])]
        return [(change["name"], change["old"], change["new"]) for change in told]

    def mirror(self) -> dict[str, str]:
        """Return the objects that the database has for each ref."""
        places = {"branch": "refs/heads/", "tag": "refs/tags/", "note": "refs/notes/"}
        refs: list[Ref] = self.host.work(lambda host: list_refs(host.store.database, self.repository.id))
        return {f"{places[ref.kind]}{ref.name}": ref.target for ref in refs}

    def refs(self) -> dict[str, str]:
        """Return the objects that the repository has for each ref."""
        shown = git("--git-dir", str(self.folder), "for-each-ref", "--format=%(objectname) %(refname)").stdout
        return {ref: target for target, _, ref in (line.partition(" ") for line in shown.splitlines())}

    def open_pushes(self) -> list[Push]:
        found: list[Push] = self.host.work(lambda host: list_pushes(host.store.database, before=host.now()))
        return [push for push in found if push.repository_id == self.repository.id]

    def is_whole(self) -> bool:
        """Return whether git finds no fault, the mirror is right, and no push has left anything."""
        checked = git("--git-dir", str(self.folder), "fsck", "--strict", "--connectivity-only")
        left = [*self.folder.glob("objects/tmp_objdir-*"), *self.folder.rglob("refs/**/*.lock")]
        return not checked.returncode and self.mirror() == self.refs() and not left and not self.open_pushes()

    def get(self, path: str, **options: Any) -> httpx.Response:
        return httpx.get(f"{self.host.url}{path}", **options)


def wait_until(is_so: Callable[[], object]) -> None:
    """Wait for something that comes soon."""
    deadline = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def tokens(names: Sequence[str]) -> Job:
    """Return the job that makes users and their tokens."""

    async def job(host: Host) -> list[str]:
        made = []
        for name in names:
            user = await create_user(host, name, email=f"{name.partition('-')[0]}@git.example")
            made.append((await create_api_token(host, "git", None, user_id=user.id))[0])
        return made

    return job


def new_repository(owner_token: str, workspace: str, *, is_private: bool = True) -> Job:
    """Return the job that makes an empty repository."""

    async def job(host: Host) -> Repository:
        owner = await find_token(host, owner_token)
        assert owner is not None
        slug = f"widgets-{next(_numbers)}"
        return await create_repository(host, owner, workspace, slug, RepositoryChanges(is_private=is_private))

    return job


def _people(host: LiveHost) -> tuple[str, str]:
    """Make a workspace; return the tokens of its owner and of another user."""

    async def job(opened: Host) -> tuple[str, str]:
        ann, ben = await tokens(["ann-git", "ben-git"])(opened)
        await create_workspace(opened, "acme-git", name="Acme", owner="ann-git")
        owner = await find_token(opened, ann)
        assert owner is not None
        # The first project is that of a repository which names none, and a private one has no public repositories.
        await create_project(opened, owner, "acme-git", ProjectChanges("OPEN", "Open", is_private=False))
        return ann, ben

    made: tuple[str, str] = host.work(job)
    return made


@pytest.fixture(scope="session")
def people_of() -> Callable[[LiveHost], tuple[str, str]]:
    """Return `_people`, which does its work once for each host: files alternate between those of the databases."""
    return cache(_people)


@pytest.fixture(scope="session")
def people(host: LiveHost, people_of: Callable[[LiveHost], tuple[str, str]]) -> tuple[str, str]:
    """Return the tokens of the owner of a workspace and of another user."""
    return people_of(host)


@pytest.fixture
def place(host: LiveHost, people: tuple[str, str]) -> Place:
    """Return an empty private repository."""
    return Place(host, host.work(new_repository(people[0], "acme-git")), *people)


@pytest.fixture
def public_place(host: LiveHost, people: tuple[str, str]) -> Place:
    """Return an empty public repository."""
    return Place(host, host.work(new_repository(people[0], "acme-git", is_private=False)), *people)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """Return a working copy with one commit, on main."""
    made = new_work(tmp_path / "work")
    made.commit("the first")
    return made


@pytest.fixture
def own_place(tmp_path: Path, new_database: NewDatabase) -> Iterator[Place]:
    """Yield an empty private repository at a host of its own."""
    with live_host(tmp_path / "data", database_url=new_database()) as host:
        ann, ben = host.work(tokens(["ann", "ben"]))
        host.work(lambda opened: create_workspace(opened, "acme", name="Acme", owner="ann"))
        yield Place(host, host.work(new_repository(ann, "acme")), ann, ben)

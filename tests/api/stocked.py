"""A repository at a host, filled by a push of git's own, and requests about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from roadstead.domain.access.credentials import find_token
from roadstead.domain.host import Host
from roadstead.domain.people.projects import ProjectChanges, create_project
from roadstead.domain.people.workspaces import create_workspace
from tests.live import LiveHost, exchange
from tests.smart_http.conftest import Place, new_repository, tokens
from tests.smart_http.git_client import Work, git, new_work


@dataclass(frozen=True)
class Stocked:
    """A repository, a working copy of it, and the requests of its owner, of a stranger, and without a credential."""

    place: Place
    work: Work
    send: Callable[..., httpx.Response]
    stranger: Callable[..., httpx.Response]
    anonymous: Callable[..., httpx.Response]

    @property
    def at(self) -> str:
        """The address of the repository, without the host."""
        return f"/2.0/repositories/{self.place.repository.full_name}"

    @property
    def url(self) -> str:
        return f"{self.place.host.url}{self.at}"

    def get(self, path: str, **request: Any) -> httpx.Response:
        """Send a GET for something of the repository, exactly as given."""
        return self.send("GET", f"{self.at}{path}", **request)

    def git(self, *arguments: str) -> str:
        """Return what git says about the repository at the host."""
        done = git("--git-dir", str(self.place.folder), *arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def push(self, *refs: str) -> None:
        self.work.git("push", "--force", self.place.url(), *(refs or ("--all",)))


def workspace(host: LiveHost, slug: str) -> tuple[str, str]:
    """Make a workspace; return the tokens of its owner and of a stranger."""

    async def job(opened: Host) -> tuple[str, str]:
        owner, stranger = await tokens([f"{slug}owner", f"{slug}stranger"])(opened)
        await create_workspace(opened, slug, name="Acme", owner=f"{slug}owner")
        identity = await find_token(opened, owner)
        assert identity is not None
        # The oldest project is that of new repositories, and a private one has no public repositories.
        await create_project(opened, identity, slug, ProjectChanges("OPEN", "Open", is_private=False))
        return owner, stranger

    made: tuple[str, str] = host.work(job)
    return made


def stocked(host: LiveHost, folder: Path, slug: str, people: tuple[str, str], *, is_private: bool = True) -> Stocked:
    """Return a new, empty repository of a workspace."""
    place = Place(host, host.work(new_repository(people[0], slug, is_private=is_private)), *people)
    senders = [partial(_send, host, token) for token in (*people, None)]
    return Stocked(place, new_work(folder), *senders)


def _send(
    host: LiveHost,
    token: str | None,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
    **request: Any,
) -> httpx.Response:
    own = {"Authorization": f"Bearer {token}"} if token else {}
    return exchange(host.url, method, target, headers={**own, **(headers or {})}, **request)


def write(work: Work, files: Mapping[str, bytes | str | None]) -> str:
    """Commit files; a path that starts with `->` is the target of a link, `None` deletes. Return the hash."""
    for name, content in files.items():
        path = work.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.unlink()
        elif isinstance(content, str) and content.startswith("->"):
            path.symlink_to(content[2:])
        else:
            path.write_bytes(content.encode() if isinstance(content, str) else content)
    work.git("add", "--all")
    work.git("commit", "--quiet", "--allow-empty", "-m", "A change")
    return work.head()

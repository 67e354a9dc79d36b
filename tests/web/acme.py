"""A workspace with people, a group and two projects, and a browser for each of the people."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial

import httpx

from roadstead.accounts import SessionUser
from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import groups, permissions, projects, users, workspaces
from roadstead.domain.people.projects import ProjectChanges
from roadstead.domain.upkeep import audit
from tests.live import LiveHost

ROOT = "/acme/workspace"
NAMES = ("owner", "collaborator", "member", "stranger", "invited")
LONG = "\U0001f6a2שלום " + "W" * 44


@dataclass
class Acme:
    """A workspace with people, a group and two projects, and a browser for each of them."""

    host: LiveHost
    browsers: dict[str, httpx.Client] = field(default_factory=dict)

    def __call__(self, name: str) -> httpx.Client:
        return self.browsers[name]

    def send(self, name: str, page: str, do: str, /, **given: str) -> httpx.Response:
        """Send a form of a page as one of the viewers, whatever forms the page shows, and follow the redirect."""
        browser, address = self(name), f"{ROOT}{page}"
        (csrf, *_) = re.findall(r'name="csrf" value="(\w+)"', browser.get("/").text)
        return browser.post(address, data={"csrf": csrf, "do": do, **given}, follow_redirects=True)

    def roles(self) -> dict[str, str]:
        """Return the roles of all members, by user name."""

        async def read(host: Host) -> dict[str, str]:
            found = await workspaces.find_changeable(host, "acme", None)
            return {one.user.username: one.role for one in await workspaces.list_members(host, found)}

        roles: dict[str, str] = self.host.work(read)
        return roles


async def _people(host: Host) -> None:
    for name in NAMES:
        await users.create_user(host, name, display_name=name.title())
    await workspaces.create_workspace(host, "acme", name="Acme", owner="owner")
    await workspaces.add_member(host, "acme", "collaborator", "collaborator")
    await workspaces.add_member(host, "acme", "member", "member")
    writers = await groups.create_group(host, "acme", "Writers", ["collaborator"])
    owner = SessionUser(await users.find_user(host, "owner"))
    await projects.create_project(host, owner, "acme", ProjectChanges("OPEN", "Open", "", False))
    secret = await projects.create_project(host, owner, "acme", ProjectChanges("SECRET", "Secret", "", True))
    await permissions.grant(host, owner, secret, writers, "write")


@contextmanager
def acme_at(host: LiveHost) -> Iterator[Acme]:
    """Make the workspace at a host; yield it with the browsers."""
    with ExitStack() as stack:
        host.work(_people)
        found = Acme(host)
        for name in (*NAMES, "operator"):
            browser = stack.enter_context(httpx.Client(base_url=host.url, timeout=30))
            browser.get(host.work(partial(_link, name=name)))
            found.browsers[name] = browser
        found.browsers["anonymous"] = stack.enter_context(httpx.Client(base_url=host.url, timeout=30))
        yield found


async def _link(host: Host, name: str) -> str:
    return await credentials.sign_in_link(host, user_id=(await users.find_user(host, name)).id)


@contextmanager
def another_owner(acme: Acme, name: str) -> Iterator[None]:
    """Have another owner, who is new, until the block ends."""

    async def add(host: Host) -> str:
        await users.create_user(host, name)
        await workspaces.add_member(host, "acme", name, "owner")
        return await _link(host, name)

    with httpx.Client(base_url=acme.host.url, timeout=30) as browser:
        browser.get(acme.host.work(add))
        acme.browsers[name] = browser
        yield
    acme.host.work(lambda host: workspaces.remove_member(host, "acme", name))


async def changes(host: Host) -> list[tuple[str, str, str]]:
    """Return who did what with what, the latest first."""
    return [(one.actor, one.action, one.subject) for one in await audit.latest_changes(host, 100)]

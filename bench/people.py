"""People: who they are and what they may do, beside a bare hello-world, and the cost of the number of workspaces."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from bench import servers
from bench.api import ROUNDS, Workload, beside_hello, measure, repeated
from bench.figures import Figure
from bench.scratch import scratch_folder
from roadstead.domain.access import credentials
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import users
from roadstead.domain.people.privileges import find_project
from roadstead.domain.repositories.access import find_repository
from roadstead.model import ApiToken, Privilege, Project, Repository, User
from roadstead.settings import Settings
from roadstead.storage.groups import add_group, keep_group_member
from roadstead.storage.members import keep_member
from roadstead.storage.permissions import keep_permission
from roadstead.storage.projects import add_project
from roadstead.storage.repositories import add_repository
from roadstead.storage.workspaces import add_workspace


class Size(NamedTuple):
    """A host with one user, who is a member of each workspace, in its one group, and has a privilege in each of its
    projects. Each project has a repository, in which the user and the group have one, too.
    """

    workspaces: int
    projects: int


FEW, MANY = Size(10, 1), Size(1_000, 100)
LISTED = Size(1, 1_000)
CHECKS = 1_000
"""In a round."""
MOST = 1.1
"""Times the cost with ten workspaces and ten projects."""


def figures() -> Iterator[Figure]:
    with scratch_folder() as few, scratch_folder() as many, scratch_folder() as listed:
        asyncio.run(_fill(few, FEW))
        token = asyncio.run(_fill(many, MANY))
        yield from asyncio.run(_all(_checks(few, many)))
        yield from _beside_hello(many, token, listed, asyncio.run(_fill(listed, LISTED)))


async def _all(figures: AsyncIterator[Figure]) -> list[Figure]:
    return [figure async for figure in figures]


def _settings(data: Path) -> Settings:
    return Settings.read({"data": str(data)}, os.environ)


async def _fill(data: Path, size: Size) -> str:
    """Fill a host; return a token of its user."""
    async with open_host(_settings(data)) as host:
        user = await users.create_user(host, "ann", email="ann@acme.example")
        async with host.store.database.transaction() as tx:
            for number in range(size.workspaces):
                slug, now = f"w{number}", host.now()
                workspace = await add_workspace(tx, slug=slug, uuid=f"{{{uuid.uuid4()}}}", name=slug, now=now)
                assert workspace is not None
                await keep_member(tx, workspace.id, user.id, "member", now)
                group = await add_group(tx, workspace, slug="all", name="All")
                assert group is not None
                await keep_group_member(tx, group.id, user.id)
                for key in (f"P{number}" for number in range(size.projects)):
                    named = {"uuid": f"{{{uuid.uuid4()}}}", "key": key, "name": key, "description": ""}
                    project = await add_project(tx, workspace, **named, is_private=True, now=now)
                    await keep_permission(tx, project, user, "write")
                    repository = await add_repository(tx, _repository(project))
                    await keep_permission(tx, repository, user, "read")
                    await keep_permission(tx, repository, group, "read")
        return (await credentials.create_api_token(host, "bench", None, user_id=user.id))[0]


def _repository(project: Project) -> Repository:
    """Return a repository with the key of its project as the slug, to add."""
    return Repository(
        id=0,
        workspace=project.workspace,
        project=project,
        uuid=f"{{{uuid.uuid4()}}}",
        slug=project.key.lower(),
        name=project.key,
        description="",
        is_private=True,
        fork_policy="no_public_forks",
        language="",
        has_issues=False,
        has_wiki=False,
        website=None,
        mainbranch=None,
        size=0,
        own_merge_strategy=False,
        own_branching_model=False,
        created_on=project.created_on,
        updated_on=project.created_on,
    )


# What a user may do, without HTTP


async def _checks(few: Path, many: Path) -> AsyncIterator[Figure]:
    """Compare the time of a check, round by round."""
    async with open_host(_settings(few)) as small, open_host(_settings(many)) as large:
        for what, places in (("ten", 10), ("a thousand", CHECKS)):
            for check in (_Check("projects", find_project, "P"), _Check("repositories", find_repository, "p")):
                pairs = [(await check(small, FEW, 10), await check(large, MANY, places)) for _ in range(ROUNDS + 1)][1:]
                ratio = median(of_many / of_few for of_few, of_many in pairs)
                costs = [median(one) for one in zip(*pairs, strict=True)]
                note = f"{costs[1]:.1f} µs, on the other host {costs[0]:.1f} µs"
                target = MOST if places == 10 else None
                yield Figure(f"checks in {what} of 100,000 {check.of}", ratio, "× of 10", "most", target, note)


class _Check(NamedTuple):
    """Checks what a user may do in projects, or in repositories: `prefix` begins their names."""

    of: str
    find: Callable[[Host, ApiToken, str, str, Privilege], Awaitable[object]]
    prefix: str

    async def __call__(self, host: Host, size: Size, distinct: int) -> float:
        """Return the processor time of a check, in microseconds, when so many places take turns."""
        chosen, caller = Random(1), await _caller(host)
        numbers = [(chosen.randrange(size.workspaces), chosen.randrange(size.projects)) for _ in range(distinct)]
        names = [(f"w{workspace}", f"{self.prefix}{number}") for workspace, number in numbers]
        began = time.process_time()
        for workspace, name in islice(cycle(names), CHECKS):
            await self.find(host, caller, workspace, name, "write")
        return (time.process_time() - began) / CHECKS * 1e6


async def _caller(host: Host) -> ApiToken:
    user: User = await users.find_user(host, "ann")
    return ApiToken(1, "bench", user, None, host.now(), None, None, None)


# Over HTTP


def _beside_hello(many: Path, token: str, listed: Path, listed_member: str) -> Iterator[Figure]:
    listed_owner, chosen = asyncio.run(_operators_token(listed)), Random(1)
    some = [f"/2.0/workspaces/w{chosen.randrange(MANY.workspaces)}/projects/P{number}" for number in range(100)]
    projects = [_request(token, target) for target in some]
    with servers.hello() as hello, servers.roadstead(many) as many_host, servers.roadstead(listed) as listed_host:
        runs = measure(
            {
                "hello": repeated(hello, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
                "user": repeated(many_host, _request(token, "/2.0/user")),
                "project": Workload(many_host, lambda _: cycle(projects)),
                "owner": repeated(listed_host, _request(listed_owner, "/2.0/workspaces/w0/projects")),
                "member": repeated(listed_host, _request(listed_member, "/2.0/workspaces/w0/projects")),
            }
        )
    for what, name, target in (
        ("GET the user", "user", 0.5),
        ("GET 10 of 1,000 projects, by an owner", "owner", 0.3),
        ("GET 10 of 1,000 projects, each granted", "member", None),
        ("GET one project out of 100,000", "project", None),
    ):
        yield beside_hello(what, runs[name], runs["hello"], target)


async def _operators_token(data: Path) -> str:
    async with open_host(_settings(data)) as host:
        return (await credentials.create_api_token(host, "bench", None))[0]


def _request(token: str, target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()

"""People: who they are and what they may do, beside a bare hello-world, and the cost of the number of workspaces."""

import asyncio
import os
import time
import uuid
from collections.abc import AsyncIterator, Iterator
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
from roadstead.model import ApiToken, User
from roadstead.settings import Settings
from roadstead.storage.members import keep_member
from roadstead.storage.permissions import keep_permission
from roadstead.storage.projects import add_project
from roadstead.storage.workspaces import add_workspace


class Size(NamedTuple):
    """A host with one user, who is a member of each workspace, and has a privilege in each of its projects."""

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
                for key in (f"P{number}" for number in range(size.projects)):
                    named = {"uuid": f"{{{uuid.uuid4()}}}", "key": key, "name": key, "description": ""}
                    project = await add_project(tx, workspace, **named, is_private=True, now=now)
                    await keep_permission(tx, project, user, "write")
        return (await credentials.create_api_token(host, "bench", None, user_id=user.id))[0]


# What a user may do, without HTTP


async def _checks(few: Path, many: Path) -> AsyncIterator[Figure]:
    """Compare the time of a check, round by round."""
    async with open_host(_settings(few)) as small, open_host(_settings(many)) as large:
        for what, distinct, target in (("ten", 10, MOST), ("a thousand", CHECKS, None)):
            pairs = [(await _check(small, FEW, 10), await _check(large, MANY, distinct)) for _ in range(ROUNDS + 1)][1:]
            ratio = median(of_many / of_few for of_few, of_many in pairs)
            costs = [median(one) for one in zip(*pairs, strict=True)]
            note = f"{costs[1]:.1f} µs, on the other host {costs[0]:.1f} µs"
            yield Figure(f"checks in {what} of 100,000 projects", ratio, "× of 10", "most", target, note)


async def _check(host: Host, size: Size, distinct: int) -> float:
    """Return the processor time of a check, in microseconds, when so many projects take turns."""
    chosen, caller = Random(1), await _caller(host)
    places = [(f"w{chosen.randrange(size.workspaces)}", f"P{chosen.randrange(size.projects)}") for _ in range(distinct)]
    began = time.process_time()
    for workspace, key in islice(cycle(places), CHECKS):
        await find_project(host, caller, workspace, key, "write")
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

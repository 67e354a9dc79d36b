"""Reads of git repositories over HTTP, with a user's token, beside a bare hello-world on the same server."""

import asyncio
import http.client
import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle
from pathlib import Path
from statistics import median

from bench import git_repositories, load, servers
from bench.api import ROUNDS, Workload, beside_hello, measure, repeated
from bench.figures import Figure
from bench.scratch import scratch_folder
from bench.servers import Server
from roadstead.accounts import SessionUser
from roadstead.domain.access import credentials
from roadstead.domain.host import open_host
from roadstead.domain.people import users, workspaces
from roadstead.domain.repositories.creation import import_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.settings import Settings

COMMITS, BRANCHES = 100_000, 20_000
PAGES = 1_000
"""Together larger than what a process keeps, so one after the other is made each time."""
LISTINGS = 5
_BELOW = "/2.0/repositories/acme/long"

TARGETS: Mapping[str, float | None] = {
    "a commit, of a hundred": 0.40,
    "a commit, each another": None,
    "a commit by the name of a branch": 0.40,
    "a branch": 0.40,
    "30 commits": 0.20,
    "30 commits, each another page": None,
    "a tree of 100": 0.25,
    "a file of 6 KB": 0.30,
    "a repository": None,
}
"""The rows, and the least part of hello-world's rate that each is to reach. Those without one show what is not kept."""


def figures(commits: int = COMMITS, branches: int = BRANCHES) -> Iterator[Figure]:
    """Yield each read beside hello-world, the page deep in the history, and a page of many branches beside git."""
    with scratch_folder() as folder:
        long = git_repositories.long_history(folder / "long.git", commits)
        many = git_repositories.many_branches(folder / "many.git", branches)
        token = asyncio.run(_fill(folder / "data", {"long": long, "many": many}))
        with servers.hello() as hello, servers.roadstead(folder / "data") as host:
            runs = measure(_workloads(long, token, hello, host))
        for what, target in TARGETS.items():
            yield beside_hello(f"over HTTP: {what}", runs[what], runs["hello"], target)
        first, deep = _cost(runs["30 commits"]), _cost(runs["deep"])
        yield Figure(f"over HTTP: page {PAGES:,} beside page 1", deep / first, "x", "most", 1.5)
        listed = _seconds_of_a_listing(many)
        yield Figure(f"a page of {branches:,} branches", _cost(runs["branches"]) / listed, "of git", "most", 0.05)


async def _fill(data: Path, repositories: Mapping[str, Path]) -> str:
    """Fill a host with copies of repositories; return a token of their owner."""
    async with open_host(Settings.read({"data": str(data)}, os.environ)) as host:
        user = await users.create_user(host, "ann", email="ada@example.com")
        await workspaces.create_workspace(host, "acme", name="Acme", owner="ann")
        for slug, source in repositories.items():
            await import_repository(host, SessionUser(user), "acme", slug, RepositoryChanges(), source)
        return (await credentials.create_api_token(host, "bench", None, user_id=user.id))[0]


def _workloads(long: Path, token: str, hello: Server, host: Server) -> dict[str, Workload]:
    ids = subprocess.check_output(["git", f"--git-dir={long}", "rev-list", "main"], text=True).split()
    commits = [_request(token, f"{_BELOW}/commit/{id_}") for id_ in ids]
    pages = [_request(token, target) for target in _pages(host, token)]
    one = {
        "a commit by the name of a branch": f"{_BELOW}/commit/main",
        "a branch": f"{_BELOW}/refs/branches/main",
        "30 commits": f"{_BELOW}/commits/main",
        "a tree of 100": f"{_BELOW}/src/main/src?pagelen=100",
        "a file of 6 KB": f"{_BELOW}/src/main/{git_repositories.README.decode()}",
        "a repository": _BELOW,
        "branches": "/2.0/repositories/acme/many/refs/branches?sort=-target.date",
    }
    return {
        "hello": repeated(hello, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
        "a commit, of a hundred": Workload(host, lambda _: cycle(commits[:100])),
        "a commit, each another": Workload(host, lambda number: cycle(_from(commits, number))),
        "30 commits, each another page": Workload(host, lambda _: cycle(pages)),
        "deep": repeated(host, pages[-1]),
        **{what: repeated(host, _request(token, target)) for what, target in one.items()},
    }


def _from(requests: Sequence[bytes], number: int) -> Sequence[bytes]:
    """Return the requests for the round of this number: each round has others, if there are enough."""
    return requests[len(requests) * number // (ROUNDS + 1) :]


def _pages(host: Server, token: str) -> list[str]:
    """Return the addresses of pages of commits, as each page names the next."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port)
    found = [f"{_BELOW}/commits/main"]
    while len(found) < PAGES:
        connection.request("GET", found[-1], headers={"Authorization": f"Bearer {token}"})
        following = json.loads(connection.getresponse().read()).get("next")
        if following is None:
            break
        found.append(following[following.index("/2.0/") :])
    connection.close()
    return found


def _request(token: str, target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def _cost(runs: list[load.Run]) -> float:
    """Return the processor time of an answer in seconds."""
    return median(run.cost for run in runs) / 1e6


def _seconds_of_a_listing(folder: Path) -> float:
    """Return the processor time that git takes to list all branches by date."""
    command = ["git", f"--git-dir={folder}", "for-each-ref", "--sort=-committerdate", "refs/heads/"]
    began = os.times()
    for _ in range(LISTINGS):
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    ended = os.times()
    used = ended.children_user - began.children_user + ended.children_system - began.children_system
    return used / LISTINGS

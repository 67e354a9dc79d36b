"""Pushes over HTTP beside those to a `file://` address, and forks: by the clock, because that is what a user waits for.

git syncs less on `file://` than the host does: there a push that was answered can vanish in a power cut.
"""

import asyncio
import http.client
import json
import os
import random
import resource
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import servers
from bench.figures import Figure
from bench.scratch import scratch_folder
from bench.servers import Server
from roadstead.accounts import SessionUser
from roadstead.domain.access import credentials
from roadstead.domain.host import open_host
from roadstead.domain.people import users, workspaces
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.settings import Settings

SMALL_PUSHES, FORKS = 30, 5
MEGABYTES, FORKED_MEGABYTES = 1024, 260
_FILE_MEGABYTES = 10
_WARM = 3
_WHO = {f"GIT_{role}_{what}": "ada@example.com" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
_ENVIRONMENT = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", **_WHO}


class _Cost(NamedTuple):
    """What an action took, in seconds. `worked` is the processor time of its programs and of the server."""

    waited: float
    worked: float


class _Place(NamedTuple):
    """A host with empty repositories, and a working copy beside it."""

    server: Server
    token: str
    folder: Path

    @property
    def work(self) -> Path:
        return self.folder / "work"

    def url(self, slug: str) -> str:
        return f"http://x-token-auth:{self.token}@127.0.0.1:{self.server.port}/acme/{slug}.git"

    def peer(self, name: str) -> str:
        """Make an empty repository of git's own; return its address."""
        _git(self.folder, "init", "--quiet", "--bare", "--initial-branch=main", name)
        return f"file://{self.folder / name}"


def figures(megabytes: int = MEGABYTES, forked: int = FORKED_MEGABYTES) -> Iterator[Figure]:
    """Yield a small push and a large one, each beside git's own, and a fork."""
    with scratch_folder() as folder:
        token = asyncio.run(_fill(folder / "data", ("small", "large", "forked")))
        _git(folder, "init", "--quiet", "--initial-branch=main", "work")
        with servers.roadstead(folder / "data") as server:
            place = _Place(server, token, folder)
            yield _small_push(place)
            yield _large_push(place, megabytes)
            yield from _forks(place, forked)


async def _fill(data: Path, slugs: tuple[str, ...]) -> str:
    """Fill a host with empty repositories; return a token of their owner."""
    async with open_host(Settings.read({"data": str(data)}, os.environ)) as host:
        user = await users.create_user(host, "ann", email="ada@example.com")
        await workspaces.create_workspace(host, "acme", name="Acme", owner="ann")
        for slug in slugs:
            await create_repository(host, SessionUser(user), "acme", slug, RepositoryChanges())
        return (await credentials.create_api_token(host, "bench", None, user_id=user.id))[0]


def _small_push(place: _Place) -> Figure:
    """Push commits of one changed file, in turns to each side."""
    sides = (place.url("small"), place.peer("small.git"))
    costs = []
    for number in range(_WARM + SMALL_PUSHES):
        _commit(place, "small", str(number).encode())
        costs.append([_push(place, url) for url in sides])
    ours, gits = zip(*costs[_WARM:], strict=True)
    waited = [median(cost.waited for cost in side) for side in (ours, gits)]
    worked = [median(cost.worked for cost in side) for side in (ours, gits)]
    note = f"{waited[0] * 1000:.0f} ms, git {waited[1] * 1000:.0f} ms; processor {worked[0] / worked[1]:.2f} x"
    return Figure("a small push, beside file://", waited[0] / waited[1], "x", "most", 2.5, note)


def _large_push(place: _Place, megabytes: int) -> Figure:
    """Push files that cannot be compressed, once to each side: git's own first, which fills the cache for both."""
    _commit_files(place, megabytes)
    gits, ours = (_push(place, url) for url in (place.peer("large.git"), place.url("large")))
    note = f"{ours.waited:.0f} s, git {gits.waited:.0f} s; processor {gits.worked / ours.worked:.2f}"
    what = f"a push of {megabytes:,} MB, beside file://"
    return Figure(what, gits.waited / ours.waited, "of git", "least", 0.75, note)


def _forks(place: _Place, megabytes: int) -> Iterator[Figure]:
    """Fork a repository over the API, several times: how long one takes, and how much more of the disk."""
    _git(place.work, "checkout", "--quiet", "--orphan", "forked")
    _git(place.work, "rm", "-r", "--quiet", "--force", ".")
    _commit_files(place, megabytes)
    _push(place, place.url("forked"))
    before = _disk_megabytes(place.folder / "data")
    costs = [_measured(place.server, partial(_fork, place, f"fork-{number}")) for number in range(FORKS)]
    more = (_disk_megabytes(place.folder / "data") - before) / FORKS
    worked = f"processor {median(cost.worked for cost in costs) * 1000:.0f} ms"
    fork = f"a fork of {megabytes:,} MB"
    yield Figure(fork, median(cost.waited for cost in costs) * 1000, "ms", "most", 50, worked)
    yield Figure(f"{fork}: more disk", more, "MB", "most", 2)


def _commit(place: _Place, name: str, content: bytes) -> None:
    (place.work / name).write_bytes(content)
    _git(place.work, "add", "--", name)
    _git(place.work, "commit", "--quiet", "-m", "Change it")


def _commit_files(place: _Place, megabytes: int) -> None:
    """Commit new files of random bytes, which are packed as they are."""
    draw = random.Random(megabytes)
    for number in range(megabytes // _FILE_MEGABYTES + 1):
        size = min(_FILE_MEGABYTES, megabytes - number * _FILE_MEGABYTES)
        (place.work / f"large-{number}").write_bytes(draw.randbytes(size * 1_000_000))
    _git(place.work, "-c", "core.compression=0", "add", ".")
    _git(place.work, "commit", "--quiet", "-m", "Add them")


def _push(place: _Place, url: str) -> _Cost:
    push = ("-c", "core.compression=0", "-c", "pack.window=0", "push", "--quiet", url, "HEAD:refs/heads/main")
    return _measured(place.server, partial(_git, place.work, *push))


def _fork(place: _Place, name: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", place.server.port)
    headers = {"Authorization": f"Bearer {place.token}", "Content-Type": "application/json"}
    connection.request("POST", "/2.0/repositories/acme/forked/forks", json.dumps({"name": name}), headers)
    answer = connection.getresponse()
    if answer.status != http.client.CREATED:
        raise SystemExit(f"A fork was answered with {answer.status}: {answer.read()!r}")
    connection.close()


def _measured(server: Server, action: Callable[[], None]) -> _Cost:
    began, worked = time.perf_counter(), _worked(server)
    action()
    waited = time.perf_counter() - began
    return _Cost(waited, _worked(server) - worked)


def _worked(server: Server) -> float:
    """Return the processor time so far of our ended children, of the server, and of its."""
    ours = resource.getrusage(resource.RUSAGE_CHILDREN)
    fields = Path(f"/proc/{server.pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return ours.ru_utime + ours.ru_stime + sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _disk_megabytes(folder: Path) -> float:
    """Return what a folder takes of the disk: a file with several names counts once."""
    shown = subprocess.check_output(["du", "--summarize", "--block-size=1", str(folder)], text=True)
    return int(shown.split()[0]) / 1e6


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=_ENVIRONMENT, check=True, capture_output=True)

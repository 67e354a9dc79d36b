"""What a caller may not see, beside what does not exist: how long each operation below a workspace takes to refuse.

A missing thing, an invisible one and another missing one are asked for in turn, in a random order, over one connection.
The two missing ones say how far equal requests differ in the same run.
"""

import asyncio
import os
import random
import re
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from json import dumps
from pathlib import Path
from statistics import median

from tests.contract import sample_body

from bench import servers
from bench.app import App, install_in
from bench.figures import Figure
from bench.scratch import scratch_folder
from roadstead.api.operation import Operation
from roadstead.domain.access import consumers, credentials, grants
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import groups, permissions, projects, users, workspaces
from roadstead.domain.people.projects import ProjectChanges
from roadstead.model import Installation
from roadstead.routes import MAP
from roadstead.settings import Settings

ROUNDS = 400
MEMBERS = 200
GRANTS = 150
"""As many users have a privilege in the project."""
NAMES = {"workspace": ("acme", "gone", "lost"), "project_key": ("HIDDEN", "ABSENT", "VACANT")}
"""Of one length: the invisible one, and two that do not exist."""
MOST = 1.05
"""Times as long. The control of one run, two missing things, reaches this on a machine that does other work."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)

Authorize = dict[str, str]
"""The `Authorization` of each kind of credential; an app's JWT is made for each request."""


def figures() -> Iterator[Figure | str]:
    """Yield the ratio of each operation and credential, and the largest."""
    with scratch_folder() as data:
        (app,) = install_in(data, ["elsewhere"], _nothing)
        given = asyncio.run(_fill(data))
        ratios = []
        with servers.roadstead(data) as server, closing(_Line(server.port)) as line:
            for name, credential in [*given.items(), ("stranger, app JWT", None)]:
                hidden = "project_key" if name.startswith("member") else "workspace"
                for operation in MAP.operations:
                    if hidden in operation.template.names:
                        requests = [_request(operation, {hidden: one}, credential, app) for one in NAMES[hidden]]
                        figure = _compared(f"{operation.name.partition('_')[2]}, {name}", line, requests)
                        ratios.append(figure.measured)
                        yield figure
        yield Figure("the median of all", median(ratios), "× missing", "most", MOST)


def _compared(what: str, line: "_Line", requests: list[bytes]) -> Figure:
    times: dict[int, list[float]] = {number: [] for number in range(len(requests))}
    answers = {re.sub(rb"(?i)(date|x-request-id): .*", b"", line.ask(one)[1]) for one in requests}
    statuses = {answer.split(b" ", 2)[1] for answer in answers}
    if len(statuses) > 1:
        raise SystemExit(f"{what}: the answers differ: {statuses}")
    for _ in range(ROUNDS):
        for number in random.sample(range(len(requests)), len(requests)):
            times[number].append(line.ask(requests[number])[0])
    invisible, missing, other = (median(one) * 1e6 for one in times.values())
    status = statuses.pop().decode()
    note = f"{status}; {missing:.0f} µs; another missing one {other / missing:.3f}"
    return Figure(what, invisible / missing, "× missing", "most", MOST, note)


def _request(operation: Operation, named: Mapping[str, str], authorization: str | None, app: App) -> bytes:
    names = {"workspace": "acme", "group_slug": "holders", **named}
    target = operation.template.url("", *(names.get(one, "{0}") for one in operation.template.names))
    sample = next(iter(sample_body(operation.method, operation.template.path).values()), None)
    body = b"" if sample is None else dumps(sample).encode()
    if authorization is None:
        return app.request(operation.method, target, body)
    head = f"{operation.method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {authorization}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return f"{head}\r\n".encode() + body


class _Line:
    """One keep-alive connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: bytes) -> tuple[float, bytes]:
        """Send a request; return the seconds until its answer was there, and the answer."""
        began = time.perf_counter()
        self._socket.sendall(request)
        received = b""
        while True:
            received += self._socket.recv(1 << 16)
            head = received.find(b"\r\n\r\n")
            if head >= 0:
                found = _LENGTH.search(received, 0, head + 2)
                if found is None or len(received) >= head + 4 + int(found[1]):
                    return time.perf_counter() - began, received

    def close(self) -> None:
        self._socket.close()


async def _nothing(host: Host, made: Installation) -> None:
    """Store nothing for the app."""


async def _fill(data: Path) -> Authorize:
    """Make a workspace with members and a private project with grants; return credentials of who does not see them."""
    async with open_host(Settings.read({"data": str(data)}, os.environ)) as host:
        people = [await users.create_user(host, f"member-{number}") for number in range(MEMBERS)]
        stranger = await users.create_user(host, "stranger")
        await workspaces.create_workspace(host, "acme", name=None, owner="member-0")
        for member in people[1:]:
            await workspaces.add_member(host, "acme", member.username, "member")
        await groups.create_group(host, "acme", "Holders", [one.username for one in people[:GRANTS]])
        await workspaces.create_workspace(host, "of-a-stranger", name=None, owner="stranger")
        _, owner = await credentials.create_api_token(host, "owner", None, user_id=people[0].id)
        project, _ = await projects.put_project(host, owner, "acme", "HIDDEN", ProjectChanges(name="Hidden"))
        for holder in people[1:GRANTS]:
            await permissions.grant(host, owner, project, holder, "admin")
        tokens = {
            name: (await credentials.create_api_token(host, name, None, user_id=user.id))[0]
            for name, user in (("stranger, token", stranger), ("member, token", people[-1]))
        }
        consumer, _ = await consumers.create_consumer(
            host, "of-a-stranger", "Own", callback_url="https://app.example/", scopes=None
        )
        tokens["stranger, OAuth"] = (await grants.act_as_owner(host, consumer, None)).access_token
        return {name: f"Bearer {token}" for name, token in tokens.items()}

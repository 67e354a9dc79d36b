"""Attacks by which one caller tries to use up a host, and their effect on others."""

import asyncio
import contextlib
import json
import multiprocessing
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Callable, Coroutine
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from tests.live import AppClient

VALUES = "/2.0/addon/linkers/tickets/values"
MEBIBYTE = 1024 * 1024

Attack = Callable[[], Coroutine[Any, Any, None]]
"""Can be sent to another process."""


def request(method: str, path: str, *headers: str, body: bytes = b"", length: int | None = None) -> bytes:
    """Return a request as it is sent; `length` is its stated length, which may be false."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", *headers]
    if body or length is not None:
        lines.append(f"Content-Length: {len(body) if length is None else length}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def signed(api: AppClient, method: str, path: str, body: bytes = b"", *, length: int | None = None) -> bytes:
    """Return the signed request of an app."""
    headers = (f"Authorization: JWT {api.token(method, path)}", "Content-Type: application/json")
    return request(method, path, *headers, body=body, length=length)


async def status_of(port: int, sent: bytes) -> int:
    """Return the status of the answer to a request on a separate connection, or 0 without an answer."""
    try:
        async with asyncio.timeout(20):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                writer.write(sent)
                return int((await reader.readline()).split()[1])
    except (OSError, TimeoutError, IndexError):
        return 0


@contextlib.asynccontextmanager
async def held(port: int, number: int, sent: bytes) -> AsyncIterator[None]:
    """Open so many connections on which the same is sent, and nothing is read."""
    writers = []
    for _ in range(number):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
            writers.append(writer)
            writer.write(sent)
    try:
        yield
    finally:
        for writer in writers:
            writer.transport.abort()


async def hold(port: int, number: int, sent: bytes, *, seconds: float, again: float = 1e9) -> None:
    """Hold connections, and reopen them from time to time, before they are closed for being slow."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        async with held(port, number, sent):
            await asyncio.sleep(min(left, again))


def starving(port: int, number: int, *, seconds: float, path: str = "/site/oauth2/access_token") -> Attack:
    """Return an attack: requests of a stranger that never become complete."""
    sent = request("POST", path, body=b"a", length=60_000)
    return partial(hold, port, number, sent, seconds=seconds, again=19.5)


def holding(port: int, api: AppClient, number: int, *, seconds: float) -> Attack:
    """Return an attack: bodies of 16 MiB without their last byte."""
    whole = 16 * MEBIBYTE
    return partial(hold, port, number, signed(api, "PUT", VALUES, b" " * (whole - 1), length=whole), seconds=seconds)


def not_reading(port: int, api: AppClient, number: int, *, characters: int, seconds: float) -> Attack:
    """Return an attack: large answers that are requested and not read."""
    body = json.dumps({"text": "x" * characters, "format": "json"}).encode()
    return partial(hold, port, number, signed(api, "POST", "/-/linkify", body), seconds=seconds)


def stalling(port: int, api: AppClient, body: bytes, *, times: int) -> Attack:
    """Return an attack: the same body repeatedly, each after the previous answer."""
    return partial(_send_again, port, signed(api, "PUT", VALUES, body), times)


async def _send_again(port: int, sent: bytes, times: int) -> None:
    for _ in range(times):
        await status_of(port, sent)


@dataclass
class Noticed:
    """The answers to harmless callers meanwhile, by request: how often which status, and after how long.

    A request without an answer has the status 0. `memory` is the host's maximum, in MiB.
    """

    statuses: defaultdict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))
    waits: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    memory: float = 0.0

    def __str__(self) -> str:
        lines = [f"at most {self.memory:.0f} MiB"]
        for name, waits in self.waits.items():
            slow = sorted(waits)[len(waits) * 99 // 100]
            lines.append(f"{name} {dict(self.statuses[name])}, p99 {slow * 1e3:.0f} ms, slowest {max(waits) * 1e3:.0f}")
        return "; ".join(lines)


async def during(attack: Attack, port: int, pid: int, api: AppClient) -> Noticed:
    """Probe health, and work as another app, from the same address until the attack is over.

    The attack runs in another process, so that it takes no processor time from the probes.
    """
    noticed = Noticed()
    values = (json.dumps({"value": f"V{number}"}).encode() for number in range(1_000_000))
    probes: dict[str, Callable[[], bytes]] = {
        "live": lambda: request("GET", "/-/health/live"),
        "ready": lambda: request("GET", "/-/health/ready"),
        "list": lambda: signed(api, "GET", VALUES),
        "add": lambda: signed(api, "POST", VALUES, next(values)),
    }

    async def probe(name: str, make: Callable[[], bytes]) -> None:
        while True:
            sent, began = make(), time.perf_counter()
            noticed.statuses[name][await status_of(port, sent)] += 1
            noticed.waits[name].append(time.perf_counter() - began)
            noticed.memory = max(noticed.memory, resident(pid))
            await asyncio.sleep(0.05)

    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as attacker:
        async with asyncio.TaskGroup() as group:
            probing = [group.create_task(probe(*one)) for one in probes.items()]
            await asyncio.get_running_loop().run_in_executor(attacker, run, attack)
            for task in probing:
                task.cancel()
    return noticed


def run(attack: Attack) -> None:
    asyncio.run(attack())


def resident(pid: int) -> float:
    """Return the resident memory of a process, in MiB."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    (line,) = (line for line in lines if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024

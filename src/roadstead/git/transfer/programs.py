"""The programs of git that answer a client: `upload-pack` for clones and fetches, `receive-pack` for pushes."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from roadstead.git.processes import Limits
from roadstead.git.refs import committer
from roadstead.git.transfer.advertisement import advertisement
from roadstead.git.transfer.commands import Commands
from roadstead.git.transfer.piped import Piped
from roadstead.git.transfer.pktlines import FLUSH, pkt_line
from roadstead.git.transfer.report import Report
from roadstead.git.transfer.verdict import Dialogue, Judge
from roadstead.pushed import Service

_LAST_SECONDS = 60.0
"""How long `receive-pack` may take to end after its last output."""
MOST_PUSHED_BYTES = 4 * 1024**3
"""Of a pack: as much as a repository of the cloud may have."""
_LIMITS = Limits(seconds=3600, memory=2 << 30)
"""Of each program: a pack of some megabytes can have a tree of gigabytes, and one of 4 GB has millions of objects."""
_SETTINGS = {
    "uploadpack.allowFilter": "true",
    # A partial clone asks for what it lacks by id. Version 2 of the protocol gives that anyway.
    "uploadpack.allowAnySHA1InWant": "true",
    "receive.maxInputSize": str(MOST_PUSHED_BYTES),
    "receive.denyDeleteCurrent": "refuse",
    # From so many objects on, a pack: it waits for the disk twice, loose objects each once. A pack of fewer would gain
    # less than it costs to join packs more often.
    "receive.unpackLimit": "10",
}
_SYNCED = {"core.fsync": "reference,-objects,-derived-metadata"}
"""What git itself waits for in a push: `verdict.py` waits for the objects, for all at once."""


class Body(Protocol):
    """What a client sends, in pieces."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...
    async def __anext__(self) -> bytes: ...

    async def left(self) -> None:
        """Wait until the client has left. To be called after the last piece."""


async def advertise(
    folder: Path, service: Service, protocol: str, *, named: bool = True
) -> AsyncGenerator[bytes, None]:
    """Yield what a repository has, in pieces. If it is `named`, the name of the service comes first, as over HTTP."""
    spoken = protocol.split(":")
    pushes = service == "git-receive-pack"
    name = pkt_line(f"# service={service}\n".encode()) + FLUSH
    is_named = named and (pushes or "version=2" not in spoken)
    known = advertisement(folder) if pushes and "version=1" not in spoken else None
    if known is not None:
        yield name + known if is_named else known
        return
    # Before the first piece: a git that cannot be started is an answer of its own, not one that breaks off.
    child = _started(folder, service, "--http-backend-info-refs", reads=False, variables=_speaking(protocol))
    try:
        if is_named:
            yield name
        while piece := await child.read():
            yield piece
    finally:
        await _end(child)


async def upload_pack(
    folder: Path, body: Body, protocol: str, *, stateless: bool = True
) -> AsyncGenerator[bytes, None]:
    """Yield what a client asks for in its body. Unless it is `stateless`, begin with what the repository has."""
    child = _started(folder, "git-upload-pack", stateless=stateless, variables=_speaking(protocol))
    feeding = asyncio.create_task(_feed_and_watch(child, body))
    try:
        while piece := await child.read():
            yield piece
    finally:
        await _end(child, feeding)
    _raise_failure(feeding)


class Pushing(NamedTuple):
    """One push: its `id`, the folder of our hook, who judges it, and the lock that its programs hold."""

    id: str
    hooks: Path
    judge: Judge
    lock: int


async def receive_pack(
    folder: Path, commands: Commands, body: Body, pushing: Pushing, send: Callable[[bytes], None]
) -> Report:
    """Take a push, and return git's report. Progress is sent meanwhile.

    Before any ref changes, the judge is asked. The id is that of the committer in the reflogs, which tell afterwards
    what the push did (`outcome.py`).
    """
    dialogue, report = Dialogue(), Report(commands.capabilities)
    with dialogue.passing() as descriptors:
        child = _started(
            folder,
            "git-receive-pack",
            passed=(pushing.lock, *descriptors),
            variables={**committer(pushing.id), **dialogue.variables},
            settings={"core.hooksPath": str(pushing.hooks), **_SYNCED},
        )
    answering = asyncio.create_task(dialogue.answer(pushing.judge))
    feeding = asyncio.create_task(_feed(child, body, commands.for_git))
    try:
        while piece := await child.read():
            send(report.add(piece))
        await child.wait(_LAST_SECONDS)
    finally:
        await _stop(feeding)
        await child.end()
        await _stop(answering)
    _raise_failure(feeding)
    _raise_failure(answering)
    return report


async def _feed_and_watch(child: Piped, body: Body) -> None:
    """Give a program the client's body, and kill it when the client leaves."""
    await _feed(child, body)
    await body.left()
    await child.kill()


async def _feed(child: Piped, body: Body, first: bytes = b"") -> None:
    """Give a program the client's body. One that has ended needs no more of it, and its output says why."""
    try:
        with suppress(BrokenPipeError):
            await child.write(first)
            async for piece in body:
                await child.write(piece)
    finally:
        child.close_input()


async def _end(child: Piped, *feeding: "asyncio.Task[None]") -> None:
    """End a program and the task that feeds it, also if the client leaves and the caller is cancelled meanwhile."""

    async def end() -> None:
        for task in feeding:
            await _stop(task)
        await child.kill()
        await child.end()

    await asyncio.shield(end())


async def _stop(task: "asyncio.Task[None]") -> None:
    """Let a task end, and note its failure, which only the end of a transfer without another one raises."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()


def _raise_failure(task: "asyncio.Task[None]") -> None:
    if not task.cancelled():
        task.result()


def _started(
    folder: Path,
    service: Service,
    *options: str,
    reads: bool = True,
    stateless: bool = True,
    passed: Sequence[int] = (),
    variables: Mapping[str, str] | None = None,
    settings: Mapping[str, str] | None = None,
) -> Piped:
    config = [part for name, value in (_SETTINGS | dict(settings or {})).items() for part in ("-c", f"{name}={value}")]
    kind = ["--stateless-rpc"] if stateless else []
    arguments = [*config, service.removeprefix("git-"), *kind, *options, "--", str(folder)]
    return Piped(arguments, _LIMITS, reads=reads, variables=variables, passed=passed)


def _speaking(protocol: str) -> Mapping[str, str]:
    return {"GIT_PROTOCOL": protocol} if protocol else {}

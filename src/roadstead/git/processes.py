"""Runs of git: started without a copy of this process, bounded in time, output and memory, and ended as a group."""

import asyncio
import contextlib
import math
import os
import re
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from roadstead.errors import GitFailed, GitLimit, HostBusy
from roadstead.git.environment import environment, program


class Limits(NamedTuple):
    """What a run may use. `seconds` count while the host waits for git, not while git waits for a reader.

    `memory` is what git allocates; packs that it maps do not count. A `nice` run leaves the processor to others.
    """

    seconds: float = 30
    output: int = 64 << 20
    memory: int = 1 << 30
    nice: bool = False


USUAL = Limits()
MOST_MEMORY = 4 << 30
"""For packing or checking a whole repository. A host does that for one repository at a time."""
MOST_PROCESSES = 128
"""Of git at a time, in one process of the host: more than all callers, maintenance and waiting diffs take."""
_NO_MEMORY = re.compile("out of memory|cannot allocate memory", re.IGNORECASE)
"""The messages of git and of the C library."""
_KILLED = (-signal.SIGKILL, -signal.SIGXCPU)
"""The exit codes after the system killed git, for its processor time or the memory of the machine."""
_MOST_STDERR = 4096
_PIECE = 1 << 16
_NAP = 0.001
_NICENESS = 10
_running: list["subprocess.Popen[bytes]"] = []


async def run(
    folder: Path | None,
    *arguments: str,
    stdin: bytes = b"",
    limits: Limits = USUAL,
    codes: Sequence[int] = (0,),
    variables: Mapping[str, str] | None = None,
    passed: Sequence[int] = (),
) -> bytes:
    """Return what a git command writes. Raise `GitLimit`, or `GitFailed` for an exit code that is not in `codes`.

    An argument that comes from outside follows `--end-of-options` or `--`, or is an id.
    """
    async with Child(folder, *arguments, stdin=stdin, limits=limits, variables=variables, passed=passed) as git:
        answer = b"".join([piece async for piece in git.pieces()])
        await git.end(codes)
    return answer


async def stream(folder: Path, *arguments: str, limits: Limits) -> AsyncGenerator[bytes]:
    """Yield what a git command writes, as fast as it is read. Raise as `run` does."""
    async with Child(folder, *arguments, limits=limits) as git:
        async for piece in git.pieces():
            yield piece
        await git.end()


def start(
    arguments: Sequence[str],
    limits: Limits,
    *,
    folder: Path | None = None,
    stdin: int = subprocess.PIPE,
    stderr: int = subprocess.PIPE,
    stays: bool = False,
    variables: Mapping[str, str] | None = None,
    passed: Sequence[int] = (),
) -> "subprocess.Popen[bytes]":
    """Start git in a group of its own, with bounded memory, and with bounded processor time unless it `stays`.

    Raise `GitFailed`, and `HostBusy` if as many run as may.
    """
    # Polled here, because no task waits for a process whose reader was cancelled.
    _running[:] = [process for process in _running if exit_code(process) is None]
    if len(_running) >= MOST_PROCESSES:
        raise HostBusy("Roadstead has as many processes of git as it can have.", "Try again in a moment.")
    try:
        # No `preexec_fn`, and not by the loop: with either, the whole memory of this process would be copied.
        process = subprocess.Popen(  # noqa: S603  # no shell; see `run` about arguments from outside
            [program(), *arguments],
            env={**environment(), **(variables or {})},
            cwd=folder or "/",
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            pass_fds=passed,
            bufsize=0,
        )
    except OSError as exc:
        raise GitFailed("git cannot be run.", f"{exc.strerror}.") from exc  # without the path
    except ValueError as exc:
        raise GitFailed("git cannot be run.", str(exc)) from exc
    _running.append(process)
    _bound(process.pid, limits, stays=stays)
    return process


def exit_code(process: "subprocess.Popen[bytes]") -> int | None:
    """Return the exit code of a process, `None` while it runs. Kill what it has started once it has ended.

    The system kills a process that has used up its processor time, but not the processes that it started.
    """
    if process.returncode is None and process.poll() is not None:
        _kill_group(process)  # at once: later, its number can be that of another process
    return process.returncode


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End a process at once, with all that it has started."""
    if exit_code(process) is None:
        _kill_group(process)


def _kill_group(process: "subprocess.Popen[bytes]") -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses it for what has ended
        os.killpg(process.pid, signal.SIGKILL)


class Child:
    """A running git command. Leaving its `async with` block kills it and all that it started.

    It is bound to no loop between two calls. `variables` are added to the environment, and it inherits the descriptors
    that are `passed`.
    """

    def __init__(
        self,
        folder: Path | None,
        *arguments: str,
        stdin: bytes = b"",
        stays: bool = False,
        limits: Limits = USUAL,
        variables: Mapping[str, str] | None = None,
        passed: Sequence[int] = (),
    ) -> None:
        """Start it. Its input ends after `stdin`, unless it `stays` for what `ask` brings. Raise `GitFailed`."""
        self._command = arguments[0]
        self._seconds, self._left, *_ = limits
        # By no path: of a repository that is deleted meanwhile, git would make folders anew at its place.
        where = () if folder is None else ("--git-dir=.",)
        self._shown = {} if folder is None else {f"{folder}/": "", str(folder): "."}
        self._process = start(
            [*where, *arguments], limits, folder=folder, stays=stays, variables=variables, passed=passed
        )
        self._stdin, self._stdout, self._stderr = map(_descriptor, self._pipes())
        self._stays = stays
        self._said = b""
        self._speaks = True
        self._unsent = memoryview(stdin)
        self._write()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Kill it if it runs, and wait until it is gone."""
        self.kill()
        while self.is_running:  # noqa: ASYNC110  # its end is no event of the loop
            await asyncio.sleep(_NAP)

    @property
    def is_running(self) -> bool:
        """Return whether it has not ended."""
        return exit_code(self._process) is None

    def ask(self, question: bytes, limits: Limits) -> None:
        """Write to a process that stays, and count time and output anew."""
        self._seconds, self._left, *_ = limits
        self._unsent = memoryview(bytes(self._unsent) + question)
        self._write()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield its output as it comes, to the end. Raise `GitLimit`."""
        while piece := await self.read():
            yield piece

    async def read(self) -> bytes:
        """Return the next piece of its output, an empty one at the end. Raise `GitLimit`."""
        while True:
            self._write()
            self._listen()
            try:
                piece = os.read(self._stdout, _PIECE)
            except BlockingIOError:
                await self._wait()
            else:
                return self._counted(piece)

    async def end(self, codes: Sequence[int] = (0,)) -> int:
        """Return its exit code, when all output was read. Raise `GitLimit`, or `GitFailed` for one not in `codes`."""
        code = await self._exit_code()
        if code not in codes:
            raise self._failure(code)
        return code

    async def failure(self) -> GitFailed:
        """Return why it has ended where it should not. Raise `GitLimit`."""
        return self._failure(await self._exit_code())

    async def _exit_code(self) -> int:
        loop = asyncio.get_running_loop()
        while (code := exit_code(self._process)) is None:
            self._listen()
            began = loop.time()
            await asyncio.sleep(_NAP)
            self._spend(loop.time() - began)  # longer than a nap where the loop is busy
        self._listen()
        return code

    def _failure(self, code: int) -> GitFailed:
        said = self._said.decode("utf-8", "replace").strip()
        # Callers are told what git says, who need not know where the host has its files.
        for place, shown in self._shown.items():
            said = said.replace(place, shown)
        if code in _KILLED:
            return GitLimit(f"git {self._command} takes longer, or needs more, than is allowed here.")
        if _NO_MEMORY.search(said):
            return GitLimit(f"git {self._command} needs more memory than is allowed here.")
        return GitFailed(f"git {self._command} failed.", said or f"It ended with {code}.")

    def kill(self) -> None:
        """End it at once, with all that it started, and close its pipes."""
        kill(self._process)
        for pipe in self._pipes():
            pipe.close()

    def _pipes(self) -> Sequence[IO[bytes]]:
        pipes = self._process.stdin, self._process.stdout, self._process.stderr
        return [pipe for pipe in pipes if pipe is not None]

    def _counted(self, piece: bytes) -> bytes:
        self._left -= len(piece)
        if self._left < 0:
            raise GitLimit(f"git {self._command} has a larger output than is allowed here.")
        return piece

    def _spend(self, seconds: float) -> None:
        self._seconds -= seconds
        if self._seconds <= 0:
            raise GitLimit(f"git {self._command} takes longer than is allowed here.")

    def _write(self) -> None:
        try:
            while self._unsent:
                self._unsent = self._unsent[os.write(self._stdin, self._unsent) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it ended, and its exit code says why
            self._unsent = memoryview(b"")
        if not self._stays:
            self._pipes()[0].close()

    def _listen(self) -> None:
        """Read stderr, and keep its beginning. git would stop at a full pipe."""
        with contextlib.suppress(BlockingIOError):
            while self._speaks:
                said = os.read(self._stderr, _PIECE)
                self._speaks = bool(said)
                self._said = (self._said + said)[:_MOST_STDERR]

    async def _wait(self) -> None:
        """Wait until a pipe is ready."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        readers = [self._stdout, *([self._stderr] if self._speaks else [])]
        writers = [self._stdin] if self._unsent else []
        began = loop.time()
        for reader in readers:
            loop.add_reader(reader, ready.set)
        for writer in writers:
            loop.add_writer(writer, ready.set)
        try:
            async with asyncio.timeout(self._seconds):
                await ready.wait()
        except TimeoutError:
            pass  # `_spend` says so
        finally:
            # Before anything closes them: numbers of descriptors are used again at once.
            for reader in readers:
                loop.remove_reader(reader)
            for writer in writers:
                loop.remove_writer(writer)
        self._spend(loop.time() - began)


def _descriptor(pipe: IO[bytes]) -> int:
    os.set_blocking(pipe.fileno(), False)
    return pipe.fileno()


def _bound(pid: int, limits: Limits, *, stays: bool) -> None:
    """Bound memory and processor time of a process that has just begun; not all systems can do that."""
    with contextlib.suppress(ProcessLookupError):
        if limits.nice:
            with contextlib.suppress(PermissionError):  # A service manager may forbid the call.
                os.setpriority(os.PRIO_PROCESS, pid, _NICENESS)
        if sys.platform == "linux":
            resource.prlimit(pid, resource.RLIMIT_DATA, (limits.memory, limits.memory))
            seconds = resource.RLIM_INFINITY if stays else math.ceil(limits.seconds)
            resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))

"""The host's side of `roadstead linkify`: its linkers are compiled already, so the first line is there immediately.

The command sends the output format and the workspace, then the lines, some at a time, and at the end nothing. The host
answers the first frame with nothing, each of the others with the lines as they are printed, and the end with the limits
that linkers met, as JSON. On an error the host closes the connection, and the command links the lines itself.
"""

import asyncio
import io
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import msgspec

from roadstead.domain.linking.lines import RENDERERS, CountedLine, LinkedLines
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.domain.local_sockets import listening, read_frame
from roadstead.errors import RoadsteadError
from roadstead.frames import LINES, framed
from roadstead.settings import Settings

log = logging.getLogger("roadstead.linkify")


@dataclass(frozen=True, slots=True)
class LineLimits:
    """How much a process links for commands. Beyond it, a command links its lines itself."""

    most_commands: int = 20
    """At a time: more than one person runs."""
    idle_seconds: float = 60.0
    """How long a command may be silent, or leave an answer unread, as while its user looks at a page."""
    most_linked: int = 1024 * 1024
    """Bytes for one command, so that the host has its processor for requests."""


@asynccontextmanager
async def linking_lines(
    settings: Settings, linkers: WorkspaceLinkers, limits: LineLimits = LineLimits()
) -> AsyncIterator[None]:
    """Link lines for commands of the same user while in the block, if such a command would use the same linkers."""
    if not _are_usual(settings):
        yield
        return
    server = _LineServer(linkers, limits)
    async with AsyncExitStack() as until_the_end:
        try:
            await until_the_end.enter_async_context(listening(settings.data, LINES, server.serve))
        except OSError as exc:
            log.info("roadstead linkify works without the host: %s.", exc)
        until_the_end.callback(server.hang_up)
        yield


def _are_usual(settings: Settings) -> bool:
    """Return whether a command that names only the data folder works on the same database, in the same way."""
    usual = Settings.read({"data": settings.data}, {})
    return (usual.database_name, usual.linkers_without_values) == (
        settings.database_name,
        settings.linkers_without_values,
    )


class _LineServer:
    def __init__(self, linkers: WorkspaceLinkers, limits: LineLimits) -> None:
        self._linkers = linkers
        self._limits = limits
        self._open = set[StreamWriter]()

    def hang_up(self) -> None:
        """Close all connections; the commands continue without the host."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Link the lines of one command."""
        if len(self._open) >= self._limits.most_commands:
            writer.transport.abort()
            return
        self._open.add(writer)
        try:
            # In each case the command links the line itself.
            with suppress(OSError, EOFError, ValueError, RoadsteadError):
                await self._link(reader, writer)
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _link(self, reader: StreamReader, writer: StreamWriter) -> None:
        async with asyncio.timeout(self._limits.idle_seconds):
            form, _, workspace = (await read_frame(reader)).decode().partition(" ")
        if form not in RENDERERS:
            return
        compiled = await self._linkers.of(workspace)
        counted: list[CountedLine] = []
        lines = LinkedLines(compiled, form, counted.append)
        linked = 0
        chunk = await self._answered(b"", reader, writer)
        while chunk:
            linked += len(chunk)
            if linked > self._limits.most_linked:
                return
            answer = await self._linkers.in_thread(self, _rendered, lines, chunk)
            for line in counted:
                self._linkers.count(compiled.engine, *line)
            counted.clear()
            chunk = await self._answered(answer, reader, writer)
        writer.write(framed(msgspec.json.encode(lines.limits)))
        async with asyncio.timeout(self._limits.idle_seconds):
            writer.close()
            await writer.wait_closed()

    async def _answered(self, answer: bytes, reader: StreamReader, writer: StreamWriter) -> bytes:
        """Send an answer, and return the next frame."""
        async with asyncio.timeout(self._limits.idle_seconds):
            writer.write(framed(answer))
            await writer.drain()
            return await read_frame(reader)


def _rendered(lines: LinkedLines, chunk: bytes) -> bytes:
    return b"".join(lines.rendered(io.BytesIO(chunk).readlines()))

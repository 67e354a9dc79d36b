"""The two servers of `roadstead demo`: a host in this process, and the sample app in another."""

import asyncio
import os
import re
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from roadstead.app import create_app
from roadstead.domain.host import Host
from roadstead.errors import RoadsteadError
from roadstead.server.listening import EmbeddedServer, configured, listen, port_of
from roadstead.settings import Settings
from roadstead.web.demo import Showroom

START_SECONDS = 30.0


class DemoFailed(RoadsteadError):
    """A part of the demo did not start."""


@asynccontextmanager
async def running_host(data: Path, page_path: str) -> AsyncIterator[tuple[Host, Showroom]]:
    """Run a host in this process on a free port, with a page for the demo at `page_path`. Raises `DemoFailed`."""
    started: asyncio.Future[Host] = asyncio.get_running_loop().create_future()

    async def remember(host: Host) -> None:
        started.set_result(host)

    with listen("127.0.0.1", 0) as listening:
        port = port_of(listening)
        settings = Settings(data=data, port=port, base_url=f"http://localhost:{port}")
        showroom = Showroom(create_app(settings, started=remember), page_path)
        server = EmbeddedServer(configured(showroom, grace=1))
        serving = asyncio.create_task(_serve(server, listening, started))
        try:
            yield await started, showroom
        finally:
            server.should_exit = True
            await serving


async def _serve(server: EmbeddedServer, listening: socket.socket, started: asyncio.Future[Host]) -> None:
    try:
        await server.serve(sockets=[listening])
    except SystemExit:
        # Uvicorn leaves the process when the application could not start; its log has said why.
        if not started.done():
            started.set_exception(DemoFailed("The host could not be started.", "The lines above say why."))


@asynccontextmanager
async def running_app(values: Sequence[str]) -> AsyncIterator[str]:
    """Run the sample app in another process, and yield its descriptor's URL. Raises `DemoFailed`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "roadstead.sample_app", "--port", "0", "--values", ",".join(values)),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        # A proxy is for other machines; all of this happens on one.
        env={**os.environ, "NO_PROXY": "*", "no_proxy": "*"},
        # Ctrl-C is for this process; it stops the app once the host no longer needs it.
        start_new_session=True,
    )
    try:
        yield await _descriptor_url(process)
    finally:
        await _stop(process)


async def _descriptor_url(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None  # noqa: S101  # it was asked for
    try:
        async with asyncio.timeout(START_SECONDS):
            line = (await process.stdout.readline()).decode()
    except TimeoutError:
        line = ""
    found = re.search(r"https?://\S+", line)
    if found is None:
        raise DemoFailed(
            "The sample app did not start.", f"It was started with: {sys.executable} -m roadstead.sample_app"
        )
    return found[0]


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        async with asyncio.timeout(5):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()

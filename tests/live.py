"""Real servers on loopback for tests: a Roadstead host, and a Connect app that records its requests."""

import asyncio
import atexit
import contextlib
import itertools
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpcore
import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from roadstead.app import USUAL, Parts, create_app
from roadstead.connect import encode, query_string_hash
from roadstead.domain.access import credentials
from roadstead.domain.apps import installations, page_loads
from roadstead.domain.host import Host, open_host
from roadstead.model import Installation
from roadstead.server.connections import Connection
from roadstead.settings import Settings
from tests import schemas
from tests.contract import check_answer
from tests.ports import bound_socket

_keys = itertools.count(1)
_connections = httpcore.ConnectionPool()
atexit.register(_connections.close)


class _QuickServer(uvicorn.Server):
    """A server that stops at once when it is idle; most tests start and stop one.

    It waits to be stopped instead of looking ten times a second: a worker has servers that run until its end.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()

    async def main_loop(self) -> None:
        self._loop = asyncio.get_running_loop()
        while not await self.on_tick(0):  # which sets the date
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self._stopping.wait()

    def stop(self) -> None:
        """Stop the server, from another thread."""
        self.should_exit = True
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # its loop is closed, because it failed
                self._loop.call_soon_threadsafe(self._stopping.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop without uvicorn's wait of a tenth of a second for requests, even when there are none."""
        if self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        await self.lifespan.shutdown()


@contextlib.contextmanager
def serving(
    app: ASGIApp, listener: socket.socket | None = None, *, http: type[Connection] = Connection
) -> Iterator[str]:
    """Serve an ASGI application in a thread; yield its address."""
    listener = listener or bound_socket()
    server = _QuickServer(
        uvicorn.Config(
            app,
            interface="asgi3",
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            timeout_graceful_shutdown=1,
            http=http,
        )
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started and thread.is_alive():
            time.sleep(0.005)
        yield address(listener)
    finally:
        server.stop()
        thread.join()
        listener.close()


def address(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


@dataclass(frozen=True)
class Received:
    """One request that the recording app got."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class RecordingApp:
    """A Connect app whose answers a test chooses.

    `on_installed` and `on_uninstalled` run inside the handler of that call, `on_descriptor` while the descriptor is
    being fetched. The next answers have the `next_statuses`, and later ones `status`.
    """

    base_url: str = ""
    descriptor: dict[str, Any] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    status: int = 204
    next_statuses: list[int] = field(default_factory=list)
    answer: str = ""
    on_installed: Callable[[dict[str, Any]], Awaitable[None]] | None = None
    on_uninstalled: Callable[[dict[str, Any]], Awaitable[None]] | None = None
    on_descriptor: Callable[[], object] | None = None

    @property
    def descriptor_url(self) -> str:
        return f"{self.base_url}/descriptor.json"

    @property
    def key(self) -> str:
        key: str = self.descriptor["key"]
        return key

    def calls(self, event: str) -> list[Received]:
        """Return the lifecycle calls of one kind, after waiting a moment for one that is on its way."""
        deadline = time.monotonic() + 30
        while True:
            found = [call for call in self.received if call.path == f"/{event}"]
            if found or time.monotonic() > deadline:
                return found
            time.sleep(0.01)

    def application(self) -> ASGIApp:
        async def descriptor(request: Request) -> Response:
            if self.on_descriptor is not None:
                await asyncio.to_thread(self.on_descriptor)
            return JSONResponse(self.descriptor)

        async def lifecycle(request: Request) -> Response:
            body = await request.json()
            self.received.append(Received(request.method, request.url.path, dict(request.headers), body))
            inside = self.on_installed if body["eventType"] == "installed" else self.on_uninstalled
            if inside is not None:
                await inside(body)
            return Response(self.answer, self.next_statuses.pop(0) if self.next_statuses else self.status)

        async def webhook(request: Request) -> Response:
            body = await request.json()
            self.received.append(Received(request.method, request.url.path, dict(request.headers), body))
            return Response(status_code=204)

        return Starlette(
            routes=[
                Route("/descriptor.json", descriptor),
                Route("/installed", lifecycle, methods=["POST"]),
                Route("/uninstalled", lifecycle, methods=["POST"]),
                Route("/webhook", webhook, methods=["POST"]),
            ]
        )


LINKERS = [
    {"key": "tickets", "regex": r"((?K)-\d+)", "url": r"/browse/\1", "type": "href"},
    {"key": "any-ref", "regex": r"REF#(\d+)", "url": r"https://refs.example.com/\1", "type": "href"},
]


@contextlib.contextmanager
def recording_app(**changes: Any) -> Iterator[RecordingApp]:
    """Yield a recording app with two linkers under its own key; `changes` replace members of its descriptor."""
    app = RecordingApp()
    with serving(app.application()) as base_url:
        app.base_url = base_url
        app.descriptor = {
            "key": f"recorder-{next(_keys)}",
            "name": "Recorder",
            "description": "Records what it is sent.",
            "baseUrl": base_url,
            "authentication": {"type": "jwt"},
            "lifecycle": {"installed": "/installed", "uninstalled": "/uninstalled"},
            "scopes": ["account", "repository"],
            "modules": {"linkers": LINKERS},
            **changes,
        }
        yield app


Job = Callable[[Host], Awaitable[Any]]


@contextlib.contextmanager
def opened(settings: Settings) -> Iterator[Callable[[Job], Any]]:
    """Open a host's state without serving it; yield a function that does a job on it.

    Its loop runs in another thread, because a loop that stands still between two jobs would keep its locks.
    """
    ready: Future[tuple[Host, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def keep_open() -> None:
        try:
            async with open_host(settings) as host:
                closing = asyncio.Event()
                ready.set_result((host, asyncio.get_running_loop(), closing))
                await closing.wait()
        except BaseException as exc:
            if ready.done():
                raise
            ready.set_exception(exc)

    async def run(job: Job, host: Host) -> Any:
        return await job(host)

    schemas.begin(settings)
    with ThreadPoolExecutor(1) as thread:
        closed = thread.submit(asyncio.run, keep_open())
        host, loop, closing = ready.result()
        try:
            yield lambda job: asyncio.run_coroutine_threadsafe(run(job, host), loop).result()
        finally:
            loop.call_soon_threadsafe(closing.set)
            closed.result()


@dataclass(frozen=True)
class LiveHost:
    """A running Roadstead host, and its state."""

    url: str
    settings: Settings

    def work(self, job: Job) -> Any:
        """Do a job on the same state beside the running host, as the command line does."""

        with opened(self.settings) as work:
            return work(job)

    def install(self, app: RecordingApp, workspace: str = "local") -> Installation:
        installed: Installation = self.work(lambda host: installations.install(host, app.descriptor_url, workspace))
        return installed

    def post_install_url(self, installation: Installation) -> str | None:
        """Return where the operator's browser goes after an installation."""

        async def job(host: Host) -> str | None:
            return await page_loads.post_install_url(host, installation, await host.find_operator())

        url: str | None = self.work(job)
        return url

    def api_token(self) -> str:
        token: str = self.work(lambda host: credentials.create_api_token(host, "test", None))[0]
        return token


@contextlib.contextmanager
def live_host(data: Path, parts: Parts = USUAL, /, **settings: Any) -> Iterator[LiveHost]:
    listener = bound_socket()
    usual = {"base_url": address(listener), "port": listener.getsockname()[1]}
    chosen = Settings(data=data, **{**usual, **settings})
    schemas.begin(chosen)
    with serving(create_app(chosen, parts), listener) as url:
        yield LiveHost(url, chosen)


@contextlib.contextmanager
def host_process(data: Path, log: Path, **environ: str) -> Iterator[tuple[LiveHost, str, "subprocess.Popen[bytes]"]]:
    """Run `roadstead serve` in another process, with its log in a file; yield the host, and the sign-in link that it
    printed.
    """
    command = [sys.executable, "-m", "roadstead", "serve", "--data", str(data), "--port", "0"]
    with (
        log.open("wb") as err,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=err, env={**os.environ, **environ}, bufsize=0
        ) as process,
    ):
        assert process.stdout is not None
        try:
            url, link = (process.stdout.readline().decode().split()[-1] for _ in range(2))
            settings = replace(Settings.read({"data": data}, environ), base_url=url)
            yield LiveHost(url, settings), link, process
        finally:
            process.terminate()


class AppClient:
    """Sends requests signed as an installed app does; a test can spoil any part of the token."""

    def __init__(self, url: str, installation: Installation) -> None:
        self.installation = installation
        self._url = url

    def token(self, method: str, target: str, *, secret: str | None = None, **claims: Any) -> str:
        """Return a token for the request. A claim given as `None` is left out."""
        path, _, query = target.partition("?")
        now = int(time.time())
        content = {
            "iss": self.installation.app_key,
            "sub": self.installation.client_key,
            "iat": now,
            "exp": now + 180,
            "qsh": query_string_hash(method, path, query),
            **claims,
        }
        content = {name: value for name, value in content.items() if value is not None}
        return encode(content, secret or self.installation.shared_secret)

    def __call__(self, method: str, target: str, *, token: str | None = None, **request: Any) -> httpx.Response:
        """Send a request; `target` is path and query, sent exactly as given. The answer must be a documented one."""
        headers = {
            "Authorization": f"JWT {token or self.token(method, target)}",
            **request.pop("headers", {}),
        }
        return exchange(self._url, method, target, headers=headers, **request)


def exchange(base_url: str, method: str, target: str, **request: Any) -> httpx.Response:
    """Send a request; `target` is path and query, sent exactly as given. The answer must be a documented one."""
    sent = httpx.Request(method, base_url, **request)
    base = urlsplit(base_url)
    # httpx would normalise the path, but the test needs it unchanged.
    url = httpcore.URL(scheme=base.scheme, host=base.hostname or "", port=base.port, target=target.encode("latin-1"))
    received = _connections.request(method, url, headers=sent.headers.raw, content=sent.read())
    answer = httpx.Response(received.status, headers=received.headers, content=received.content, request=sent)
    check_answer(answer, target)
    return answer


def sender(host: LiveHost, authorization: str | None) -> Callable[..., httpx.Response]:
    """Return a function that sends requests with this `Authorization` or none. Each answer must be a documented one."""
    headers = {"Authorization": authorization} if authorization else {}

    def send(method: str, target: str, **request: Any) -> httpx.Response:
        answer = httpx.request(method, f"{host.url}{target}", headers=headers, **request)
        check_answer(answer, target)
        return answer

    return send

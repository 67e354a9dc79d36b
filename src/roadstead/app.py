"""Composition: `create_app` puts the parts together. Importing this module does nothing."""

import gc
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.routing import Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadstead.api.bodies import HELD, let_go
from roadstead.api.eras import NEVER_SERVED
from roadstead.api.errors import RequestRefused, error_answer
from roadstead.bitbucket.events import PAYLOADS
from roadstead.control.line_server import linking_lines
from roadstead.domain.access.admission import is_of_git
from roadstead.domain.apps import handshakes, lifecycle
from roadstead.domain.host import Host, open_host
from roadstead.domain.linking.ahead import read_ahead
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.domain.rendering.renderer import Renderer
from roadstead.domain.repositories.maintaining import maintain_repositories, remove_left_files
from roadstead.domain.repositories.reconciling import bring_into_line
from roadstead.domain.shutdown import meanwhile
from roadstead.domain.telemetry.samples import process_samples
from roadstead.domain.telemetry.worker_samples import WorkerSamples
from roadstead.domain.traffic.answered import answered
from roadstead.domain.warming import warm
from roadstead.errors import Removed, StorageBusy
from roadstead.events.dispatching import dispatch_events
from roadstead.events.retention import remove_old_deliveries
from roadstead.events.sending import sending_deliveries
from roadstead.routes import MAP
from roadstead.settings import SAMPLES_FOLDER, Settings
from roadstead.ssh.listening import serving_ssh

log = logging.getLogger("roadstead")

Started = Callable[[Host], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Parts:
    """What makes the parts of an application. Limits of a part are arguments of its maker, and tests give others."""

    host: Callable[[Settings], AbstractAsyncContextManager[Host]] = open_host
    calls: Callable[[Host], AbstractAsyncContextManager[None]] = lifecycle.making_pending_calls
    deliveries: Callable[[Host], AbstractAsyncContextManager[None]] = sending_deliveries
    linkers: Callable[[Host], WorkspaceLinkers] = WorkspaceLinkers
    lines: Callable[[Settings, WorkspaceLinkers], AbstractAsyncContextManager[None]] = linking_lines
    ahead: Callable[[WorkspaceLinkers], Coroutine[None, None, None]] = read_ahead


USUAL = Parts()


def create_app(
    settings: Settings, parts: Parts = USUAL, *, started: Started | None = None, samples_folder: Path | None = None
) -> ASGIApp:
    """Return the application. It opens its state when the server starts it, and closes the state at the end.

    `started` is awaited once the state is open, before the first request. In `samples_folder`, the workers of one host
    exchange their counts.
    """

    @asynccontextmanager
    async def lifespan(app: object) -> AsyncIterator[dict[str, object]]:
        async with parts.host(settings) as host, parts.calls(host), parts.deliveries(host):
            await _undo_abandoned_handshakes(host)
            if started is not None:
                await started(host)
            linkers = parts.linkers(host)
            samples = WorkerSamples(partial(process_samples, host, linkers), samples_folder)
            async with (
                samples.shared(),
                parts.lines(settings, linkers),
                serving_ssh(host),
                meanwhile(_warm()),
                meanwhile(parts.ahead(linkers)),
                meanwhile(bring_into_line(host)),
                meanwhile(maintain_repositories(host)),
                meanwhile(remove_left_files(host)),
                meanwhile(dispatch_events(host, PAYLOADS)),
                meanwhile(remove_old_deliveries(host)),
            ):
                renderer = Renderer(host, linkers)
                yield {
                    "host": host,
                    "linkers": linkers,
                    "renderer": renderer,
                    "samples": samples,
                    "map": MAP,
                    "payloads": PAYLOADS,
                }

    return _operations_before_pages(Starlette(lifespan=lifespan))


async def _warm() -> None:
    """Import what the first requests need; the parts first, because the groups of operations import them, too."""
    await warm()
    await MAP.warm()


async def _undo_abandoned_handshakes(host: Host) -> None:
    """Undo what a process left behind, now or, while another process holds the database, when it is next met."""
    try:
        await handshakes.undo_abandoned_handshakes(host)
    except StorageBusy as exc:
        log.warning("Installations that a process left unfinished are undone later: %s %s", exc.message, exc.detail)


def app_from_environment() -> ASGIApp:
    """Return the application of a worker of `serve --workers`, whose settings come from the environment."""

    async def started(host: Host) -> None:
        spare_what_stays()

    settings = Settings.read({}, os.environ)
    return create_app(settings, started=started, samples_folder=Path(os.environ[SAMPLES_FOLDER]))


def spare_what_stays() -> None:
    """Exclude all present objects from garbage collection, and collect less often. Once, after the start.

    A collection stops everything else. By default, several would traverse all objects, compiled linkers included, while
    one text with thousands of links is linked. An object that is frozen and then dropped is never freed if it is in a
    cycle, so there is only one freeze, and few objects to traverse (`linkify/pattern/syntax.py`).
    """
    gc.freeze()
    # A text with 10,000 links is linked between two full collections; a collection of new objects takes 1 ms, or 4.
    gc.set_threshold(10_000, 10, 2)


def _operations_before_pages(lifespan: ASGIApp) -> ASGIApp:
    """Serve operations, and the pages at every other address; `lifespan` gets the start and the end.

    An operation's address does the work itself that Starlette's router and middleware do for pages.
    """

    def application(scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return lifespan(scope, receive, send)
        if scope["type"] != "http":
            return _pages()(scope, receive, send)
        address = MAP.find(scope)
        if address is not None:
            return address(scope, receive, send)
        if is_of_git(scope["path"]):
            return _git()(scope, receive, send)
        return _watched(_pages(), scope, receive, send)

    return application


async def _watched(pages: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Do for a page what an operation's address does after its answer."""
    host: Host = scope["state"]["host"]
    started, answer = time.perf_counter(), _PageAnswer()
    scope["extensions"] = {}  # An answer that the server writes at once would bypass this function.

    async def send_and_watch(message: Message) -> None:
        answer.watch(message)
        await send(message)

    try:
        await pages(scope, receive, send_and_watch)
    finally:
        if HELD in scope:
            let_go(scope)
        route = _page_routes().get(scope.get("endpoint"), "none")
        answered(host, scope, started, answer, route=route)


@dataclass(slots=True)
class _PageAnswer:
    """The answer of a page: its status, and the size of its body. Pages are not recorded."""

    status: int = 500
    size: int = 0
    headers: tuple[tuple[bytes, bytes], ...] = ()
    body: bytes = b""

    def watch(self, message: Message) -> None:
        """Take note of a message of ASGI."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        self.size += len(message.get("body", b""))


@cache
def _git() -> ASGIApp:
    """Return git's own door, imported late with all that runs git."""
    from roadstead.smart_http.door import serve

    return serve


@cache
def _pages() -> ASGIApp:
    """Return the pages, imported late: a host should answer soon, and its first request is seldom for a page."""
    from roadstead import web
    from roadstead.web.page import Strict

    pages = Starlette(routes=web.ROUTES)
    pages.router.redirect_slashes = False
    pages.router.default = _nothing_here
    return Strict(pages)


@cache
def _page_routes() -> dict[object, str]:
    """Return the templates of the pages' addresses, by the endpoint that answers there."""
    from roadstead import web

    return {
        route.app if isinstance(route, Mount) else route.endpoint: route.path_format.replace("{end}", "")
        for route in web.ROUTES
    }


_NO_OPERATION = RequestRefused(404, "Resource not found", "There is no API hosted at this URL")
"""In the cloud's own words."""
_NO_PAGE = RequestRefused(404, "There is nothing at this address.", "The API begins at /2.0, the pages at /.")


def _removed(scope: Scope) -> Removed | None:
    """Return the refusal of a list that the cloud no longer has in the chosen era."""
    removal = NEVER_SERVED.get(scope["path"].rstrip("/")) if scope["method"] in ("GET", "HEAD") else None
    host: Host = scope["state"]["host"]
    return Removed(removal.change) if removal is not None and removal.is_past(host.settings.era) else None


async def _nothing_here(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    started = time.perf_counter()
    below_api = scope["path"].startswith("/2.0")
    refusal = (_removed(scope) or _NO_OPERATION) if below_api else _NO_PAGE
    for_browser = "text/html" in Headers(scope=scope).get("accept", "") and not below_api
    if for_browser:
        from roadstead.web.page import refuse

        page = await refuse(Request(scope), refusal)
        await page(scope, receive, send)
        return
    answer = error_answer(refusal)
    await answer(scope, receive, send)
    if scope["path"].startswith("/2.0/"):
        # What of Bitbucket's API an app looks for in vain.
        host: Host = scope["state"]["host"]
        answered(host, scope, started, answer, route=None, recorded=True)

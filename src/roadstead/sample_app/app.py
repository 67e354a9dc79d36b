"""A Connect app with linkers: it publishes a descriptor, answers lifecycle calls, and keeps its secret.

- `GET /descriptor.json` gives the host the app's name, its URL, and the patterns and targets of its links.
- `POST /installed` has the credentials of an installation; the app uses them immediately to store linker values.
- `POST /uninstalled` ends an installation.
- `GET /tickets/BB-12` is a target of the first linker's links.
"""

import html
from collections.abc import Collection, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from roadstead.client import ClientError, LifecycleCall, RefusedCall, read_lifecycle_call
from roadstead.sample_app.installations import Installation, Installations

APP_KEY = "roadstead-sample-app"
LONGEST_BODY = 64 * 1024
"""Bytes. A lifecycle call has about two thousand."""


class SampleApp:
    """The endpoints. `values` become the values of the linker `tickets` in every installation.

    `trusted_hosts` are the names of the hosts that may install the app: anyone can send the first `installed` call, and
    the app calls back the address in it.
    """

    def __init__(
        self,
        base_url: str,
        values: Sequence[str],
        installations: Installations,
        trusted_hosts: Collection[str],
    ) -> None:
        self._base_url = base_url
        self._values = values
        self._installations = installations
        self._trusted_hosts = trusted_hosts

    def routes(self) -> list[Route]:
        return [
            Route("/", self.home),
            Route("/descriptor.json", self.descriptor),
            Route("/installed", self.installed, methods=["POST"]),
            Route("/uninstalled", self.uninstalled, methods=["POST"]),
            Route("/tickets/{key}", self.ticket),
        ]

    async def descriptor(self, _: Request) -> Response:
        return JSONResponse(descriptor(self._base_url))

    async def installed(self, request: Request) -> Response:
        call = await self._read(request, "installed")
        await self._store_values(call)
        self._installations.keep(call.client_key, Installation(call.base_api_url, call.shared_secret))
        return Response(status_code=204)

    async def uninstalled(self, request: Request) -> Response:
        call = await self._read(request, "uninstalled")
        self._installations.end(call.client_key)
        return Response(status_code=204)

    async def home(self, _: Request) -> Response:
        return page(
            "A sample Connect app",
            f"<p>It links ticket keys and RFC numbers. Install it from "
            f"<code>{html.escape(self._base_url)}/descriptor.json</code>.</p>"
            f"<p>Workspaces it is installed in: {self._installations.count()}.</p>",
        )

    async def ticket(self, request: Request) -> Response:
        key = html.escape(request.path_params["key"])
        return page(f"Ticket {key}", f"<p>Here the tracker would show ticket <b>{key}</b>.</p>")

    async def _read(self, request: Request, event: str) -> LifecycleCall:
        """Return the call in the request, or refuse it.

        Every call but the first is signed with the secret of the previous `installed` call. That secret is kept after
        `uninstalled`, because the next `installed` is signed with it.
        """
        query = request.scope["query_string"]
        target = request.scope["raw_path"] + (b"?" + query if query else b"")
        try:
            call = read_lifecycle_call(
                await body_of(request),
                app_key=APP_KEY,
                # The path is relative to the app's base URL, which has no path itself.
                path=target.decode("latin-1"),
                authorization=request.headers.get("Authorization"),
                secrets=self._installations.secrets(),
                trusted_hosts=self._trusted_hosts,
            )
        except RefusedCall as refusal:
            advice = " Start it with --trust HOST." if refusal.status == 403 else ""
            raise HTTPException(refusal.status, f"{refusal}{advice}") from refusal
        if call.event != event:
            raise HTTPException(400, f"This address is for {event} calls.")
        return call

    async def _store_values(self, call: LifecycleCall) -> None:
        """Use the new credentials while the host still waits, so that the installation fails if they do not work."""
        try:
            async with call.async_client(timeout=3) as addon:
                await addon.replace_values("tickets", self._values)
        except ClientError as error:
            raise HTTPException(502, f"The linker values could not be stored. {error}") from error


def create_app(
    base_url: str, values: Sequence[str], installations: Installations, trusted_hosts: Collection[str]
) -> Starlette:
    """Return the app for its `base_url`."""
    return Starlette(routes=SampleApp(base_url, values, installations, trusted_hosts).routes())


def descriptor(base_url: str) -> dict[str, Any]:
    """Return the descriptor. `(?K)` in a pattern matches the values stored for that linker."""
    return {
        "key": APP_KEY,
        "name": "Sample app",
        "description": "Links ticket keys and RFC numbers.",
        "vendor": {"name": "Roadstead", "url": base_url},
        "baseUrl": base_url,
        "authentication": {"type": "jwt"},
        "lifecycle": {"installed": "/installed", "uninstalled": "/uninstalled"},
        "scopes": ["repository"],
        "contexts": ["account"],
        "modules": {
            "linkers": [
                {"key": "tickets", "type": "href", "regex": r"((?K)-\d+)", "url": r"/tickets/\1"},
                {
                    "key": "rfc",
                    "type": "href",
                    "regex": r"RFC ?(\d+)",
                    "url": r"https://www.rfc-editor.org/rfc/rfc\1",
                },
            ]
        },
    }


async def body_of(request: Request) -> bytes:
    """Return the body of a lifecycle call, or refuse one that is too long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, f"A lifecycle call has at most {LONGEST_BODY} bytes.")
    return body


def page(title: str, body: str) -> HTMLResponse:
    """Return a page; both arguments are already HTML."""
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    return HTMLResponse(f"{head}<h1>{title}</h1>{body}")

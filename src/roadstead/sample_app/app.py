"""What a Connect app with linkers does: publish a descriptor, answer lifecycle calls, keep its secret.

- `GET /descriptor.json` tells the host who we are, where to call us, and which text to turn into which links.
- `POST /installed` brings the credentials of an installation; we use them at once to store linker values.
- `POST /uninstalled` takes leave.
- `GET /tickets/BB-12` is where the links of the first linker lead.
"""

import html
import time
from collections.abc import Collection, Sequence
from typing import Any, Literal, TypeVar

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from roadstead.client import AsyncAddonClient, ClientError
from roadstead.connect.jwt import InvalidToken, read, verify
from roadstead.connect.qsh import canonical_request
from roadstead.sample_app.installations import Installation, Installations

APP_KEY = "roadstead-sample-app"
LONGEST_BODY = 64 * 1024
"""Bytes. A lifecycle call has about two thousand."""


class LifecycleCall(msgspec.Struct, rename="camel"):
    """What every lifecycle call says. Hosts send more than this, and may send more tomorrow."""

    key: str
    client_key: str


class InstalledCall(LifecycleCall, rename="camel"):
    event_type: Literal["installed"]
    shared_secret: str
    base_api_url: str


class UninstalledCall(LifecycleCall, rename="camel"):
    event_type: Literal["uninstalled"]


Call = TypeVar("Call", bound=LifecycleCall)


class SampleApp:
    """The endpoints. `values` become the values of the linker `tickets` in every installation.

    `trusted_hosts` are the names of the hosts that may install the app: anybody can send the first
    `installed` call, and we call back wherever it says.
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
        call = await read_call(request, InstalledCall)
        self._verify_sender(request, call)
        if host_of(call.base_api_url) not in self._trusted_hosts:
            raise HTTPException(403, f"This app does not trust {call.base_api_url!r}; start it with --trust HOST.")
        await self._store_values(call)
        self._installations.keep(call.client_key, Installation(call.base_api_url, call.shared_secret))
        return Response(status_code=204)

    async def uninstalled(self, request: Request) -> Response:
        call = await read_call(request, UninstalledCall)
        self._verify_sender(request, call)
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

    def _verify_sender(self, request: Request, call: LifecycleCall) -> None:
        """Refuse a call that does not come from the host that installed us, as far as that can be known.

        The first `installed` call makes us known to each other, so there is nothing to verify it with. Every
        call after it is signed with the secret it brought; that secret is kept after `uninstalled`, because
        the next `installed` is signed with it.
        """
        known = self._installations.find(call.client_key)
        if known is not None:
            verify_signature(request, issuer=call.client_key, shared_secret=known.shared_secret)
        elif not isinstance(call, InstalledCall):
            raise HTTPException(404, "This app is not installed there.")

    async def _store_values(self, call: InstalledCall) -> None:
        """Use the new credentials while the host still waits: if they do not work, the installation fails."""
        try:
            async with AsyncAddonClient(
                call.base_api_url,
                app_key=APP_KEY,
                client_key=call.client_key,
                shared_secret=call.shared_secret,
                timeout=3,
            ) as addon:
                await addon.replace_values("tickets", self._values)
        except ValueError as error:
            raise HTTPException(400, f"The installed call cannot be used. {error}") from error
        except ClientError as error:
            raise HTTPException(502, f"The linker values could not be stored. {error}") from error


def create_app(
    base_url: str, values: Sequence[str], installations: Installations, trusted_hosts: Collection[str]
) -> Starlette:
    """Return the app as it is reached at `base_url`."""
    return Starlette(routes=SampleApp(base_url, values, installations, trusted_hosts).routes())


def descriptor(base_url: str) -> dict[str, Any]:
    """Return the descriptor. `(?K)` in a pattern stands for the values stored for that linker."""
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


async def read_call(request: Request, kind: type[Call]) -> Call:
    """Return the lifecycle call that the request carries, or refuse it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise HTTPException(413, f"A lifecycle call has at most {LONGEST_BODY} bytes.")
    try:
        call = msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise HTTPException(400, f"This is not such a lifecycle call. {error}.") from error
    if call.key != APP_KEY:
        raise HTTPException(400, f"This app is {APP_KEY}; the call is for another one.")
    return call


def host_of(url: str) -> str:
    """Return the name of the host that the client would call for `url`; empty when there is none."""
    try:
        return httpx.URL(url).host
    except httpx.InvalidURL:
        return ""


def verify_signature(request: Request, *, issuer: str, shared_secret: str) -> None:
    """Refuse the request unless `issuer` signed it, for us, and the token has not expired."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme != "JWT":
        raise HTTPException(401, "The call must be signed: Authorization: JWT <token>.")
    # The path is relative to our base URL, which has no path of its own.
    query = request.scope["query_string"].decode("latin-1")
    canonical = canonical_request(request.method, request.scope["path"], query)
    try:
        verify(read(token), shared_secret=shared_secret, now=time.time(), issuers={issuer}, canonical=canonical)
    except InvalidToken as error:
        raise HTTPException(401, f"The token is refused. {error.detail}") from error


def page(title: str, body: str) -> HTMLResponse:
    """Return a page; both arguments are HTML already."""
    head = f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>"
    return HTMLResponse(f"{head}<h1>{title}</h1>{body}")

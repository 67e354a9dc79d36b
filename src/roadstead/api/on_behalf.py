"""Requests to the API that a page of an app makes on behalf of its viewer.

They are made inside the host, so there is no credential for them that could be stolen. They reach only operations of
Bitbucket's API: no address of Roadstead's own, and no other address, in any spelling of the path.
"""

import time
from dataclasses import dataclass, field
from urllib.parse import unquote

from starlette.types import Message, Scope

from roadstead.api.auth import VIEWER
from roadstead.api.errors import RequestRefused, error_answer
from roadstead.api.map import Map
from roadstead.domain.host import Host
from roadstead.domain.traffic import request_id
from roadstead.domain.traffic.answered import answered
from roadstead.model import Viewer

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_API = "/2.0/"
_OF_THE_PAGE = ("type", "asgi", "http_version", "scheme", "client", "server", "state", request_id.IN_SCOPE)
_NOT_THERE = RequestRefused(
    404, "There is nothing at this address.", "A page of an app may request addresses below /2.0."
)


@dataclass(slots=True)
class Answered:
    """The API's answer. The names of headers are in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    async def send(self, message: Message) -> None:
        """Receive a message of ASGI."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")


async def request(
    page: Scope, host: Host, viewer: Viewer, method: str, target: str, *, headers: dict[str, str], body: bytes = b""
) -> Answered:
    """Request `target`, path and query, from the API. `page` is the scope of the request in which the page asks for
    this.
    """
    path, _, query = target.partition("?")
    sent = {"host": host.base_url.partition("://")[2], "x-requested-with": "AP.request", **headers}
    if body:
        sent["content-length"] = str(len(body))
    scope: Scope = {
        **{name: page[name] for name in _OF_THE_PAGE},
        "method": method,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode("latin-1", "replace")) for name, value in sent.items()],
        VIEWER: viewer,
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    result = Answered()
    operations: Map = page["state"]["map"]
    address = operations.find(scope) if path.startswith(_API) and method in METHODS else None
    # Check again: an operation is found by the decoded path.
    if address is not None and scope["path"].startswith(_API):
        await address(scope, receive, result.send)
        return result
    started = time.perf_counter()
    refusal = error_answer(_NOT_THERE)
    await refusal(scope, receive, result.send)
    answered(host, scope, started, refusal, route=None, recorded=True, identity=viewer)
    return result

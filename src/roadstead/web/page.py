"""What every page has: a typed context for its template, strict headers, a session, and errors as a page."""

import hashlib
import hmac
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from roadstead import __version__
from roadstead.api.bodies import read_bytes
from roadstead.api.errors import STATUS, RequestRefused
from roadstead.domain import credentials
from roadstead.domain.host import Host
from roadstead.errors import InvalidInput, RoadsteadError

if TYPE_CHECKING:
    import jinja2

SESSION_COOKIE = "roadstead_session"
_FOLDER = Path(__file__).parent

log = logging.getLogger("roadstead.web")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page. `session` is set when the operator is signed in."""

    request: Request
    host: Host
    session: str | None

    @property
    def csrf_token(self) -> str:
        """Proves that a form came from our page; only who knows the session can make it."""
        return hashlib.sha256(f"csrf {self.session}".encode()).hexdigest()

    async def form(self) -> dict[str, str]:
        """The fields of a posted form. Raises `RequestRefused` when it did not come from our page."""
        submitted = parse_qs((await read_bytes(self.request)).decode("utf-8", "replace"), keep_blank_values=True)
        form = {name: values[-1] for name, values in submitted.items()}
        if self.session is not None and not hmac.compare_digest(
            form.get("csrf", "").encode(), self.csrf_token.encode()
        ):
            raise RequestRefused(403, "This form is not one of ours, or is too old.", "Open the page again.")
        return form


@dataclass(frozen=True, slots=True)
class Problem:
    """Context of `problem.html`."""

    status: int
    message: str
    detail: str
    answer: str | None = None


Handler = Callable[[Visit], Awaitable[Response]]


class Page:
    """An ASGI application for one address of the pages."""

    def __init__(self, **handlers: Handler) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            answer = await self._answer(request)
        except RoadsteadError as exc:
            answer = problem(exc)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            answer = problem(
                RequestRefused(500, "Roadstead made a mistake.", "The log has the details; please report it.")
            )
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        handler = self._handlers.get("GET" if request.method == "HEAD" else request.method)
        if handler is None:
            allow = ", ".join(sorted({*self._handlers, "HEAD"} if "GET" in self._handlers else self._handlers))
            raise RequestRefused(405, f"{request.method} is not possible here.", headers={"Allow": allow})
        host: Host = request.scope["state"]["host"]
        session = request.cookies.get(SESSION_COOKIE)
        signed_in = session is not None and await credentials.is_signed_in(host, session)
        return await handler(Visit(request, host, session if signed_in else None))


def render(template: str, context: object, *, status: int = 200, form_target: str = "") -> HTMLResponse:
    """A page from its template and its context, a dataclass whose fields are the template's variables.

    `form_target` is another origin that the page's form may lead to.
    """
    variables = {field.name: getattr(context, field.name) for field in fields(context)}  # type: ignore[arg-type]
    html = _templates().get_template(template).render(**variables, version=__version__)
    policy = (
        f"default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self' {form_target}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return HTMLResponse(
        html,
        status,
        headers={
            "Content-Security-Policy": policy,
            "X-Frame-Options": "DENY",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "same-origin",
            "Cache-Control": "no-store",
        },
    )


def problem(error: RoadsteadError, *, answer: str | None = None) -> Response:
    """An error as a page."""
    status = (
        error.status
        if isinstance(error, RequestRefused)
        else next(STATUS[k] for k in type(error).__mro__ if k in STATUS)
    )
    page = render("problem.html", Problem(status, error.message, error.detail, answer), status=status)
    if isinstance(error, RequestRefused):
        page.headers.update(error.headers)
    return page


def require(condition: bool, message: str, detail: str = "") -> None:
    """Raises `InvalidInput` unless the condition holds."""
    if not condition:
        raise InvalidInput(message, detail)


def static_files() -> ASGIApp:
    return StaticFiles(directory=_FOLDER / "static")


@cache
def _templates() -> "jinja2.Environment":
    # Imported late: a host should answer at once, and its first request is seldom for a page.
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
    )

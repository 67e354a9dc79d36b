"""The parts of every page: a typed context for its template, strict headers, a session, and errors as a page."""

import asyncio
import hashlib
import hmac
import logging
import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from markupsafe import Markup
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, Response, StreamingResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from roadstead import __version__
from roadstead.accounts import SessionUser
from roadstead.api.bodies import MAX_BYTES, MAX_FORM_BYTES, expect_body, read_bytes
from roadstead.api.errors import STOPPING, RequestRefused, headers_of, status_of
from roadstead.connect.urls import origin_of
from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.errors import InvalidInput, RoadsteadError
from roadstead.gist import gist
from roadstead.model import User
from roadstead.web.moments import exact, relative

if TYPE_CHECKING:
    import jinja2

SESSION_COOKIE = "roadstead_session"
_FOLDER = Path(__file__).parent
_ASKED_ABOUT = {"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
"""Headers of a file that a browser revalidates each time."""

log = logging.getLogger("roadstead.web")


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page. `session` and `user` are set when the visitor is signed in."""

    request: Request
    host: Host
    session: str | None
    user: User | None

    @property
    def is_operator(self) -> bool:
        """Return whether the visitor is signed in as an administrator of the host."""
        return self.user is not None and self.user.is_administrator

    @property
    def viewer(self) -> User:
        """Return the user who is signed in, on a page that only signed-in users see."""
        assert self.user is not None  # noqa: S101  # see `for_user`
        return self.user

    @property
    def address(self) -> str:
        """Return the visitor's address, which limits count."""
        address: str = self.request.scope["client"][0]
        return address

    @property
    def identity(self) -> SessionUser:
        """Return that user as a caller, whose privileges are checked."""
        return SessionUser(self.viewer)

    @property
    def part_only(self) -> bool:
        """Return whether htmx asks, which puts the answer in the place of a part of the page."""
        return self.request.headers.get("hx-request") == "true"

    @property
    def csrf_token(self) -> str:
        """Return the token that proves that a form came from our page; only the owner of the session can make it."""
        return hashlib.sha256(f"csrf {self.session}".encode()).hexdigest()

    async def form(self) -> dict[str, str]:
        """Return the fields of a posted form; for a file, its text. Raise `RequestRefused` if it is foreign."""
        if self.session is None and _is_from_another_site(self.request, self.host):
            raise RequestRefused(403, "This form is from a page of another site.", "Open the page of this host.")
        # A form takes long to decode, and holds up every request meanwhile: only operators send descriptors and values.
        form = await _read_form(self.request, MAX_BYTES if self.is_operator else MAX_FORM_BYTES)
        if self.session is not None and not hmac.compare_digest(
            form.get("csrf", "").encode(), self.csrf_token.encode()
        ):
            raise RequestRefused(
                403, "This form is not from a page of this host, or is too old.", "Open the page again."
            )
        return form


def _is_from_another_site(request: Request, host: Host) -> bool:
    """Return whether the browser says that a page of another site sends the form.

    Otherwise a site could sign its visitors in to an account of its own, and see what they do there.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site not in ("same-origin", "none")
    # A proxy may have put its own name for us into `Host`.
    return origin is not None and origin not in (origin_of(host.base_url), _origin_of_host(request))


def _origin_of_host(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}"


async def _read_form(request: Request, most: int) -> dict[str, str]:
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        body = await read_bytes(request, most=most)
        submitted = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
        return {name: values[-1] for name, values in submitted.items()}
    expect_body(request, most)
    try:
        async with request.form(max_files=1, max_fields=20, max_part_size=most) as form:
            return {
                name: field if isinstance(field, str) else (await field.read()).decode("utf-8", "replace")
                for name, field in form.multi_items()
            }
    except (ClientDisconnect, HTTPException, ValueError) as exc:
        raise InvalidInput("The form cannot be read.", "Go back, and send it again.") from exc


NAVIGATION = (
    ("/", "Home"),
    ("/-/install", "Install"),
    ("/-/lab", "Lab"),
    ("/-/traffic", "Requests"),
    ("/-/sent", "Deliveries"),
    ("/-/queue", "Queue"),
    ("/-/jwt", "Debugger"),
)
"""The pages of the navigation, by path."""


@dataclass(frozen=True, slots=True)
class NavigationLink:
    path: str
    name: str
    current: bool


@dataclass(frozen=True, slots=True)
class Frame:
    """The content that `base.html` puts around a page. Only an operator gets the navigation.

    `account` is the name of the signed-in user; `now` is the time at which the page is made.
    """

    version: str
    signed_in: bool
    account: str
    csrf: str
    navigation: list[NavigationLink]
    now: datetime

    @classmethod
    def around(cls, visit: Visit | None) -> "Frame":
        """Return the frame for a visitor; without one, that of a page that anyone may see."""
        now = datetime.now(UTC) if visit is None else visit.host.now()
        if visit is None or visit.user is None:
            return cls(__version__, signed_in=False, account="", csrf="", navigation=[], now=now)
        here = visit.request.url.path
        links = [NavigationLink(path, name, here == path or here.startswith(f"{path}/")) for path, name in NAVIGATION]
        return cls(
            __version__,
            signed_in=True,
            account=visit.user.display_name,
            csrf=visit.csrf_token,
            navigation=links if visit.is_operator else [],
            now=now,
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """Context of `problem.html`."""

    status: int
    message: str
    detail: str
    answer: str | None = None


Handler = Callable[[Visit], Awaitable[ASGIApp]]


class Page:
    """An ASGI application for one address of the pages."""

    def __init__(self, **handlers: Handler) -> None:
        self._handlers = handlers

    @property
    def methods(self) -> frozenset[str]:
        return frozenset(self._handlers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        visit: Visit | None = None
        try:
            visit = await _visit(request)
            answer = await self._handler(request.method)(visit)
        except RoadsteadError as exc:
            answer = problem(exc, visit=visit)
        except asyncio.CancelledError:
            answer = problem(STOPPING, visit=visit)
        except Exception:
            log.exception("%s %s failed", scope["method"], scope["path"])
            answer = problem(
                RequestRefused(
                    500, "Roadstead failed with an internal error.", "The log has the details; please report it."
                ),
                visit=visit,
            )
        await answer(scope, receive, send)

    def _handler(self, method: str) -> Handler:
        handler = self._handlers.get("GET" if method == "HEAD" else method)
        if handler is None:
            allow = ", ".join(sorted({*self._handlers, "HEAD"} if "GET" in self._handlers else self._handlers))
            raise RequestRefused(405, f"This address does not accept {method}.", headers={"Allow": allow})
        return handler


async def _visit(request: Request) -> Visit:
    host: Host = request.scope["state"]["host"]
    session = request.cookies.get(SESSION_COOKIE)
    user = None if session is None else await credentials.find_session_user(host, session)
    return Visit(request, host, session if user else None, user)


def render(
    template: str,
    context: object,
    *,
    visit: Visit | None = None,
    status: int = 200,
    form_target: str = "",
    frames: Iterable[str] = (),
) -> HTMLResponse:
    """Return a page from its template and its context, a dataclass whose fields are the template's variables.

    `visit` is the visit that the page is for: it gives the navigation and, as `frame.csrf`, the token for forms.
    `form_target` is a URL on another host to which the page's form may lead; `frames` are the URLs of framed pages.
    """
    html = _templates().get_template(template).render(**_variables(context, visit))
    return HTMLResponse(html, status, headers=_headers(form_target, frames))


def stream(template: str, context: object, *, visit: Visit) -> Response:
    """Return a page that is sent piece by piece as it is made: its context may contain asynchronous iterators."""
    pieces = _templates(asynchronous=True).get_template(template).generate_async(**_variables(context, visit))
    return StreamingResponse(pieces, media_type="text/html", headers=_headers())


def _variables(context: object, visit: Visit | None) -> dict[str, object]:
    own = {field.name: getattr(context, field.name) for field in fields(context)}  # type: ignore[arg-type]
    return {**own, "frame": Frame.around(visit)}


def _headers(form_target: str = "", frames: Iterable[str] = ()) -> dict[str, str]:
    framed = dict.fromkeys(filter(None, map(policy_source, frames)))
    policy = (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; "
        f"frame-src {' '.join(framed) or _NOTHING}; form-action 'self' {policy_source(form_target)}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Cache-Control": "no-store",
    }


_NOTHING = "'none'"
_SOURCE = re.compile(r"https?://(?:[a-z0-9_.\-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?")


def policy_source(url: str) -> str:
    """Return the origin of a URL as a source of a content security policy, without characters that mean more there."""
    origin = origin_of(url)
    return origin if _SOURCE.fullmatch(origin) else ""


def problem(error: RoadsteadError, *, visit: Visit | None = None, answer: str | None = None) -> Response:
    """Return an error as a page."""
    status = status_of(error)
    said = None if answer is None else gist(answer)
    page = render("problem.html", Problem(status, error.message, error.detail, said), visit=visit, status=status)
    page.headers.update(headers_of(error))
    return page


async def refuse(request: Request, refusal: RoadsteadError) -> Response:
    """Return an error as a page, with the navigation for a signed-in operator, if the session can be read."""
    try:
        visit = await _visit(request)
    except RoadsteadError:
        return problem(refusal)
    return problem(refusal, visit=visit)


class Strict:
    """An application whose every answer has the headers of a page, also a redirect, a file or a refusal."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_strictly(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _headers().items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_strictly)


def require(condition: bool, message: str, detail: str = "") -> None:
    """Raise `InvalidInput` unless the condition is met."""
    if not condition:
        raise InvalidInput(message, detail)


def static_files() -> ASGIApp:
    return _StaticFiles(directory=_FOLDER / "static")


def script(name: str) -> Response:
    """Return one of the scripts, for an address of its own."""
    return FileResponse(_FOLDER / "static" / name, media_type="text/javascript", headers=_ASKED_ABOUT)


class _StaticFiles(StaticFiles):
    """Files that a browser revalidates each time, so that after an upgrade no page gets an old stylesheet."""

    def file_response(self, *arguments: Any, **options: Any) -> Response:
        answer = super().file_response(*arguments, **options)
        answer.headers.update(_ASKED_ABOUT)
        return answer


@cache
def _templates(*, asynchronous: bool = False) -> "jinja2.Environment":
    # Imported late: a host should answer soon, and its first request is seldom for a page.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        enable_async=asynchronous,
    )
    environment.filters["exactly"] = _exactly
    environment.filters["ago"] = jinja2.pass_context(_ago)
    environment.filters["breakable"] = _breakable
    environment.filters["avatar"] = _avatar
    return environment


def _avatar(name: str) -> str:
    """Return the address of the picture of a name, which may contain slashes."""
    return f"/account/{quote(name, safe='')}/avatar"


_BREAKS = re.compile(r"(?<=[/.?&=])(?=[\w{])")


def _breakable(text: str) -> Markup:
    """Return an address or a dotted name that breaks between its parts where the column is too narrow for it."""
    return Markup("<wbr>").join(_BREAKS.split(text))


def _exactly(moment: datetime) -> Markup:
    """Return a time to the second."""
    return Markup('<time datetime="{}">{}</time>').format(moment.isoformat(), exact(moment))


def _ago(context: "jinja2.runtime.Context", moment: datetime) -> Markup:
    """Return how long ago it was, with the exact time when pointed at."""
    text = relative(moment, context["frame"].now)
    return Markup('<time class="relative" datetime="{}" title="{}">{}</time>').format(
        moment.isoformat(), exact(moment), text
    )

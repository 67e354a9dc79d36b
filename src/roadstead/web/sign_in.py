"""Signing in: with a password, or a one-time code.

The code is in the link that `roadstead serve` prints, or `roadstead sign-in`.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from roadstead.domain.access import credentials, passwords
from roadstead.domain.access.wrong_secrets import wrong_secret
from roadstead.errors import TooManyGuesses, WrongCredential
from roadstead.web.page import SESSION_COOKIE, Handler, Visit, render


@dataclass(frozen=True, slots=True)
class SignIn:
    """Context of `sign_in.html`.

    `code` and `name` are the submitted texts; `wrong` and `wrong_password` say why they cannot be used.
    """

    next: str
    code: str = ""
    wrong: str = ""
    name: str = ""
    wrong_password: str = ""


_VISITOR = "visitor"
"""Codes name no account, so all wrong ones count as guesses at this one."""
_WRONG_PASSWORD = "The name or the password is wrong."
_NOT_VALID = "This code is not valid. A code works once, within 12 hours."
_TOO_MANY = (
    "This code is not valid, like too many before it. A valid code still works: make one with roadstead sign-in."
)


def for_operator(handler: Handler) -> Handler:
    """Return a handler for the signed-in operator, which asks visitors to sign in and leads them back.

    It refuses other users.
    """

    async def handle(visit: Visit) -> ASGIApp:
        if visit.user is not None and not visit.is_operator:
            raise WrongCredential("This page is for operators.", f"You are signed in as {visit.user.username}.")
        return await handler(visit)

    return for_user(handle)


def for_user(handler: Handler) -> Handler:
    """Return a handler for any signed-in user, which asks visitors to sign in and leads them back."""

    async def handle(visit: Visit) -> ASGIApp:
        return ask_to_sign_in(visit) if visit.user is None else await handler(visit)

    return handle


def ask_to_sign_in(visit: Visit) -> Response:
    """Return the page that asks for a code, and afterwards leads to the page that the visitor wanted."""
    return _page(visit, SignIn(_local(_wanted(visit.request))), 401)


def _wanted(request: Request) -> str:
    """Return the page that the visitor wanted; of a posted form, the page with the form, if the browser names it."""
    here = request.url
    if request.method == "POST":
        page = urlsplit(request.headers.get("referer", ""))
        return f"{page.path}{'?' if page.query else ''}{page.query}" if page.netloc == here.netloc else "/"
    return f"{here.path}{'?' if here.query else ''}{here.query}"


def _page(visit: Visit, context: SignIn, status: int) -> Response:
    return render("sign_in.html", context, visit=visit, status=status)


def _refuse(visit: Visit, code: str, target: str) -> Response:
    """Count a wrong code, and show the page again. A valid one always works, so no one can keep a user out."""
    try:
        wrong_secret(visit.host, "sign-in code", _VISITOR, visit.address)
    except TooManyGuesses as exc:
        answer = _page(visit, SignIn(_local(target), code, _TOO_MANY), 429)
        answer.headers["Retry-After"] = str(exc.retry_after)
        return answer
    return _page(visit, SignIn(_local(target), code, _NOT_VALID), 403)


async def open_link(visit: Visit) -> Response:
    code = visit.request.query_params.get("code")
    target = visit.request.query_params.get("next", "/")
    if code is None or visit.request.method == "HEAD":  # a preview asks for it, and must not use the code up
        return _page(visit, SignIn(_local(target)), 401)
    return await _exchange(visit, code, target)


async def enter_code(visit: Visit) -> Response:
    form = await visit.form() if visit.session is None else {}
    return await _exchange(visit, form.get("code", ""), form.get("next", "/"))


async def enter_password(visit: Visit) -> Response:
    """Sign in with a password. The session is always a new one, so that no one else can know it."""
    form = await visit.form()
    name, target = form.get("name", "").strip(), form.get("next", "/")
    try:
        session = await passwords.sign_in(
            visit.host, name, form.get("password", ""), visit.address, ending=visit.session
        )
    except TooManyGuesses as exc:
        answer = _page(visit, SignIn(_local(target), name=name, wrong_password=f"{exc.message} {exc.detail}"), 429)
        answer.headers["Retry-After"] = str(exc.retry_after)
        return answer
    if session is None:
        return _page(visit, SignIn(_local(target), name=name, wrong_password=_WRONG_PASSWORD), 403)
    return signed_in(visit, session, target)


async def leave(visit: Visit) -> Response:
    await visit.form()
    if visit.session is not None:
        await credentials.sign_out(visit.host, visit.session)
    answer = RedirectResponse("/", 303)
    answer.delete_cookie(SESSION_COOKIE)
    return answer


async def _exchange(visit: Visit, code: str, target: str) -> Response:
    # Users paste the whole link, too.
    code = code.strip().rpartition("code=")[2]
    session = visit.session or await credentials.sign_in(visit.host, code)
    if session is None:
        return _refuse(visit, code, target)
    return signed_in(visit, session, target)


def signed_in(visit: Visit, session: str, target: str) -> Response:
    """Return the redirect that gives the browser its session."""
    answer = RedirectResponse(_local(target), 303, headers={"Cache-Control": "no-store"})
    answer.set_cookie(
        SESSION_COOKIE,
        session,
        max_age=int(credentials.SESSION_LIFETIME.total_seconds()),
        httponly=True,
        # Lax, not strict, because users follow install links from an app's own site.
        samesite="lax",
        secure=visit.host.base_url.startswith("https:"),
    )
    return answer


def _local(target: str) -> str:
    """Return a path on this host, or `/`: a sign-in link must not lead to another host."""
    local = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if local else "/"

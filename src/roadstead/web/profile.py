"""`/-/profile`: the pages of one's own account: names, password, sessions, tokens, keys, and what consumers may do."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response

from roadstead.accounts import Consent, Session
from roadstead.domain.access import credentials, grants, passwords, ssh_keys
from roadstead.domain.people import users
from roadstead.errors import InvalidInput, TooManyGuesses
from roadstead.model import ApiToken, Email, User
from roadstead.model.keys import SshKey
from roadstead.web.page import Visit, render, require
from roadstead.web.tokens_form import TokenForm, TokenWish, read_wish, token_form

_DONE = {
    "names": "Your names were changed.",
    "password": "Your password was changed. Your other sessions have ended.",
    "sessions": "Your other sessions have ended.",
    "token": "The token is revoked.",
    "key": "The key is added.",
    "key-removed": "The key is removed: no one connects with it any more.",
    "consent": "The consent has ended, and all its tokens with it.",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What a form of the page got wrong: the form, the reason, and the status of the answer."""

    form: str
    text: str
    status: int = 400


_NOTHING = Wrong("", "", 200)


@dataclass(frozen=True, slots=True)
class ProfilePage:
    """Context of `profile.html`. `made` is a new token, which is shown once."""

    user: User
    emails: list[Email]
    has_password: bool
    shortest: int
    longest: int
    sessions: list[Session]
    tokens: list[ApiToken]
    keys: list[SshKey]
    consents: list[Consent]
    new: TokenForm
    done: str
    wrong: Wrong
    made: str | None


async def show(visit: Visit) -> Response:
    return await _page(visit)


async def rename(visit: Visit) -> Response:
    form = await visit.form()
    try:
        await users.rename(
            visit.host,
            visit.viewer,
            display_name=form.get("display_name", ""),
            nickname=form.get("nickname", ""),
        )
    except InvalidInput as exc:
        return await _page(visit, wrong=Wrong("names", f"{exc.message} {exc.detail}"))
    return _done("names")


async def change_password(visit: Visit) -> Response:
    form = await visit.form()
    try:
        wrong = await _change_password(visit, form)
    except InvalidInput as exc:
        wrong = Wrong("password", f"{exc.message} {exc.detail}")
    except TooManyGuesses as exc:
        answer = await _page(visit, wrong=Wrong("password", f"{exc.message} {exc.detail}", 429))
        answer.headers["Retry-After"] = str(exc.retry_after)
        return answer
    return _done("password") if wrong is None else await _page(visit, wrong=wrong)


async def _change_password(visit: Visit, form: dict[str, str]) -> Wrong | None:
    require(form.get("password") == form.get("again"), "The two new passwords differ.", "Type the same one twice.")
    is_right = await passwords.change(
        visit.host,
        visit.viewer,
        form.get("old", ""),
        form.get("password", ""),
        visit.address,
        staying=visit.session or "",
    )
    return None if is_right else Wrong("password", "The present password is wrong. Nothing was changed.", 403)


async def end_sessions(visit: Visit) -> Response:
    await visit.form()
    await credentials.end_other_sessions(visit.host, visit.viewer, visit.session or "")
    return _done("sessions")


async def create_token(visit: Visit) -> Response:
    """Create a token, and show it on the page that answers, which no one stores."""
    wish = read_wish(await visit.form())
    try:
        scopes, lifetime = wish.granted(), wish.lifetime()
        token, _ = await credentials.create_api_token(
            visit.host,
            wish.name,
            lifetime,
            user_id=visit.viewer.id,
            scopes=scopes,
            actor=f"user {visit.viewer.username}",
        )
    except InvalidInput as exc:
        return await _page(visit, wrong=Wrong("token", f"{exc.message} {exc.detail}"), wish=wish)
    return await _page(visit, made=token)


async def revoke_token(visit: Visit) -> Response:
    await visit.form()
    await credentials.revoke_token_of(visit.host, visit.viewer, visit.request.path_params["token"])
    return _done("token")


async def add_key(visit: Visit) -> Response:
    form, user = await visit.form(), visit.viewer
    try:
        label, actor = form.get("label", "").strip(), f"user {user.username}"
        await ssh_keys.add_key(visit.host, user, form.get("key", ""), label=label, actor=actor)
    except InvalidInput as exc:
        return await _page(visit, wrong=Wrong("key", f"{exc.message} {exc.detail}"))
    return _done("key")


async def remove_key(visit: Visit) -> Response:
    await visit.form()
    user, wanted = visit.viewer, visit.request.path_params["key"]
    key = next((one for one in await ssh_keys.list_keys(visit.host, user) if one.id == wanted), None)
    if key is None:
        raise ssh_keys.NoSuchKey
    await ssh_keys.remove_key(visit.host, key, actor=f"user {user.username}")
    return _done("key-removed")


async def end_consent(visit: Visit) -> Response:
    await visit.form()
    await grants.end_consent(visit.host, visit.viewer, visit.request.path_params["consent"])
    return _done("consent")


def _done(what: str) -> Response:
    return RedirectResponse(f"/-/profile?done={quote(what)}", 303)


async def _page(
    visit: Visit, *, wrong: Wrong | None = None, wish: TokenWish | None = None, made: str | None = None
) -> Response:
    host, user = visit.host, visit.viewer
    context = ProfilePage(
        user=user,
        emails=await users.list_emails(host, user),
        has_password=await passwords.has_password(host, user),
        shortest=passwords.SHORTEST,
        longest=passwords.LONGEST,
        sessions=await credentials.list_sessions(host, user, visit.session or ""),
        tokens=await credentials.list_tokens_of(host, user),
        keys=await ssh_keys.list_keys(host, user),
        consents=await grants.list_consents(host, user),
        new=token_form(wish, "Everything that you may do"),
        done=_DONE.get(visit.request.query_params.get("done", ""), ""),
        wrong=wrong or _NOTHING,
        made=made,
    )
    return render("profile.html", context, visit=visit, status=context.wrong.status)

"""`/-/invitation`: a guest creates the account that a link invites to, or joins with the present one."""

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from roadstead.accounts import Invitation
from roadstead.domain.access.passwords import LONGEST, SHORTEST
from roadstead.domain.people import invitations
from roadstead.errors import Conflict, InvalidInput
from roadstead.model import User
from roadstead.web.page import Visit, render, require
from roadstead.web.sign_in import signed_in


@dataclass(frozen=True, slots=True)
class InvitationPage:
    """Context of `invitation.html`. `user` is set for a visitor with an account; `wrong` says what cannot be."""

    invitation: Invitation
    code: str
    user: User | None
    username: str
    display_name: str
    shortest: int
    longest: int
    wrong: str = ""


async def show(visit: Visit) -> Response:
    code = visit.request.query_params.get("code", "")
    return _page(visit, await _open(visit, code), code, {})


async def accept(visit: Visit) -> Response:
    """Create the account, and sign the guest in."""
    form = await visit.form()
    code = form.get("code", "")
    invitation = await _open(visit, code)
    if visit.user is not None:
        await invitations.join(visit.host, code, visit.user)
        return RedirectResponse("/", 303)
    try:
        require(form.get("password") == form.get("again"), "The two passwords differ.", "Type the same one twice.")
        session = await invitations.accept(
            visit.host,
            code,
            username=form.get("username", "").strip(),
            display_name=form.get("display_name", "").strip(),
            password=form.get("password", ""),
            caller=visit.address,
            ending=visit.session,
        )
    except (InvalidInput, Conflict) as exc:
        return _page(visit, invitation, code, form, wrong=f"{exc.message} {exc.detail}")
    return signed_in(visit, session, "/")


async def _open(visit: Visit, code: str) -> Invitation:
    found = await invitations.find_open(visit.host, code)
    if found is None:
        raise invitations.NoSuchInvitation
    return found


def _page(visit: Visit, invitation: Invitation, code: str, form: dict[str, str], *, wrong: str = "") -> Response:
    context = InvitationPage(
        invitation,
        code,
        visit.user,
        form.get("username", invitation.username or ""),
        form.get("display_name", ""),
        SHORTEST,
        LONGEST,
        wrong,
    )
    return render("invitation.html", context, visit=visit, status=400 if wrong else 200)

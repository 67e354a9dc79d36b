"""`/{workspace}/workspace/members`: the members of a workspace and the open invitations, for owners to change."""

from dataclasses import dataclass

from starlette.responses import Response

from roadstead.accounts import Invitation
from roadstead.domain.people import invitations, workspaces
from roadstead.errors import InvalidInput
from roadstead.model import ROLES, Membership, Role
from roadstead.web.page import Visit, render
from roadstead.web.workspace_page import (
    Action,
    Form,
    Forms,
    Here,
    Outcome,
    Part,
    find_workspace,
    here_at,
    number_in,
    part_of,
    slug_in,
    wanted_page,
)

_TAB = "/members"


@dataclass(frozen=True, slots=True)
class MembersPage:
    """Context of `members.html`. `link` is that of an invitation which was made just now, and is shown once."""

    here: Here
    members: Part[Membership]
    roles: tuple[Role, ...]
    invitations: list[Invitation]
    link: str


async def _page(visit: Visit, outcome: Outcome, *, link: str = "") -> Response:
    visible = await find_workspace(visit)
    here = here_at(visit, visible, _TAB, outcome, done=FORMS.notice(visit))
    found = await workspaces.page_of_members(visit.host, visit.identity, visible, wanted_page(visit))
    is_owner = here.may_administer
    invited = await invitations.list_invitations(visit.host, visible.workspace) if is_owner else []
    page = MembersPage(here, part_of(here.path, found), ROLES, invited, link)
    return render("members.html", page, visit=visit, status=outcome.status)


async def _add(visit: Visit, form: Form) -> None:
    name, role = form.get("name", "").strip(), _role(form)
    await workspaces.add_member(visit.host, slug_in(visit), name, role, by=visit.identity)


async def _remove(visit: Visit, form: Form) -> None:
    await workspaces.remove_member(visit.host, slug_in(visit), form.get("name", ""), by=visit.identity)


async def _invite(visit: Visit, form: Form) -> Response:
    workspace = (await workspaces.administered(visit.host, visit.identity, slug_in(visit))).workspace
    email = form.get("email", "").strip() or None
    link, _ = await invitations.invite(
        visit.host, by=visit.viewer, email=email, workspace=workspace.slug, role=_role(form)
    )
    return await _page(visit, Outcome(), link=link)


async def _withdraw(visit: Visit, form: Form) -> None:
    workspace = (await workspaces.administered(visit.host, visit.identity, slug_in(visit))).workspace
    await invitations.withdraw(visit.host, workspace, number_in(form, "id"), visit.viewer)


def _role(form: Form) -> Role:
    """Return the role that a form names. Raise `InvalidInput`."""
    known = next((one for one in ROLES if one == form.get("role")), None)
    if known is None:
        raise InvalidInput(f"The role is one of {', '.join(ROLES)}.", fields={"role": ["Choose a role."]})
    return known


FORMS = Forms(
    _page,
    {
        "add": Action(_add, "The user is a member.", "name"),
        "role": Action(_add, "The role was changed.", "name"),
        "remove": Action(
            _remove,
            "The member was removed.",
            "name",
            asks="Remove {name}? The user leaves the workspace and its groups, and loses what projects granted.",
        ),
        "invite": Action(_invite, "", "email"),
        "withdraw": Action(_withdraw, "The invitation was withdrawn. Its link is void.", "id"),
    },
)

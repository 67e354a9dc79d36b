"""`/{workspace}/workspace/settings/groups`: the groups of a workspace, for its owners; each has a page below."""

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from roadstead.domain.people import groups
from roadstead.model import Group, User
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
    part_of,
    slug_in,
    wanted_page,
)

_TAB = "/settings/groups"
_JOINED = "joined"
"""The notice about a user who became a member of the workspace, too."""


@dataclass(frozen=True, slots=True)
class GroupsPage:
    """Context of `groups.html`. Each group has the number of its members."""

    here: Here
    groups: Part[tuple[Group, int]]


@dataclass(frozen=True, slots=True)
class GroupPage:
    """Context of `group.html`."""

    here: Here
    group: Group
    members: Part[User]


async def _list_page(visit: Visit, outcome: Outcome) -> Response:
    visible = await find_workspace(visit)
    found = await groups.page_of_groups(visit.host, visible.workspace.slug, wanted_page(visit), by=visit.identity)
    here = here_at(visit, visible, _TAB, outcome, done=GROUPS.notice(visit))
    page = GroupsPage(here, part_of(here.path, found))
    return render("groups.html", page, visit=visit, status=outcome.status)


async def _group_page(visit: Visit, outcome: Outcome) -> Response:
    visible, slug = await find_workspace(visit), _group(visit)
    group, members = await groups.get_group(
        visit.host, visible.workspace.slug, slug, wanted_page(visit), by=visit.identity
    )
    here = here_at(visit, visible, _TAB, outcome, done=GROUP.notice(visit), below=f"/{group.slug}")
    page = GroupPage(here, group, part_of(here.path, members))
    return render("group.html", page, visit=visit, status=outcome.status)


async def _create(visit: Visit, form: Form) -> None:
    await groups.create_group(visit.host, slug_in(visit), form.get("name", ""), (), by=visit.identity)


async def _add(visit: Visit, form: Form) -> Response | None:
    name = form.get("name", "").strip()
    _, joined = await groups.add_to_group(visit.host, slug_in(visit), _group(visit), name, by=visit.identity)
    return RedirectResponse(f"{visit.request.url.path}?done={_JOINED}", 303) if joined else None


async def _remove(visit: Visit, form: Form) -> None:
    name = form.get("name", "")
    await groups.remove_from_group(visit.host, slug_in(visit), _group(visit), name, by=visit.identity)


async def _delete(visit: Visit, form: Form) -> Response:
    workspace = slug_in(visit)
    await groups.delete_group(visit.host, workspace, _group(visit), by=visit.identity)
    return RedirectResponse(f"/{workspace}/workspace{_TAB}?done=delete", 303)


def _group(visit: Visit) -> str:
    slug: str = visit.request.path_params["group"]
    return slug


_DELETE = Action(
    _delete,
    "The group was deleted.",
    "name",
    asks="Delete the group {name}? Its members stay in the workspace, and lose what was granted to the group.",
)

GROUPS = Forms(_list_page, {"create": Action(_create, "The group was created.", "name")}, {"delete": _DELETE.done})
GROUP = Forms(
    _group_page,
    {
        "add": Action(_add, "The user is in the group.", "name"),
        "remove": Action(_remove, "The user was removed from the group.", "name"),
        "delete": _DELETE,
    },
    {_JOINED: "The user is in the group, and now a member of the workspace."},
)

"""The targets of an account's links in the API: its page, the overview of a workspace, and pictures."""

import zlib
from dataclasses import dataclass
from html import escape

from starlette.responses import RedirectResponse, Response

from roadstead.domain.apps import installations
from roadstead.domain.apps.descriptors import stored_name
from roadstead.domain.people import users
from roadstead.domain.people.workspaces import find_visible
from roadstead.domain.repositories.lists import page_of_repositories
from roadstead.model import Repository, Role
from roadstead.query import Sort
from roadstead.web.page import Visit, render
from roadstead.web.workspace_page import (
    NOTHING,
    Here,
    Part,
    find_workspace,
    here_at,
    part_of,
    root_of,
    wanted_page,
)

_LATEST_FIRST = Sort("updated_on", descending=True)
_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">
<rect width="64" height="64" fill="hsl({hue},45%,40%)"/>
<text x="32" y="43" font-family="sans-serif" font-size="32" text-anchor="middle" fill="#fff">{initials}</text>
</svg>
"""


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """Context of `workspace.html`. `apps` are the names of the installed apps, by key."""

    here: Here
    role: Role | None
    repositories: Part[Repository]
    apps: list[tuple[str, str]]


async def show(visit: Visit) -> Response:
    """Lead to the page of an account: of a workspace that the visitor sees, or Home for a user.

    Raise `NoSuchWorkspace` for no account's UUID.
    """
    uuid: str = visit.request.path_params["account"]
    if await users.find_account(visit.host, uuid) is not None:
        return RedirectResponse("/", 303)
    visible = await find_visible(visit.host, visit.identity, uuid)
    return RedirectResponse(f"{root_of(visible.workspace)}/overview", 303)


async def lead_to_overview(visit: Visit) -> Response:
    return RedirectResponse(f"{root_of((await find_workspace(visit)).workspace)}/overview", 303)


async def show_overview(visit: Visit) -> Response:
    visible = await find_workspace(visit)
    found = await installations.list_apps(visit.host)
    apps = [(stored_name(one.descriptor), one.app_key) for one in found if one.workspace.id == visible.workspace.id]
    here = here_at(visit, visible, "/overview", NOTHING)
    wanted = wanted_page(visit, "repositories", _LATEST_FIRST)
    seen = await page_of_repositories(visit.host, visit.identity, visible.workspace.slug, wanted, None)
    page = OverviewPage(here, visible.role, part_of(here.path, seen, "repositories"), apps)
    return render("workspace.html", page, visit=visit)


async def avatar(visit: Visit) -> Response:
    """Return the initials of a name, whether or not the account exists: the answer reveals nothing."""
    name: str = visit.request.path_params["name"]
    picture = _PICTURE.format(hue=zlib.crc32(name.encode()) % 360, initials=escape(_initials(name)))
    return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})


def _initials(name: str) -> str:
    """Return the first letters of the first and the last word."""
    words = name.split()
    return "".join(word[0].upper() for word in (*words[:1], *words[1:][-1:]))

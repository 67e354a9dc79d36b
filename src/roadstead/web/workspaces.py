"""The targets of an account's links in the API: its page, and its picture."""

import zlib
from html import escape

from starlette.responses import RedirectResponse, Response

from roadstead.domain.apps import installations
from roadstead.domain.people import projects, users
from roadstead.web.page import Visit

_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">
<rect width="64" height="64" fill="hsl({hue},45%,40%)"/>
<text x="32" y="43" font-family="sans-serif" font-size="32" text-anchor="middle" fill="#fff">{initials}</text>
</svg>
"""


async def show(visit: Visit) -> Response:
    """Lead to Home, which has the apps of every workspace. Raise `WorkspaceNotFound` for no account's UUID."""
    uuid: str = visit.request.path_params["account"]
    if await users.find_account(visit.host, uuid) is None:
        await installations.get_workspace(visit.host, uuid)
    return RedirectResponse("/", 303)


async def show_project(visit: Visit) -> Response:
    """Lead to Home. Raise `WorkspaceNotFound` and `NoSuchProject`."""
    path = visit.request.path_params
    await projects.expect_project(visit.host, path["workspace"], path["key"])
    return RedirectResponse("/", 303)


async def avatar(visit: Visit) -> Response:
    """Return the initials of a name, whether or not the account exists: the answer reveals nothing."""
    name: str = visit.request.path_params["name"]
    picture = _PICTURE.format(hue=zlib.crc32(name.encode()) % 360, initials=escape(_initials(name)))
    return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})


def _initials(name: str) -> str:
    """Return the first letters of the first and the last word."""
    words = name.split()
    return "".join(word[0].upper() for word in (*words[:1], *words[1:][-1:]))

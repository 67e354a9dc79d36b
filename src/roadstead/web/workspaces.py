"""The targets of a workspace's links in the API: its page, and its picture."""

import zlib
from html import escape

from starlette.responses import RedirectResponse, Response

from roadstead.domain.apps import installations
from roadstead.web.page import Visit

_PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" viewBox="0 0 64 64">
<rect width="64" height="64" fill="hsl({hue},45%,40%)"/>
<text x="32" y="43" font-family="sans-serif" font-size="32" text-anchor="middle" fill="#fff">{letter}</text>
</svg>
"""


async def show(visit: Visit) -> Response:
    """Lead to Home, which has the apps of every workspace. Raises `WorkspaceNotFound`."""
    await installations.get_workspace(visit.host, visit.request.path_params["workspace"])
    return RedirectResponse("/", 303)


async def avatar(visit: Visit) -> Response:
    """Return the first letter of a name, whether or not the workspace exists: the answer reveals nothing."""
    name: str = visit.request.path_params["name"]
    picture = _PICTURE.format(hue=zlib.crc32(name.encode()) % 360, letter=escape(name[:1].upper()))
    return Response(picture, media_type="image/svg+xml", headers={"Cache-Control": "max-age=86400"})

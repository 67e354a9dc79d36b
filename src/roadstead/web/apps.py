"""What the pages of an app share: finding it, and the head with its name and tabs."""

from dataclasses import dataclass

from roadstead.domain import handshakes, installations
from roadstead.domain.descriptors import stored_name
from roadstead.errors import AppNotInstalled, NotFound
from roadstead.model import Installation
from roadstead.web.page import NavigationLink, Visit

_TABS = {
    "": "Overview",
    "/linkers": "Linkers",
    "/modules": "Modules",
    "/calls": "Calls",
    "/descriptor": "Descriptor",
    "/settings": "Settings",
}
"""The tabs of an app, by how their addresses end."""


@dataclass(frozen=True, slots=True)
class AppHead:
    """What stands above each page of an app. `tabs` lead to the others."""

    id: int
    name: str
    key: str
    workspace: str
    being_installed: bool
    tabs: list[NavigationLink]


def head_of(app: Installation, tab: str) -> AppHead:
    """The head of an app's page that belongs to the tab whose address ends so."""
    tabs = [NavigationLink(f"/-/apps/{app.id}{end}", name, end == tab) for end, name in _TABS.items()]
    return AppHead(
        id=app.id,
        name=stored_name(app.descriptor),
        key=app.app_key,
        workspace=app.workspace.slug,
        being_installed=app.handshake_under_way,
        tabs=tabs,
    )


async def app_of(visit: Visit) -> Installation:
    """The installation that the address names by its id. Raises `NotFound`."""
    identity: int = visit.request.path_params["app"]
    try:
        await handshakes.undo_if_abandoned(visit.host, identity)
        return await installations.get_installed(visit.host, identity)
    except AppNotInstalled as exc:
        raise NotFound("There is no app here.", "It may have been uninstalled. Home lists the installed apps.") from exc

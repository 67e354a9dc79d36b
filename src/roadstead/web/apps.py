"""Shared parts of an app's pages: finding the app, and a head with its name and tabs."""

from dataclasses import dataclass

from roadstead.domain.apps import handshakes, installations
from roadstead.domain.apps.descriptors import stored_name
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
"""The names of an app's tabs, by the end of their addresses."""


@dataclass(frozen=True, slots=True)
class AppHead:
    """The head of each page of an app. `tabs` link to the others."""

    id: int
    name: str
    key: str
    workspace: str
    being_installed: bool
    tabs: list[NavigationLink]


def head_of(app: Installation, tab: str) -> AppHead:
    """Return the head of an app's page; `tab` is the end of the current tab's address."""
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
    """Return the installation that the address names by its id. Raises `NotFound`."""
    identity: int = visit.request.path_params["app"]
    try:
        await handshakes.undo_if_abandoned(visit.host, identity)
        return await installations.get_installed(visit.host, identity)
    except AppNotInstalled as exc:
        raise NotFound("There is no app here.", "It may have been uninstalled. Home lists the installed apps.") from exc

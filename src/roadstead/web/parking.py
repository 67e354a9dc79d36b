"""Linkers that are parked, as the pages show them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from roadstead.domain.linking.parking import PARKED
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from roadstead.model import Workspace
from roadstead.web.page import Visit


@dataclass(frozen=True, slots=True)
class ParkedLinker:
    """A linker that is not tried for a while, and why. `example` leads to the lab with its pattern."""

    app_key: str
    key: str
    reason: str
    until: datetime
    example: str


def parked_linkers(visit: Visit, workspace: Workspace, app_key: str | None = None) -> list[ParkedLinker]:
    """Return the parked linkers of a workspace, or of one app in it, in this process: each process parks separately."""
    linkers: WorkspaceLinkers = visit.request.scope["state"]["linkers"]
    return [
        ParkedLinker(
            linker.app_key,
            linker.key,
            PARKED,
            visit.host.now() + timedelta(seconds=left),
            f"/-/lab?{urlencode({'how': 'pattern', 'regex': linker.regex, 'url': linker.url, 'values': ''})}",
        )
        for linker, left in linkers.records.parked().items()
        if linker.principal_uuid == workspace.uuid and app_key in (None, linker.app_key)
    ]

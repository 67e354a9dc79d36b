"""`/-/apps/…`: an app's vendor, its URL, what it may do, and when it last called."""

from dataclasses import dataclass
from datetime import datetime

from starlette.responses import Response

from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.linking import linkers
from roadstead.domain.traffic import requests
from roadstead.web.apps import AppHead, app_of, head_of
from roadstead.web.descriptor_view import Scope, scopes_in_words
from roadstead.web.page import Visit, render
from roadstead.web.parking import ParkedLinker, parked_linkers


@dataclass(frozen=True, slots=True)
class OverviewPage:
    """Context of `app_overview.html`. `last_seen` is the time of its newest recorded call."""

    head: AppHead
    description: str
    vendor: str
    base_url: str
    descriptor_url: str
    installed_on: datetime
    updated_on: datetime
    last_seen: datetime | None
    linker_count: int
    value_count: int
    parked: list[ParkedLinker]
    all_scopes: bool
    scopes: list[Scope]


async def show(visit: Visit) -> Response:
    app = await app_of(visit)
    descriptor = stored_descriptor(app.descriptor)
    declared = await linkers.list_linkers(visit.host, app.id)
    page = OverviewPage(
        head=head_of(app, ""),
        description=descriptor.description or "",
        vendor=descriptor.vendor.name if descriptor.vendor else "",
        base_url=descriptor.base_url,
        descriptor_url=app.descriptor_url,
        installed_on=app.installed_on,
        updated_on=app.updated_on,
        last_seen=(await requests.last_calls(visit.host)).get(app.app_key),
        linker_count=len(declared),
        value_count=sum(linker.value_count for linker in declared),
        parked=parked_linkers(visit, app.workspace, app.app_key),
        all_scopes=descriptor.scopes is None,
        scopes=scopes_in_words(descriptor),
    )
    return render("app_overview.html", page, visit=visit)

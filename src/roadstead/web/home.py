"""The first page: what is installed, and what to do first."""

from dataclasses import dataclass

from starlette.responses import Response

from roadstead.domain import installations
from roadstead.domain.descriptors import stored_descriptor
from roadstead.model import Installation
from roadstead.web.page import Visit, render


@dataclass(frozen=True, slots=True)
class InstalledApp:
    key: str
    name: str
    workspace: str
    linkers: int
    installed_on: str


@dataclass(frozen=True, slots=True)
class Home:
    """Context of `home.html`. Who is not signed in sees no apps."""

    base_url: str
    apps: list[InstalledApp]


async def show(visit: Visit) -> Response:
    signed_in = visit.session is not None
    apps = [_app(found) for found in await installations.list_apps(visit.host)] if signed_in else []
    return render("home.html", Home(visit.host.base_url, apps), visit=visit)


def _app(installation: Installation) -> InstalledApp:
    descriptor = stored_descriptor(installation.descriptor)
    return InstalledApp(
        key=installation.app_key,
        name=descriptor.name,
        workspace=installation.workspace.slug,
        linkers=len(descriptor.modules.linkers),
        installed_on=f"{installation.installed_on:%Y-%m-%d %H:%M} UTC",
    )

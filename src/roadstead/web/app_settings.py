"""`/-/apps/…/settings`: the credentials of an app, its update, and its removal."""

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from roadstead.domain.apps import installations, updates
from roadstead.domain.apps.descriptors import stored_name
from roadstead.domain.upkeep import audit
from roadstead.errors import InstallationFailed
from roadstead.model import Installation
from roadstead.web.apps import AppHead, app_of, head_of
from roadstead.web.lifecycle_view import ShownCall, shown_call
from roadstead.web.page import Visit, problem, render

_DONE = {
    "updated": "The descriptor was read again and is in force.",
    "renewed": "The app has a new shared secret.",
}


@dataclass(frozen=True, slots=True)
class SettingsPage:
    """Context of `app_settings.html`. `secret` is set only on the page that answers *Show the secret*.

    `unsure` is set when the operator pressed *Uninstall* without ticking the box.
    """

    head: AppHead
    client_key: str
    descriptor_url: str
    done: str
    secret: str | None
    unsure: bool


@dataclass(frozen=True, slots=True)
class Uninstalled:
    """Context of `uninstalled.html`. `call` is the notification of the app, if its descriptor asks for one."""

    name: str
    workspace: str
    call: ShownCall | None


async def show(visit: Visit) -> Response:
    return _page(visit, await app_of(visit), done=_DONE.get(visit.request.query_params.get("done", ""), ""))


async def show_secret(visit: Visit) -> Response:
    await visit.form()
    app = await app_of(visit)
    await audit.secret_will_be_shown(visit.host, f"{app.workspace.slug}/{app.app_key}")
    return _page(visit, app, secret=app.shared_secret)


async def renew_secret(visit: Visit) -> Response:
    form = await visit.form()
    app = await app_of(visit)
    try:
        await installations.renew_secret(visit.host, app.id, signed=form.get("unsigned") != "yes", actor=visit.viewer)
    except InstallationFailed as exc:
        return problem(exc, visit=visit, answer=exc.body)
    return _back_to(app, "renewed")


async def update(visit: Visit) -> Response:
    await visit.form()
    app = await app_of(visit)
    await updates.update(visit.host, app.id)
    return _back_to(app, "updated")


async def uninstall(visit: Visit) -> Response:
    form = await visit.form()
    app = await app_of(visit)
    if form.get("sure") != "yes":
        return _page(visit, app, unsure=True)
    call = await installations.uninstall_and_tell(visit.host, app.id)
    shown = shown_call(call) if call else None
    return render("uninstalled.html", Uninstalled(stored_name(app.descriptor), app.workspace.slug, shown), visit=visit)


def _back_to(app: Installation, done: str) -> Response:
    return RedirectResponse(f"/-/apps/{app.id}/settings?done={done}", 303)


def _page(
    visit: Visit, app: Installation, *, done: str = "", secret: str | None = None, unsure: bool = False
) -> Response:
    page = SettingsPage(head_of(app, "/settings"), app.client_key, app.descriptor_url, done, secret, unsure)
    return render("app_settings.html", page, visit=visit, status=400 if unsure else 200)

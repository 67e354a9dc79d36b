"""`/site/addons/authorize`: the cloud's own install link, with a page that asks for consent.

The visitor, an owner of the workspace or an operator, sees the app's name, what it may do and the workspace. On
approval the handshake runs; only then is the browser sent to the app, which has had its `installed` call by that time.
"""

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from roadstead.connect import Descriptor
from roadstead.connect.urls import is_below
from roadstead.domain.apps import installations
from roadstead.domain.apps.page_loads import post_install_url
from roadstead.domain.people.workspaces import may_install
from roadstead.errors import InstallationFailed, InvalidInput, WrongCredential
from roadstead.web.descriptor_view import Scope, digest, scopes_in_words
from roadstead.web.page import Visit, problem, render, require
from roadstead.web.redirects import back_to
from roadstead.web.seen_workspaces import seen_workspaces


@dataclass(frozen=True, slots=True)
class Consent:
    """Context of `consent.html`. `workspace_wrong` says why the workspace in the field cannot be used.

    Only an operator may name a workspace that is new.
    """

    digest: str
    changed: bool
    app: Descriptor
    vendor: str
    descriptor_url: str
    all_scopes: bool
    scopes: list[Scope]
    workspaces: list[str]
    may_be_new: bool
    workspace: str
    workspace_wrong: str
    redirect_uri: str | None


@dataclass(frozen=True, slots=True)
class Installed:
    """Context of `installed.html`."""

    id: int
    name: str
    workspace: str
    linkers: int


@dataclass(frozen=True, slots=True)
class _Wish:
    """The link's parameters, checked."""

    descriptor: Descriptor
    descriptor_url: str
    redirect_uri: str | None


_TOLD_TO_OWNERS = {
    "fetch": ("The descriptor cannot be fetched.", "An operator finds the reason among the recorded requests."),
    "validate": ("The descriptor cannot be used.", "Find out why with: roadstead check URL. Or ask an operator."),
    "installed": ("The app was not installed.", "An operator finds its answer among the recorded requests."),
}
_NO_OWNER = "Only an owner of a workspace may install an app there."


async def ask(visit: Visit) -> Response:
    await _known_workspaces(visit)
    return await _consent_page(visit, await _read_link(visit))


async def decide(visit: Visit) -> Response:
    form = await visit.form()
    await _known_workspaces(visit)
    wish = await _read_link(visit)
    if form.get("decision") != "allow":
        if wish.redirect_uri is None:
            return RedirectResponse("/", 303)
        return back_to(wish.redirect_uri, error="access_denied")
    if form.get("digest") != digest(wish.descriptor):
        return await _consent_page(visit, wish, changed=True)
    workspace = form.get("workspace", "").strip()
    try:
        installations.check_workspace_slug(workspace)
        # Asked now: while the descriptor was fetched, the visitor may have ceased to be an owner.
        require(await may_install(visit.host, visit.identity, workspace), _NO_OWNER, "Choose one of yours.")
    except InvalidInput as exc:
        return await _consent_page(visit, wish, workspace=workspace, wrong=f"{exc.message} {exc.detail}")
    return await _install(visit, wish, workspace)


async def _install(visit: Visit, wish: _Wish, workspace: str) -> Response:
    try:
        installation = await installations.install_descriptor(
            visit.host, wish.descriptor, wish.descriptor_url, workspace, actor=visit.viewer
        )
    except InstallationFailed as exc:
        told = _told(visit, exc)
        return problem(told, visit=visit, answer=told.body)
    if wish.redirect_uri is not None:
        return back_to(wish.redirect_uri, client_key=installation.client_key)
    target = await post_install_url(visit.host, installation, visit.viewer)
    if target is not None:
        return RedirectResponse(target, 303, headers={"Referrer-Policy": "no-referrer"})
    linkers = len(wish.descriptor.modules.linkers)
    installed = Installed(installation.id, wish.descriptor.name, workspace, linkers)
    return render("installed.html", installed, visit=visit)


async def _known_workspaces(visit: Visit) -> list[str]:
    """Return the slugs of the workspaces into which the visitor may install. Raise `WrongCredential` if there is none.

    An operator may install into any, also into a new one.
    """
    known = [one.slug for one in await seen_workspaces(visit, roles=("owner",))]
    if not known and not visit.is_operator:
        raise WrongCredential(_NO_OWNER, "You own none. Ask an owner to open this link.")
    return known or ["local"]


async def _read_link(visit: Visit) -> _Wish:
    """Check the link's parameters and fetch the descriptor. Raises `InvalidInput` or `InstallationFailed`."""
    query = visit.request.query_params
    uri, key, redirect_uri = query.get("descriptor_uri"), query.get("addon_key"), query.get("redirect_uri")
    require(
        (uri is None) != (key is None),
        "The install link must name one app.",
        "It takes either descriptor_uri=<URL of the descriptor> or addon_key=<key of a registered app>.",
    )
    url = uri if uri is not None else (await installations.get_registration(visit.host, key or "")).descriptor_url
    descriptor = await _fetch(visit, url)
    if redirect_uri is not None:
        require(
            is_below(redirect_uri, descriptor.base_url),
            "The redirect_uri of the install link is not the app's.",
            f"It must be absolute, begin with the baseUrl {descriptor.base_url}, and contain no context parameters.",
        )
    return _Wish(descriptor, url, redirect_uri)


async def _fetch(visit: Visit, url: str) -> Descriptor:
    try:
        return await installations.fetch(visit.host, url)
    except InstallationFailed as exc:
        raise _told(visit, exc) from exc


def _told(visit: Visit, failure: InstallationFailed) -> InstallationFailed:
    """Return what a visitor learns of a failure: an owner who is no operator learns which step failed.

    The answer may be that of a server that only this host reaches.
    """
    return failure if visit.is_operator else InstallationFailed(*_TOLD_TO_OWNERS[failure.step], step=failure.step)


async def _consent_page(
    visit: Visit, wish: _Wish, *, changed: bool = False, workspace: str = "", wrong: str = ""
) -> Response:
    app = wish.descriptor
    known = await _known_workspaces(visit)
    context = Consent(
        digest=digest(app),
        changed=changed,
        app=app,
        vendor=app.vendor.name if app.vendor else "",
        descriptor_url=wish.descriptor_url,
        all_scopes=app.scopes is None,
        scopes=scopes_in_words(app),
        workspaces=known,
        may_be_new=visit.is_operator,
        workspace=workspace or known[0],
        workspace_wrong=wrong,
        redirect_uri=wish.redirect_uri,
    )
    return render(
        "consent.html",
        context,
        visit=visit,
        status=400 if wrong else 200,
        form_target=wish.redirect_uri or app.base_url,
    )

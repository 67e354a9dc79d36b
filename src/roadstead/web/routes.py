"""The map of the pages."""

import re
from importlib import import_module

from starlette.convertors import Convertor, PathConvertor, StringConvertor, register_url_convertor
from starlette.routing import Match, Mount
from starlette.routing import Route as LooseRoute
from starlette.types import ASGIApp, Scope

from roadstead.web import (
    access_tokens,
    app_calls,
    app_descriptor,
    app_linkers,
    app_overview,
    app_settings,
    authorize,
    consumers,
    debugger,
    deliveries,
    documentation,
    frames,
    groups,
    home,
    install,
    invitation,
    lab,
    members,
    modules,
    oauth_consent,
    profile,
    project,
    projects,
    queue,
    sign_in,
    traffic,
    values,
    workspaces,
)
from roadstead.web.page import Handler, Page, Visit, static_files
from roadstead.web.sign_in import for_operator, for_user
from roadstead.web.workspace_page import Forms


class _Id(Convertor[int]):
    """The number of a row. A number with more digits than any row's means a row that does not exist."""

    regex = "[0-9]+"

    def convert(self, value: str) -> int:
        return int(value) if len(value) <= 18 else 2**63 - 1

    def to_string(self, value: int) -> str:
        return str(value)


class _Uuid(StringConvertor):
    """A UUID in braces, as Bitbucket writes it: no other address of ours begins so."""

    regex = r"\{[0-9a-f-]{36}\}"


class _Owner(StringConvertor):
    """The workspace of a repository: none has the name with which other addresses begin."""

    regex = r"(?!(?:-|[12]\.0|site|account|atlassian-connect)(?:/|$))[^/]+"


class _Root(_Owner):
    """The workspace of a `_RootRoute`: by its name, a test knows that an address of it ends with a slash."""


class Route(LooseRoute):
    """An address to its last character: a loose one may have a line feed more."""

    def __init__(self, path: str, endpoint: Page) -> None:
        super().__init__(path, endpoint)
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + r"\Z")


class _RootRoute(Route):
    """The address of a workspace as the cloud writes it, which ends with a slash: without one, there is no page."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return super().matches(scope) if scope["raw_path"].endswith(b"/") else (Match.NONE, {})


class _End(PathConvertor):
    """The end of an address, with a slash or without."""

    regex = "/?"


class _Rest(PathConvertor):
    """All that follows, also a line feed, which the name of a file may have."""

    regex = "(?s:.*)"


register_url_convertor("id", _Id())
register_url_convertor("owner", _Owner())
register_url_convertor("root", _Root())
register_url_convertor("end", _End())
register_url_convertor("rest", _Rest())
register_url_convertor("uuid", _Uuid())


def _with_forms(forms: Forms) -> Page:
    """Return a page for signed-in users, at whose address its forms arrive, too."""
    return Page(GET=for_user(forms.show), POST=for_user(forms.change))


def _of_repository(module: str, name: str = "show") -> Page:
    """Return a page of a repository."""
    return Page(GET=_handler(module, name))


def _of_administrators(module: str) -> Page:
    """Return a page for the administrators of a repository, at whose address its forms arrive, too."""
    return Page(GET=_handler(module, "show"), POST=_handler(module, "change"))


def _handler(module: str, name: str) -> Handler:
    """Return a handler of a repository, whose module is imported for the first request: it brings git with it."""

    async def show(visit: Visit) -> ASGIApp:
        handler: Handler = getattr(import_module(f"roadstead.web.repositories.{module}"), name)
        return await handler(visit)

    return show


ROUTES: list[Route | Mount] = [
    Route("/", Page(GET=home.show)),
    Route("/-/install", Page(GET=for_operator(install.ask), POST=for_operator(install.judge))),
    Route("/-/install/run", Page(POST=for_operator(install.run))),
    Route("/-/apps/{app:id}", Page(GET=for_operator(app_overview.show))),
    Route("/-/apps/{app:id}/linkers", Page(GET=for_operator(app_linkers.show))),
    Route("/-/apps/{app:id}/calls", Page(GET=for_operator(app_calls.show))),
    Route("/-/apps/{app:id}/descriptor", Page(GET=for_operator(app_descriptor.show))),
    Route("/-/apps/{app:id}/settings", Page(GET=for_operator(app_settings.show))),
    Route("/-/apps/{app:id}/secret", Page(POST=for_operator(app_settings.show_secret))),
    Route("/-/apps/{app:id}/renew", Page(POST=for_operator(app_settings.renew_secret))),
    Route("/-/apps/{app:id}/update", Page(POST=for_operator(app_settings.update))),
    Route("/-/apps/{app:id}/uninstall", Page(POST=for_operator(app_settings.uninstall))),
    Route("/-/apps/{app:id}/modules", Page(GET=for_operator(modules.show))),
    Route("/-/apps/{app:id}/frame/request", Page(POST=for_operator(frames.request))),
    Route("/-/apps/{app:id}/frame/proxy", Page(POST=for_operator(frames.proxy))),
    Route("/-/apps/{app:id}/frame/token", Page(POST=for_operator(frames.token))),
    Route("/-/apps/{app:id}/values", Page(GET=for_operator(values.show))),
    Route("/-/apps/{app:id}/values.csv", Page(GET=for_operator(values.download))),
    Route("/-/apps/{app:id}/values/add", Page(POST=for_operator(values.add))),
    Route("/-/apps/{app:id}/values/load", Page(POST=for_operator(values.load))),
    Route("/-/apps/{app:id}/values/remove", Page(POST=for_operator(values.remove))),
    Route("/-/apps/{app:id}/values/clear", Page(POST=for_operator(values.clear))),
    Route("/-/queue", Page(GET=for_operator(queue.show))),
    Route("/-/queue/{call:id}", Page(POST=for_operator(queue.retry))),
    Route("/-/lab", Page(GET=for_operator(lab.show), POST=for_operator(lab.try_out))),
    Route("/-/lab/commits", Page(POST=for_operator(lab.load_commits))),
    Route("/site/addons/authorize", Page(GET=for_user(authorize.ask), POST=for_user(authorize.decide))),
    Route("/site/oauth2/authorize", Page(GET=for_user(oauth_consent.ask), POST=for_user(oauth_consent.decide))),
    Route("/-/traffic", Page(GET=for_operator(traffic.show))),
    Route("/-/traffic/{call:id}", Page(GET=for_operator(traffic.show_call))),
    Route("/-/sent", Page(GET=for_operator(deliveries.show))),
    Route(
        "/-/sent/{delivery:id}",
        Page(GET=for_operator(deliveries.show_delivery), POST=for_operator(deliveries.resend)),
    ),
    Route("/-/sent/{delivery:id}/now", Page(POST=for_operator(deliveries.send_now))),
    Route("/-/jwt", Page(GET=for_operator(debugger.show), POST=for_operator(debugger.examine))),
    Route("/-/docs", Page(GET=for_operator(documentation.show))),
    Route("/-/docs/{name:path}", Page(GET=for_operator(documentation.show_document))),
    Route("/-/sign-in", Page(GET=sign_in.open_link, POST=sign_in.enter_code)),
    Route("/-/sign-in/password", Page(GET=sign_in.open_link, POST=sign_in.enter_password)),
    Route("/-/invitation", Page(GET=invitation.show, POST=invitation.accept)),
    Route("/-/profile", Page(GET=for_user(profile.show))),
    Route("/-/profile/names", Page(POST=for_user(profile.rename))),
    Route("/-/profile/password", Page(POST=for_user(profile.change_password))),
    Route("/-/profile/sessions", Page(POST=for_user(profile.end_sessions))),
    Route("/-/profile/tokens", Page(POST=for_user(profile.create_token))),
    Route("/-/profile/tokens/{token:id}/revoke", Page(POST=for_user(profile.revoke_token))),
    Route("/-/profile/keys", Page(POST=for_user(profile.add_key))),
    Route("/-/profile/keys/{key:id}/remove", Page(POST=for_user(profile.remove_key))),
    Route("/-/profile/consents/{consent:id}/end", Page(POST=for_user(profile.end_consent))),
    Route("/-/sign-out", Page(POST=sign_in.leave)),
    Mount("/-/static", static_files()),
    Route("/{account:uuid}", Page(GET=for_user(workspaces.show))),
    _RootRoute("/{workspace:root}", Page(GET=for_user(workspaces.lead_to_overview))),
    Route("/{workspace}/workspace/overview", Page(GET=for_user(workspaces.show_overview))),
    Route("/{workspace}/workspace/projects", _with_forms(projects.FORMS)),
    Route("/{workspace}/workspace/projects/{key}", _with_forms(project.FORMS)),
    Route("/{workspace}/workspace/members", _with_forms(members.FORMS)),
    Route("/{workspace}/workspace/settings/groups", _with_forms(groups.GROUPS)),
    Route("/{workspace}/workspace/settings/groups/{group}", _with_forms(groups.GROUP)),
    Route("/{workspace}/workspace/settings/api", _with_forms(consumers.CONSUMERS)),
    Route("/{workspace}/workspace/settings/api/{key}", _with_forms(consumers.CONSUMER)),
    Route("/{workspace}/workspace/settings/access-tokens", _with_forms(access_tokens.FORMS)),
    Route("/{workspace}/workspace/projects/{key}/settings/access-tokens", _with_forms(access_tokens.FORMS)),
    Route("/account/{name}/avatar", Page(GET=workspaces.avatar)),
    Route("/atlassian-connect/all.js", Page(GET=frames.all_js)),
    Route("/atlassian-connect/all-debug.js", Page(GET=frames.all_js)),
    Route("/{workspace:owner}/{repo}{end:end}", _of_repository("overview")),
    Route("/{workspace:owner}/{repo}/src{end:end}", _of_repository("source", "show_main")),
    Route("/{workspace:owner}/{repo}/src/{path:rest}", _of_repository("source")),
    Route("/{workspace:owner}/{repo}/raw/{path:rest}", _of_repository("source", "show_raw")),
    Route("/{workspace:owner}/{repo}/commits{end:end}", _of_repository("commits", "show_main")),
    Route("/{workspace:owner}/{repo}/commits/branch/{name:rest}", _of_repository("commits", "show_branch")),
    Route("/{workspace:owner}/{repo}/commits/tag/{name:rest}", _of_repository("commits", "show_tag")),
    Route("/{workspace:owner}/{repo}/commits/{hash}", _of_repository("commit")),
    Route("/{workspace:owner}/{repo}/branch/{name:rest}", _of_repository("commits", "lead_to_branch")),
    Route("/{workspace:owner}/{repo}/branches{end:end}", _of_repository("branches")),
    Route("/{workspace:owner}/{repo}/pull-requests/new", _of_repository("compare", "lead_to_changes")),
    Route("/{workspace:owner}/{repo}/branches/compare/{pair:rest}", _of_repository("compare")),
    Route("/{workspace:owner}/{repo}/admin", _of_administrators("settings")),
    Route("/{workspace:owner}/{repo}/admin/access-tokens", _of_administrators("tokens")),
]

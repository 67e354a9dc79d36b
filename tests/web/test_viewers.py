"""Who sees which page, from a table written by hand: a visitor, a member, an owner of a workspace, and the operator."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import NamedTuple

import httpx
import pytest
from starlette.routing import Route

from roadstead.accounts import SessionUser
from roadstead.domain.host import Host
from roadstead.domain.people import workspaces
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.web.page import Page
from roadstead.web.routes import ROUTES
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app
from tests.web.people import person, signed_in_as, visitor_at
from tests.web.reading import document


class Seen(NamedTuple):
    """The status that each viewer gets at a page."""

    anonymous: int
    member: int
    owner: int
    operator: int


OF_OPERATORS = Seen(401, 403, 403, 200)
OF_USERS = Seen(401, 200, 200, 200)
OF_ALL = Seen(200, 200, 200, 200)

OF_A_FOREIGN_WORKSPACE = Seen(401, 404, 404, 200)
MISSING_TO_ALL = Seen(401, 404, 404, 404)
PAGES = {
    "/": ("/", OF_ALL),
    "/-/install": ("/-/install", OF_OPERATORS),
    "/-/apps/{app:id}": ("/-/apps/{app}", OF_OPERATORS),
    "/-/apps/{app:id}/linkers": ("/-/apps/{app}/linkers", OF_OPERATORS),
    "/-/apps/{app:id}/calls": ("/-/apps/{app}/calls", OF_OPERATORS),
    "/-/apps/{app:id}/descriptor": ("/-/apps/{app}/descriptor", OF_OPERATORS),
    "/-/apps/{app:id}/settings": ("/-/apps/{app}/settings", OF_OPERATORS),
    "/-/apps/{app:id}/modules": ("/-/apps/{app}/modules", OF_OPERATORS),
    "/-/apps/{app:id}/values": ("/-/apps/{app}/values?linker=tickets", OF_OPERATORS),
    "/-/apps/{app:id}/values.csv": ("/-/apps/{app}/values.csv?linker=tickets", OF_OPERATORS),
    "/-/queue": ("/-/queue", OF_OPERATORS),
    "/-/lab": ("/-/lab?how=workspace&workspace=foreign-harbour&text=BB-1", OF_OPERATORS),
    "/-/traffic": ("/-/traffic", OF_OPERATORS),
    "/-/traffic/{call:id}": ("/-/traffic/{call}", OF_OPERATORS),
    "/-/sent": ("/-/sent", OF_OPERATORS),
    "/-/sent/{delivery:id}": ("/-/sent/0", Seen(401, 403, 403, 404)),
    "/-/jwt": ("/-/jwt?request={call}", OF_OPERATORS),
    "/-/docs": ("/-/docs", OF_OPERATORS),
    "/-/docs/{name:path}": ("/-/docs/tutorial.md", OF_OPERATORS),
    "/site/addons/authorize": ("/site/addons/authorize?addon_key=ghost", Seen(401, 403, 400, 400)),
    "/site/oauth2/authorize": ("/site/oauth2/authorize?client_id=ghost", MISSING_TO_ALL),
    "/-/sign-in": ("/-/sign-in", Seen(401, 401, 401, 401)),
    "/-/sign-in/password": ("/-/sign-in/password", Seen(401, 401, 401, 401)),
    "/-/invitation": ("/-/invitation?code=ghost", Seen(404, 404, 404, 404)),
    "/-/profile": ("/-/profile", OF_USERS),
    "/{account:uuid}": ("/{workspace}", Seen(401, 404, 404, 303)),
    "/{workspace:root}": ("/foreign-harbour/", Seen(401, 404, 404, 303)),
    "/{workspace}/workspace/overview": ("/foreign-harbour/workspace/overview", OF_A_FOREIGN_WORKSPACE),
    "/{workspace}/workspace/members": ("/foreign-harbour/workspace/members", OF_A_FOREIGN_WORKSPACE),
    "/{workspace}/workspace/projects": ("/foreign-harbour/workspace/projects", OF_A_FOREIGN_WORKSPACE),
    "/{workspace}/workspace/settings/groups": ("/foreign-harbour/workspace/settings/groups", OF_A_FOREIGN_WORKSPACE),
    "/{workspace}/workspace/settings/groups/{group}": (
        "/foreign-harbour/workspace/settings/groups/crew",
        MISSING_TO_ALL,
    ),
    "/{workspace}/workspace/settings/api": ("/foreign-harbour/workspace/settings/api", OF_A_FOREIGN_WORKSPACE),
    "/{workspace}/workspace/settings/api/{key}": (
        "/foreign-harbour/workspace/settings/api/ghost",
        MISSING_TO_ALL,
    ),
    "/{workspace}/workspace/settings/access-tokens": (
        "/foreign-harbour/workspace/settings/access-tokens",
        OF_A_FOREIGN_WORKSPACE,
    ),
    "/{workspace}/workspace/projects/{key}/settings/access-tokens": (
        "/foreign-harbour/workspace/projects/SEA/settings/access-tokens",
        MISSING_TO_ALL,
    ),
    "/{workspace}/workspace/projects/{key}": ("/foreign-harbour/workspace/projects/SEA", MISSING_TO_ALL),
    "/account/{name}/avatar": ("/account/x/avatar", OF_ALL),
    "/atlassian-connect/all.js": ("/atlassian-connect/all.js", OF_ALL),
    "/atlassian-connect/all-debug.js": ("/atlassian-connect/all-debug.js", OF_ALL),
    "/{workspace:owner}/{repo}{end:end}": ("/foreign-harbour/pier", OF_A_FOREIGN_WORKSPACE),
    "/{workspace:owner}/{repo}/admin": ("/foreign-harbour/pier/admin", OF_A_FOREIGN_WORKSPACE),
    "/{workspace:owner}/{repo}/admin/access-tokens": (
        "/foreign-harbour/pier/admin/access-tokens",
        OF_A_FOREIGN_WORKSPACE,
    ),
    "/{workspace:owner}/{repo}/src{end:end}": ("/foreign-harbour/pier/src", Seen(401, 404, 404, 302)),
    "/{workspace:owner}/{repo}/src/{path:rest}": ("/foreign-harbour/pier/src/main/", MISSING_TO_ALL),
    "/{workspace:owner}/{repo}/raw/{path:rest}": ("/foreign-harbour/pier/raw/main/x", MISSING_TO_ALL),
    "/{workspace:owner}/{repo}/commits{end:end}": ("/foreign-harbour/pier/commits/", OF_A_FOREIGN_WORKSPACE),
    "/{workspace:owner}/{repo}/commits/branch/{name:rest}": ("/foreign-harbour/pier/commits/branch/x", MISSING_TO_ALL),
    "/{workspace:owner}/{repo}/commits/tag/{name:rest}": ("/foreign-harbour/pier/commits/tag/x", MISSING_TO_ALL),
    "/{workspace:owner}/{repo}/commits/{hash}": ("/foreign-harbour/pier/commits/x", MISSING_TO_ALL),
    "/{workspace:owner}/{repo}/branch/{name:rest}": ("/foreign-harbour/pier/branch/x", Seen(401, 404, 404, 302)),
    "/{workspace:owner}/{repo}/branches/compare/{pair:rest}": (
        "/foreign-harbour/pier/branches/compare/x..y",
        MISSING_TO_ALL,
    ),
    "/{workspace:owner}/{repo}/pull-requests/new": (
        "/foreign-harbour/pier/pull-requests/new?source=x",
        Seen(401, 404, 404, 302),
    ),
    "/{workspace:owner}/{repo}/branches{end:end}": ("/foreign-harbour/pier/branches/", OF_A_FOREIGN_WORKSPACE),
}
"""Each address that answers GET, with an example in which everything is of a workspace that only the operator sees."""


class Scene(NamedTuple):
    """A browser for each viewer, and what the addresses name."""

    viewers: dict[str, httpx.Client]
    names: dict[str, str]


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Yield a host with an app in a foreign workspace, and the members of another workspace."""
    with ExitStack() as stack:
        host = stack.enter_context(live_host(tmp_path_factory.mktemp("viewers")))
        app = stack.enter_context(recording_app(name="Foreign linkers"))
        owner, member = person(host, "olga"), person(host, "mia")
        host.work(lambda opened: workspaces.create_workspace(opened, "acme", name=None, owner="olga"))
        host.work(lambda opened: workspaces.add_member(opened, "acme", "mia", "member"))
        viewers = {
            "anonymous": stack.enter_context(visitor_at(host)),
            "member": stack.enter_context(signed_in_as(host, member)),
            "owner": stack.enter_context(signed_in_as(host, owner)),
            "operator": stack.enter_context(signed_in_as(host, host.work(lambda opened: opened.find_operator()))),
        }
        yield Scene(viewers, _foreign(host, app))


def _foreign(host: LiveHost, app: RecordingApp) -> dict[str, str]:
    """Install an app that makes a call in a workspace of the operator's; return the names of what there is."""
    installation = host.install(app, "foreign-harbour")
    host.work(_add_repository)
    api = AppClient(host.url, installation)
    api("GET", "/2.0/addon/linkers", token=api.token("GET", "/2.0/addon/linkers"))
    (call, *_) = api("GET", "/-/requests").json()["values"]
    return {"app": str(installation.id), "call": str(call["id"]), "workspace": installation.workspace.uuid}


async def _add_repository(host: Host) -> None:
    operator = SessionUser(await host.find_operator())
    await create_repository(host, operator, "foreign-harbour", "pier", RepositoryChanges())


def test_every_page_is_in_the_table() -> None:
    """A new page names who sees it."""
    pages = {
        route.path
        for route in ROUTES
        if isinstance(route, Route) and isinstance(route.app, Page) and "GET" in route.app.methods
    }
    assert pages == set(PAGES)


@pytest.mark.sample(2)
@pytest.mark.parametrize("viewer", Seen._fields)
def test_a_viewer_sees_what_the_table_says(scene: Scene, viewer: str) -> None:
    """Each page answers each viewer with the status of the table; what only others see is nowhere in the answer."""
    for address, seen in PAGES.values():
        path = re.sub(r"{(\w+)}", lambda found: scene.names[found[1]], address)
        answer = scene.viewers[viewer].get(path)
        assert answer.status_code == getattr(seen, viewer), path
        if viewer != "operator":
            shown = answer.text.replace(path, "").replace(path.replace("&", "&amp;"), "")
            assert "Foreign linkers" not in answer.text, path
            # A refusal repeats what the address names, as it does where nothing has that name.
            assert "foreign-harbour" in path or "foreign-harbour" not in shown, path


@pytest.mark.parametrize("viewer", Seen._fields)
def test_the_frame_leads_only_to_what_the_viewer_may_see(scene: Scene, viewer: str) -> None:
    """Every link in the header and the footer of the first page, and of a refusal, opens for this viewer."""
    client = scene.viewers[viewer]
    for start in ("/", "/-/queue"):
        links = [one.attributes["href"] or "" for one in document(client.get(start)).css("header a, footer a")]
        assert links
        for link in set(links) - {"/-/sign-in"}:
            assert client.get(link).status_code == 200, link
        assert ("/-/sign-in" in links) == (viewer == "anonymous")
        assert ("/-/profile" in links) == (viewer != "anonymous")
        assert ("/-/queue" in links) == (viewer == "operator")

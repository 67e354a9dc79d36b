"""A real app on an unchanged atlassian-connect-express, in another process: installed, opened, called back, removed."""

import itertools
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import expect

from roadstead.accounts import SessionUser
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.repositories.changes import put_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.errors import InstallationFailed
from roadstead.model import Installation, LifecycleCall
from tests.acceptance.node.programs import running
from tests.api.stocked import stocked, workspace
from tests.live import LiveHost
from tests.web.chromium import chromium, visitor

pytestmark = pytest.mark.node

_numbers = itertools.count(1)


@dataclass(frozen=True)
class ExpressApp:
    """The running app, and the workspace to install it in.

    The framework publishes the descriptor at `descriptor_url`.
    """

    key: str
    base_url: str
    host: LiveHost
    workspace: str

    @property
    def descriptor_url(self) -> str:
        return f"{self.base_url}/atlassian-connect.json"

    def install(self) -> Installation:
        installed: Installation = self.host.work(
            lambda opened: installations.install(opened, self.descriptor_url, self.workspace)
        )
        return installed

    def open_page(self, installation: Installation) -> httpx.Response:
        """Return the answer to a browser at the app's page after an installation."""
        return httpx.get(self.host.post_install_url(installation) or "")

    def uninstall(self, installation: Installation) -> LifecycleCall:
        """Uninstall the app, and return the call."""

        async def remove(opened: Host) -> LifecycleCall:
            call = await installations.uninstall_and_tell(opened, installation.id)
            assert call is not None
            return call

        told: LifecycleCall = self.host.work(remove)
        return told


@dataclass(frozen=True)
class OpenPage:
    """The app's page in a browser: its calls to its own server have the session token that it got."""

    app: ExpressApp
    shown: dict[str, Any]

    def __call__(self, method: str, path: str) -> Any:
        """Have the app's server call the host; return the host's answer."""
        headers = {"Authorization": f"JWT {self.shown['sessionToken']}"}
        answer = httpx.request(method, f"{self.app.base_url}{path}", headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()


Start = Callable[..., ExpressApp]


@contextmanager
def _started(host: LiveHost, log: Path, **environment: str) -> Iterator[ExpressApp]:
    """Run the app with these environment variables."""
    settings = {"BASE_PATH": "/", "AC_APP_KEY": f"ticket-links-{next(_numbers)}", **environment}
    with running("connect_app/app.js", log, **settings) as program:
        yield ExpressApp(settings["AC_APP_KEY"], program.line(), host, "acme")


@pytest.fixture
def start(host: LiveHost, tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts the app; keywords are environment variables of its process."""
    with ExitStack() as apps:
        yield lambda **environment: apps.enter_context(_started(host, tmp_path / "app.log", **environment))


@pytest.fixture(
    scope="module",
    params=["/", pytest.param("/connect/app", marks=pytest.mark.slow)],
    ids=["at the root", "below a path"],
)
def running_app(
    request: pytest.FixtureRequest, host: LiveHost, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ExpressApp]:
    """Yield the app as its developer runs it."""
    with _started(host, tmp_path_factory.mktemp("app") / "app.log", BASE_PATH=request.param) as app:
        yield app


@pytest.fixture
def app(running_app: ExpressApp) -> ExpressApp:
    """Return the same app, for a workspace that is new to it."""
    return replace(running_app, workspace=f"acme-{next(_numbers)}")


def _open(app: ExpressApp, installation: Installation) -> OpenPage:
    answer = app.open_page(installation)
    assert answer.status_code == 200, answer.text
    return OpenPage(app, answer.json())


def test_the_framework_installs_and_accepts_a_signed_reinstallation(app: ExpressApp) -> None:
    """The second call is accepted only with a token made with the first secret; then the new secret is valid."""
    first = app.install()
    second = app.install()
    assert (second.client_key, second.shared_secret == first.shared_secret) == (first.client_key, False)
    assert _open(app, second).shown["clientKey"] == second.client_key


def test_the_framework_would_refuse_an_unsigned_reinstallation(app: ExpressApp) -> None:
    """The test above is meaningful: the framework does require the token."""
    installation = app.install()
    body = {"baseUrl": app.host.url, "clientKey": installation.client_key, "sharedSecret": "x" * 40}
    assert httpx.post(f"{app.base_url}/installed", json=body).status_code == 401


async def _change_a_repository(host: Host, workspace: str) -> None:
    operator = SessionUser(await host.find_operator())
    for description in ("", "Changed"):
        given = RepositoryChanges(description=description)
        await put_repository(host, operator, workspace, "widgets", given)


def test_the_framework_hears_of_events(host: LiveHost, tmp_path: Path) -> None:
    """`authenticate()` accepts a delivery, which has the event and its payload."""
    key, workspace = f"ticket-links-{next(_numbers)}", f"acme-{next(_numbers)}"
    with running("connect_app/app.js", tmp_path / "log", BASE_PATH="/", AC_APP_KEY=key) as program:
        installation = ExpressApp(key, program.line(), host, workspace).install()
        host.work(lambda opened: _change_a_repository(opened, workspace))
        heard = json.loads(program.line())
    assert (heard["by"], heard["event"]) == (installation.client_key, "repo:updated")
    assert heard["data"]["changes"]["description"] == {"old": "", "new": "Changed"}
    assert heard["data"]["repository"]["full_name"] == f"{workspace}/widgets"


def test_the_app_builds_what_is_pushed(host: LiveHost, tmp_path: Path) -> None:
    """It hears of `git push`, reads the commits with its JWT and with a token, and hears of its status and comment."""
    key, slug = f"ticket-links-{next(_numbers)}", f"builds{next(_numbers)}"
    made = stocked(host, tmp_path, slug, workspace(host, slug))
    commit = made.work.commit("first")
    with running("connect_app/app.js", tmp_path / "log", BASE_PATH="/", AC_APP_KEY=key) as program:
        ExpressApp(key, program.line(), host, slug).install()
        made.push("main")
        heard = {line["event"]: line for line in (json.loads(program.line()) for _ in range(3))}
    assert heard.keys() == {"repo:push", "repo:commit_status_created", "repo:commit_comment_created"}
    told = heard["repo:push"]["told"]
    for way in ("signed", "exchanged"):
        assert (told[way]["status"], [one["hash"] for one in told[way]["body"]["values"]]) == (200, [commit])
    assert (told["status"]["status"], told["comment"]["status"]) == (201, 201)
    assert heard["repo:commit_status_created"]["data"]["commit_status"]["key"] == "unit"
    assert heard["repo:commit_comment_created"]["data"]["comment"]["content"]["raw"] == "Built."


@pytest.mark.slow
def test_an_app_that_lost_its_store_is_installed_again(start: Start) -> None:
    """The framework accepts the call of an unknown client key, although it cannot check the signature."""
    before = start()
    first = before.install()
    restarted = start(AC_APP_KEY=before.key)  # its store is in memory, and empty
    again = restarted.install()
    assert again.client_key == first.client_key
    assert _open(restarted, again).shown["linkers"]["status"] == 200


def test_the_page_after_the_installation_is_verified_and_calls_the_api(app: ExpressApp) -> None:
    """`authenticate()` accepts the page load, and the host accepts requests signed by the framework's own client."""
    installation = app.install()
    shown = _open(app, installation).shown
    assert shown["clientKey"] == installation.client_key
    assert shown["visitor"]
    assert shown["query"]["workspace"] == app.workspace
    assert shown["query"]["note"] == "1+1 is *"
    assert (shown["user"]["status"], shown["user"]["body"]["display_name"]) == (200, app.workspace)
    assert shown["linkers"] == {"status": 200, "body": {"size": 1, "values": [{"key": "tickets"}]}}


@pytest.mark.sample(2)
@pytest.mark.parametrize(("sent", "changed"), [("acme", "ACME"), ("?", "?also=this&"), ("/welcome", "/welcome/to")])
def test_the_framework_would_refuse_another_page(app: ExpressApp, sent: str, changed: str) -> None:
    """The test above is meaningful: the framework does hash the page's path and query."""
    installation = app.install()
    url = app.host.post_install_url(installation) or ""
    assert httpx.get(url.replace(sent, changed, 1)).status_code == 401


def test_the_app_stores_values_for_its_page(app: ExpressApp) -> None:
    """The page's follow-up calls end in signed calls of the framework's client, and their answers come back."""
    page = _open(app, app.install())
    assert page("POST", "/values/BB")["status"] == 201
    assert page("POST", "/values/BB")["status"] == 409
    assert page("POST", "/values/B.B")["body"]["error"]["fields"]
    listed = page("GET", "/values")
    assert (listed["status"], [value["value"] for value in listed["body"]["values"]]) == (200, ["BB"])


def test_an_uninstalled_app_is_told_and_can_come_back(app: ExpressApp) -> None:
    """The framework accepts `uninstalled`, and after it an installation signed with the secret it kept."""
    installation = app.install()
    told = app.uninstall(installation)
    assert (told.event, told.status) == ("uninstalled", 204)
    assert _open(app, app.install()).shown["linkers"]["status"] == 200


def test_the_app_can_remove_itself(app: ExpressApp) -> None:
    """`DELETE /2.0/addon` from the framework's client; the next call is refused."""
    page = _open(app, app.install())
    assert page("POST", "/leave")["status"] == 204
    assert page("GET", "/values")["status"] == 401


def test_a_registered_app_is_signed_from_its_first_installation(start: Start) -> None:
    """The framework accepts a first call that is signed, and works with the secret of the registration."""
    app = start()
    registration = app.host.work(lambda opened: installations.register(opened, app.key, app.descriptor_url))
    installation = app.install()
    assert installation.shared_secret == registration.shared_secret
    assert _open(app, installation).shown["linkers"]["status"] == 200
    assert _open(app, app.install()).shown["linkers"]["status"] == 200


@pytest.mark.slow
@pytest.mark.browser
def test_the_panel_of_the_app_works_in_its_frame(start: Start) -> None:
    """In a real browser, the app's server and its page call the API; the host forwards calls and gives tokens."""
    app = start(BASE_PATH="/connect/app")
    installation = app.install()
    with chromium() as browser, visitor(browser, app.host, elsewhere=_origin(app.base_url)) as tab:
        tab.goto(f"/-/apps/{installation.id}/modules?module=0")
        frame = tab.frame_locator('iframe[title="Tickets"]')
        expect(frame.get_by_role("heading")).to_have_text("Tickets of acme")
        expect(frame.get_by_role("listitem")).to_have_text(
            [
                "stored by the app's server: 201 PANEL",
                "asked by the page: Operator",
                'forwarded to the app\'s server: {"now":true} 7',
                f"known by the host's token: {installation.client_key}",
            ]
        )


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


# The requirements of the framework's settings; docs/how-to/run-your-app.md explains them to app developers.

ACCEPTED = [
    pytest.param("development", "", marks=pytest.mark.slow),
    pytest.param("development", "127.0.0.1", marks=pytest.mark.slow),
    pytest.param("production", "127.0.0.1", marks=pytest.mark.slow),
    pytest.param("production", "bitbucket.org, *.bitbucket.org, 127.0.0.1", marks=pytest.mark.slow),
    pytest.param("production", "127.0.0.*", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("mode", "whitelist"), ACCEPTED)
def test_the_framework_accepts_a_host_on_its_list(start: Start, mode: str, whitelist: str) -> None:
    """Without a list in development, and with this host's name on it in production."""
    app = start(NODE_ENV=mode, AC_HOST_WHITELIST=whitelist)
    assert _open(app, app.install()).shown["linkers"]["status"] == 200


NOT_LISTED = "does not match the registration whitelist"
REFUSED = [
    pytest.param("development", "bitbucket.org", 401, NOT_LISTED, marks=pytest.mark.slow),
    pytest.param("production", "bitbucket.org", 401, NOT_LISTED, marks=pytest.mark.slow),
    pytest.param("production", "", 500, "Internal Server Error", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("mode", "whitelist", "status", "said"), REFUSED)
def test_a_refusal_of_the_framework_is_shown(start: Start, mode: str, whitelist: str, status: int, said: str) -> None:
    """The app's answer says that the host is not on the list; nothing is installed."""
    app = start(NODE_ENV=mode, AC_HOST_WHITELIST=whitelist)
    with pytest.raises(InstallationFailed) as refused:
        app.install()
    assert refused.value.status == status
    assert said in (refused.value.body or "")
    assert app.host.work(lambda opened: installations.list_apps(opened, app_key=app.key)) == []

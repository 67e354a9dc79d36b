"""The first page: what needs attention, the installed apps, first steps, recent activity, and this host."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from roadstead.domain.access import credentials
from roadstead.domain.apps import installations
from roadstead.domain.linking import linkers
from roadstead.domain.upkeep import transfer
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app
from tests.web.attributes import attribute
from tests.web.reading import document, main_text, texts

LINKERS = "/2.0/addon/linkers"


def test_an_empty_host_says_how_to_install(tmp_path: Path) -> None:
    """Three ways, each with this host's own address where it matters."""
    with live_host(tmp_path) as host, httpx.Client(base_url=host.url) as browser:
        browser.get(host.work(credentials.sign_in_link))
        page = browser.get("/")
        assert len(texts(page, "main ol > li")) == 3
        assert "roadstead install" in main_text(page)
        assert f"{host.url}/site/addons/authorize?descriptor_uri=" in main_text(page)
        assert "this machine only" in main_text(page)


def test_apps_stand_in_their_workspaces(host: LiveHost, browser: httpx.Client) -> None:
    """Each with its name, key, linkers and number of values, and a link to its page."""
    with recording_app(name="First app") as first, recording_app(name="Second app") as second:
        one, two = host.install(first, "fleet"), host.install(second, "harbour")
        host.work(lambda opened: linkers.replace_values(opened, one.id, "tickets", [f"V{n}" for n in range(1200)]))
        page = browser.get("/")
        assert f"First app {first.key} fleet 2 1,200 – now" in main_text(page)
        assert f"Second app {second.key} harbour 2 0 – now" in main_text(page)
        assert f'href="/-/apps/{two.id}"' in page.text


def test_what_happened_is_the_audit_log(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """The newest entries first, with their actors."""
    host.install(connect_app)
    latest = texts(browser.get("/"), ".log li")[0]
    assert f"app installed: local/{connect_app.key} by operator (host)" in latest


def test_an_app_that_was_imported_without_its_secret_is_marked(tmp_path: Path) -> None:
    """It cannot call until it is installed again, and the first page says so."""
    file = tmp_path / "export"
    with live_host(tmp_path / "old") as host, recording_app() as app:
        host.install(app)
        with file.open("wb") as out:
            host.work(lambda opened: transfer.export_state(opened, out, with_secrets=False))
    with live_host(tmp_path / "new") as host, httpx.Client(base_url=host.url) as browser:
        with file.open("rb") as source:
            host.work(lambda opened: transfer.import_state(opened, source))
        browser.get(host.work(credentials.sign_in_link))
        assert "Recorder was imported without its shared secret: install it again" in main_text(browser.get("/"))


def test_who_is_not_signed_in_sees_nothing_of_it(host: LiveHost, connect_app: RecordingApp) -> None:
    """Neither apps nor log nor the data's place, and no link but to the sign-in."""
    host.install(connect_app)
    page = httpx.get(host.url)
    assert connect_app.key not in page.text
    assert str(host.settings.data) not in page.text
    assert texts(page, "nav") == []
    assert "Sign in" in page.text


# What needs attention


def test_home_shows_what_needs_attention(tmp_path: Path) -> None:
    """Refused calls and pending calls, each with the page to look at; nothing on a host without trouble."""
    with (
        live_host(tmp_path) as host,
        recording_app(name="Refused") as app,
        recording_app() as leaver,
        httpx.Client(base_url=host.url) as browser,
    ):
        browser.get(host.work(credentials.sign_in_link))
        installation, gone = host.install(app), host.install(leaver)
        api = AppClient(host.url, installation)
        api("GET", LINKERS)
        assert "Needs attention" not in main_text(browser.get("/"))
        for _ in range(2):
            api("GET", LINKERS, token=api.token("PUT", LINKERS))
        leaver.status = 503
        host.work(lambda opened: installations.uninstall_and_tell(opened, gone.id))
        page = browser.get("/")
        links = [(link.text(), link.attributes["href"]) for link in document(page).css(".attention a")]
        assert links == [
            ("2 calls refused in the last 24 hours", "/-/traffic?status=refused"),
            ("1 pending call to apps", "/-/queue"),
        ]
        assert all(browser.get(str(address)).status_code == 200 for _, address in links)


def test_home_shows_when_each_app_was_last_seen(tmp_path: Path) -> None:
    """By its last call that was not refused; a forged call in its name does not count."""
    with live_host(tmp_path) as host, recording_app() as app, httpx.Client(base_url=host.url) as browser:
        browser.get(host.work(credentials.sign_in_link))
        api = AppClient(host.url, host.install(app))
        api("GET", LINKERS, token=api.token("PUT", LINKERS))
        (never,) = document(browser.get("/")).css('td[data-label="Last call"]')
        assert never.css("time") == []
        api("GET", LINKERS)
        (seen,) = document(browser.get("/")).css('td[data-label="Last call"] time')
        moment = datetime.fromisoformat(str(seen.attributes["datetime"]))
        assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
        assert seen.attributes["title"] == f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def test_signing_in_is_no_activity(tmp_path: Path) -> None:
    """It would push everything else off the page; an entry about an app leads to it."""
    with live_host(tmp_path) as host, recording_app() as app, httpx.Client(base_url=host.url) as browser:
        installation = host.install(app)
        for _ in range(10):
            browser.get(host.work(credentials.sign_in_link))
        page = browser.get("/")
        assert [text.rpartition(" ")[0] for text in texts(page, ".log > li")] == [
            f"app installed: local/{app.key} by operator (host)"
        ]
        assert attribute(page, ".log a", "href") == f"/-/apps/{installation.id}"

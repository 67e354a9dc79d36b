"""The pages of an app: its declarations, its credentials, its lifecycle calls, and the operator's actions."""

import json
from pathlib import Path

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.linking import linkers
from roadstead.domain.upkeep import audit
from roadstead.model import AuditEntry, Installation
from roadstead.storage.handshakes import begin_handshake
from roadstead.storage.sealing import sealer
from roadstead.storage.workspaces import find_workspace
from tests.live import LINKERS, LiveHost, RecordingApp, live_host, recording_app
from tests.web.reading import document, main_text, submit, texts


def _page(browser: httpx.Client, installation: Installation, tab: str = "") -> httpx.Response:
    page = browser.get(f"/-/apps/{installation.id}{tab}")
    assert page.status_code == 200
    return page


def _act(browser: httpx.Client, installation: Installation, action: str, **fields: str) -> httpx.Response:
    page = _page(browser, installation, "/settings")
    return submit(browser, page, f"/-/apps/{installation.id}/{action}", **fields)


def _now(host: LiveHost, installation: Installation) -> Installation:
    found: Installation = host.work(lambda opened: installations.get_installed(opened, installation.id))
    return found


def _log(host: LiveHost) -> list[AuditEntry]:
    entries: list[AuditEntry] = host.work(lambda opened: audit.latest_entries(opened, 10))
    return entries


def test_everything_that_the_app_declares_is_there(host: LiveHost, browser: httpx.Client) -> None:
    """Names, addresses, scopes in words, linkers with their engines, and modules of every kind."""
    modules = {
        "linkers": [*LINKERS, {"key": "slow", "regex": r"(a+)+(?=b)", "url": r"/\1"}],
        "webhooks": [{"event": "repo:push", "url": "/hooks"}],
        "webPanels": {"key": "side", "name": {"value": "At the side"}, "url": "/panel", "location": "x"},
        "proxy": {"/api": {"destination": "/inner"}},
    }
    with recording_app(name="Declares", vendor={"name": "Acme"}, modules=modules, scopes=["webhook"]) as app:
        installation = host.install(app)
        text = " ".join(main_text(_page(browser, installation, tab)) for tab in ("", "/linkers", "/modules"))
    for shown in (
        f"App key {app.key}",
        "Vendor Acme",
        f"Runs at {app.base_url}",
        "tickets Matches ((?K)-\\d+) Links to /browse/\\1 Pattern linear time",
        "slow Matches (a+)+(?=b) Links to /\\1 Pattern time budget It runs on the bounded engine",
        "A backtracking engine needs a very long time on aaaa…",
        "Receive webhooks, and read all webhooks webhook",
        "webhooks repo:push /hooks",
        "At the side side webPanels",
    ):
        assert shown in text


def test_every_tab_leads_to_the_others(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """Each has its own address, and shows which tab and app it is."""
    installation = host.install(connect_app, "tabbed")
    links = {
        link.text(): str(link.attributes["href"]) for link in document(_page(browser, installation)).css(".tabs a")
    }
    assert list(links) == ["Overview", "Linkers", "Modules", "Calls", "Descriptor", "Settings"]
    for name, address in links.items():
        page = browser.get(address)
        assert texts(page, "[aria-current=page]") == [name]
        assert texts(page, ".crumbs li") == ["Home", "tabbed", "Recorder"]


def test_remarks_come_first_and_below_their_lines(host: LiveHost, browser: httpx.Client) -> None:
    """Remarks are before the descriptor, with the text that each is about, and in it below the line."""
    with recording_app(description=7) as app:
        page = _page(browser, host.install(app), "/descriptor")
    assert texts(page, ".tabs ~ *")[0] == "1 remark"
    (first,) = texts(page, ".tabs ~ .findings > li")
    assert first.startswith("warning line 4, column 18 description")
    (remark,) = [node for node in document(page).css(".listing .remark") if "description" in node.text()]
    before = remark.prev
    while before is not None and before.tag == "-text":
        before = before.prev
    assert before is not None
    assert before.text(separator=" ").split() == ["4", '"description":', "7,"]


def test_lifecycle_calls_show_request_and_response(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """Each has the request, the status, the time and the answer; no secret."""
    connect_app.status, connect_app.answer = 200, "welcome"
    installation = host.install(connect_app)
    page = _page(browser, installation, "/calls")
    (call,) = texts(page, ".log > li")
    assert call.startswith(f"200 installed {connect_app.key} {connect_app.base_url}/installed")
    assert " ms welcome Request POST /installed HTTP/1.1" in call
    assert texts(page, ".badge.good") == ["200"]
    assert installation.shared_secret not in page.text


def test_a_call_that_failed_does_not_look_like_a_good_one(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """Each has a badge with its status, and the answer of a failed one is open, its JSON formatted."""
    installation = host.install(connect_app)
    connect_app.status, connect_app.answer = 500, '{"reason":"no database"}'
    _act(browser, installation, "renew")
    page = _page(browser, installation, "/calls")
    assert texts(page, ".log .badge.error") == ["500"]
    assert texts(page, ".log .badge.good") == ["204"]
    (answer,) = document(page).css("details[open] pre")
    assert answer.text() == '{\n  "reason": "no database"\n}'


def test_the_secret_is_shown_only_when_asked_for_and_logged(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """Only the answer to the form shows the secret, with `no-store`, and the log has the operator's name."""
    installation = host.install(connect_app)
    shown = _act(browser, installation, "secret#credentials")
    assert texts(shown, "#secret") == [installation.shared_secret]
    assert shown.headers["cache-control"] == "no-store"
    assert installation.shared_secret not in _page(browser, installation, "/settings").text
    (entry,) = [entry for entry in _log(host) if entry.action == "secret shown"][:1]
    assert (entry.subject, entry.actor) == (f"local/{connect_app.key}", "operator (host)")


def test_a_new_secret_is_told_to_the_app(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """The app gets it in another handshake; if it refuses, its answer is on the page and the old secret stays."""
    installation = host.install(connect_app)
    assert "The app has a new shared secret." in main_text(_act(browser, installation, "renew"))
    renewed = _now(host, installation).shared_secret
    assert connect_app.received[-1].body["sharedSecret"] == renewed != installation.shared_secret
    connect_app.status, connect_app.answer = 500, "not in the mood"
    refused = _act(browser, installation, "renew")
    assert (refused.status_code, "not in the mood" in main_text(refused)) == (424, True)
    assert _now(host, installation).shared_secret == renewed


def test_an_app_that_lost_its_secret_is_called_unsigned(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """The app is called as if for the first time only when the operator asks for that; its values stay."""
    installation = host.install(connect_app)
    host.work(lambda opened: linkers.replace_values(opened, installation.id, "tickets", ["BB"]))
    assert "The app has a new shared secret." in main_text(_act(browser, installation, "renew#unsigned"))
    _act(browser, installation, "renew")
    signed = ["authorization" in call.headers for call in connect_app.calls("installed")]
    assert signed == [False, False, True]
    assert "1 value" in main_text(_page(browser, installation))


def test_an_update_reads_the_descriptor_again(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """The present descriptor of the app is in force, under the operator's name; more scopes are refused with the
    reason.
    """
    installation = host.install(connect_app)
    connect_app.descriptor["name"] = "Renamed"
    updated = _act(browser, installation, "update")
    assert (texts(updated, "h1"), texts(updated, '[role="status"]')) == (
        ["Renamed"],
        ["The descriptor was read again and is in force."],
    )
    assert (_log(host)[0].action, _log(host)[0].actor) == ("app updated", "operator (host)")
    connect_app.descriptor["scopes"] = ["repository:admin"]
    refused = _act(browser, installation, "update")
    assert (refused.status_code, "asks for more scopes" in main_text(refused)) == (400, True)


def test_uninstalling_asks_whether_one_is_sure(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """Without the tick the page asks for it; with it the app is uninstalled, notified, and its answer shown."""
    installation = host.install(connect_app)
    unsure = _act(browser, installation, "uninstall#remove")
    assert (unsure.status_code, len(document(unsure).css('details[open] [role="alert"]'))) == (400, 1)
    assert _now(host, installation).state == "installed"
    connect_app.status, connect_app.answer = 200, "farewell"
    gone = main_text(_act(browser, installation, "uninstall#remove", sure="yes"))
    assert "is uninstalled" in gone
    assert "200 uninstalled" in gone
    assert " ms farewell Request POST /uninstalled" in gone
    assert len(connect_app.calls("uninstalled")) == 1
    assert browser.get(f"/-/apps/{installation.id}").status_code == 404


def test_an_app_that_asked_for_no_calls_gets_none(host: LiveHost, browser: httpx.Client) -> None:
    """Its page and the page of its removal say so."""
    with recording_app(lifecycle={}) as app:
        installation = host.install(app)
        assert "names no lifecycle URLs" in main_text(_page(browser, installation, "/calls"))
        assert "The app was not notified" in main_text(_act(browser, installation, "uninstall#remove", sure="yes"))
        assert app.received == []


@pytest.mark.parametrize("identity", [0, 2**31, 2**63, 10**40, "9" * 5000], ids=lambda identity: str(identity)[:20])
def test_an_app_that_is_not_there_is_not_found(browser: httpx.Client, identity: object) -> None:
    """A number in any spelling is a 404."""
    page = browser.get(f"/-/apps/{identity}")
    assert (page.status_code, "There is no app here" in main_text(page)) == (404, True)


def test_an_abandoned_handshake_is_undone_before_it_is_shown(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """The remains of a dead process are not shown as the present state."""

    async def begin_and_die(opened: Host) -> int:
        async with opened.store.database.transaction() as tx:
            seal = await sealer(opened.store.secrets, tx)
            workspace = await find_workspace(tx, "local")
            assert workspace is not None
            return await begin_handshake(
                tx,
                workspace=workspace,
                app_key="abandoned",
                client_key="abandoned",
                descriptor_url="",
                descriptor=json.dumps(connect_app.descriptor),
                linkers=(),
                sealed_secret=seal("x"),
                now=opened.now(),
            )

    host.install(connect_app)
    assert browser.get(f"/-/apps/{host.work(begin_and_die)}").status_code == 404


def test_each_lifecycle_call_leads_to_its_recorded_request(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """Also when the same app was called a moment before, and in another workspace."""
    first = host.install(connect_app)
    host.install(connect_app, "elsewhere")
    connect_app.status = 200
    connect_app.answer = "the second"
    host.install(connect_app)
    second, before = document(_page(browser, first, "/calls")).css(".log > li")[:2]
    for call, status in ((second, "200"), (before, "204")):
        (link,) = [node.attributes["href"] for node in call.css("a")]
        recorded = main_text(browser.get(str(link)))
        assert f"POST {connect_app.base_url}/installed" in recorded
        assert status in recorded
        assert first.client_key in recorded
        assert ("the second" in recorded) == (call is second)


def test_call_that_is_kept_no_more_has_no_link(tmp_path: Path) -> None:
    """A host that keeps no requests still shows its lifecycle calls."""
    with live_host(tmp_path, keep_requests=0) as host, recording_app() as app, httpx.Client(base_url=host.url) as tab:
        installation = host.install(app)
        tab.get(host.work(credentials.sign_in_link))
        page = tab.get(f"/-/apps/{installation.id}/calls")
    assert texts(page, ".log .badge") == ["204"]
    assert "Show in Requests" not in main_text(page)

"""Installing on the page: the verdict during typing, the agreement, and the handshake step by step."""

import asyncio
import json
import time

import httpx
import pytest

from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.model import Installation
from tests.live import LiveHost, RecordingApp, recording_app
from tests.web.reading import document, fields, main_text, submit, texts

PAGE, RUN = "/-/install", "/-/install/run"


def _judged(browser: httpx.Client, **draft: str) -> httpx.Response:
    return submit(browser, browser.get(PAGE), PAGE, **draft)


def _install(browser: httpx.Client, app: RecordingApp, **changes: str) -> httpx.Response:
    return submit(browser, _judged(browser, url=app.descriptor_url), RUN, **{"workspace": "local", **changes})


def _installed(host: LiveHost, app: RecordingApp) -> list[Installation]:
    async def look(opened: Host) -> list[Installation]:
        return await installations.list_apps(opened, app_key=app.key)

    found: list[Installation] = host.work(look)
    return found


# The verdict


def test_a_finding_says_where_it_is_and_what_to_do(browser: httpx.Client) -> None:
    """Line, column, the piece of text, severity, message and fix, as in `roadstead check`."""
    page = _judged(browser, text='{"key": "x",\n "modules": {"linkers": [{"key": "t", "regex": "\\d+"}]}}')
    assert texts(page, "#judged h2")[0].startswith("The descriptor has ")
    (found,) = [text for text in texts(page, ".findings > li") if "JSON has no escape" in text]
    assert found.startswith('error line 2, column 49 JSON has no escape "\\d". Double the backslash: "\\\\d".')
    assert [node.text() for node in document(page).css("mark")][-1] == "\\"
    assert document(page).css(f'form[action="{RUN}"]') == []


def test_what_can_be_installed_is_shown_as_on_the_consent_page(browser: httpx.Client) -> None:
    """Name, key, address, scopes in words, the engine of each linker, and a choice of workspace."""
    with recording_app(name="Judged", vendor={"name": "Acme"}, scopes=["project:write"]) as app:
        text = main_text(_judged(browser, url=app.descriptor_url))
    in_words = "Create, change and delete projects project:write"
    for shown in ("Install Judged?", app.key, "Acme", app.base_url, in_words, "linear time"):
        assert shown in text


def test_htmx_gets_the_part_that_changes(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """During typing, the answer is only the verdict, and it is that of the whole page."""
    sent = {**fields(browser.get(PAGE), PAGE), "url": connect_app.descriptor_url}
    part = browser.post(PAGE, data=sent, headers={"HX-Request": "true"})
    assert "<title" not in part.text
    assert texts(part, "html")[0] in main_text(_judged(browser, url=connect_app.descriptor_url))


def test_a_descriptor_that_cannot_be_fetched_says_why(browser: httpx.Client) -> None:
    """The refusal of the outgoing call, with its advice."""
    text = main_text(_judged(browser, url="http://10.1.2.3/descriptor.json"))
    assert "The descriptor cannot be fetched" in text
    assert "10.1.2.3 is not public but private" in text
    assert "--allow-target" in text


# The handshake


def test_the_steps_are_told_one_by_one(browser: httpx.Client, host: LiveHost, connect_app: RecordingApp) -> None:
    """Fetched, valid, called, accepted: with addresses, the app's answer and times; and the app is installed."""
    page = _install(browser, connect_app, workspace="fleet")
    fetched, validated, called = texts(page, ".steps > li")
    assert f"Fetch {connect_app.descriptor_url} done" in fetched
    assert " bytes in " in fetched
    assert "The descriptor is valid, and the one that you agreed to." in validated
    assert f"Post installed to {connect_app.base_url}/installed done The app accepted." in called
    assert "Answer: 204 in" in called
    (installation,) = _installed(host, connect_app)
    assert installation.workspace.slug == "fleet"
    assert f'href="/-/apps/{installation.id}"' in page.text


def test_what_was_sent_is_shown_without_the_secret(
    browser: httpx.Client, host: LiveHost, connect_app: RecordingApp
) -> None:
    """Method, headers and body of the call, without the secret that only the app may know."""
    page = _install(browser, connect_app)
    (installation,) = _installed(host, connect_app)
    assert "POST /installed HTTP/1.1" in page.text
    assert installation.client_key in main_text(page)
    assert installation.shared_secret not in page.text


def test_a_refusal_can_be_tried_again(browser: httpx.Client, host: LiveHost, connect_app: RecordingApp) -> None:
    """The app's answer is shown, nothing is installed, and the button of that page installs it once the app accepts."""
    connect_app.status, connect_app.answer = 409, "not <b>now</b>"
    page = _install(browser, connect_app)
    last = texts(page, ".steps > li")[-1]
    assert "The app refused the installation with status 409." in last
    assert "Answer: 409 in" in last
    assert "not <b>now</b>" in last
    assert _installed(host, connect_app) == []
    connect_app.status, connect_app.answer = 204, ""
    assert "The app is installed." in main_text(submit(browser, page, RUN))
    assert len(_installed(host, connect_app)) == 1


def test_the_reason_of_a_refusal_is_told_once(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """An app that cannot be reached is reported in one sentence, beside the request."""
    text = json.dumps({**connect_app.descriptor, "baseUrl": "http://127.0.0.1:1"})
    page = submit(browser, _judged(browser, text=text, url="http://127.0.0.1:1/x.json"), RUN)
    last = texts(page, ".steps > li")[-1]
    assert last.count("cannot be reached: Connection refused") == 1
    assert "POST /installed HTTP/1.1" in last


def test_a_descriptor_that_changed_must_be_looked_at_again(
    browser: httpx.Client, host: LiveHost, connect_app: RecordingApp
) -> None:
    """The installed descriptor is the one that was agreed to; the way back shows the new one."""
    judged = _judged(browser, url=connect_app.descriptor_url)
    connect_app.descriptor["scopes"] = ["repository:admin"]
    page = submit(browser, judged, RUN)
    assert "has changed since you looked at it" in main_text(page)
    assert document(page).css(f'form[action="{RUN}"]') == []
    assert "Change the settings of repositories" in main_text(submit(browser, page, PAGE))
    assert _installed(host, connect_app) == []


def test_an_app_that_is_gone_by_then_is_reported_at_the_first_step(browser: httpx.Client) -> None:
    """The failed step is the last one shown."""
    with recording_app() as app:
        judged = _judged(browser, url=app.descriptor_url)
    page = submit(browser, judged, RUN)
    (only,) = texts(page, ".steps > li")
    assert f"Fetch {app.descriptor_url}" in only
    assert "The host changed nothing." in only


def test_a_workspace_that_cannot_be_is_refused_at_once(browser: httpx.Client, connect_app: RecordingApp) -> None:
    """With the filled-in form, the reason beside the field, before anything has begun."""
    for draft in ({"url": connect_app.descriptor_url}, {"text": json.dumps(connect_app.descriptor), "url": "http://x"}):
        page = submit(browser, _judged(browser, **draft), RUN, workspace="No Such Name")
        assert page.status_code == 400
        assert "cannot be the name of a workspace" in texts(page, f'form[action="{RUN}"] [role="alert"]')[0]
        assert fields(page, RUN)["workspace"] == "No Such Name"
        assert {**fields(page, PAGE), **draft} == fields(page, PAGE)
    assert connect_app.received == []


def test_the_handshake_goes_on_when_nobody_watches(host: LiveHost, browser: httpx.Client) -> None:
    """The browser leaves in the middle of the app's answer, and the app is installed nevertheless."""
    with recording_app() as app:
        judged = _judged(browser, url=app.descriptor_url)
        left = asyncio.Event()

        async def wait_until_the_browser_left(body: object) -> None:
            while not left.is_set():
                await asyncio.sleep(0.01)

        app.on_installed = wait_until_the_browser_left
        with browser.stream("POST", RUN, data={**fields(judged, RUN), "workspace": "local"}) as answer:
            seen = ""
            for piece in answer.iter_text():
                seen += piece
                if "Post installed" in seen:
                    break
        assert "The app accepted." not in seen
        left.set()
        deadline = time.monotonic() + 30
        while not [found for found in _installed(host, app) if not found.handshake_under_way]:
            assert time.monotonic() < deadline
            time.sleep(0.02)


# A text instead of a URL


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("given", "own", "stored"),
    [
        ("/x.json", None, "/x.json"),
        ("", "/own.json", "/own.json"),
        ("/x.json", "/own.json", "/x.json"),
    ],
)
def test_a_text_is_installed_as_it_is_written(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp, given: str, own: str | None, stored: str
) -> None:
    """Nothing is fetched; updates will be read from the URL given, or from the descriptor's own."""
    base = connect_app.base_url
    links = {"self": f"{base}{own}"} if own else {}
    text = json.dumps({**connect_app.descriptor, "name": "As written", "links": links})
    page = submit(browser, _judged(browser, text=text, url=given and f"{base}{given}"), RUN)
    assert texts(page, ".steps > li")[0].startswith("Read the text")
    (installation,) = _installed(host, connect_app)
    assert installation.descriptor_url == f"{base}{stored}"
    assert json.loads(installation.descriptor)["name"] == "As written"


@pytest.mark.parametrize("own", [None, "/relative", 7])
def test_a_text_of_nowhere_cannot_be_installed(browser: httpx.Client, connect_app: RecordingApp, own: object) -> None:
    """Without a URL the source of updates would be unknown, and the host does not guess."""
    text = json.dumps({**connect_app.descriptor, "links": {"self": own}})
    page = _judged(browser, text=text)
    assert "give the URL of its descriptor above" in main_text(page)
    assert document(page).css(f'form[action="{RUN}"]') == []
    assert connect_app.received == []

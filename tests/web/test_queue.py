"""The page of pending calls: waiting ones, given-up ones, and a button to call."""

import re
from collections.abc import Iterator

import httpx
import pytest

from roadstead.domain.apps import lifecycle
from tests.conftest import NewDatabase
from tests.live import LiveHost, RecordingApp, live_host
from tests.web.reading import document, fields, main_text, submit


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[LiveHost]:
    """Yield a host on which no other test leaves a pending call."""
    with live_host(tmp_path_factory.mktemp("queue"), database_url=new_database()) as running:
        yield running


def _uninstalled(host: LiveHost, browser: httpx.Client, app: RecordingApp) -> httpx.Response:
    """Return the page with an app's answer to its removal."""
    address = f"/-/apps/{host.install(app).id}"
    return submit(browser, browser.get(f"{address}/settings"), f"{address}/uninstall#remove", sure="yes")


def _retry_form(page: httpx.Response, app: RecordingApp) -> str:
    (item,) = [node for node in document(page).css(".log > li") if app.key in node.text()]
    (form,) = item.css("form")
    return str(form.attributes["action"])


def test_an_app_that_is_gone_can_be_called_again(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """The app has no page any more; its call is in the queue with its last answer until an answer is final."""
    connect_app.next_statuses = [204, 503, 500]
    told = main_text(_uninstalled(host, browser, connect_app))
    assert len(re.findall(r"\b503\b", told)) == 2
    assert "The app could not be notified. Next attempt (2 of 12) at 20" in told
    assert "1 pending call to apps" in main_text(browser.get("/"))
    queue = browser.get("/-/queue")
    still = submit(browser, queue, _retry_form(queue, connect_app))
    assert f"{connect_app.key} could not be notified: it answered 500." in main_text(still)
    assert "The app could not be notified. Next attempt (3 of 12) at 20" in main_text(still)
    done = submit(browser, still, _retry_form(still, connect_app))
    assert f"{connect_app.key} was notified: it answered 204." in main_text(done)
    assert "No pending calls." in main_text(done)
    assert "pending call" not in main_text(browser.get("/"))
    again = submit(browser, still, _retry_form(still, connect_app))
    assert (again.status_code, "The call is no longer pending." in main_text(again)) == (409, True)


def test_a_call_that_was_given_up_says_so(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """With the number of attempts; the button stays."""
    connect_app.next_statuses = [204, *[500] * lifecycle.QUEUE.retry.tries]
    page = _uninstalled(host, browser, connect_app)
    (pending,) = host.work(lifecycle.list_pending_calls)
    for _ in range(lifecycle.QUEUE.retry.tries - 1):
        host.work(lambda opened: lifecycle.try_now(opened, pending.id))
    page = browser.get("/-/queue")
    assert f", after {lifecycle.QUEUE.retry.tries} attempts" in main_text(page)
    assert "1 call to apps given up" in main_text(browser.get("/"))
    assert "No pending calls." in main_text(submit(browser, page, _retry_form(page, connect_app)))


def test_a_call_of_several_attempts_hides_no_other(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """Each call that was sent leads to its recorded request; one that was not sent in the end is no failure."""
    connect_app.next_statuses = [204, 503, 503]
    _uninstalled(host, browser, connect_app)
    (pending,) = host.work(lifecycle.list_pending_calls)
    host.work(lambda opened: lifecycle.try_now(opened, pending.id))
    installation = host.install(connect_app)
    host.work(lambda opened: lifecycle.try_now(opened, pending.id))
    calls = document(browser.get(f"/-/apps/{installation.id}/calls")).css(".log > li")
    shown = [(call.css(".badge")[0].text(), len(call.css("a")) == 1) for call in calls]
    assert shown == [("204", True), ("not sent", True), ("204", True)]


@pytest.mark.parametrize("tried", ["x", "0", "9" * 5000, "-1"])
def test_a_number_that_is_none_is_left_aside(browser: httpx.Client, tried: str) -> None:
    """Any text in the address is possible."""
    assert "answered" not in main_text(browser.get(f"/-/queue?tried={tried}"))


@pytest.mark.parametrize("number", ["0", "9" * 25, "9" * 5000])
def test_a_call_that_is_not_there_is_not_found(browser: httpx.Client, number: str) -> None:
    """A number in any spelling is a 404."""
    csrf = fields(browser.get("/"), "/-/sign-out")["csrf"]
    assert browser.post(f"/-/queue/{number}", data={"csrf": csrf}).status_code == 404

"""The page of deliveries: which there are, one of them with request and answer, and sending it again."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Page, expect

from roadstead.domain.host import Host
from roadstead.events.deliveries import resend
from roadstead.listing import PageRequest
from roadstead.model.deliveries import Delivery, NewDelivery
from roadstead.query import AllOf, Comparison
from roadstead.receiver import Answering
from roadstead.storage.deliveries import add_deliveries, page_of_deliveries
from tests.api.stocked import workspace
from tests.events.scene import Receiving, receiving
from tests.live import LiveHost, sender
from tests.smart_http.conftest import wait_until
from tests.web.reading import document, fields, main_text, submit


async def _add(host: Host) -> int:
    """Add deliveries to a hook that is gone; return the id of the last one."""
    new = NewDelivery(
        "repo:push", host.now(), "x", 0, None, "acme", "acme/<b>", "x", "x", "http://x/?<i>", "x", '{"a": "<u>"}'
    )
    async with host.store.database.transaction() as tx:
        await add_deliveries(tx, [new._replace(state="failed", error="Not sent: <s>")] * 60, host.now())
    page = await page_of_deliveries(host.store.database, PageRequest(number=1, length=1))
    return page.items[0].id


def test_a_delivery_is_found_and_sent_again(host: LiveHost, browser: httpx.Client) -> None:
    """The list is filtered and has a next page; what others wrote is text; an edited body makes another delivery."""
    newest = host.work(_add)
    listed = browser.get("/-/sent?event=repo:push&state=failed&url=x")
    assert f'href="/-/sent/{newest}"' in listed.text
    assert "before=" in listed.text
    assert f'href="/-/sent/{newest}"' not in browser.get("/-/sent?state=delivered").text
    shown = browser.get(f"/-/sent/{newest}")
    assert "Not sent: &lt;s&gt;" in shown.text
    for tag in ("<s>", "<u>", "<b>", "<i>"):
        assert tag not in listed.text + shown.text
    csrf = shown.text.partition('name="csrf" value="')[2].partition('"')[0]
    again = browser.post(f"/-/sent/{newest}", data={"csrf": csrf, "body": '{"b": 1}'})
    assert again.status_code == 303
    assert "edited" in browser.get(again.headers["location"]).text
    assert browser.post(f"/-/sent/{newest}", data={"csrf": csrf, "body": "no JSON"}).status_code == 400
    assert browser.post(f"/-/sent/{newest}", data={"body": "{}"}).status_code == 403


@pytest.fixture(scope="module")
def waiting(host: LiveHost) -> Iterator[tuple[Receiving, int, int]]:
    """Yield a receiver that is out of order for an hour, and two deliveries to it: the second waits for the first."""
    token, _ = workspace(host, "waits")
    send, at = sender(host, f"Bearer {token}"), "/2.0/repositories/waits/widgets"
    with receiving(answering=Answering(503, headers=(("Retry-After", "3600"),))) as receiver:
        assert send("POST", at, json={}).status_code == 200
        hook = {"url": receiver.url, "events": ["repo:updated"]}
        assert send("POST", f"{at}/hooks", json=hook).status_code == 201
        for number in range(2):
            assert send("PUT", at, json={"description": f"{number}"}).status_code == 200
        of_hook = AllOf((Comparison("url", "=", receiver.url), Comparison("state", "=", "pending")))
        wanted = PageRequest(number=1, length=2, filter=of_hook)

        async def found(opened: Host) -> tuple[Delivery, ...]:
            return tuple((await page_of_deliveries(opened.store.database, wanted)).items)

        wait_until(lambda: [one.attempts for one in host.work(found) if one.status or not one.attempts] == [0, 1])
        second, first = host.work(found)
        yield receiver, first.id, second.id


@pytest.mark.parametrize("address", ["/-/sent?url=a%00b", "/-/sent?event=a%00b", "/-/traffic?path=a%00b"])
def test_a_filter_has_no_nul(browser: httpx.Client, address: str) -> None:
    """PostgreSQL refuses it; the page shows what it looked for instead."""
    page = browser.get(address)
    assert (page.status_code, "ab" in fields(page, urlsplit(address).path).values()) == (200, True)


def test_a_waiting_delivery_is_sent_now(
    host: LiveHost, browser: httpx.Client, waiting: tuple[Receiving, int, int]
) -> None:
    """The page says what a delivery waits for, and sends the first one; the next ones follow."""
    receiver, first, second = waiting
    page, behind = browser.get(f"/-/sent/{first}"), browser.get(f"/-/sent/{second}")
    assert re.search(r"pending, next attempt at 20[0-9 :-]+ UTC", main_text(page))
    assert re.search(r"503 20[0-9 :-]+ UTC , [0-9.]+ ms", main_text(page))
    assert f"pending, waits for delivery {first}" in main_text(behind)
    assert "Send now" not in main_text(behind)
    csrf = fields(page, f"/-/sent/{first}/now")
    refused = browser.post(f"/-/sent/{second}/now", data=csrf)
    assert (refused.status_code, f"The delivery waits for delivery {first}." in main_text(refused)) == (409, True)
    list_of_all = f"/-/sent?url={receiver.url}"
    (watched,) = (node.attributes["hx-get"] for node in document(browser.get(list_of_all)).css("#calls"))
    assert browser.get(f"{watched}", headers={"HX-Request": "true"}).status_code == 204
    receiver.answering = receiver.usual = Answering()
    sent = submit(browser, page, f"/-/sent/{first}/now")
    assert "State delivered Answer 200" in main_text(sent)
    assert browser.get(f"{watched}", headers={"HX-Request": "true"}).status_code == 200
    wait_until(lambda: "State delivered" in main_text(browser.get(f"/-/sent/{second}")))
    again = browser.post(f"/-/sent/{first}/now", data=csrf)
    assert (again.status_code, "no longer pending" in main_text(again)) == (409, True)
    assert browser.post(f"/-/sent/{10**15}/now", data=csrf).status_code == 404


@pytest.mark.slow
@pytest.mark.browser
def test_deliveries_appear_as_they_are_made(tab: Page, host: LiveHost) -> None:
    """Without reloading, until the list is paused; what was done to send one again is seen."""
    newest = host.work(_add)
    tab.set_viewport_size({"width": 1280, "height": 800})
    tab.goto("/-/sent")
    expect(tab.locator(f"#delivery-{newest}")).to_be_visible()
    again = host.work(lambda opened: resend(opened, newest, '{"b": 1}'))
    row = tab.locator("tr", has=tab.locator(f"#delivery-{again}"))
    expect(row.get_by_text("edited")).to_be_in_viewport()
    tab.get_by_role("button", name="Pause").click()
    expect(tab.get_by_text("updating live")).to_be_hidden()

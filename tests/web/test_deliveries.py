"""The page of deliveries: which there are, one of them with request and answer, and sending it again."""

import httpx

from roadstead.domain.host import Host
from roadstead.listing import PageRequest
from roadstead.model.deliveries import NewDelivery
from roadstead.storage.deliveries import add_deliveries, page_of_deliveries
from tests.live import LiveHost


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

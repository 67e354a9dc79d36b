"""Lists that need many rows read: in the caller's turn, and for a limited time."""

import asyncio

import pytest

from roadstead.domain.host import Host
from roadstead.domain.linking import linkers
from roadstead.listing import PageRequest
from roadstead.query import parse_filter
from roadstead.storage import linkers as rows
from roadstead.storage import postgres, sqlite
from tests.live import AppClient, LiveHost, RecordingApp

VALUES = "/2.0/addon/linkers/tickets/values"
FIELDS = {"id": int, "value": str}


@pytest.fixture(autouse=True)
def few_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows, "FEW_ROWS", 100)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("wanted", "waits"),
    [
        (PageRequest(number=1, length=10, filter=parse_filter('value ~ "v"', FIELDS)), True),
        (PageRequest(number=30, length=10), True),
        (PageRequest(number=1, length=10), False),
        (PageRequest(number=49, length=10), False),
    ],
    ids=["a filter", "a page in the middle", "the first page", "a page near the end"],
)
def test_a_list_that_looks_at_many_rows_has_its_callers_turn(
    host: LiveHost, connect_app: RecordingApp, wanted: PageRequest, waits: bool
) -> None:
    """While another such list of the caller runs, this one waits; one that reads a few rows does not."""
    installation_id = host.install(connect_app).id

    async def look(host: Host) -> bool:
        await linkers.replace_values(host, installation_id, "tickets", [f"V{number}" for number in range(500)])
        linker = await linkers.get_linker(host, installation_id, "tickets")
        async with host.store.database.turn(installation_id):
            page = asyncio.create_task(linkers.page_of_values(host, linker, wanted))
            await asyncio.wait([page], timeout=0.5 if waits else 30)
            waited = not page.done()
        assert len((await page).items) == 10
        return waited

    assert host.work(look) == waits


def test_a_list_that_takes_too_long_is_refused(
    api: AppClient, host: LiveHost, connect_app: RecordingApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal says what to do; and then lists are answered as before."""
    assert api("PUT", VALUES, json=[f"V{number}" for number in range(5_000)]).status_code == 204
    with monkeypatch.context() as patched:
        patched.setattr(sqlite, "SEARCH_SECONDS", 0.0)
        patched.setattr(postgres, "SEARCH_SECONDS", 0.001)
        refused = api("GET", f"{VALUES}?q=value~%22nothing%22")
        assert refused.status_code == 400
        assert refused.json()["error"]["message"] == "The list takes too long."
        assert "Narrow the filter" in refused.json()["error"]["detail"]
        assert api("GET", f"{VALUES}?pagelen=1").status_code == 200
    assert api("GET", f"{VALUES}?q=value~%22v4999%22").json()["size"] == 1

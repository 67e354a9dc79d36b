"""Parked linkers are shown, with the reason, on the pages where an operator would look."""

import httpx

from roadstead.domain.linking.parking import PARKED_AFTER
from tests.live import LiveHost, recording_app
from tests.web.reading import texts

_LINKERS = [
    {"key": "slow", "regex": r"(x+x+)+(?=y)", "url": r"/slow/\1"},
    {"key": "quick", "regex": r"(Q-\d+)", "url": r"/quick/\1"},
]


def test_a_parked_linker_is_shown_with_its_reason(host: LiveHost, browser: httpx.Client) -> None:
    """On the first page, on the app's and in the lab; not the linker beside it, nor another app's of that key."""
    with recording_app(modules={"linkers": _LINKERS}) as app, recording_app(modules={"linkers": _LINKERS[:1]}) as other:
        installation, beside = host.install(app, "parking"), host.install(other, "parking-too")
        for _ in range(PARKED_AFTER):
            text = {"text": "x" * 5_000, "workspace": "parking"}
            assert httpx.post(f"{host.url}/-/linkify", json=text).json()["unfinished"]
        assert texts(browser.get("/"), f'.attention a[href="/-/apps/{installation.id}/linkers"]') == [
            "Linker slow of Recorder is parked"
        ]
        (shown,) = texts(browser.get(f"/-/apps/{installation.id}/linkers"), ".parked")
        assert texts(browser.get(f"/-/apps/{installation.id}"), ".parked") == [shown]
        assert "it ran out of time on 5 texts" in shown
        assert "The host tries it again at 20" in shown
        lab = browser.get("/-/lab", params={"how": "workspace", "workspace": "parking", "text": "xxxy Q-1"})
        assert texts(lab, ".linked a") == ["Q-1"]
        assert texts(lab, ".parked") == [shown]
        assert texts(browser.get(f"/-/apps/{beside.id}/linkers"), ".parked") == []
        assert texts(browser.get("/"), f'.attention a[href="/-/apps/{beside.id}/linkers"]') == []

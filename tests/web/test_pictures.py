"""The pictures in the docs: taken of real pages, by `make pictures`."""

import os
import re
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page

from roadstead.domain.apps import installations
from roadstead.domain.linking import linkers
from tests.live import AppClient, live_host, recording_app
from tests.web.chromium import chromium, visitor
from tests.web.framed_app import framed_app

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "README.md", *(ROOT / "docs").rglob("*.md"))


def _pages(installation_id: int, framed_id: int, refused: int) -> dict[str, tuple[Literal["light", "dark"], str]]:
    """Return the theme and the address of each picture, by its name."""
    return {
        "install": ("light", "/-/install"),
        "app": ("light", f"/-/apps/{installation_id}/linkers"),
        "lab": ("light", f"/-/lab?how=workspace&text={_TEXT}"),
        "lab-dark": ("dark", f"/-/lab?how=workspace&text={_TEXT}"),
        "modules": ("light", f"/-/apps/{framed_id}/modules?module=0&repository.uuid=%7B5f2c%7D"),
        "requests": ("light", f"/-/traffic?call={refused}"),
        "jwt": ("light", f"/-/jwt?request={refused}"),
    }


def test_every_picture_in_the_docs_is_one_that_is_taken() -> None:
    """Their names agree, and each picture exists."""
    named = {name for file in DOCS for name in re.findall(r"pictures/([\w-]+)\.png", file.read_text("utf-8"))}
    assert named
    assert named <= _pages(0, 0, 0).keys() & {file.stem for file in (ROOT / "docs" / "pictures").iterdir()}


@pytest.mark.slow
@pytest.mark.browser
def test_every_picture_can_be_taken(tmp_path: Path) -> None:
    """The pages can be shown; with `PICTURES` set, the pictures are kept there."""
    folder = Path(os.environ.get("PICTURES", tmp_path))
    with (
        chromium() as browser,
        live_host(tmp_path / "data") as host,
        recording_app(**_APP) as app,
        framed_app(host.url, "ticket-panels", {"ac-content": _PANEL}, **_PANELS) as panels,
    ):
        framed = host.work(lambda opened: installations.install(opened, panels.descriptor_url, "local"))
        installation = host.install(app)
        host.work(lambda opened: linkers.replace_values(opened, installation.id, "tickets", ["BB", "OPS", "WEB"]))
        pages = _pages(installation.id, framed.id, _calls(AppClient(host.url, installation)))
        with visitor(browser, host, elsewhere=panels.base_url) as tab:
            for name, (theme, address) in pages.items():
                tab.emulate_media(color_scheme=theme)
                tab.goto(address)
                _fill_in(tab, name)
                tab.screenshot(path=folder / f"{name}.png", full_page=name not in ("app", "jwt", "requests"))
    assert pages.keys() <= {file.stem for file in folder.iterdir()}


_APP = {
    "key": "ticket-links",
    "name": "Ticket links",
    "description": "Turns ticket keys into links.",
    "vendor": {"name": "Harbour Works", "url": "https://harbour.example"},
}
_PANELS: dict[str, Any] = {
    "name": "Ticket panels",
    "options": "",
    "height": 150,
    "modules": {
        "generalPages": [
            {
                "key": "tickets",
                "name": {"value": "Tickets"},
                "url": "/page/ac-content?repository={repository.uuid}&viewer={user.account_id}",
                "location": "org.bitbucket.repository.overview.informationPanel",
                "conditions": [
                    {"condition": "has_permission", "params": {"permission": "write"}},
                    {"condition": "has_file", "params": {"path": "TICKETS"}},
                ],
            }
        ]
    },
}
_PANEL = """
document.querySelector(".ac-content").innerHTML = "<h1>Open tickets</h1><ol><li>BB-1234<li>OPS-7</ol><p id=who></p>";
AP.request("/2.0/user", { success: (user) => {
  document.querySelector("#who").textContent = `For ${user.display_name}, asked for with AP.request`;
} });"""
_TEXT = "Fixes BB-1234 and closes OPS-7.%0AMerged bugfix-WEB-12, but neither ABB-12 nor RELEASE-2.%0A"
_BROKEN = """{
  "key": "ticket-links",
  "name": "Ticket links",
  "baseUrl": "https://app.example.com",
  "authentication": {"type": "jwt"},
  "lifecycle": {"installed": "/installed"},
  "scopes": ["repositories"],
  "modules": {"linkers": [
    {"key": "tickets", "regex": "((?K)-\\d+)", "url": "/browse/\\\\1"}
  ]}
}"""


def _calls(api: AppClient) -> int:
    """Make some calls, the last of which is refused; return its number."""
    values = "/2.0/addon/linkers/tickets/values"
    api("GET", f"{values}?pagelen=50")
    api("POST", values, json={"value": "DOCS"})
    api("POST", values, json={"value": "not a value"})
    api("GET", f"{values}?page=2", token=api.token("GET", values))
    newest: int = api("GET", "/-/requests?pagelen=1").json()["values"][0]["id"]
    return newest


def _fill_in(tab: Page, name: str) -> None:
    if name == "install":
        tab.get_by_label("Descriptor text").fill(_BROKEN)
        tab.get_by_text("JSON has no escape").wait_for()
    elif name == "modules":
        tab.frame_locator("iframe").get_by_text("For Operator").wait_for()

"""What a page needs so that everybody can use it: it fits a small screen, and axe-core finds nothing serious."""

from typing import Any, Literal

from playwright.sync_api import Page

from tests.acceptance.node.programs import node_packages

_UNLABELLED = """() => [...document.querySelectorAll("tbody td")].filter((cell) => {
    const head = cell.closest("table").tHead.rows[0].cells[cell.cellIndex];
    return cell.dataset.label !== (head.querySelector(".unseen") ? undefined : head.textContent);
}).map((cell) => cell.outerHTML)"""
_BROKEN_WORDS = """() => {
    const broken = [];
    for (const cell of document.querySelectorAll("tbody :is(th, td)")) {
        const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
            for (const word of node.data.matchAll(/[^\\s-]+-?/g)) {
                const range = document.createRange();
                range.setStart(node, word.index);
                range.setEnd(node, word.index + word[0].length);
                const lines = new Set([...range.getClientRects()].map((one) => Math.round(one.top)));
                if (word[0].length < 15 && lines.size > 1) broken.push(word[0]);
            }
        }
    }
    return broken;
}"""
_OPEN_ALL = "document.querySelectorAll('details').forEach(one => one.open = true)"
_GRAVE = ("serious", "critical")


def expect_to_fit(tab: Page, address: str, width: int) -> None:
    """Open a page, and fail if it overflows sideways, breaks a word in a table, or a cell lacks its column's name.

    On a phone each cell is a line of its own. One with buttons needs no name.
    """
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto(address)
    tab.evaluate(_OPEN_ALL)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width, address
    assert tab.evaluate(_BROKEN_WORDS) == [], address
    assert tab.evaluate(_UNLABELLED) == [], address


def add_axe(tab: Page, theme: Literal["light", "dark"]) -> None:
    """Have axe-core on every page that the tab opens, in a theme."""
    tab.emulate_media(color_scheme=theme)
    tab.context.add_init_script(path=node_packages() / "axe-core" / "axe.min.js")


def expect_nothing_grave(tab: Page, address: str) -> None:
    """Open a page, and fail if axe-core finds something serious: a label, a landmark, a name, or a contrast."""
    tab.goto(address)
    tab.evaluate(_OPEN_ALL)
    found = tab.evaluate("axe.run({resultTypes: ['violations']})")
    assert found["passes"]
    assert [_shown(one) for one in found["violations"] if one["impact"] in _GRAVE] == [], address


def _shown(violation: dict[str, Any]) -> tuple[str, list[str]]:
    return violation["id"], [node["html"] for node in violation["nodes"]]

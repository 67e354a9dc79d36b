"""The documentation among the pages: every document is there, and every link in it leads somewhere."""

import re
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest

from tests.web.reading import document, main_text, texts

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(file.relative_to(ROOT / "docs").as_posix() for file in (ROOT / "docs").rglob("*.md"))


def test_every_document_is_in_the_contents(browser: httpx.Client) -> None:
    """By its title, in the section of its folder; every page links to it."""
    page = browser.get("/-/docs")
    links = [str(link.attributes["href"]) for link in document(page).css("main li a")]
    assert sorted(link.removeprefix("/-/docs/") for link in links) == DOCUMENTS
    assert texts(page, "main h2") == ["Start here", "How to", "Reference", "Decisions"]
    assert document(browser.get("/")).css("footer a[href='/-/docs']")


def test_every_link_leads_somewhere(browser: httpx.Client) -> None:
    """To a document, to the right heading, or to a picture; a file that is not included is not a link."""
    pages = {f"/-/docs/{name}": browser.get(f"/-/docs/{name}") for name in DOCUMENTS}
    for address, page in pages.items():
        assert page.status_code == 200
        for node in document(page).css(".document :is(a, img)"):
            target = urljoin(address, node.attributes.get("href") or node.attributes.get("src"))
            path, _, fragment = target.partition("#")
            if not target.startswith("http"):
                found = pages.get(path) or browser.get(path)
                assert found.status_code == 200, (address, target)
                assert not fragment or document(found).css(f'[id="{fragment}"]'), (address, target)


def test_a_document_is_a_page_like_the_others(browser: httpx.Client) -> None:
    """Its tables are cards on a phone, and the policy would refuse nothing in it."""
    page = browser.get("/-/docs/how-to/use-the-pages.md")
    assert texts(page, "h1") == ["Use the pages"]
    labels = {cell.attributes["data-label"] for cell in document(page).css("td")}
    assert labels == {"page", "address", "tab", "shows", "an owner"}
    for name in DOCUMENTS:
        body = browser.get(f"/-/docs/{name}").text
        assert not re.search(r"<[^>]+\sstyle=", body), name


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ["nothing.md", "..%2fREADME.md", "%00", "how-to", "pictures/x.png", "x/"])
def test_nothing_else_is_served(browser: httpx.Client, name: str) -> None:
    """An address in any spelling is a 404."""
    page = browser.get(f"/-/docs/{name}")
    assert page.status_code == 404
    assert "Roadstead" not in main_text(page)

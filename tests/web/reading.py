"""Read pages as a visitor does: their texts and their forms."""

import httpx
from selectolax.lexbor import LexborHTMLParser, LexborNode


def document(answer: httpx.Response) -> LexborHTMLParser:
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    return LexborHTMLParser(answer.text.replace("<wbr>", ""))  # a place where a line may break is no text


def texts(answer: httpx.Response, selector: str) -> list[str]:
    """Return the text of every such element, with single spaces."""
    return [_plain(node) for node in document(answer).css(selector)]


def main_text(answer: httpx.Response) -> str:
    (text,) = texts(answer, "main")
    return text


def fields(answer: httpx.Response, action: str) -> dict[str, str]:
    """Return the content of the form with that action, as it would be sent unchanged."""
    (form,) = document(answer).css(f'form[action="{action}"]')
    given = {
        str(field.attributes["name"]): field.attributes.get("value") or ""
        for field in form.css('input:not([type="radio"], [type="checkbox"], [type="file"]), input[checked]')
    }
    return given | {str(area.attributes["name"]): area.text() for area in form.css("textarea")}


def submit(browser: httpx.Client, answer: httpx.Response, form_action: str, /, **changes: str) -> httpx.Response:
    """Send that form of a page, and follow the redirect."""
    return browser.post(form_action, data={**fields(answer, form_action), **changes}, follow_redirects=True)


def _plain(node: LexborNode) -> str:
    return " ".join(node.text(separator=" ").split())

"""The readable part of an unknown server's answer."""

import re
from html.parser import HTMLParser

_MOST = 10_000
"""Characters of an answer that are read."""
_PAGE = re.compile(r"<(!doctype\s+html|html|head|body|title)\b", re.IGNORECASE)
_LINE_ENDS = frozenset(
    {"br", "div", "dd", "dt", "h1", "h2", "h3", "h4", "li", "p", "pre", "table", "td", "title", "tr"}
)
_NO_TEXT = frozenset({"script", "style", "template", "noscript", "svg"})


def gist(answer: str) -> str:
    """Return an answer unchanged or, if it is an HTML page, its title and the lines that a browser would show."""
    answer = answer[:_MOST].strip()
    if not (answer.startswith("<") and _PAGE.search(answer)):
        return answer
    page = _Page()
    page.feed(answer)
    page.close()
    lines = [" ".join(line.split()) for line in "".join(page.text).splitlines()]
    return "\n".join(dict.fromkeys(filter(None, lines)))


class _Page(HTMLParser):
    """Collects the text of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.text: list[str] = []
        self._left_out = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._left_out += tag in _NO_TEXT
        if tag in _LINE_ENDS:
            self.text.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._left_out = max(self._left_out - (tag in _NO_TEXT), 0)
        if tag in _LINE_ENDS:
            self.text.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._left_out:
            self.text.append(" ".join(data.split("\n")))

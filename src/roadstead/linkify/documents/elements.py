"""The elements and attributes of HTML that a rendered text may have, and the elements that each closes."""

from collections.abc import Collection
from typing import NamedTuple

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _HEADINGS | {"blockquote", "dd", "div", "dl", "dt", "hr", "li", "ol", "p", "pre", "table", "ul"}
CELLS = frozenset({"caption", "td", "th"})
TABLE_PARTS = CELLS | {"tbody", "tfoot", "thead", "tr"}
_CODE = frozenset({"code", "kbd", "pre", "samp", "tt", "var"})
_MARKS = frozenset({"b", "del", "em", "i", "ins", "s", "small", "span", "strike", "strong", "sub", "sup", "u"})
VOID = frozenset({"br", "hr", "img"})

ELEMENTS = _BLOCKS | TABLE_PARTS | _CODE | _MARKS | VOID | {"a"}
"""The elements of rendered Markdown. Of any other element only the text is kept."""
UNTOUCHED = _CODE | {"a"}
"""Elements whose text is never linked."""
ATTRIBUTES: dict[str, set[str]] = {
    "a": {"class", "href", "title"},
    "img": {"alt", "height", "src", "title", "width"},
    "ol": {"start"},
    **{name: {"align", "colspan", "rowspan"} for name in ("td", "th")},
    **{name: {"class"} for name in ("code", "div", "pre", "span")},
    **{name: {"id"} for name in _HEADINGS},
}
"""The attributes that are kept, by element. The sanitiser removes some of their values."""
REMOVED = frozenset({"button", "script", "select", "style", "template", "textarea", "title", "xmp"}).union(
    ("audio", "canvas", "iframe", "noembed", "noframes", "noscript", "object", "plaintext", "video")
)
"""Elements that are removed with their content: code, form controls, and what a browser shows instead of something."""


class Closed(NamedTuple):
    """Open elements that a start tag closes, unless one of the others is nearer."""

    names: Collection[str]
    up_to: Collection[str]


def _closed_by(name: str) -> list[Closed]:
    closed = []
    if name in _BLOCKS:
        closed.append(Closed({"p"}, CELLS))
    if name in _HEADINGS:
        closed.append(Closed(_HEADINGS, _BLOCKS - _HEADINGS | CELLS))
    if name == "li":
        closed.append(Closed({"li"}, {"ol", "ul", *CELLS}))
    if name in {"dd", "dt"}:
        closed.append(Closed({"dd", "dt"}, {"dl", *CELLS}))
    if name in CELLS:
        closed.append(Closed(CELLS, {"table", "tr"}))
    if name == "tr":
        closed.append(Closed({"tr", "caption"}, {"table"}))
    if name in {"tbody", "tfoot", "thead"}:
        closed.append(Closed({"tbody", "tfoot", "thead", "caption"}, {"table"}))
    if name == "a":
        closed.append(Closed({"a"}, CELLS))
    return closed


CLOSED_BY = {name: _closed_by(name) for name in ELEMENTS}

"""HTML of strangers, taken apart into an outline and its texts, in time that grows with its length alone.

An attacker can make parsers of HTML slow: their time grows with the square of the depth, of the
attributes of a tag, or of the ampersands of a text. So no parser sees the HTML as it came. Its tags are read here
as the tokenizer of the HTML standard reads them (https://html.spec.whatwg.org/multipage/parsing.html), and an
outline of them is written anew: only elements and attributes that can be part of a rendered text, each tag with few
attributes, each element closed before the one around it, and none deeper than 100. What an element's end tag may be
left out for (`<p>`, `<li>`, `<td>`…) is closed where the standard closes it.

This makes HTML quick to parse. To make it safe is the sanitiser's part (see `html_input`).
"""

import re
from collections import Counter
from collections.abc import Collection
from html import unescape
from typing import NamedTuple

MAX_DEPTH = 100
"""Elements within each other; what is deeper keeps its text and loses its tags."""
MAX_ATTRIBUTE = 4_000
"""Characters of an attribute's value; a longer one is left out."""

_HEADINGS = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_BLOCKS = _HEADINGS | {"blockquote", "dd", "div", "dl", "dt", "hr", "li", "ol", "p", "pre", "table", "ul"}
_CELLS = frozenset({"caption", "td", "th"})
_TABLE_PARTS = _CELLS | {"tbody", "tfoot", "thead", "tr"}
_CODE = frozenset({"code", "kbd", "pre", "samp", "tt", "var"})
_MARKS = frozenset({"b", "del", "em", "i", "ins", "s", "small", "span", "strike", "strong", "sub", "sup", "u"})
_VOID = frozenset({"br", "hr", "img"})

ELEMENTS = _BLOCKS | _TABLE_PARTS | _CODE | _MARKS | _VOID | {"a"}
"""What rendered Markdown is made of. Of any other element only the text is kept."""
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
"""The attributes that are kept, by element; not any value of them is."""
_REMOVED = frozenset({"button", "script", "select", "style", "template", "textarea", "title", "xmp"}).union(
    ("audio", "canvas", "iframe", "noembed", "noframes", "noscript", "object", "plaintext", "video")
)
"""What goes with all that it holds: code, form controls, and what a browser shows in place of something else."""

_SPACE = " \t\n\r\f"
_MARKUP = re.compile(
    rf"""
    <!--(?:-?>|(?s:.*?)(?:--!?>|\Z))                                  # a comment
    |<(?P<closing>/?)(?P<name>[a-zA-Z][^{_SPACE}/>]*+)
      (?P<attributes>(?:[^>=]++|=[{_SPACE}]*+(?:"[^"]*+"?|'[^']*+'?)?+)*+)(?P<complete>>?)
    |<(?:[!?]|/(?![a-zA-Z]))[^>]*+>?                                  # what the standard calls a bogus comment
    """.replace(_SPACE, r"\ \t\n\r\f"),
    re.VERBOSE,
)
_ATTRIBUTE = re.compile(r"""([^\s/>=]++)(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+(?:"([^"]*+)"|'([^']*+)'|([^ \t\n\r\f>]*+)))?+""")
_END_OF = {name: re.compile(rf"</{name}(?=[ \t\n\r\f/>])", re.IGNORECASE) for name in _REMOVED}
_LONG_NUMBER = re.compile(r"&#[0-9]{100,}+;?")  # far beyond the last character, and too long for `int`
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Outline(NamedTuple):
    """`html` is small, tame HTML in which each text is only its number in `texts`, as in `<p>0;</p>`.

    `texts` are decoded. They may hold lone surrogates, as the input may, but no NUL.
    """

    html: str
    texts: list[str]


def outline_of(html: str) -> Outline:
    """Return the outline of any HTML, however broken."""
    writer = _Writer()
    position = 0
    while tag := _MARKUP.search(html, position):
        writer.text(html[position : tag.start()])
        position = tag.end()
        if not tag["complete"]:
            continue
        name = tag["name"].lower()
        if tag["closing"]:
            writer.end(name)
        elif name in ELEMENTS:
            writer.start(name, tag["attributes"])
        elif name in _REMOVED:
            end = _END_OF[name].search(html, position)
            position = end.start() if end else len(html)
    writer.text(html[position:])
    return Outline("".join(writer.parts), writer.texts)


class _Closed(NamedTuple):
    """Open elements that a start tag closes, unless one of the others is nearer."""

    names: Collection[str]
    up_to: Collection[str]


def _closed_by(name: str) -> list[_Closed]:
    closed = []
    if name in _BLOCKS:
        closed.append(_Closed({"p"}, _CELLS))
    if name in _HEADINGS:
        closed.append(_Closed(_HEADINGS, _BLOCKS - _HEADINGS | _CELLS))
    if name == "li":
        closed.append(_Closed({"li"}, {"ol", "ul", *_CELLS}))
    if name in {"dd", "dt"}:
        closed.append(_Closed({"dd", "dt"}, {"dl", *_CELLS}))
    if name in _CELLS:
        closed.append(_Closed(_CELLS, {"table", "tr"}))
    if name == "tr":
        closed.append(_Closed({"tr", "caption"}, {"table"}))
    if name in {"tbody", "tfoot", "thead"}:
        closed.append(_Closed({"tbody", "tfoot", "thead", "caption"}, {"table"}))
    if name == "a":
        closed.append(_Closed({"a"}, _CELLS))
    return closed


_CLOSED_BY = {name: _closed_by(name) for name in ELEMENTS}


class _Writer:
    """Writes an outline; knows what is open."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self._count = Counter[str]()

    def text(self, chars: str) -> None:
        if not chars.strip(_SPACE):
            self.parts.append(chars)  # a table takes space as it is, and moves any other text before itself
            return
        self.parts.append(f"{len(self.texts)};")
        self.texts.append(unescape(_LONG_NUMBER.sub("\ufffd", chars)).replace("\0", ""))

    def start(self, name: str, attributes: str) -> None:
        for closed in _CLOSED_BY[name]:
            self._close(*closed)
        if name in _VOID:
            self.parts.append(f"<{name}{_written(name, attributes)}>")
        elif len(self._open) < MAX_DEPTH:
            self.parts.append(f"<{name}{_written(name, attributes)}>")
            self._open.append(name)
            self._count[name] += 1

    def end(self, name: str) -> None:
        if name not in _TABLE_PARTS:
            self._close((name,), () if name == "table" else _CELLS)
        else:
            self._close((name,), {"table"})

    def _close(self, names: Collection[str], up_to: Collection[str]) -> None:
        """Close the innermost open element with one of these names, and what is open in it."""
        if not any(self._count[name] for name in names):
            return
        for at in range(len(self._open) - 1, -1, -1):
            if self._open[at] in names:
                self.parts += [f"</{name}>" for name in reversed(self._open[at:])]
                self._count.subtract(self._open[at:])
                del self._open[at:]
                return
            if self._open[at] in up_to:
                return


def _written(name: str, attributes: str) -> str:
    """Return the attributes that are kept. Character references stay: in attributes they follow rules of their own."""
    kept = ATTRIBUTES.get(name)
    if not kept or "=" not in attributes:
        return ""
    values: dict[str, str] = {}
    for attribute, *quoted in _ATTRIBUTE.findall(attributes):
        values.setdefault(attribute.lower(), "".join(quoted))
    written = ""
    for attribute in sorted(kept & values.keys()):
        value = _LONE_SURROGATE.sub("\ufffd", values[attribute])
        if len(value) <= MAX_ATTRIBUTE:
            written += f' {attribute}="{value.replace(chr(34), "&quot;")}"'
    return written

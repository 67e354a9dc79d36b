"""Divide any HTML into an outline and its texts, in time that grows with its length alone.

An attacker can make parsers of HTML slow: their time grows with the square of the depth, of the attributes of a tag,
or of the ampersands of a text. So no parser sees the HTML as it came. Its tags are read here as the tokenizer of the
HTML standard reads them (https://html.spec.whatwg.org/multipage/parsing.html), and an outline is written anew: only
elements and attributes that can be part of a rendered text, each tag with few attributes, each element closed before
the one around it, and none deeper than 100. An element whose end tag may be left out (`<p>`, `<li>`, `<td>`…) is
closed where the standard closes it.

So the outline is quick to parse. The sanitiser makes it safe (see `html_input`).
"""

import re
from collections import Counter
from collections.abc import Collection
from html import unescape
from typing import NamedTuple

from roadstead.linkify.documents.elements import ATTRIBUTES, CELLS, CLOSED_BY, ELEMENTS, REMOVED, TABLE_PARTS, VOID

MAX_DEPTH = 100
"""Nested elements. Deeper elements lose their tags and keep their text."""
MAX_ATTRIBUTE = 4_000
"""Characters of an attribute's value. An attribute with a longer one is left out."""

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
_END_OF = {name: re.compile(rf"</{name}(?=[ \t\n\r\f/>])", re.IGNORECASE) for name in REMOVED}
_LONG_NUMBER = re.compile(r"&#[0-9]{100,}+;?")  # far beyond the last character, and too long for `int`
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


class Outline(NamedTuple):
    """`html` is small, simple HTML in which each text is only its number in `texts`, as in `<p>0;</p>`.

    `texts` are decoded. They may contain lone surrogates, as the input may, but no NUL.
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
        elif name in REMOVED:
            end = _END_OF[name].search(html, position)
            position = end.start() if end else len(html)
    writer.text(html[position:])
    return Outline("".join(writer.parts), writer.texts)


def decoded(chars: str) -> str:
    """Return the text that some characters between tags stand for, without NUL."""
    if "&" in chars:
        chars = unescape(_LONG_NUMBER.sub("\ufffd", chars))
    return chars.replace("\0", "")


class _Writer:
    """Writes an outline, and knows which elements are open."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self._count = Counter[str]()

    def text(self, chars: str) -> None:
        """Write a text as its number."""
        if not chars.strip(_SPACE):
            self.parts.append(chars)  # a table keeps spaces, and moves any other text before itself
            return
        self.parts.append(f"{len(self.texts)};")
        self.texts.append(decoded(chars))

    def start(self, name: str, attributes: str) -> None:
        """Write a start tag, after the end tags that it implies."""
        for closed in CLOSED_BY[name]:
            self._close(*closed)
        if name in VOID:
            self.parts.append(f"<{name}{_written(name, attributes)}>")
        elif len(self._open) < MAX_DEPTH:
            self.parts.append(f"<{name}{_written(name, attributes)}>")
            self._open.append(name)
            self._count[name] += 1

    def end(self, name: str) -> None:
        """Write an end tag, if its element is open."""
        if name not in TABLE_PARTS:
            self._close((name,), () if name == "table" else CELLS)
        else:
            self._close((name,), {"table"})

    def _close(self, names: Collection[str], up_to: Collection[str]) -> None:
        """Close the innermost open element with one of these names, and the elements open in it."""
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
    """Return the attributes that are kept. Character references stay, because attributes have other rules for them."""
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

"""Link the texts of HTML that another program has rendered, and make it safe to show.

In three steps: `markup` writes an outline of the HTML that is fast to parse. A sanitiser, nh3, parses the outline and
decides what is safe. Each text of the result is linked and put back in its place. The texts themselves never pass
through the sanitiser: they are decoded once, and escaped once.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

import msgspec
import nh3

from roadstead.linkify.documents.elements import ATTRIBUTES, ELEMENTS, UNTOUCHED
from roadstead.linkify.documents.markup import decoded, outline_of
from roadstead.linkify.documents.references import with_references
from roadstead.linkify.documents.texts import Texts
from roadstead.linkify.linker import Link, Linkified, Unfinished
from roadstead.linkify.matching.matcher import CompiledLinkers
from roadstead.linkify.render.html import render_html

_NONE: Mapping[str, str] = MappingProxyType({})
_TAG = re.compile(r'(<[^<>"]*+(?:"[^"]*+"[^<>"]*+)*+>)')
_PARAGRAPHS = re.compile(r"<p>[^\s<][^<]*+</p>(?:\n<p>[^\s<][^<]*+</p>)*+")
_NAME = re.compile(r"</?([a-z0-9]+)")
_NUMBER = re.compile(r"([0-9]+);")
_HEADING_ID = re.compile(r"markdown-header-[\w.-]{0,200}")
_CODE_CLASS = re.compile(r"codehilite|language-[\w+#.-]{1,50}", re.ASCII)
_CLASSES = {
    "a": re.compile("ap-connect-link"),
    "span": re.compile("[a-z]{1,2}[a-z0-9]?"),  # Pygments names the colours of code so
    **dict.fromkeys(("code", "div", "pre"), _CODE_CLASS),
}


class LinkifiedHtml(msgspec.Struct, frozen=True):
    """Safe HTML and the links that were made in it, in the order of the document.

    The offsets of a link count from the beginning of its text, not of the document.
    """

    html: str
    links: tuple[Link, ...]
    unfinished: tuple[Unfinished, ...] = ()


def linkify_html(linkers: CompiledLinkers, html: str, references: Mapping[str, str] = _NONE) -> LinkifiedHtml:
    """Return the HTML with the links of its texts, and without anything that could run or disguise itself.

    A text is everything between two tags: a match never spans elements, and a pattern does not see what comes before an
    element's text. Texts in links and code are left unchanged. Elements and attributes that rendered Markdown does not
    need are removed, and so is the mark of a linker's link on a link of the input.

    `references` are words with a URL of their own, such as hashes of commits. Each becomes a link where no linker makes
    one.

    No HTML and no pattern raises an exception. For all texts together each linker has the time of one text. After
    1,000,000 characters or 10,000 links nothing more is linked. Each limit that was reached is listed as unfinished.
    """
    texts = Texts(linkers)
    if _PARAGRAPHS.fullmatch(html):
        return _linkify_paragraphs(texts, html, references)
    outline = outline_of(html)
    links: list[Link] = []
    rendered: list[str] = []
    untouched = 0
    for piece in _TAG.split(_SANITISER.clean(outline.html)):
        if piece.startswith("<"):
            name = _NAME.match(piece)
            if name and name[1] in UNTOUCHED:
                untouched += -1 if piece.startswith("</") else 1
            rendered.append(piece)
        elif piece:
            text = _NUMBER.sub(lambda number: outline.texts[int(number[1])], piece)
            linkified = Linkified(text, ()) if untouched else with_references(texts.linkify(text), references)
            links += linkified.links
            rendered.append(render_html(linkified))
    return LinkifiedHtml("".join(rendered), tuple(links), tuple(texts.unfinished))


def _linkify_paragraphs(texts: Texts, html: str, references: Mapping[str, str]) -> LinkifiedHtml:
    """Return paragraphs without other elements, whose outline is simple and safe, with the links of their texts."""
    paragraphs = html.removeprefix("<p>").removesuffix("</p>").split("</p>\n<p>")
    linkified = [with_references(texts.linkify(decoded(chars)), references) for chars in paragraphs]
    links = tuple(link for one in linkified for link in one.links)
    written = "\n".join([f"<p>{render_html(one)}</p>" for one in linkified])
    return LinkifiedHtml(written, links, tuple(texts.unfinished))


def _harmless(element: str, attribute: str, value: str) -> str | None:
    """Return the value without classes and identifiers that no renderer writes: they could mean something to a page."""
    if attribute == "class":
        return " ".join(name for name in value.split() if _CLASSES[element].fullmatch(name)) or None
    if attribute == "id" and not _HEADING_ID.fullmatch(value):
        return None
    return value


_SANITISER = nh3.Cleaner(
    tags=set(ELEMENTS),
    attributes=ATTRIBUTES,
    attribute_filter=_harmless,
    url_schemes={"http", "https", "mailto"},
    link_rel="nofollow",
)

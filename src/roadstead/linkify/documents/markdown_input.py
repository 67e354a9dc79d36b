"""Link the texts of Markdown, and leave everything else in it unchanged."""

import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from roadstead.linkify.budget import Budget, OutOfTime
from roadstead.linkify.documents.texts import Texts
from roadstead.linkify.explanation.explain import explain
from roadstead.linkify.explanation.explanation import Candidate, Explanation
from roadstead.linkify.linker import Link, Linkified, Unfinished
from roadstead.linkify.matching.limits import MAX_TEXT
from roadstead.linkify.matching.matcher import CompiledLinkers
from roadstead.linkify.render.markdown import guarded, markdown_escaped, markdown_link

if TYPE_CHECKING:
    from markdown_it.token import Token

    from roadstead.linkify.documents.markdown_reader import Block, Markdown
    from roadstead.linkify.documents.markdown_texts import MarkdownText

SECONDS = 1.0
"""Processor time to read a document. An ordinary megabyte takes half of it."""
_NO_TEXT = (
    "It is in a link, code, HTML or another part of Markdown that is no text, or beside a mark that needs its place."
)
_MARKS = re.compile(r"[*_\[\]`<]")
"""Characters that may mean something else in a link, or beside it, than in a text."""


class LinkifiedMarkdown(Linkified, frozen=True, kw_only=True):
    """A Markdown document and its links, with offsets in the document; `markdown` is the document with these links."""

    markdown: str


def linkify_markdown(linkers: CompiledLinkers, text: str) -> LinkifiedMarkdown:
    """Return the links in the texts of a CommonMark document, and the document with them.

    A text is everything on a line between two marks of Markdown: a match never spans marks, and a pattern does not see
    what comes before a mark. Links, images, code, HTML, link definitions and front matter are left unchanged, and so is
    a match beside a mark that would mean something else beside a link.

    No text and no pattern raises an exception. For all texts together each linker has the time of one text. Each limit
    that was reached is listed as unfinished.
    """
    source = text if len(text) <= MAX_TEXT else text[: text.rfind("\n", 0, MAX_TEXT) + 1]
    # Imported late: the parser takes a tenth of the start of a process, and most processes read no Markdown.
    from roadstead.linkify.documents.markdown_reader import Markdown

    document = Markdown(source, Budget(SECONDS, time.thread_time))
    texts = Texts(linkers)
    written = [
        one._replace(start=block.place(one.start), end=block.place(one.end - 1) + 1)
        for block in document.blocks()
        for one in _links_of(block, document, texts)
    ]
    if len(source) < len(text):
        texts.unfinished[Unfinished(None, f"Only the first {len(source)} characters were read.")] = None
    if not document.complete:
        texts.unfinished[Unfinished(None, f"Reading the Markdown took longer than {SECONDS:g} s.")] = None
    links = [Link(one.start, one.end, text[one.start : one.end], one.link.url, one.link.linker) for one in written]
    return LinkifiedMarkdown(text, tuple(links), tuple(texts.unfinished), markdown=_with_links(text, written))


def explain_markdown(linkers: CompiledLinkers, text: str) -> Explanation:
    """Say for each candidate in a CommonMark document why it is a link or not, as `explain` does for a text.

    The candidates are those of the document taken as one text, and links that only its texts have.
    """
    linkified, plain = linkify_markdown(linkers, text), explain(linkers, text)
    links = {(link.start, link.end): link for link in linkified.links}
    candidates: list[Candidate] = []
    for one in plain.candidates:
        is_link = one.url is not None and links.pop((one.start, one.end), None) is not None
        candidates.append(one if is_link or one.url is None else replace(one, url=None, reason=_NO_TEXT))
    if not plain.omitted:
        found = "Its pattern matches between two marks of Markdown."
        candidates += (
            Candidate(link.start, link.end, link.text, link.linker, {}, link.url, found) for link in links.values()
        )
    candidates.sort(key=lambda one: (one.start, one.url is None, -one.end))
    counts = Counter(link.linker for link in linkified.links)
    tried = tuple(replace(one, links=counts[one.linker]) for one in plain.linkers)
    return Explanation(linkified, tuple(candidates), tried, plain.omitted)


class _Written(NamedTuple):
    """A link as Markdown, in place of its text, with offsets first in its block, then in the document."""

    start: int
    end: int
    markdown: str
    link: Link


def _links_of(block: "Block", document: "Markdown", texts: Texts) -> list[_Written]:
    found = [_written(block, text, link) for text in block.texts for link in texts.linkify(text.chars).links]
    content = block.content
    doubtful = [one for one in found if _MARKS.search(content, max(one.start - 1, 0), one.end + 1)]
    if doubtful and not _means_the_same(block, found, document):
        return [one for one in found if one not in doubtful]
    return found


def _written(block: "Block", text: "MarkdownText", link: Link) -> _Written:
    pieces = text.between(link.start, link.end)
    label = "".join(
        markdown_escaped(piece.chars) if piece.is_plain else block.content[piece.start : piece.end] for piece in pieces
    )
    return _Written(pieces[0].start, pieces[-1].end, markdown_link(link, label), link)


def _with_links(text: str, links: Sequence[_Written]) -> str:
    rendered: list[str] = []
    position = 0
    for link in links:
        rendered += (guarded(text[position : link.start]), link.markdown)
        position = link.end
    rendered.append(text[position:])
    return "".join(rendered)


def _means_the_same(block: "Block", links: Sequence[_Written], document: "Markdown") -> bool:
    """Return whether a reader of Markdown sees the same block with these links as without, and sees the links."""
    try:
        tokens = document.read_again(_with_links(block.content, links))
    except OutOfTime:
        return False
    return list(_seen(tokens)) == list(_seen(block.tokens)) and _links(tokens) == _links(block.tokens) + len(links)


def _links(tokens: "Sequence[Token]") -> int:
    return sum(token.type == "link_open" for token in tokens)


def _seen(tokens: "Sequence[Token]") -> Iterator[object]:
    """Yield what a reader sees, links aside: each text in one piece, and everything else unchanged."""
    aside = ("link_open", "link_close")
    for is_text, some in groupby(
        (token for token in tokens if token.type not in aside), lambda one: one.type == "text"
    ):
        if is_text:
            yield "".join(token.content for token in some)
        else:
            yield from ((token.type, token.tag, token.content) for token in some)

"""Markdown to HTML, as Bitbucket writes it: CommonMark with tables and strikethrough; HTML in it is text.

A list needs an empty line before it, as on the cloud: most messages of commits with a list have none.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from roadstead.domain.rendering.bounds import bound
from roadstead.domain.rendering.code import coloured

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token
    from markdown_it.utils import OptionsDict

    from roadstead.domain.rendering.bounds import Rule

LONGEST = 32_768
"""Characters that are read as Markdown. Of some fifty hostile texts of this length, a table of one-letter cells took
longest: about 1 s on a busy machine, twice as long as `![` again and again. A longer text is shown as it is.
"""
MOST_COLOURED = 9_000
"""Characters of code in a text that have colours."""
_MENTION = re.compile(r"@\{([^{}\s]{1,200})\}")
_PLAIN_LINK = {"rel": "nofollow", "class": "ap-connect-link"}
_ALIGNMENT = re.compile(r"text-align:(\w+)")
_NOT_IN_ID = re.compile(r"[^\w\- ]")
_PARAGRAPHS = re.compile(r"\n{2,}")
_LINE = r"[^\W\d_](?:[^\s\\`*_\[\]<&~@|]++|[ ]|(?<=[^\W_])_(?=[^\W_])|@(?!\{))*+(?<![ ])"
"""A line that begins with a letter, and has no character that means something in Markdown where it is."""
_PLAIN = re.compile(rf"{_LINE}(?:\n++{_LINE})*+\n*+")


class Mention(NamedTuple):
    """A mentioned user: the name to show, and the address of the profile."""

    name: str
    url: str


def mentioned(text: str) -> Iterator[str]:
    """Yield the account ids that a text mentions, as `@{account_id}`."""
    return (found[1] for found in _MENTION.finditer(text))


def may_have_colours(text: str) -> bool:
    """Return whether a text may have blocks of code, which take long to be coloured."""
    return "```" in text or "~~~" in text


def to_html(text: str, mentions: Mapping[str, Mention], *, colours: bool = True) -> str:
    """Return the HTML of Markdown, without a line break at the end. `mentions` are users by account id."""
    text = text.replace("\0", "\ufffd")
    if len(text) > LONGEST or _PLAIN.fullmatch(text):  # most messages of commits: it takes a tenth of the time
        return as_it_is(text)
    reader = _reader()
    tokens = reader.parse(text, environment := {"mentions": mentions, "colours": MOST_COLOURED * colours})
    _name_headings(tokens)
    for token in tokens:
        _align(token)
        _mark_links(token.children or ())
    return str(reader.renderer.render(tokens, reader.options, environment)).removesuffix("\n")


def as_it_is(text: str) -> str:
    """Return the HTML of a text that is not read as Markdown."""
    from markdown_it.common.utils import escapeHtml

    return "\n".join(f"<p>{escapeHtml(part)}</p>" for part in _PARAGRAPHS.split(text.strip("\n")))


@cache
def _reader() -> "MarkdownIt":
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import list_block

    reader = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    reader.inline.ruler.before("link", "mention", _mention)
    reader.block.ruler.at("list", partial(_list, list_block), {"alt": ["paragraph", "reference", "blockquote"]})
    reader.add_render_rule("fence", _fence)
    bound(reader)
    return reader


def _fence(
    renderer: "RendererHTML",
    tokens: "Sequence[Token]",
    at: int,
    options: "OptionsDict",
    env: "MutableMapping[str, Any]",
) -> str:
    """Return a fenced block with the colours of its code as the cloud does, as many blocks as a text may have."""
    code, (language, *_) = tokens[at].content, (*tokens[at].info.lower().split(), "")
    left = env["colours"]
    html = coloured(code, language) if len(code) <= left else None
    if html is None:
        return renderer.fence(tokens, at, options, env)
    env["colours"] = left - len(code)
    return f'<div class="codehilite language-{language}"><pre><code>{html}</code></pre></div>\n'


def _list(read: "Rule", state: "StateBlock", start: int, end: int, silent: bool) -> bool:
    """Read a list with the library's rule, but let none interrupt a paragraph that is not in a list itself."""
    interrupts = silent and state.parentType == "paragraph"
    return not (interrupts and state.listIndent < 0) and read(state, start, end, silent)


def _mention(state: "StateInline", silent: bool) -> bool:
    """Read `@{account_id}` as a link to the user, if there is one."""
    found = _MENTION.match(state.src, state.pos) if state.src.startswith("@{", state.pos) else None
    mention = state.env["mentions"].get(found[1]) if found else None
    if found is None or mention is None:
        return False
    if not silent:
        state.push("link_open", "a", 1).attrs = {"href": mention.url}
        state.push("text", "", 0).content = f"@{mention.name}"
        state.push("link_close", "a", -1)
    state.pos = found.end()
    return True


def _name_headings(tokens: "Sequence[Token]") -> None:
    """Give each heading the id that Bitbucket gives it, for links within the text."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            title = "".join(child.content for child in inline.children or ())
            opening.attrs["id"] = f"markdown-header-{_NOT_IN_ID.sub('', title.lower()).replace(' ', '-')[:200]}"


def _align(token: "Token") -> None:
    """Say how a cell is aligned in an attribute, because a style would be removed."""
    alignment = _ALIGNMENT.match(str(token.attrs.pop("style", "")))
    if alignment:
        token.attrs["align"] = alignment[1]


def _mark_links(tokens: "Iterable[Token]") -> None:
    for token in tokens:
        if token.type == "link_open":
            token.attrs.update(_PLAIN_LINK)

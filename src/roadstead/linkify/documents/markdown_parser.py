"""A CommonMark parser that tells a reader its reading of the content of each block.

markdown-it-py reports texts, but not their places. So each of its inline rules is wrapped in one that notes where in
the content the rule began and ended.
"""

from collections.abc import Callable
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, hr
from markdown_it.rules_inline import (
    StateInline,
    autolink,
    backtick,
    emphasis,
    entity,
    escape,
    html_inline,
    image,
    link,
    newline,
)

from roadstead.linkify.budget import Budget
from roadstead.linkify.documents.markdown_texts import MarkdownText, Part, texts_of

_RULES: dict[str, Callable[[StateInline, bool], bool]] = {
    "newline": newline,
    "escape": escape,
    "backticks": backtick,
    "emphasis": emphasis.tokenize,
    "link": link,
    "image": image,
    "autolink": autolink,
    "html_inline": html_inline,
    "entity": entity,
}
"""The inline rules for everything but plain text."""


class Reader:
    """Notes the rules' reading of a block's content. It is `paused` in the text of a link or an image."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.paused = False
        self.parts: list[Part] = []
        self.texts: list[list[MarkdownText]] = []

    def block_ends(self, state: StateInline) -> None:
        """Keep the texts of the block. The parser calls this once it knows which marks are emphasis."""
        self.texts.append(list(texts_of(state.src, self.parts)))
        self.parts = []


def _noting(name: str, rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    """Return a rule that does the same and tells the reader in the environment."""

    def noted(state: StateInline, silent: bool) -> bool:
        reader: Reader = state.env["reader"]
        reader.budget.check()
        if silent or reader.paused:
            return rule(state, silent)
        start, before = state.pos, len(state.tokens)
        reader.paused = name in ("link", "image")
        found = rule(state, silent)
        reader.paused = False
        if found:
            reader.parts.append(Part(name, start, state.pos, state.tokens[before:]))
        return found

    return noted


def _block_ends(state: StateInline) -> None:
    reader: Reader = state.env["reader"]
    if not reader.paused:
        reader.block_ends(state)


def _timed_hr(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Apply the rule and check the time: the parser runs this rule at nearly every line."""
    reader: Reader = state.env["reader"]
    reader.budget.check()
    return hr(state, start, end, silent)


@cache
def parser() -> MarkdownIt:
    """Return the parser. Its environment contains the `Reader`, as `reader`."""
    made = MarkdownIt("commonmark")
    for name, rule in _RULES.items():
        made.inline.ruler.at(name, _noting(name, rule))
    made.inline.ruler2.before("fragments_join", "block_ends", _block_ends)
    made.block.ruler.at("hr", _timed_hr, {"alt": ["paragraph", "reference", "blockquote", "list"]})
    return made

"""Bounds of Markdown whose HTML would be far longer than the text: tables without their cells, references used often.

A table's rows need not have the cells of its head, so 2,000 characters made 70,000 cells, and held up the host for
seconds. A reference has its address once, and each use repeats it.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_block import StateBlock
    from markdown_it.rules_core import StateCore

    Rule = Callable[[StateBlock, int, int, bool], bool]

_FEW_CELLS = 200
_MOST_REPEATED = 200_000
"""Characters that the uses of a reference can make."""
_TOKENS_OF_CELL = 3
_INTERRUPTED = ["paragraph", "reference"]
"""What a table may follow without an empty line, as in the library's own rule."""


def bound(reader: "MarkdownIt") -> None:
    """Let a text have no more cells than it could contain itself, and no reference that could repeat much."""
    from markdown_it.rules_block import table

    reader.block.ruler.at("table", partial(_table, table), {"alt": _INTERRUPTED})
    reader.core.ruler.after("block", "references", _drop_long_references)


def _table(read: "Rule", state: "StateBlock", start: int, end: int, silent: bool) -> bool:
    """Read a table with the library's rule, as many rows of it as the text may still have cells for."""
    left = state.env.setdefault("cells", _FEW_CELLS + len(state.src) // 2)
    columns = max(state.src.count("|", state.bMarks[start], state.eMarks[start]) - 1, 1)
    if columns > left:
        return False
    before = len(state.tokens)
    found = read(state, start, min(end, start + 2 + left // columns), silent)
    state.env["cells"] -= (len(state.tokens) - before) // _TOKENS_OF_CELL
    return found


def _drop_long_references(state: "StateCore") -> None:
    """Let uses of a long reference be text if there could be many."""
    uses = state.src.count("[")
    references = state.env.get("references", {})
    for name, reference in list(references.items()):
        if (len(reference["href"]) + len(reference["title"])) * uses > _MOST_REPEATED:
            del references[name]

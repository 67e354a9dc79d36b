"""Turn stretches of text into links, with untrusted patterns.

    >>> from roadstead.linkify import Linker, compile_linkers, render_html
    >>> linker = Linker("tickets", r"((?K)-\\d+)", r"https://t.example/\\1", values={"BB"})
    >>> [link.url for link in compile_linkers([linker]).linkify("fixes BB-12, not AA-3").links]
    ['https://t.example/BB-12']

The package is pure: it opens no file and no socket, and imports nothing else of Roadstead, so it can be used alone.

* `Linker` has a pattern and a target. `check_linker` judges one before it is used (`PatternReport`).
* `compile_linkers` makes `CompiledLinkers`, whose `linkify` returns the `Linkified` text with its `Link`s.
* `render_html`, `render_markdown` and `render_terminal` write a linkified text.
* `linkify_html` and `linkify_markdown` link the texts of a document.
* `explain` and `explain_markdown` say why a stretch of a text is a link or not.

`docs/architecture.md`, "Link a text", names the files that a text goes through. Names that are not in `__all__` are
private and may change.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadstead.linkify.check.report import PatternReport, check_linker, may_run_out
    from roadstead.linkify.check.witness import Witness
    from roadstead.linkify.documents.html_input import LinkifiedHtml, linkify_html
    from roadstead.linkify.documents.markdown_input import LinkifiedMarkdown, explain_markdown, linkify_markdown
    from roadstead.linkify.explanation.explain import explain
    from roadstead.linkify.explanation.explanation import Candidate, Explanation, Tried
    from roadstead.linkify.linker import InvalidPattern, Link, Linker, Linkified, Unfinished
    from roadstead.linkify.matching.matcher import CompiledLinkers, compile_linkers
    from roadstead.linkify.render.html import render_html
    from roadstead.linkify.render.markdown import render_markdown
    from roadstead.linkify.render.terminal import render_terminal

__all__ = [
    "Candidate",
    "CompiledLinkers",
    "Explanation",
    "InvalidPattern",
    "Link",
    "Linker",
    "Linkified",
    "LinkifiedHtml",
    "LinkifiedMarkdown",
    "PatternReport",
    "Tried",
    "Unfinished",
    "Witness",
    "check_linker",
    "compile_linkers",
    "explain",
    "explain_markdown",
    "linkify_html",
    "linkify_markdown",
    "may_run_out",
    "render_html",
    "render_markdown",
    "render_terminal",
]

_HOMES = {
    "check.report": ("PatternReport", "check_linker", "may_run_out"),
    "check.witness": ("Witness",),
    "documents.html_input": ("LinkifiedHtml", "linkify_html"),
    "documents.markdown_input": ("LinkifiedMarkdown", "explain_markdown", "linkify_markdown"),
    "explanation.explain": ("explain",),
    "explanation.explanation": ("Candidate", "Explanation", "Tried"),
    "linker": ("InvalidPattern", "Link", "Linker", "Linkified", "Unfinished"),
    "matching.matcher": ("CompiledLinkers", "compile_linkers"),
    "render.html": ("render_html",),
    "render.markdown": ("render_markdown",),
    "render.terminal": ("render_terminal",),
}
"""The names of `__all__`, by the module that has them. It is imported when a name is first used."""


def __getattr__(name: str) -> Any:
    """Return a name of `__all__`, and keep it and those beside it, so that they are found at once from then on."""
    for home, names in _HOMES.items():
        if name in names:
            module = import_module(f"{__name__}.{home}")
            globals().update({each: getattr(module, each) for each in names})
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Turn stretches of text into links, with patterns that strangers wrote.

    >>> from roadstead.linkify import Linker, compile_linkers, render_html
    >>> linker = Linker("tickets", r"((?K)-\\d+)", r"https://t.example/\\1", values={"BB"})
    >>> [link.url for link in compile_linkers([linker]).linkify("fixes BB-12, not AA-3").links]
    ['https://t.example/BB-12']

Pure: no file, no socket, nothing of Roadstead; it can be used alone. Every other name is private and may
change.
"""

from roadstead.linkify.check.report import PatternReport, check_linker
from roadstead.linkify.check.witness import Witness
from roadstead.linkify.documents.html_input import LinkifiedHtml, linkify_html
from roadstead.linkify.documents.markdown_input import LinkifiedMarkdown, explain_markdown, linkify_markdown
from roadstead.linkify.explanation.explain import explain
from roadstead.linkify.explanation.explanation import Candidate, Explanation, Tried
from roadstead.linkify.linker import InvalidPattern, Link, Linker, Linkified, Unfinished
from roadstead.linkify.matching.matcher import CompiledLinkers, compile_linkers
from roadstead.linkify.render import render_html, render_markdown, render_terminal

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
    "render_html",
    "render_markdown",
    "render_terminal",
]

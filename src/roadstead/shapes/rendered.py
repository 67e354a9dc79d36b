"""Texts that people wrote, as resources show them: as they were typed, and as HTML."""

from typing import Literal, TypedDict

Markup = Literal["markdown", "plaintext"]


class Rendered(TypedDict):
    """A text, in the markup in which it was typed, and rendered."""

    type: Literal["rendered"]
    raw: str
    markup: Markup
    html: str


def rendered(raw: str, html: str, markup: Markup = "markdown") -> Rendered:
    """Return a text with its HTML."""
    return {"type": "rendered", "raw": raw, "markup": markup, "html": html}

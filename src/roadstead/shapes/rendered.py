"""Texts that people wrote, as resources show them: as they were typed, and as HTML."""

from typing import Literal, TypedDict


class Rendered(TypedDict):
    """A text, in the markup in which it was typed, and rendered."""

    type: Literal["rendered"]
    raw: str
    markup: Literal["markdown"]
    html: str


def rendered(raw: str, html: str) -> Rendered:
    """Return a text with its HTML."""
    return {"type": "rendered", "raw": raw, "markup": "markdown", "html": html}

"""A text with its links as Markdown."""

import re

from roadstead.linkify.linker import Link, Linkified

_MARKDOWN_ACTIVE = re.compile(r"[\\`*_\[\]<>&!|~:@]")


def render_markdown(linkified: Linkified) -> str:
    """Return CommonMark with the links, and the rest unchanged.

    The rest is Markdown, so it is not escaped, except a backslash or a `!` that would change the link right after it.
    """
    rendered: list[str] = []
    for piece in linkified.pieces():
        if isinstance(piece, str):
            rendered.append(piece)
        else:
            if rendered:
                rendered[-1] = guarded(rendered[-1])
            rendered.append(markdown_link(piece, markdown_escaped(piece.text)))
    return "".join(rendered)


def markdown_link(link: Link, label: str) -> str:
    """Return a link as Markdown; `label` is its text as Markdown."""
    if link.linker is None and link.text == link.url:
        return f"<{link.url}>"
    # The URL is percent-encoded, so only parentheses could end it early.
    target = link.url.replace("(", "%28").replace(")", "%29")
    return f"[{label}]({target})"


def markdown_escaped(text: str) -> str:
    """Return a text with every character escaped that is special in Markdown."""
    return _MARKDOWN_ACTIVE.sub(r"\\\g<0>", text).replace("\n", "&#10;")


def guarded(before: str) -> str:
    """Return the Markdown before a link, with a last character escaped that would become part of the link."""
    backslashes = len(before) - len(before.rstrip("\\"))
    if backslashes % 2:
        return before + "\\"
    if before.endswith("!"):
        bare = before[:-1]
        escaped = (len(bare) - len(bare.rstrip("\\"))) % 2
        return before if escaped else bare + r"\!"
    return before

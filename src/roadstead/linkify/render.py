"""Linkified plain text as HTML, as Markdown, and for a terminal."""

import re
from functools import lru_cache
from html import escape

from roadstead.linkify.linker import Link, Linker, Linkified

_MARKDOWN_ACTIVE = re.compile(r"[\\`*_\[\]<>&!|~:@]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def render_html(linkified: Linkified) -> str:
    """Return HTML with everything escaped, and links as Bitbucket writes them; line breaks stay line breaks.

    A linker's link carries the attributes that browser extensions look for; a bare URL the ones of a plain
    link.
    """
    if not linkified.links:
        return escape(linkified.text)
    return "".join([escape(piece) if isinstance(piece, str) else _html_link(piece) for piece in linkified.pieces()])


def render_markdown(linkified: Linkified) -> str:
    """Return CommonMark in which the links are links and the rest is as it was.

    The rest is taken for Markdown, so it is not escaped; only a backslash or a `!` that would swallow the
    link right after it is.
    """
    rendered: list[str] = []
    for piece in linkified.pieces():
        if isinstance(piece, str):
            rendered.append(piece)
        else:
            if rendered:
                rendered[-1] = _guarded(rendered[-1])
            rendered.append(_markdown_link(piece))
    return "".join(rendered)


def render_terminal(linkified: Linkified) -> str:
    """Return the text with its links as OSC 8 hyperlinks, which terminals without them show as plain text.

    A link whose text holds control characters stays plain: they could end the link early or lead it
    elsewhere.
    """
    return "".join(piece if isinstance(piece, str) else _terminal_link(piece) for piece in linkified.pieces())


def _html_link(link: Link) -> str:
    url = link.url.replace("&", "&amp;")  # all else that HTML minds is percent-encoded in it
    return f'<a href="{url}" {_attributes(link.linker)}>{escape(link.text)}</a>'


@lru_cache(maxsize=4096)
def _attributes(linker: Linker | None) -> str:
    attributes = {"rel": "nofollow", "class": "ap-connect-link"}
    if linker:
        attributes |= {
            "target": "_blank",
            "data-module-key": linker.key,
            "data-link-key": linker.key,
            "data-app-key": linker.app_key,
            "data-principal-uuid": linker.principal_uuid,
        }
    return " ".join(f'{name}="{escape(value)}"' for name, value in attributes.items() if value)


def _markdown_link(link: Link) -> str:
    if link.linker is None and link.text == link.url:
        return f"<{link.url}>"
    text = _MARKDOWN_ACTIVE.sub(r"\\\g<0>", link.text).replace("\n", "&#10;")
    # The URL is percent-encoded, so parentheses are all that could end it early.
    target = link.url.replace("(", "%28").replace(")", "%29")
    return f"[{text}]({target})"


def _guarded(before: str) -> str:
    """Return the Markdown before a link, its last character kept from becoming part of the link's syntax."""
    backslashes = len(before) - len(before.rstrip("\\"))
    if backslashes % 2:
        return before + "\\"
    if before.endswith("!"):
        bare = before[:-1]
        escaped = (len(bare) - len(bare.rstrip("\\"))) % 2
        return before if escaped else bare + r"\!"
    return before


def _terminal_link(link: Link) -> str:
    if _CONTROL.search(link.text):
        return link.text
    return f"\x1b]8;;{link.url}\x1b\\{link.text}\x1b]8;;\x1b\\"

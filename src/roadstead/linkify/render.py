"""Linkified plain text as HTML, as Markdown, and for a terminal."""

import re
from functools import lru_cache

from roadstead.linkify.linker import Link, Linkified

_MARKDOWN_ACTIVE = re.compile(r"[\\`*_\[\]<>&!|~:@]")
_PLAIN_LINK = 'rel="nofollow" class="ap-connect-link"'
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def render_html(linkified: Linkified) -> str:
    """Return HTML with everything escaped, and links as Bitbucket writes them; line breaks stay line breaks.

    A linker's link carries the attributes that browser extensions look for; a bare URL the ones of a plain
    link.
    """
    text = linkified.text
    rendered: list[str] = []
    position = 0
    for link in linkified.links:
        linker = link.linker
        attributes = _attributes(linker.key, linker.app_key, linker.principal_uuid) if linker else _PLAIN_LINK
        before, shown = escape(text[position : link.start]), escape(link.text)
        url = link.url.replace("&", "&amp;")  # all else that HTML minds is percent-encoded in it
        rendered.append(f'{before}<a href="{url}" {attributes}>{shown}</a>')
        position = link.end
    rendered.append(escape(text[position:]))
    return "".join(rendered)


def escape(text: str) -> str:
    """Return what `html.escape` returns, three times as quickly where there is nothing to escape."""
    if "&" in text:
        text = text.replace("&", "&amp;")
    if "<" in text:
        text = text.replace("<", "&lt;")
    if ">" in text:
        text = text.replace(">", "&gt;")
    if '"' in text:
        text = text.replace('"', "&quot;")
    if "'" in text:
        text = text.replace("'", "&#x27;")
    return text


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


@lru_cache(maxsize=4096)
def _attributes(key: str, app_key: str, principal_uuid: str) -> str:
    attributes = {
        "target": "_blank",
        "data-module-key": key,
        "data-link-key": key,
        "data-app-key": app_key,
        "data-principal-uuid": principal_uuid,
    }
    written = (f'{name}="{escape(value)}"' for name, value in attributes.items() if value)
    return " ".join((_PLAIN_LINK, *written))


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

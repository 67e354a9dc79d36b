"""Linkified plain text as HTML, as Markdown, and for a terminal."""

import re
from functools import lru_cache

from roadstead.linkify.linker import Link, Linkified

_MARKDOWN_ACTIVE = re.compile(r"[\\`*_\[\]<>&!|~:@]")
_PLAIN_LINK = 'rel="nofollow" class="ap-connect-link"'
_STYLE = re.compile(r"\x1b\[([0-9;:]*)m")
_STYLE_OR_ERASE = re.compile(
    r"\x1b\[(?:[0-9;:]*m|[0-2]?K)"
)  # grep erases the rest of the line at each change of colour
_COLOUR = re.compile(r"[345]8;(?:5;\d*|2;\d*;\d*;\d*)")  # numbers in it mean no style
_UNDERLINE, _NO_UNDERLINE = "\x1b[4m", "\x1b[24m"
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
                rendered[-1] = guarded(rendered[-1])
            rendered.append(markdown_link(piece, markdown_escaped(piece.text)))
    return "".join(rendered)


def render_terminal(linkified: Linkified, *, underline: bool = False) -> str:
    """Return the text with its links as OSC 8 hyperlinks, which terminals without them show as plain text.

    Many terminals show a hyperlink only when the mouse is over it, so there is `underline`. A link whose text holds
    control characters, other than colours, stays plain: they could end the link early or lead it elsewhere.
    """
    rendered: list[str] = []
    underlined = False  # by the text itself
    for piece in linkified.pieces():
        text = piece if isinstance(piece, str) else piece.text
        after = underline and _is_underlined(text, underlined)
        if isinstance(piece, str) or _CONTROL.search(_STYLE_OR_ERASE.sub("", text)):
            rendered.append(text)
        elif underline:
            shown = _STYLE.sub(rf"\g<0>{_UNDERLINE}", text)
            rendered.append(f"{_UNDERLINE}{_hyperlink(piece.url, shown)}{'' if after else _NO_UNDERLINE}")
        else:
            rendered.append(_hyperlink(piece.url, text))
        underlined = after
    return "".join(rendered)


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


def markdown_link(link: Link, label: str) -> str:
    """Return a link as Markdown; `label` is its text as Markdown."""
    if link.linker is None and link.text == link.url:
        return f"<{link.url}>"
    # The URL is percent-encoded, so parentheses are all that could end it early.
    target = link.url.replace("(", "%28").replace(")", "%29")
    return f"[{label}]({target})"


def markdown_escaped(text: str) -> str:
    """Return a text such that nothing in it is Markdown."""
    return _MARKDOWN_ACTIVE.sub(r"\\\g<0>", text).replace("\n", "&#10;")


def guarded(before: str) -> str:
    """Return the Markdown before a link, its last character kept from becoming part of the link's syntax."""
    backslashes = len(before) - len(before.rstrip("\\"))
    if backslashes % 2:
        return before + "\\"
    if before.endswith("!"):
        bare = before[:-1]
        escaped = (len(bare) - len(bare.rstrip("\\"))) % 2
        return before if escaped else bare + r"\!"
    return before


def _hyperlink(url: str, text: str) -> str:
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"


def _is_underlined(text: str, before: bool) -> bool:
    """Whether what comes after the text is underlined by the styles in it, if what comes before it is."""
    for style in _STYLE.finditer(text):
        for parameter in _COLOUR.sub("1", style[1]).split(";"):
            if parameter in ("", "0", "00", "24", "4:0"):
                before = False
            elif parameter in ("4", "04", "21") or parameter.startswith("4:"):
                before = True
    return before

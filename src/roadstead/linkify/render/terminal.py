"""A text with its links for a terminal."""

import re

from roadstead.linkify.linker import Linkified

_STYLE = re.compile(r"\x1b\[([0-9;:]*)m")
_STYLE_OR_ERASE = re.compile(r"\x1b\[(?:[0-9;:]*m|[0-2]?K)")
"""Git and grep write these in the middle of a line. grep erases the rest of the line at each change of colour."""
_COLOUR = re.compile(r"[345]8;(?:5;\d*|2;\d*;\d*;\d*)")  # numbers in it are not styles
_UNDERLINE, _NO_UNDERLINE = "\x1b[4m", "\x1b[24m"
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def render_terminal(linkified: Linkified, *, underline: bool = False) -> str:
    """Return the text with its links as OSC 8 hyperlinks. Terminals that do not support these show plain text.

    Many terminals show a hyperlink only under the mouse, so `underline` marks them. A link whose text contains control
    characters, except colours, stays plain: they could end the link early or redirect it.
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


def _hyperlink(url: str, text: str) -> str:
    return f"\x1b]8;;{url}\x1b\\{text}\x1b]8;;\x1b\\"


def _is_underlined(text: str, before: bool) -> bool:
    """Return whether the styles of a text leave the following text underlined, given whether it began so."""
    for style in _STYLE.finditer(text):
        for parameter in _COLOUR.sub("1", style[1]).split(";"):
            if parameter in ("", "0", "00", "24", "4:0"):
                before = False
            elif parameter in ("4", "04", "21") or parameter.startswith("4:"):
                before = True
    return before

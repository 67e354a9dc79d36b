"""A text with its links as HTML."""

from functools import lru_cache

from roadstead.linkify.linker import Linkified

_PLAIN_LINK = 'rel="nofollow" class="ap-connect-link"'
_REFERENCE = 'rel="nofollow"'


def render_html(linkified: Linkified) -> str:
    """Return HTML with everything escaped, and links as Bitbucket writes them. Line breaks stay line breaks.

    A linker's link has the attributes that browser extensions look for, a bare URL those of a plain link, and a
    reference within the host, such as the hash of a commit, less.
    """
    text = linkified.text
    rendered: list[str] = []
    position = 0
    for link in linkified.links:
        linker = link.linker
        if linker is None:
            attributes = _REFERENCE if link.url.startswith("/") else _PLAIN_LINK
        else:
            attributes = _attributes(linker.key, linker.app_key, linker.principal_uuid)
        before, shown = escape(text[position : link.start]), escape(link.text)
        url = link.url.replace("&", "&amp;")  # everything else special in HTML is percent-encoded in it
        rendered.append(f'{before}<a href="{url}" {attributes}>{shown}</a>')
        position = link.end
    rendered.append(escape(text[position:]))
    return "".join(rendered)


def escape(text: str) -> str:
    """Return what `html.escape` returns, in a third of the time if there is nothing to escape."""
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

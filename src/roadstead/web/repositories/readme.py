"""The README of a repository, as HTML whose links and pictures lead to the files of the commit."""

import re
from functools import partial
from urllib.parse import urljoin

from markupsafe import Markup

from roadstead.domain.rendering.markdown import LONGEST
from roadstead.domain.repositories.committed_files import whole
from roadstead.domain.repositories.known import html_of
from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.source import Place
from roadstead.git.objects import Commit
from roadstead.git.trees import Entries, Entry
from roadstead.web.repositories.shown import source_url
from roadstead.web.repositories.visible import visible

_MARKDOWN = ("readme.md", "readme.markdown")
_NAMES = (*_MARKDOWN, "readme", "readme.txt", "readme.rst")
"""In lower case, the preferred ones first."""
_FILES = {name.encode() for name in _NAMES}
_MOST_BYTES = 4 * LONGEST
_TAG = re.compile(r'<(a|img)\b((?:[^<>"]|"[^"]*")*)>')
"""A tag as the sanitiser writes it."""
_ADDRESS = re.compile(r'\b(href|src)="([^"]*)"')
_ALTERNATIVE = re.compile(r'\balt="([^"]*)"')
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|[/#?]|$", re.IGNORECASE)
"""Begins what is not the path of a file beside the README."""


async def readme_of(reading: Reading, commit: Commit, root: Entries) -> Markup | None:
    """Return the README in the root of a commit, if there is one that is short enough to be read here."""
    named = {_name(entry): entry for entry in root.called(_FILES) if entry.kind == "file" and not entry.is_link}
    name = next((name for name in _NAMES if name in named), None)
    if name is None:
        return None
    content = await whole(reading, Place(reading.folder, commit.hash, named[name]), most=_MOST_BYTES)
    if content is None:
        return None
    text = content.decode("utf-8", "replace")
    if name not in _MARKDOWN:
        return Markup("<pre>{}</pre>").format(visible(text))
    html = (await html_of(reading, [text]))[text]
    return Markup(_TAG.sub(partial(_tag, reading, commit), html))  # noqa: S704  # it was sanitised


def _name(entry: Entry) -> str:
    return entry.path.decode().lower()


def _tag(reading: Reading, commit: Commit, tag: re.Match[str]) -> str:
    """Return a tag with the address of a file instead of its path; of a picture of another host, only its text."""
    name, attributes = tag.groups()
    address = _ADDRESS.search(attributes)
    if address is None or not _ELSEWHERE.match(address[2]):
        return f"<{name}{_ADDRESS.sub(partial(_attribute, reading, commit), attributes)}>"
    return tag[0] if name == "a" else _alternative(attributes)


def _attribute(reading: Reading, commit: Commit, found: re.Match[str]) -> str:
    name, path = found.groups()
    beside = source_url(reading.repository, commit.hash, page="raw" if name == "src" else "src")
    return f'{name}="{urljoin(beside, path)}"'


def _alternative(attributes: str) -> str:
    """Return the text of a picture that is not loaded: pages load nothing from other hosts."""
    alternative = _ALTERNATIVE.search(attributes)
    return alternative[1] if alternative else ""

"""`/-/docs/…`: the documentation of this version, from its own files."""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.responses import FileResponse, Response

import roadstead
from roadstead.errors import NotFound
from roadstead.web.page import Visit, render

if TYPE_CHECKING:
    from markdown_it.token import Token

_SECTIONS = {"": "Start here", "how-to": "How to", "reference": "Reference", "decisions": "Decisions"}
"""The heading of each folder's documents."""
_FIRST = "tutorial.md"


@dataclass(frozen=True, slots=True)
class Entry:
    address: str
    title: str


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    entries: list[Entry]


@dataclass(frozen=True, slots=True)
class ContentsPage:
    """Context of `docs.html`."""

    sections: list[Section]


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """Context of `document.html`."""

    entry: Entry
    html: Markup


async def show(visit: Visit) -> Response:
    sections = [
        Section(name, [_entry(one) for one in sorted(_documents(folder), key=lambda one: (one != _FIRST, one))])
        for folder, name in _SECTIONS.items()
    ]
    return render("docs.html", ContentsPage(sections), visit=visit)


async def show_document(visit: Visit) -> Response:
    name: str = visit.request.path_params["name"]
    file = _files().get(name)
    if file is None:
        raise NotFound("There is no such document.", "The table of contents is at /-/docs.")
    if file.suffix == ".png":
        return FileResponse(file)
    page = DocumentPage(_entry(name), Markup(_html(name)))  # noqa: S704  # of our own files; HTML in them is escaped
    return render("document.html", page, visit=visit)


@cache
def _files() -> Mapping[str, Path]:
    """Return the documents and pictures by their names below `docs`, which a wheel has inside the package."""
    package = Path(roadstead.__file__).parent
    folder = package / "docs" if (package / "docs").is_dir() else package.parents[1] / "docs"
    return {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.suffix in (".md", ".png")}


def _documents(folder: str) -> Iterator[str]:
    return (name for name in _files() if name.endswith(".md") and posixpath.dirname(name) == folder)


@cache
def _entry(name: str) -> Entry:
    heading = _files()[name].read_text("utf-8").partition("\n")[0]
    return Entry(f"/-/docs/{name}", heading.removeprefix("# ").replace("`", ""))


@cache
def _html(name: str) -> str:
    from markdown_it import MarkdownIt  # imported late, because few pages need it

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(_files()[name].read_text("utf-8"))
    _name_headings(tokens)
    _name_cells(tokens)
    for token in tokens:
        token.attrs.pop("style", None)  # the pages' policy would refuse it
        token.children = list(_without_dead_links(token.children, posixpath.dirname(name))) if token.children else None
    return str(reader.renderer.render(tokens, reader.options, {}))


def _name_headings(tokens: "list[Token]") -> None:
    """Give each heading an id for links to it, in GitHub's form."""
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            text = "".join(child.content for child in inline.children or ())
            opening.attrs["id"] = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _name_cells(tokens: "list[Token]") -> None:
    """Give each cell of a table the name of its column, which the stylesheet shows on a phone."""
    columns: list[str] = []
    cells = 0
    for opening, inline in pairwise(tokens):
        match opening.type:
            case "thead_open":
                columns = []
            case "th_open":
                columns.append("".join(child.content for child in inline.children or ()))
                opening.attrs["scope"] = "col"
            case "tr_open":
                cells = 0
            case "td_open":
                opening.attrs |= {"data-label": columns[cells], "class": "any"}
                cells += 1


def _without_dead_links(children: "list[Token]", folder: str) -> "Iterator[Token]":
    """Yield the tokens of a line, without links to files that are not among the documents."""
    dead = False
    for child in children:
        if child.type == "link_open":
            target = urlsplit(str(child.attrs["href"]))
            dead = not (target.scheme or not target.path or _file_at(folder, target.path) in _files())
        if not (dead and child.type in ("link_open", "link_close")):
            yield child


def _file_at(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))

"""`/{workspace}/{repo}/src/{revision}/{path}`: a folder, or a file as text; and `/raw/`, the content of a file."""

from dataclasses import dataclass

from markupsafe import Markup, escape
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.types import ASGIApp

from roadstead.api.files import file_answer
from roadstead.api.streams import Stream
from roadstead.domain.repositories.committed_files import content_of, pointer_at
from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.source import Place, find_place
from roadstead.git import blobs, objects, trees
from roadstead.git.objects import Commit
from roadstead.git.trees import NoSuchPath
from roadstead.web.page import NavigationLink, Visit, render
from roadstead.web.repositories.chooser import chooser, chosen_in
from roadstead.web.repositories.commit_lines import CommitLine, lines_of
from roadstead.web.repositories.entries import LFS, EntryLine, entry_lines_with_commits, note_of
from roadstead.web.repositories.shown import Shown, of_repository, parts_of, root, shown, source_url
from roadstead.web.repositories.visible import visible, visible_path
from roadstead.web.workspace_page import Part, wanted_page

MOST_BYTES = 512 * 1024
MOST_LINES = 10_000
_ENTRIES = 500
_ROW = '<div id="lines-%d"><span class="count">%d</span><code>%s</code></div>\n'
_BINARY = b"\0"
_LOOKED_AT = 8_000
"""Bytes in which git looks for a zero, which a text does not have."""


@dataclass(frozen=True, slots=True)
class FolderPage:
    """Context of `folder.html`."""

    here: Shown
    name: str
    commit: CommitLine
    entries: Part[EntryLine]


@dataclass(frozen=True, slots=True)
class FilePage:
    """Context of `file.html`. `rows` are its `lines`; without any, `why` says why it is not shown."""

    here: Shown
    name: str
    commit: CommitLine
    note: str
    size: int
    raw: str
    lines: int
    rows: Markup
    why: str


async def _show_main(visit: Visit, reading: Reading) -> Response:
    chosen, path = chosen_in(visit)
    revision = chosen or reading.repository.mainbranch
    url = root(reading.repository) if revision is None else source_url(reading.repository, revision, path)
    return RedirectResponse(url, 302)


async def _show(visit: Visit, reading: Reading) -> Response:
    place = find_place(visit.host, reading.repository, parts_of(visit))
    commit = objects.commit(place.folder, place.commit)
    branches = await chooser(reading, "/src", _revision(visit, place), place.entry.path)
    here = await shown(visit, reading, "", _above(reading, place), branches)
    (line,) = await lines_of(reading, [commit])
    if place.entry.kind == "folder":
        return render("folder.html", await _folder(visit, reading, here, place, commit, line), visit=visit)
    return render("file.html", _file(reading, here, place, line), visit=visit)


def _revision(visit: Visit, place: Place) -> str:
    """Return the revision as the address names it."""
    parts = parts_of(visit)
    depth = place.entry.path.count(b"/") + 1 if place.entry.path else 0
    return b"/".join(parts[: len(parts) - depth]).decode("utf-8", "replace")


async def _folder(
    visit: Visit, reading: Reading, here: Shown, place: Place, commit: Commit, line: CommitLine
) -> FolderPage:
    wanted = wanted_page(visit)
    found = trees.entries(place.folder, commit.tree, place.entry.path)
    first = (wanted.number - 1) * _ENTRIES
    shown_part = slice(first, first + _ENTRIES)
    lines = await entry_lines_with_commits(reading, commit.hash, place.entry.path, found, shown_part)
    address = f"{source_url(reading.repository, commit.hash, place.entry.path)}?page={{}}"
    following = address.format(wanted.number + 1) if len(found) > first + _ENTRIES else None
    part = Part(lines, len(found), address.format(wanted.number - 1) if first else None, following)
    return FolderPage(here, _name(place) or "Files", line, part)


def _file(reading: Reading, here: Shown, place: Place, line: CommitLine) -> FilePage:
    entry = place.entry
    raw = source_url(reading.repository, place.commit, entry.path, page="raw")
    if entry.kind == "submodule":
        why = f"A submodule: the commit {entry.id} of another repository."
        return FilePage(here, _name(place), line, note_of(entry), len(entry.id), raw, 0, Markup(), why)
    size = blobs.size(place.folder, entry.id)
    if pointer := pointer_at(place.folder, entry, size):
        why = "A file of git LFS. Its content is not shown here."
        return FilePage(here, _name(place), line, LFS, pointer.size, raw, 0, Markup(), why)
    lines, why = _lines(place, size)
    return FilePage(here, _name(place), line, note_of(entry), size, raw, len(lines), _rows(lines), why)


def _lines(place: Place, size: int) -> tuple[list[str], str]:
    """Return the lines of a file, or why they are not shown."""
    if size == 0:
        return [], "The file is empty."
    if size > MOST_BYTES:
        return [], "The file is too large to be shown."
    content = blobs.content(place.folder, place.entry.id)
    if _BINARY in content[:_LOOKED_AT]:
        return [], "The file is binary."
    lines = visible(content.decode("utf-8", "replace").replace("\r\n", "\n")).removesuffix("\n").split("\n")
    return (lines, "") if len(lines) <= MOST_LINES else ([], "The file has too many lines to be shown.")


def _rows(lines: list[str]) -> Markup:
    """Return the rows of a listing: a template takes twenty times as long for ten thousand."""
    escaped = str(escape("\n".join(lines))).split("\n")
    rows = [_ROW % (number, number, line) for number, line in enumerate(escaped, 1)]
    return Markup("".join(rows))  # noqa: S704  # the lines are escaped


def _name(place: Place) -> str:
    return visible_path(place.entry.name)


def _above(reading: Reading, place: Place) -> list[NavigationLink]:
    """Return the folders in which a file or folder is."""
    if not place.entry.path:
        return []
    folders = place.entry.path.split(b"/")[:-1]
    links = [NavigationLink(source_url(reading.repository, place.commit), "Files", current=False)]
    for number, name in enumerate(folders, 1):
        url = source_url(reading.repository, place.commit, b"/".join(folders[:number]) + b"/")
        links.append(NavigationLink(url, visible_path(name), current=False))
    return links


async def _show_raw(visit: Visit, reading: Reading) -> ASGIApp:
    """Return the content of a file, and a large one as fast as it is read."""
    place = find_place(visit.host, reading.repository, parts_of(visit))
    if place.entry.kind == "folder":
        raise NoSuchPath(place.entry.path)
    answer = file_answer(visit.request, await content_of(reading, place))
    return _by_messages(answer) if isinstance(answer, Stream) else answer


def _by_messages(stream: Stream) -> StreamingResponse:
    """Return a stream as pages are sent: a stream goes past those who watch the messages of ASGI and add headers."""
    response = StreamingResponse(stream.pieces, stream.status)
    response.raw_headers = stream.headers
    return response


show_main = of_repository(_show_main)
show = of_repository(_show)
show_raw = of_repository(_show_raw)

"""Files and folders as lines of a list."""

from collections.abc import Sequence
from dataclasses import dataclass

from roadstead.domain.repositories.reading import Reading
from roadstead.git import trees
from roadstead.git.trees import Entry
from roadstead.web.repositories.shown import source_url
from roadstead.web.repositories.visible import visible_path


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A file or folder in a list. A folder's name ends with a slash; `size` is that of a file, `note` what it is."""

    url: str
    name: str
    size: int | None
    note: str


def lines_of(reading: Reading, commit: str, entries: Sequence[Entry]) -> list[EntryLine]:
    """Return files and folders of a commit as lines."""
    sizes = trees.sizes(reading.folder, entries)
    return [_line(reading, commit, entry, size) for entry, size in zip(entries, sizes, strict=True)]


def _line(reading: Reading, commit: str, entry: Entry, size: int | None) -> EntryLine:
    end = "/" if entry.kind == "folder" else ""
    name = visible_path(entry.path.rpartition(b"/")[2])
    return EntryLine(
        source_url(reading.repository, commit, entry.path + end.encode()), name + end, size, note_of(entry)
    )


def note_of(entry: Entry) -> str:
    """Return what is special about a file."""
    if entry.kind == "submodule":
        return "submodule"
    if entry.is_link:
        return "link"
    return "executable" if entry.is_executable else ""

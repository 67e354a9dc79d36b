"""Files and folders as lines of a list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from roadstead.domain.repositories.committed_files import pointer_at
from roadstead.domain.repositories.reading import Reading
from roadstead.git import objects, trees
from roadstead.git.last_commits import last_commits
from roadstead.git.trees import Entry
from roadstead.web.repositories.commit_lines import CommitLine, lines_of
from roadstead.web.repositories.shown import source_url
from roadstead.web.repositories.visible import visible_path

LFS = "LFS"
"""What is special about a file of git LFS, whose size is that of its object."""
_MOST_COMMITS = 2_000
_MOST_ENTRIES = 1_000_000
"""Looked at for the last commits of a folder, in all of its versions: reading them must take no page long."""


@dataclass(frozen=True, slots=True)
class EntryLine:
    """A file or folder in a list. A folder's name ends with a slash; `size` is that of a file, `note` what it is.

    `last` is the last commit that changed it, where a list has that, unless it is one of long ago.
    """

    url: str
    name: str
    size: int | None
    note: str
    last: CommitLine | None = None


def entry_lines(reading: Reading, commit: str, entries: Sequence[Entry]) -> list[EntryLine]:
    """Return files and folders of a commit as lines."""
    sizes = trees.sizes(reading.folder, entries)
    return [_line(reading, commit, entry, size) for entry, size in zip(entries, sizes, strict=True)]


async def entry_lines_with_commits(
    reading: Reading, commit: str, folder: bytes, found: Sequence[Entry], part: slice
) -> list[EntryLine]:
    """Return a part of the files and folders of a folder as lines, each with its last commit."""
    entries = found[part]
    most = min(_MOST_COMMITS, _MOST_ENTRIES // max(1, len(found)))
    last = await last_commits(reading.folder, commit, folder, (entry.name for entry in entries), most=most)
    hashes = list(dict.fromkeys(last.values()))
    commits = await lines_of(reading, [objects.commit(reading.folder, hash_) for hash_ in hashes])
    by_hash = dict(zip(hashes, commits, strict=True))
    lines = zip(entries, entry_lines(reading, commit, entries), strict=True)
    return [replace(line, last=by_hash.get(last.get(entry.name, ""))) for entry, line in lines]


def _line(reading: Reading, commit: str, entry: Entry, size: int | None) -> EntryLine:
    end = "/" if entry.kind == "folder" else ""
    url, name = source_url(reading.repository, commit, entry.path + end.encode()), visible_path(entry.name) + end
    pointer = pointer_at(reading.folder, entry, size)
    return EntryLine(url, name, pointer.size, LFS) if pointer else EntryLine(url, name, size, note_of(entry))


def note_of(entry: Entry) -> str:
    """Return what is special about a file."""
    if entry.kind == "submodule":
        return "submodule"
    if entry.is_link:
        return "link"
    return "executable" if entry.is_executable else ""

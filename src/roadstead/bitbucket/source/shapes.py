"""Files and folders over the wire."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, NotRequired, TypedDict

from roadstead.bitbucket.commits.shapes import CommitShapes, CondensedCommit, TargetCommit
from roadstead.bitbucket.source.model import Attribute, FileChange, Listed, attributes_of, mimetype_of
from roadstead.listing import Field, Listing
from roadstead.shapes.accounts import Href
from roadstead.shapes.links import in_path
from roadstead.shapes.paths import escaped, shown


class EntryLinks(TypedDict):
    """Where a file or folder is, its description, and the history of a file."""

    self: Href
    meta: Href
    history: NotRequired[Href]


class TreeEntry(TypedDict):
    """A file or folder, as a commit has it. Only files have the members after `links`; `mimetype` is a guess."""

    type: Literal["commit_file", "commit_directory"]
    path: str
    commit: CondensedCommit
    links: EntryLinks
    attributes: NotRequired[Sequence[Attribute]]
    escaped_path: NotRequired[str]
    size: NotRequired[int]
    mimetype: NotRequired[str | None]


class HistoryEntry(TypedDict):
    """A file or folder, as a commit has made it. Of one that the commit has deleted, `size` is missing."""

    type: Literal["commit_file", "commit_directory"]
    path: str
    commit: TargetCommit
    links: EntryLinks
    attributes: Sequence[Attribute]
    escaped_path: str
    size: NotRequired[int]
    mimetype: str | None


HISTORY_LIST = Listing(
    Field("path", str),
    Field("commit.hash", str),
    Field("commit.date", datetime),
    Field("commit.message", str),
    Field("commit.author.raw", str),
    length=50,
)
SOURCE_LIST = Listing(
    Field("path", str),
    Field("type", str),
    Field("size", int),
    Field("attributes", str),
    Field("mimetype", str),
)


class SourceShapes:
    """The shapes of files and folders of one commit of the repository at `url`."""

    def __init__(self, url: str, commit: str, commits: CommitShapes) -> None:
        self._source = f"{url}/src/{commit}/"
        self._history = f"{url}/filehistory/{commit}/"
        self._commit = commits.condensed(commit)

    def listed(self, listed: Listed) -> TreeEntry:
        """Return a file or a folder."""
        return self.directory(listed.entry.path) if listed.entry.kind == "folder" else self.file(listed)

    def directory(self, path: bytes) -> TreeEntry:
        """Return a folder."""
        address = self._source + (f"{in_path(path)}/" if path else "")
        links: EntryLinks = {"self": {"href": address}, "meta": {"href": f"{address}?format=meta"}}
        return {"type": "commit_directory", "path": shown(path), "commit": self._commit, "links": links}

    def file(self, listed: Listed) -> TreeEntry:
        """Return a file."""
        entry, size = listed
        return {
            "type": "commit_file",
            "path": shown(entry.path),
            "commit": self._commit,
            "attributes": attributes_of(entry),
            "escaped_path": escaped(entry.path),
            "size": size,
            "mimetype": mimetype_of(entry.path),
            "links": self.links(entry.path),
        }

    def links(self, path: bytes) -> EntryLinks:
        """Return where a file, its description and its history are."""
        quoted = in_path(path)
        return {
            "self": {"href": self._source + quoted},
            "meta": {"href": f"{self._source}{quoted}?format=meta"},
            "history": {"href": self._history + quoted},
        }


def history_entry(url: str, change: FileChange, commits: CommitShapes) -> HistoryEntry:
    """Return a commit's change of a file of the repository at `url`."""
    commit, path, entry, size = change
    shapes = SourceShapes(url, commit.hash, commits)
    shape: HistoryEntry = {
        "type": "commit_directory" if entry is not None and entry.kind == "folder" else "commit_file",
        "path": shown(path),
        "commit": commits.target(commit),
        "links": shapes.links(path),
        "attributes": [] if entry is None else attributes_of(entry),
        "escaped_path": escaped(path),
        "mimetype": mimetype_of(path),
    }
    if size is not None:
        shape["size"] = size
    return shape

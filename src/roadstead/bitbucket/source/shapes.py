"""Files and folders over the wire."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from roadstead.api.multipart import Part
from roadstead.bitbucket.commits.shapes import CommitShapes, CondensedCommit, TargetCommit
from roadstead.bitbucket.source.model import Attribute, FileVersion, Listed, attributes_of
from roadstead.domain.repositories.committing import WantedCommit
from roadstead.domain.repositories.source import mimetype_of
from roadstead.errors import InvalidInput, invalid_member
from roadstead.git.tree_format import FILE, LINK, PROGRAM
from roadstead.git.writing import FileWrite
from roadstead.listing import Field, Listing
from roadstead.shapes.links import Link, in_path
from roadstead.shapes.paths import escaped, shown


class EntryLinks(msgspec.Struct, rename={"to_self": "self"}, gc=False):
    """Where a file or folder is, its description, and the history of a file."""

    to_self: Link
    meta: Link
    history: Link | msgspec.UnsetType = msgspec.UNSET


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
        links = EntryLinks(Link(address), Link(f"{address}?format=meta"))
        return {"type": "commit_directory", "path": shown(path), "commit": self._commit, "links": links}

    def file(self, listed: Listed) -> TreeEntry:
        """Return a file."""
        entry = listed.entry
        kind = mimetype_of(entry.path)
        return {
            "type": "commit_file",
            "path": shown(entry.path),
            "commit": self._commit,
            "attributes": attributes_of(listed, kind),
            "escaped_path": escaped(entry.path),
            "size": listed.size,
            "mimetype": kind,
            "links": self.links(entry.path),
        }

    def links(self, path: bytes) -> EntryLinks:
        """Return where a file, its description and its history are."""
        quoted = in_path(path)
        address = self._source + quoted
        return EntryLinks(Link(address), Link(f"{address}?format=meta"), Link(self._history + quoted))


def history_entry(url: str, change: FileVersion, commits: CommitShapes) -> HistoryEntry:
    """Return a commit's change of a file of the repository at `url`."""
    commit, path, listed = change
    shapes, kind = SourceShapes(url, commit.hash, commits), mimetype_of(path)
    shape: HistoryEntry = {
        "type": "commit_directory" if listed is not None and listed.entry.kind == "folder" else "commit_file",
        "path": shown(path),
        "commit": commits.target(commit),
        "links": shapes.links(path),
        "attributes": [] if listed is None else attributes_of(listed, kind),
        "escaped_path": escaped(path),
        "mimetype": kind,
    }
    if listed is not None and listed.entry.kind == "file":
        shape["size"] = listed.size
    return shape


# What is committed


class NewCommit(TypedDict, total=False):
    """A commit. Each other field, and each file of a multipart form, is a file: its name is the path."""

    message: Annotated[str, msgspec.Meta(description="By default it names the files.")]
    author: Annotated[str, msgspec.Meta(description="By default the caller.", examples=["Ada <ada@example.com>"])]
    parents: Annotated[str, msgspec.Meta(description="The commit that the branch must be at, or a new one begins at.")]
    branch: Annotated[str, msgspec.Meta(description="By default the main branch. It may be new.")]
    files: Annotated[str, msgspec.Meta(description="A path. What is not sent as a file is deleted. May be repeated.")]


_FIELDS = (b"message", b"author", b"parents", b"branch", b"files")
_MODES = {b"executable": PROGRAM, b"link": LINK}


def wanted_commit(parts: Iterable[Part]) -> WantedCommit:
    """Return the commit that a form describes. Raise `InvalidInput`."""
    fields: dict[bytes, list[str]] = {name: [] for name in _FIELDS}
    files: dict[bytes, FileWrite] = {}
    named: list[bytes] = []
    for part in parts:
        if part.is_file or part.name not in _FIELDS:
            _add(files, FileWrite(part.name.removeprefix(b"/"), part.content, _mode(part.attributes)))
        elif part.name == b"files":
            named.append(part.content.removeprefix(b"/"))
        else:
            fields[part.name].append(_read(part))
    deleted = [FileWrite(path, None) for path in dict.fromkeys(named) if path not in files]
    message, author, parents, branch = (_only(name.decode(), fields[name]) for name in _FIELDS[:-1])
    return WantedCommit([*files.values(), *deleted], branch or None, parents or None, author or None, message or None)


def _add(files: dict[bytes, FileWrite], file: FileWrite) -> None:
    if file.path in files:
        raise InvalidInput(f"The file {shown(file.path)[:200]} is given more than once.")
    files[file.path] = file


def _mode(attributes: bytes) -> int:
    words = attributes.replace(b",", b" ").split()
    if not set(words) <= set(_MODES):
        raise InvalidInput("A file may be `executable` or a `link`.", f"{shown(attributes)[:100]!r} is neither.")
    return LINK if b"link" in words else PROGRAM if words else FILE


def _read(part: Part) -> str:
    try:
        return part.content.decode()
    except UnicodeDecodeError as exc:
        raise invalid_member(part.name.decode(), "It is no UTF-8.") from exc


def _only(name: str, values: Sequence[str]) -> str:
    if len(values) > 1:
        raise invalid_member(name, "It is given more than once.")
    return values[0] if values else ""

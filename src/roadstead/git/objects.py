"""Commits and tags as values, read as git reads them: also those that a strict reader refuses.

Text is decoded from the encoding that a commit names, else from UTF-8; bytes that do not fit are replaced.
"""

import codecs
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec
import pygit2
from pygit2.enums import ObjectType

from roadstead.errors import GitFailed, NotFound
from roadstead.git.opened import UNREADABLE, repository

Kind = Literal["commit", "tree", "blob", "tag"]

OBJECT_TYPES: Mapping[Kind, ObjectType] = {
    "commit": ObjectType.COMMIT,
    "tree": ObjectType.TREE,
    "blob": ObjectType.BLOB,
    "tag": ObjectType.TAG,
}
_KINDS: dict[int, Kind] = {number: kind for kind, number in OBJECT_TYPES.items()}
_COMMIT = re.compile(rb"tree ([^\n]{40})\n?((?:parent [^\n]{40}\n?)*)(?:author ([^\n]*)\n?)?(?:committer ([^\n]*))?")
_ENCODING = re.compile(rb"\nencoding ([^\n]*)")
_CODEC = re.compile("utf-(?:8|16|32)|ascii|iso|cp|koi8|kz|euc|gb|big5|hz|shift|johab|tis|ptcp|mac|hp")
_LATEST = int(datetime(9999, 12, 30, tzinfo=UTC).timestamp())
_DAY = 24 * 60
_MOST_DIGITS = 20
_MOST_TAGS = 20
"""Tags in a chain of tags of tags. A longer chain counts as broken."""


class Signature(msgspec.Struct, frozen=True, gc=False):
    """Who wrote or committed something, or tagged it. `offset` is in minutes east of UTC."""

    name: str
    email: str
    seconds: int
    offset: int

    @property
    def raw(self) -> str:
        """Return name and address as git writes them."""
        return f"{self.name} <{self.email}>"

    @property
    def on(self) -> datetime:
        """Return the moment with its offset. What Python's dates do not hold becomes the nearest that they do."""
        zone = timezone(timedelta(minutes=self.offset)) if abs(self.offset) < _DAY else UTC
        return datetime.fromtimestamp(min(self.seconds, _LATEST), zone)

    @property
    def on_in_utc(self) -> datetime:
        """Return the moment in UTC."""
        return datetime.fromtimestamp(min(self.seconds, _LATEST), UTC)


class Commit(msgspec.Struct, frozen=True, gc=False):
    """A commit. `hash`, `tree` and `parents` are ids."""

    hash: str
    tree: str
    parents: tuple[str, ...]
    author: Signature
    committer: Signature
    message: str


class Tag(msgspec.Struct, frozen=True, gc=False):
    """An annotated tag, of an object of a kind. Old ones have no `tagger`."""

    hash: str
    name: str
    target: str
    kind: Kind
    tagger: Signature | None
    message: str


class NoSuchObject(NotFound):
    """The repository has no object of the wanted kind with this id."""

    def __init__(self, kind: str, wanted: str) -> None:
        super().__init__(f"There is no {kind} {wanted}.")


def commit(folder: Path, id_: str) -> Commit:
    """Return a commit. Raise `NoSuchObject`."""
    return commit_of(id_, data_of(repository(folder), "commit", id_))


def tag(folder: Path, id_: str) -> Tag:
    """Return an annotated tag. Raise `NoSuchObject`."""
    return _tag_of(id_, data_of(repository(folder), "tag", id_))


def kind_of(folder: Path, id_: str) -> Kind | None:
    """Return the kind of an object, or `None` if there is no such object."""
    return header_of(repository(folder), id_)[0]


def commit_behind(folder: Path, id_: str) -> str | None:
    """Return the commit at an id, or that an annotated tag leads to; `None` for any other object."""
    return behind(repository(folder), id_)


def behind(opened: pygit2.Repository, id_: str) -> str | None:
    """Return what `commit_behind` returns, from an open repository."""
    found, kind = peeled(opened, id_)
    return found if kind == "commit" else None


def peeled(opened: pygit2.Repository, id_: str) -> tuple[str, Kind] | tuple[None, None]:
    """Return the object at an id, or that an annotated tag leads to, and its kind; two `None` if there is none."""
    for _ in range(_MOST_TAGS):
        kind = header_of(opened, id_)[0]
        if kind is None:
            break
        if kind != "tag":
            return id_, kind
        id_ = _tag_of(id_, data_of(opened, "tag", id_)).target
    return None, None


def header_of(opened: pygit2.Repository, id_: str) -> tuple[Kind | None, int]:
    """Return kind and size of an object without reading it; no kind if there is no such object.

    Raise `GitFailed` if it is damaged.
    """
    try:
        kind, size = opened.odb.read_header(_whole(id_))
    except (KeyError, ValueError):
        return None, 0
    except pygit2.GitError as exc:
        raise GitFailed(*UNREADABLE) from exc
    return _KINDS[kind], size


def data_of(opened: pygit2.Repository, kind: Kind, id_: str) -> bytes:
    """Return the content of an object.

    Raise `NoSuchObject` if there is none, or one of another kind, and `GitFailed` if it is damaged.
    """
    try:
        found, data = opened.odb.read(_whole(id_))
    except (KeyError, ValueError):
        raise NoSuchObject(kind, id_) from None
    except pygit2.GitError as exc:
        raise GitFailed(*UNREADABLE) from exc
    if _KINDS[found] != kind:
        raise NoSuchObject(kind, id_)
    return data


def _whole(id_: str) -> str:
    """Return a whole id. Raise `KeyError` for a part of one, which the library would take for the beginning of any."""
    if len(id_) != 40:
        raise KeyError(id_)
    return id_


def commit_of(id_: str, data: bytes) -> Commit:
    """Return a commit with its content as a value."""
    head, _, message = data.partition(b"\n\n")
    found = _COMMIT.match(head)
    assert found is not None  # noqa: S101  # every part may be missing
    tree, parents, written_by, committed_by = found.groups(b"")
    named = _ENCODING.search(head, found.end())
    encoding = _codec(named[1].decode("ascii", "replace")) if named else "utf-8"
    author = _signature_of(written_by, encoding)
    committer = author if committed_by == written_by else _signature_of(committed_by, encoding)
    return Commit(
        id_, tree.decode(), tuple(parents.decode().split()[1::2]), author, committer, _text(message, encoding)
    )


def tree_of(folder: Path, commit: str) -> str:
    """Return the id of the tree of a commit. Raise `NoSuchObject`."""
    return tree_id(data_of(repository(folder), "commit", commit))


def tree_id(data: bytes) -> str:
    """Return the id of the tree that the content of a commit has."""
    return data[5:45].decode()


def _tag_of(id_: str, data: bytes) -> Tag:
    head, _, message = data.partition(b"\n\n")
    fields = _fields(head.split(b"\n"))
    kind = fields[b"type"].decode()
    return Tag(
        id_,
        _text(fields.get(b"tag", b""), "utf-8"),
        fields[b"object"].decode(),
        msgspec.convert(kind, Kind),
        _signature_of(fields[b"tagger"], "utf-8") if b"tagger" in fields else None,
        _text(message, "utf-8"),
    )


def _fields(lines: list[bytes]) -> dict[bytes, bytes]:
    """Return the first value of each field. Signatures, whose further lines begin with a space, are not read."""
    fields: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b" ")
        fields.setdefault(name, value)
    return fields


def _signature_of(line: bytes, encoding: str) -> Signature:
    name, _, rest = line.partition(b"<")
    email, _, rest = rest.partition(b">")
    seconds, zone, *_ = (*rest.rpartition(b">")[2].split(), b"", b"")
    return Signature(_text(name.rstrip(), encoding), _text(email, encoding), _seconds(seconds), _minutes(zone))


def _seconds(digits: bytes) -> int:
    return int(digits) if digits.isdigit() and len(digits) < _MOST_DIGITS else 0


@lru_cache(256)
def _minutes(zone: bytes) -> int:
    """Return the minutes of an offset such as `-0330`."""
    size = _seconds(zone[1:])
    minutes = size // 100 * 60 + size % 100
    return -minutes if zone.startswith(b"-") else minutes


@lru_cache(200)
def _codec(encoding: str) -> str:
    """Return the codec of a known encoding of texts, else UTF-8: other codecs of Python may take forever, or fail."""
    try:
        name = codecs.lookup(encoding).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if _CODEC.match(name) else "utf-8"


def _text(given: bytes, encoding: str) -> str:
    return given.decode(encoding, "replace")

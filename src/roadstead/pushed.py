"""Refs and their changes, pushes, and events of repositories, as frozen values."""

from datetime import datetime
from typing import Any, Literal, NamedTuple

import msgspec

from roadstead.listing import Field, Listing

NO_OBJECT = "0" * 40
"""In place of an object's id where there is no ref: before it is created, or after it is deleted."""

Service = Literal["git-upload-pack", "git-receive-pack"]
"""What a client of git asks for: to fetch, or to push."""
ArchiveFormat = Literal["tar.gz", "tar.bz2", "zip"]
RefKind = Literal["branch", "tag", "note"]


class RefChange(NamedTuple):
    """A change of a ref from one object to another; `NO_OBJECT` where there is no ref."""

    old: str
    new: str
    ref: str

    @property
    def creates(self) -> bool:
        return self.old == NO_OBJECT

    @property
    def deletes(self) -> bool:
        return self.new == NO_OBJECT


class Ref(msgspec.Struct, frozen=True, gc=False):
    """A branch, tag or note as the database mirrors it.

    `target` is the object that git's ref names, and of an annotated tag the tag. `commit_hash` is the commit that it
    leads to, if any, and `committed_on` the time of that.
    """

    kind: RefKind
    name: str
    target: str
    commit_hash: str | None
    committed_on: datetime | None


WHOLE_NAME = "(f.kind || '/' || f.name)"
_NAME = Field("name", str, "f.name", order_column="f.natural_name", filled=True)
_HASH = Field("target.hash", str, "f.commit_hash")
_DATE = Field("target.date", datetime, "f.committed_on")
_KEY = Field("key", str, "f.name", unique=True, queryable=False)
BRANCH_LIST = Listing(_KEY, _NAME, Field("type", str, always="branch"), _HASH, _DATE, order="key")
TAG_LIST = Listing(_KEY, _NAME, Field("type", str, always="tag"), _HASH, _DATE, order="key")
REF_LIST = Listing(
    Field("key", str, WHOLE_NAME, unique=True, queryable=False),
    _NAME,
    Field("type", str, "f.kind"),
    _HASH,
    _DATE,
    order="key",
)
"""Without `sort`, refs are in git's order, that of bytes; by `name`, in that of the numbers in their names, too."""


class Push(msgspec.Struct, frozen=True):
    """A push that may go on, until what it did is recorded. A user or an app's installation made it.

    `id` is the committer's address in the entries of the reflogs, by which they tell what this push did.
    """

    id: str
    repository_id: int
    user_id: int | None
    installation_id: int | None
    begun_on: datetime
    changes: tuple[RefChange, ...]


class Event(msgspec.Struct, frozen=True):
    """Something that happened in a repository, caused by a user or an app's installation."""

    id: int
    key: str
    workspace_id: int
    repository_id: int | None
    user_id: int | None
    installation_id: int | None
    time: datetime
    payload: dict[str, Any]

"""Comments on commits, and approvals of commits."""

from datetime import datetime

import msgspec

from roadstead.listing import Field, Listing
from roadstead.model.people import User


class Inline(msgspec.Struct, frozen=True):
    """Where in a commit a comment is: at a file, and there at lines of the old or the new version."""

    path: str
    line_from: int | None = None
    line_to: int | None = None
    start_from: int | None = None
    start_to: int | None = None


class CommitComment(msgspec.Struct, frozen=True):
    """A comment on a commit. Without a `user`, an app's installation made it, which may be gone.

    A deleted one has no content.
    """

    id: int
    commit_hash: str
    installation_id: int | None
    parent_id: int | None
    content: str
    is_deleted: bool
    created_on: datetime
    updated_on: datetime
    inline: Inline | None
    user: User | None


class Approval(msgspec.Struct, frozen=True):
    """That a user has approved a commit."""

    user: User
    approved_on: datetime


COMMENT_LIST = Listing(
    Field("id", int, "c.id", unique=True),
    Field("created_on", datetime, "c.created_on"),
    Field("updated_on", datetime, "c.updated_on"),
    Field("deleted", bool, "(c.is_deleted = 1)"),
    Field("content.raw", str, "c.content"),
    Field("user.uuid", str, "u.uuid"),
    Field("inline.path", str, "c.path"),
    Field("parent.id", int, "c.parent_id"),
    order="id",
)

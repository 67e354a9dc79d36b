"""Statuses of commits: what builds and checks say about them."""

from datetime import datetime
from typing import Literal, get_args

import msgspec

from roadstead.listing import Field, Listing

BuildState = Literal["SUCCESSFUL", "FAILED", "INPROGRESS", "STOPPED"]

BUILD_STATES: tuple[BuildState, ...] = get_args(BuildState)


class CommitStatus(msgspec.Struct, frozen=True):
    """The status of a commit that one build gives it, by its key."""

    id: int
    commit_hash: str
    key: str
    state: BuildState
    name: str
    description: str
    url: str
    refname: str | None
    created_on: datetime
    updated_on: datetime


STATUS_LIST = Listing(
    Field("id", int, "s.id", unique=True, queryable=False),
    Field("key", str, "s.key"),
    Field("state", str, "s.state"),
    Field("name", str, "s.name"),
    Field("description", str, "s.description"),
    Field("url", str, "s.url"),
    Field("refname", str, "s.refname"),
    Field("created_on", datetime, "s.created_on"),
    Field("updated_on", datetime, "s.updated_on"),
    Field("type", str, always="build"),
    order="id",
    length=30,
)

"""Statuses of commits over the wire."""

from typing import Annotated, Any, Literal, NotRequired, TypedDict
from urllib.parse import quote

import msgspec

from roadstead.api.bodies import Shape, wrong_body
from roadstead.bitbucket.commits.shapes import Author, CommitShapes, CondensedCommit
from roadstead.domain.repositories.known import NOTHING, Known
from roadstead.domain.repositories.statuses import StatusChanges
from roadstead.git.objects import Commit
from roadstead.model import Repository
from roadstead.model.statuses import BuildState, CommitStatus
from roadstead.shapes.links import Link
from roadstead.shapes.moments import moment
from roadstead.shapes.repositories import CondensedRepository, condensed_repository, repository_url


class OfRef(TypedDict, total=False):
    """The parameter that chooses statuses by their ref."""

    refname: Annotated[str, msgspec.Meta(description="Statuses of this ref, and those without any.")]


State = Annotated[BuildState, msgspec.Meta(examples=["SUCCESSFUL"])]
Url = Annotated[str, msgspec.Meta(max_length=2048, examples=["https://ci.example.com/builds/1"])]


class OtherMembers(TypedDict, total=False):
    """The members that may be left out. `refname` is free; a branch relates the status to its pull request."""

    name: Annotated[str, msgspec.Meta(max_length=255)]
    description: Annotated[str, msgspec.Meta(max_length=4096)]
    refname: str | None


class NewStatus(OtherMembers):
    """A status to give. One with the same key is replaced."""

    key: Annotated[str, msgspec.Meta(max_length=40, examples=["THERE"])]
    state: State
    url: Url


class StatusUpdate(OtherMembers, total=False):
    """The members of a status that change; its key stays."""

    state: State
    url: Url


STATUS: Shape[StatusChanges] = Shape(StatusChanges, lambda given: given, wrong_body, documented=NewStatus)
CHANGES: Shape[StatusChanges] = Shape(StatusChanges, lambda given: given, wrong_body, documented=StatusUpdate)


class StatusLinks(msgspec.Struct, rename={"to_self": "self"}, gc=False):
    to_self: Link
    commit: Link


class _Members(TypedDict):
    type: Literal["build"]
    key: str
    name: str
    state: BuildState
    description: str
    url: str
    refname: str | None
    created_on: str
    updated_on: str
    repository: CondensedRepository
    links: StatusLinks


class StatusResource(_Members):
    """The status of a commit that a build or a check has given it."""

    commit: CondensedCommit


class ToldCommit(CondensedCommit):
    """A commit, as events of its statuses contain one."""

    author: NotRequired[Author]
    date: NotRequired[str]
    message: NotRequired[str]


class ToldStatus(_Members):
    """A status, as its events contain it."""

    commit: ToldCommit


class StatusShapes:
    """The shapes of the statuses of one repository. `known` has the accounts of authors of commits that are told."""

    def __init__(self, repository: Repository, base_url: str, known: Known = NOTHING) -> None:
        self._commits = CommitShapes(repository, base_url, known)
        self._repository = condensed_repository(repository, base_url)
        self._below = f"{repository_url(repository, base_url)}/commit/"

    def status(self, status: CommitStatus) -> StatusResource:
        """Return a status."""
        return {**self._members(status), "commit": self._commits.condensed(status.commit_hash)}

    def told(self, status: CommitStatus, commit: Commit | None) -> ToldStatus:
        """Return a status as its events contain it; without the commit if that is gone."""
        brief: Any = self._commits.condensed(status.commit_hash)
        if commit is not None:
            target = self._commits.target(commit)
            brief |= {name: target[name] for name in ("author", "date", "message")}
        return {**self._members(status), "commit": brief}

    def _members(self, status: CommitStatus) -> _Members:
        commit = f"{self._below}{status.commit_hash}"
        return {
            "type": "build",
            "key": status.key,
            "name": status.name,
            "state": status.state,
            "description": status.description,
            "url": status.url,
            "refname": status.refname,
            "created_on": moment(status.created_on),
            "updated_on": moment(status.updated_on),
            "repository": self._repository,
            "links": StatusLinks(Link(f"{commit}/statuses/build/{quote(status.key, safe='')}"), Link(commit)),
        }

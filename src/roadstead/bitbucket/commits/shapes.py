"""Commits over the wire."""

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from roadstead.api.listing import Partial
from roadstead.domain.repositories.known import Known
from roadstead.git.diffs import FileChange
from roadstead.git.objects import Commit, Signature
from roadstead.listing import Listing
from roadstead.model import Repository
from roadstead.shapes.accounts import Account, CondensedUser, Href, condensed_user
from roadstead.shapes.links import in_path
from roadstead.shapes.paths import escaped, shown
from roadstead.shapes.rendered import Rendered, rendered
from roadstead.shapes.repositories import CondensedRepository, condensed_repository, repository_page, repository_url


class ParentLinks(TypedDict):
    self: Href
    html: Href


class CommitLinks(ParentLinks):
    """Where a commit is. A merge has no `patch`."""

    diff: Href
    approve: Href
    comments: Href
    statuses: Href
    patch: NotRequired[Href]


class CondensedCommit(TypedDict):
    """A commit, as its children and files contain one."""

    type: Literal["commit"]
    hash: str
    links: ParentLinks


class Author(TypedDict):
    """Who made a commit, as git has it. `user` is the account with that e-mail address, if there is one."""

    type: Literal["author"]
    raw: str
    user: NotRequired[CondensedUser]


class TargetCommit(TypedDict):
    """A commit, as branches and tags contain one."""

    type: Literal["commit"]
    hash: str
    date: str
    author: Author
    message: str
    links: CommitLinks
    parents: Sequence[CondensedCommit]
    repository: CondensedRepository


class ListedCommit(TargetCommit):
    """A commit, as lists contain one."""

    summary: Rendered
    rendered: Mapping[Literal["message"], Rendered]


class Participant(TypedDict):
    """Who took part in a commit or a pull request."""

    type: Literal["participant"]
    user: Account
    role: Literal["PARTICIPANT", "REVIEWER"]
    approved: bool
    state: Literal["approved", "changes_requested"] | None
    participated_on: str


class CommitResource(ListedCommit):
    """A commit of a repository."""

    participants: Sequence[Participant]


class CommitPage(TypedDict):
    """A page of commits, whose number nobody counts. Follow `next` as given."""

    values: Sequence[ListedCommit]
    pagelen: int
    next: NotRequired[str]


COMMIT_LIST = Listing(length=30)
_Number = Annotated[int, msgspec.Meta(ge=1, le=10**12, description="Which page; follow `next` instead.")]
_Length = Annotated[int, msgspec.Meta(ge=1, le=100, description="Default 30.")]


class PageQuery(Partial, total=False):
    """The parameters of a page of commits."""

    page: _Number
    pagelen: _Length
    ctx: Annotated[str, msgspec.Meta(description="Where a page begins, as `next` has it. Nothing else then counts.")]


class ChosenCommits(TypedDict, total=False):
    """Which commits to list."""

    include: Annotated[str, msgspec.Meta(description="A revision whose commits are listed. It can be repeated.")]
    exclude: Annotated[str, msgspec.Meta(description="A revision whose commits are left out. It can be repeated.")]
    path: Annotated[str, msgspec.Meta(description="A file or folder that the commits change.")]


class CommitsQuery(PageQuery, ChosenCommits, total=False):
    """The parameters of a page of commits, and of what it has."""


class FileLinks(TypedDict):
    self: Href


class ComparedFile(TypedDict):
    """A file, as one of two commits has it."""

    path: str
    type: Literal["commit_file"]
    escaped_path: str
    links: FileLinks


class DiffStat(TypedDict):
    """How a file differs in two commits. A binary file has no lines."""

    type: Literal["diffstat"]
    lines_added: int
    lines_removed: int
    status: Literal["added", "removed", "modified", "renamed"]
    old: ComparedFile | None
    new: ComparedFile | None


DIFFSTAT_LIST = Listing(length=500, longest=5000)
Flag = Literal["true", "false"]


class StatQuery(TypedDict, total=False):
    """How to compare."""

    path: Annotated[str, msgspec.Meta(description="Only this file or folder. It can be repeated.")]
    ignore_whitespace: Annotated[Flag, msgspec.Meta(description="Whether changes of white space count as none.")]
    renames: Annotated[Flag, msgspec.Meta(description="Whether to find renames; true by default.")]
    topic: Annotated[Flag, msgspec.Meta(description="Whether to compare with the common ancestor; true by default.")]
    merge: Annotated[Flag, msgspec.Meta(description="The older name of `topic`.")]


class DiffQuery(StatQuery, total=False):
    """How to compare as text."""

    context: Annotated[int, msgspec.Meta(ge=0, le=999_999, description="Unchanged lines around a change; 3.")]
    binary: Annotated[Flag, msgspec.Meta(description="Whether to show binary files; true by default.")]


class CommitShapes:
    """The shapes of commits of one repository; `known` are the accounts of their authors, and the HTML of messages."""

    def __init__(self, repository: Repository, base_url: str, known: Known) -> None:
        self._base_url = base_url
        self._api = f"{repository_url(repository, base_url)}/"
        self._web = f"{repository_page(repository, base_url)}/commits/"
        self._repository = condensed_repository(repository, base_url)
        self._known = known

    def condensed(self, hash_: str) -> CondensedCommit:
        """Return a commit of which only the hash is known."""
        return {
            "type": "commit",
            "hash": hash_,
            "links": {"self": {"href": f"{self._api}commit/{hash_}"}, "html": {"href": self._web + hash_}},
        }

    def target(self, commit: Commit) -> TargetCommit:
        """Return a commit as branches and tags contain one."""
        return {
            "type": "commit",
            "hash": commit.hash,
            "date": commit.committer.on.astimezone(UTC).isoformat(),
            "author": self.author(commit.author),
            "message": commit.message,
            "links": self._links(commit),
            "parents": [self.condensed(parent) for parent in commit.parents],
            "repository": self._repository,
        }

    def listed(self, commit: Commit) -> ListedCommit:
        """Return a commit as lists contain one."""
        message = rendered(commit.message, self._known.html[commit.message])
        return {**self.target(commit), "summary": message, "rendered": {"message": message}}

    def full(self, commit: Commit, participants: Sequence[Participant]) -> CommitResource:
        """Return a commit with those who took part in it."""
        return {**self.listed(commit), "participants": participants}

    def difference(self, change: FileChange, old: str | None, new: str) -> DiffStat:
        """Return how a file differs in two commits."""
        return {
            "type": "diffstat",
            "lines_added": change.lines_added or 0,
            "lines_removed": change.lines_removed or 0,
            "status": "added" if change.status == "copied" else change.status,
            "old": None if change.old is None or old is None else self._file(change.old, old),
            "new": None if change.new is None else self._file(change.new, new),
        }

    def _file(self, path: bytes, commit: str) -> ComparedFile:
        links: FileLinks = {"self": {"href": f"{self._api}src/{commit}/{in_path(path)}"}}
        return {"path": shown(path), "type": "commit_file", "escaped_path": escaped(path), "links": links}

    def author(self, signature: Signature) -> Author:
        """Return who made a commit or a tag."""
        author: Author = {"type": "author", "raw": signature.raw}
        user = self._known.user(signature)
        if user is not None:
            author["user"] = condensed_user(user, self._base_url)
        return author

    def _links(self, commit: Commit) -> CommitLinks:
        api, hash_ = self._api, commit.hash
        below = f"{api}commit/{hash_}"
        links: CommitLinks = {
            "self": {"href": below},
            "html": {"href": self._web + hash_},
            "diff": {"href": f"{api}diff/{hash_}"},
            "approve": {"href": f"{below}/approve"},
            "comments": {"href": f"{below}/comments"},
            "statuses": {"href": f"{below}/statuses"},
        }
        if len(commit.parents) < 2:
            links["patch"] = {"href": f"{api}patch/{hash_}"}
        return links

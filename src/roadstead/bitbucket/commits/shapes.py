"""Commits over the wire."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, NotRequired, TypedDict

import msgspec

from roadstead.api.bodies import Shape, wrong_body
from roadstead.api.listing import Partial
from roadstead.domain.repositories.comments import NewComment
from roadstead.domain.repositories.known import Known
from roadstead.errors import InvalidInput
from roadstead.git.diffs import FileChange
from roadstead.git.objects import Commit, Signature
from roadstead.listing import Listing
from roadstead.model import Repository
from roadstead.model.reviews import Approval, CommitComment, Inline
from roadstead.shapes.accounts import Account, Href, account
from roadstead.shapes.links import Link, in_path
from roadstead.shapes.moments import moment
from roadstead.shapes.paths import escaped, shown
from roadstead.shapes.rendered import Rendered, rendered
from roadstead.shapes.repositories import CondensedRepository, condensed_repository, repository_page, repository_url


class ParentLinks(msgspec.Struct, rename={"to_self": "self"}, gc=False):
    to_self: Link
    html: Link


class CommitLinks(msgspec.Struct, rename={"to_self": "self"}, gc=False):
    """Where a commit is. A merge has no `patch`."""

    to_self: Link
    html: Link
    diff: Link
    approve: Link
    comments: Link
    statuses: Link
    patch: Link | msgspec.UnsetType = msgspec.UNSET


class CondensedCommit(TypedDict):
    """A commit, as its children and files contain one."""

    type: Literal["commit"]
    hash: str
    links: ParentLinks


class Author(TypedDict):
    """Who made a commit, as git has it. `user` is the account with that e-mail address, if there is one."""

    type: Literal["author"]
    raw: str
    user: NotRequired[Account]


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


class AnnouncedCommit(TypedDict):
    """A commit, as payloads of events contain one. On the cloud, too, some members are always empty."""

    type: Literal["commit"]
    hash: str
    date: str
    author: Author
    committer: Mapping[str, str]
    message: str
    summary: Rendered
    links: ParentLinks | CommitLinks
    parents: Sequence[CondensedCommit]
    rendered: Mapping[str, str]
    properties: Mapping[str, str]


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
    """A page of commits, without the number of all commits. Follow `next` as given."""

    values: Sequence[ListedCommit]
    pagelen: int
    next: NotRequired[str]


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
    """The parameters of a page of commits, and the choice of commits."""


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


Anchor = TypedDict(
    "Anchor",
    {
        "path": str,
        "from": int | None,
        "to": int | None,
        "start_from": NotRequired[int | None],
        "start_to": NotRequired[int | None],
    },
)
"""Where a comment is: at a file, and there at lines of its old or its new version."""


class CommentLinks(TypedDict):
    self: Href
    html: Href


class ParentComment(TypedDict):
    """The comment to which another is a reply."""

    id: int
    links: CommentLinks


class CommentResource(TypedDict):
    """A comment on a commit. It has a `parent` if it is a reply, and `inline` if it is about a file."""

    type: Literal["commit_comment"]
    id: int
    created_on: str
    updated_on: str
    content: Rendered
    user: Account
    deleted: bool
    links: CommentLinks
    commit: CondensedCommit
    parent: NotRequired[ParentComment]
    inline: NotRequired[Anchor]


class GivenText(TypedDict):
    raw: Annotated[str, msgspec.Meta(examples=["Well done."])]


GivenAnchor = TypedDict("GivenAnchor", {"path": str, "from": NotRequired[int], "to": NotRequired[int]})


class GivenParent(TypedDict):
    id: int


class ChangedComment(TypedDict):
    """A comment's new text."""

    content: GivenText


class CommentToAdd(ChangedComment):
    """A comment to add: with `inline` about a file, with `parent` as a reply."""

    inline: NotRequired[GivenAnchor]
    parent: NotRequired[GivenParent]


class _Content(msgspec.Struct):
    raw: str | None = None


class _Anchor(msgspec.Struct, rename={"line_from": "from", "line_to": "to"}):
    path: str
    line_from: int | None = None
    line_to: int | None = None
    start_from: int | None = None
    start_to: int | None = None


class _Parent(msgspec.Struct):
    id: int


class _Comment(msgspec.Struct):
    content: _Content | None = None
    inline: _Anchor | None = None
    parent: _Parent | None = None


def _new_comment(given: _Comment) -> NewComment:
    inline = Inline(*msgspec.structs.astuple(given.inline)) if given.inline else None
    return NewComment(_raw(given), inline, given.parent.id if given.parent else None)


def _raw(given: _Comment) -> str:
    if given.content is None or given.content.raw is None:
        raise InvalidInput("Bad request", fields={"content": "required key not provided"})
    return given.content.raw


NEW_COMMENT: Shape[NewComment] = Shape(_Comment, _new_comment, wrong_body, documented=CommentToAdd)
COMMENT_TEXT: Shape[str] = Shape(_Comment, _raw, wrong_body, documented=ChangedComment)


class CommitShapes:
    """The shapes of commits of one repository; `known` are the accounts of their authors, and the HTML of messages."""

    def __init__(self, repository: Repository, base_url: str, known: Known) -> None:
        self._base_url = base_url
        self._workspace = repository.workspace
        self._api = f"{repository_url(repository, base_url)}/"
        self._web = f"{repository_page(repository, base_url)}/commits/"
        self._repository = condensed_repository(repository, base_url)
        self._known = known
        self._authors: dict[str, Author] = {}

    def condensed(self, hash_: str) -> CondensedCommit:
        """Return a commit of which only the hash is known."""
        return {
            "type": "commit",
            "hash": hash_,
            "links": ParentLinks(Link(f"{self._api}commit/{hash_}"), Link(self._web + hash_)),
        }

    def target(self, commit: Commit) -> TargetCommit:
        """Return a commit as branches and tags contain one."""
        return {
            "type": "commit",
            "hash": commit.hash,
            "date": commit.committer.on_in_utc.isoformat(),
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

    def announced(self, commit: Commit) -> AnnouncedCommit:
        """Return a commit as a branch or a tag of an event contains one."""
        return {
            "type": "commit",
            "hash": commit.hash,
            "date": commit.committer.on_in_utc.isoformat(),
            "author": self.author(commit.author),
            "committer": {},
            "message": commit.message,
            "summary": rendered(commit.message, self._known.html[commit.message]),
            "links": self.condensed(commit.hash)["links"],
            "parents": [self.condensed(parent) for parent in commit.parents],
            "rendered": {},
            "properties": {},
        }

    def announced_as_new(self, commit: Commit) -> AnnouncedCommit:
        """Return a commit as the list of new ones of an event contains one."""
        return {**self.announced(commit), "links": self._links(commit)}

    def full(self, commit: Commit, participants: Sequence[Participant]) -> CommitResource:
        """Return a commit with those who took part in it."""
        return {**self.listed(commit), "participants": participants}

    def difference(self, change: FileChange, old: str | None, new: str) -> DiffStat:
        """Return how a file differs in two commits."""
        return {
            "type": "diffstat",
            "lines_added": change.lines_added or 0,
            "lines_removed": change.lines_removed or 0,
            "status": change.status,
            "old": None if change.old is None or old is None else self._file(change.old, old),
            "new": None if change.new is None else self._file(change.new, new),
        }

    def _file(self, path: bytes, commit: str) -> ComparedFile:
        links: FileLinks = {"self": {"href": f"{self._api}src/{commit}/{in_path(path)}"}}
        return {"path": shown(path), "type": "commit_file", "escaped_path": escaped(path), "links": links}

    def comment(self, comment: CommitComment) -> CommentResource:
        """Return a comment on a commit."""
        html = "" if comment.is_deleted else self._known.html[comment.content]
        shape: CommentResource = {
            "type": "commit_comment",
            "id": comment.id,
            "created_on": moment(comment.created_on),
            "updated_on": moment(comment.updated_on),
            "content": rendered(comment.content, html),
            "user": account(comment.user or self._workspace, self._base_url),
            "deleted": comment.is_deleted,
            "links": self._comment_links(comment.commit_hash, comment.id),
            "commit": self.condensed(comment.commit_hash),
        }
        if comment.parent_id is not None:
            links = self._comment_links(comment.commit_hash, comment.parent_id)
            shape["parent"] = {"id": comment.parent_id, "links": links}
        if comment.inline is not None:
            shape["inline"] = _anchor(comment.inline)
        return shape

    def participant(self, approval: Approval) -> Participant:
        """Return a user who has approved a commit."""
        return {
            "type": "participant",
            "user": account(approval.user, self._base_url),
            "role": "PARTICIPANT",
            "approved": True,
            "state": "approved",
            "participated_on": moment(approval.approved_on),
        }

    def _comment_links(self, commit: str, comment_id: int) -> CommentLinks:
        return {
            "self": {"href": f"{self._api}commit/{commit}/comments/{comment_id}"},
            "html": {"href": f"{self._web}{commit}#comment-{comment_id}"},
        }

    def author(self, signature: Signature) -> Author:
        """Return who made a commit or a tag."""
        name = signature.raw
        known = self._authors.get(name)
        if known is None:
            known = self._authors[name] = {"type": "author", "raw": name}
            user = self._known.user(signature)
            if user is not None:
                known["user"] = account(user, self._base_url)
        return known

    def _links(self, commit: Commit) -> CommitLinks:
        api, hash_ = self._api, commit.hash
        below = f"{api}commit/{hash_}"
        return CommitLinks(
            Link(below),
            Link(self._web + hash_),
            Link(f"{api}diff/{hash_}"),
            Link(f"{below}/approve"),
            Link(f"{below}/comments"),
            Link(f"{below}/statuses"),
            Link(f"{api}patch/{hash_}") if len(commit.parents) < 2 else msgspec.UNSET,
        )


def _anchor(inline: Inline) -> Anchor:
    anchor: Anchor = {"from": inline.line_from, "to": inline.line_to, "path": inline.path}
    if inline.start_from is not None or inline.start_to is not None:
        anchor |= {"start_from": inline.start_from, "start_to": inline.start_to}
    return anchor

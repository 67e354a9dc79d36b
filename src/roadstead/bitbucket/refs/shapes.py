"""Branches and tags over the wire."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, NotRequired, TypedDict

import msgspec

from roadstead.api.bodies import Shape, wrong_body
from roadstead.bitbucket.commits.shapes import Author, CommitShapes, TargetCommit
from roadstead.bitbucket.refs.model import ResolvedRef
from roadstead.errors import InvalidInput
from roadstead.shapes.accounts import Href
from roadstead.shapes.links import in_path

MergeStrategy = Literal[
    "merge_commit", "squash", "fast_forward", "squash_fast_forward", "rebase_fast_forward", "rebase_merge"
]
SyncStrategy = Literal["merge_commit", "rebase"]


class Target(TypedDict):
    """A commit by its hash, the beginning of that, or a branch or tag."""

    hash: Annotated[str, msgspec.Meta(examples=["main"])]


class NewBranch(TypedDict):
    """A branch to create."""

    name: Annotated[str, msgspec.Meta(examples=["feature/new"])]
    target: Target


class NewTag(NewBranch):
    """An annotated tag to create. Its message says by default which commit it is of."""

    message: NotRequired[str]


class GivenTarget(msgspec.Struct):
    hash: str | None = None


class GivenRef(msgspec.Struct):
    """A body that gives a branch or a tag."""

    name: str | None = None
    target: GivenTarget | None = None
    message: str | None = None


class NewRef(NamedTuple):
    """A branch or tag to create."""

    name: str
    target: str
    message: str


def _new_ref(given: GivenRef) -> NewRef:
    missing = "name" if not given.name else "target" if given.target is None else "target.hash"
    if not given.name or given.target is None or not given.target.hash:
        raise InvalidInput("Bad request", fields={missing: "required key not provided"})
    return NewRef(given.name, given.target.hash, given.message or "")


NEW_BRANCH: Shape[NewRef] = Shape(GivenRef, _new_ref, wrong_body, documented=NewBranch)
NEW_TAG: Shape[NewRef] = Shape(GivenRef, _new_ref, wrong_body, documented=NewTag)


class RefLinks(TypedDict):
    self: Href
    commits: Href
    html: Href


class BranchResource(TypedDict):
    """A branch, and in which ways a pull request to it can be merged."""

    type: Literal["branch"]
    name: str
    target: TargetCommit | None
    links: RefLinks
    merge_strategies: Sequence[MergeStrategy]
    sync_strategies: Sequence[SyncStrategy]
    default_merge_strategy: MergeStrategy


class TagResource(TypedDict):
    """A tag. One that is not annotated has neither message nor date nor tagger, and one of no commit no target."""

    type: Literal["tag"]
    name: str
    target: TargetCommit | None
    links: RefLinks
    message: str | None
    date: str | None
    tagger: Author | None


class RefResource(TypedDict):
    """A branch or a tag, with the members of either."""

    type: Literal["branch", "tag"]
    name: str
    target: TargetCommit | None
    links: RefLinks
    merge_strategies: NotRequired[Sequence[MergeStrategy]]
    sync_strategies: NotRequired[Sequence[SyncStrategy]]
    default_merge_strategy: NotRequired[MergeStrategy]
    message: NotRequired[str | None]
    date: NotRequired[str | None]
    tagger: NotRequired[Author | None]


class RefShapes:
    """The shapes of branches and tags of the repository at `url`, whose page is at `page`."""

    def __init__(self, url: str, page: str, commits: CommitShapes) -> None:
        self._url = url
        self._page = page
        self._commits = commits

    def ref(self, found: ResolvedRef) -> BranchResource | TagResource:
        """Return a branch or a tag."""
        return self.branch(found) if found.ref.kind == "branch" else self.tag(found)

    def branch(self, found: ResolvedRef) -> BranchResource:
        """Return a branch."""
        return {
            "name": found.ref.name,
            "target": self._target(found),
            "links": self._links(found, "branches", "branch"),
            "type": "branch",
            "merge_strategies": [
                "merge_commit",
                "squash",
                "fast_forward",
                "squash_fast_forward",
                "rebase_fast_forward",
                "rebase_merge",
            ],
            "sync_strategies": ["merge_commit", "rebase"],
            "default_merge_strategy": "merge_commit",
        }

    def tag(self, found: ResolvedRef) -> TagResource:
        """Return a tag."""
        tag = found.tag
        tagger = None if tag is None else tag.tagger
        return {
            "name": found.ref.name,
            "type": "tag",
            "message": None if tag is None else tag.message,
            "date": None if tagger is None else tagger.on_in_utc.isoformat(),
            "tagger": None if tagger is None else self._commits.author(tagger),
            "target": self._target(found),
            "links": self._links(found, "tags", "commits/tag"),
        }

    def _target(self, found: ResolvedRef) -> TargetCommit | None:
        return None if found.commit is None else self._commits.target(found.commit)

    def _links(self, found: ResolvedRef, kind: str, page: str) -> RefLinks:
        name = in_path(found.ref.name)
        return {
            "self": {"href": f"{self._url}/refs/{kind}/{name}"},
            "commits": {"href": f"{self._url}/commits/{name}"},
            "html": {"href": f"{self._page}/{page}/{name}"},
        }

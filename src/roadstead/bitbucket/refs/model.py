"""A branch or tag, with its commit and tag object from git."""

from typing import NamedTuple

from roadstead.git.objects import Commit, Tag
from roadstead.pushed import Ref


class ResolvedRef(NamedTuple):
    """A branch or tag, the commit that it leads to, if any, and the object of an annotated tag."""

    ref: Ref
    commit: Commit | None
    tag: Tag | None

"""A branch or tag with what git has of it."""

from typing import NamedTuple

from roadstead.git.objects import Commit, Tag
from roadstead.pushed import Ref


class Found(NamedTuple):
    """A branch or tag, the commit that it leads to, if any, and the object of an annotated tag."""

    ref: Ref
    commit: Commit | None
    tag: Tag | None

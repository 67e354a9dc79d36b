"""The parts of an explanation."""

from collections.abc import Mapping

import msgspec

from roadstead.linkify.check.witness import Witness
from roadstead.linkify.linker import Linker, Linkified, Stretch


class Candidate(Stretch, frozen=True):
    r"""A stretch that a linker's pattern matches, or would match if a value were stored; or a bare URL.

    `groups` are those that the linker's `url` uses, by number or name, and `(?K)`. `url` is set if the candidate
    became a link. `reason` is one sentence.
    """

    linker: Linker | None
    groups: Mapping[str, str]
    url: str | None
    reason: str


class Tried(msgspec.Struct, frozen=True):
    """A linker's result on the text. Linkers with the same pattern share `milliseconds`.

    `reason` says why it has no candidates or, if it was `limited`, why it has no more. `witness` is a text that a
    hostile pattern is slow on, if one is found.
    """

    linker: Linker
    engine: str
    value_count: int
    candidates: int
    links: int
    milliseconds: float
    limited: bool
    reason: str
    witness: Witness | None


class Explanation(msgspec.Struct, frozen=True):
    """The result of `linkify` for a text, and why. Of very many candidates the last are `omitted`."""

    linkified: Linkified
    candidates: tuple[Candidate, ...]
    linkers: tuple[Tried, ...]
    omitted: int

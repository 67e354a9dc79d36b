"""One pattern over one text, for an explanation."""

from typing import NamedTuple

from roadstead.linkify.budget import Exhausted
from roadstead.linkify.engines.match import Match
from roadstead.linkify.matching.families import Family, Found
from roadstead.linkify.matching.limits import Limits
from roadstead.linkify.text.text import Text
from roadstead.linkify.values.index import Owners


class Trial(NamedTuple):
    """The result of some linkers' common pattern for a text.

    `possible` says whether the text contains the characters that every match needs. `matches` come with their linkers.
    `unstored` would match as well if any value were stored. `seconds` are for both.
    """

    members: Owners
    possible: bool
    matches: list[tuple[Match, Owners]]
    unstored: list[Match]
    limits: dict[int, Exhausted]
    seconds: float


def trial_of(family: Family, text: Text, limits: Limits, *, possible: bool) -> Trial:
    """Run the pattern of a family over a text, if it may match there at all."""
    began = limits.clock()
    found: list[Found] = []
    reached = dict(family.collect(text, limits, found)) if possible else {}
    unstored = list(family.with_any_value(text, limits)) if possible else []
    matches = [(match, owners) for *_, owners, match in found]
    return Trial(family.members, possible, matches, unstored, reached, limits.clock() - began)

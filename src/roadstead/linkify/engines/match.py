"""The result of an engine."""

from collections.abc import Mapping

import msgspec

Span = tuple[int, int]


class Match(msgspec.Struct, gc=False):
    """The places of a match and of its groups: `places` says which of the `spans` is a group's.

    A struct of `msgspec`, because one is made for each match.
    """

    spans: list[Span]
    places: Mapping[int, int]

    @property
    def start(self) -> int:
        return self.spans[0][0]

    @property
    def end(self) -> int:
        return self.spans[0][1]

    def group(self, number: int) -> Span | None:
        """Return the place of a captured group, or `None` if it took no part."""
        span = self.spans[self.places[number]]
        return span if span[0] >= 0 else None

    def groups(self) -> dict[int, Span]:
        """Return the captured groups that took part, with the whole match as group 0."""
        return {number: span for number in self.places if (span := self.group(number))}

"""The outcome of each match of a text, in words."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from roadstead.linkify.check.report import check_linker
from roadstead.linkify.engines.match import Match
from roadstead.linkify.explanation.explanation import Candidate, Tried
from roadstead.linkify.linker import Link, Linker, Linkified
from roadstead.linkify.matching.matcher import CompiledLinkers
from roadstead.linkify.matching.trials import Trial
from roadstead.linkify.pattern.reading import read_pattern
from roadstead.linkify.text.addresses import Address, addresses
from roadstead.linkify.text.words import may_begin

S = TypeVar("S", bound=Address | Link)


class Judge:
    """Says the outcome of each match in a text whose links are known."""

    def __init__(self, linkers: CompiledLinkers, linkified: Linkified, hyperlinks: Sequence[Address]) -> None:
        self._linkers = linkers
        self._text = linkified.text
        self._links = _Stretches(linkified.links)
        self._addresses = _Stretches(tuple(addresses(linkified.text)))
        self._hyperlinks = _Stretches(hyperlinks)

    def candidates(self, trial: Trial) -> Iterator[tuple[int, Candidate]]:
        """Yield the candidates of a trial, each with the number of its linker."""
        taken: dict[int, list[tuple[int, int]]] = {number: [] for number in trial.members}
        for match, owners in trial.matches:
            for number in owners:
                taken[number].append((match.start, match.end))
                yield number, self._matched(number, match)
        for match in trial.unstored:
            for number in trial.members:
                if self._linkers.left_out(number) is None and not _overlaps(taken[number], match):
                    yield number, self._candidate(number, match, None, self._why_unstored(number, match))

    def tried(self, number: int, trial: Trial, candidates: list[Candidate]) -> Tried:
        """Return a linker's result in a trial, with its candidates there."""
        linker = self._linkers.linkers[number]
        report = check_linker(linker)
        limit = self._linkers.left_out(number) or trial.limits.get(number)
        return Tried(
            linker,
            report.engine,
            self._linkers.value_count(number),
            len(candidates),
            sum(candidate.url is not None for candidate in candidates),
            round(trial.seconds * 1000, 3),
            limit is not None,
            str(limit) if limit else _why_no_candidates(trial, candidates),
            report.witness,
        )

    def _candidate(self, number: int, match: Match, url: str | None, reason: str) -> Candidate:
        linker = self._linkers.linkers[number]
        pattern = read_pattern(linker.regex)
        names = {group: name for name, group in pattern.names.items()}
        names.update((group.number, "(?K)") for group in pattern.value_groups)
        groups = {
            names.get(group, str(group)): self._text[start:end]
            for group, (start, end) in sorted(match.groups().items())
            if group
        }
        return Candidate(match.start, match.end, self._text[match.start : match.end], linker, groups, url, reason)

    def _matched(self, number: int, match: Match) -> Candidate:
        """Return the candidate of a match of the pattern, whether it became a link or not."""
        url = self._linkers.url_of(number, match, self._text)
        reason = self._why_not_competing(number, match, url)
        if reason:
            return self._candidate(number, match, None, reason)
        winner = self._links.overlapping(match)
        if winner is None or winner.linker is None:
            return self._candidate(number, match, None, "A limit of the text was reached before it.")
        is_its_own = winner.linker is self._linkers.linkers[number]
        if is_its_own and (winner.start, winner.end) == (match.start, match.end):
            return self._candidate(number, match, url, self._why_matched(number, match))
        return self._candidate(number, match, None, _why_lost(match, winner, winner.linker))

    def _why_not_competing(self, number: int, match: Match, url: str | None) -> str | None:
        """Return why a match did not compete with others, or `None` if it did."""
        left_out = self._linkers.left_out(number)
        if left_out:
            return left_out
        if url is None:
            return "With the matched text, the linker's url is not a URL that may be linked to."
        if self._hyperlinks.overlapping(match):
            return "It is part of a hyperlink that the text has already."
        address = self._addresses.overlapping(match)
        return f"It is part of the address {self._text[address.start : address.end]!r}." if address else None

    def _why_matched(self, number: int, match: Match) -> str:
        values = self._values(number, match)
        if not values:
            return "Its pattern matches."
        shown = " and ".join(repr(value) for value in values)
        if self._linkers.value_count(number):
            return f"Its pattern matches, and {shown} is stored."
        return "Its pattern matches; while it has no values, any word is one."

    def _why_unstored(self, number: int, match: Match) -> str:
        count = self._linkers.value_count(number)
        if not count:
            return "The linker has no values yet, and is set to match nothing until it has."
        unstored = [value for value in self._values(number, match) if not self._linkers.has_value(number, value)]
        if not unstored:
            return "A stored value may not begin right after a letter or a digit."
        value = unstored[0]
        inner = self._stored_end(number, value)
        if inner and not may_begin(value, len(value) - len(inner)):
            return f"The stored value {inner!r} may not begin right after a letter or a digit."
        return f"The value {value!r} is not among the {count} stored for the linker."

    def _stored_end(self, number: int, value: str) -> str:
        """Return the longest stored value with which a text ends, except the text itself, or nothing."""
        ends = (value[at:] for at in range(1, len(value)))
        return next((end for end in ends if self._linkers.has_value(number, end)), "")

    def _values(self, number: int, match: Match) -> list[str]:
        groups = read_pattern(self._linkers.linkers[number].regex).value_groups
        spans = (match.group(group.number) for group in groups)
        return [self._text[span[0] : span[1]] for span in spans if span]


class _Stretches(Generic[S]):
    """Stretches of a text, in order and without overlaps."""

    def __init__(self, stretches: Sequence[S]) -> None:
        self._stretches = stretches
        self._starts = [stretch.start for stretch in stretches]

    def overlapping(self, match: Match) -> S | None:
        """Return the first that overlaps the match."""
        at = bisect_right(self._starts, match.start) - 1
        for stretch in self._stretches[max(at, 0) : at + 2]:
            if stretch.start < match.end and match.start < stretch.end:
                return stretch
        return None


def _why_no_candidates(trial: Trial, candidates: list[Candidate]) -> str:
    if candidates:
        return ""
    if trial.possible:
        return "Its pattern matches nothing here."
    return "The text lacks characters that every match of its pattern has."


def _why_lost(match: Match, winner: Link, linker: Linker) -> str:
    who = f"to {winner.text!r} of the linker {linker.key!r} ({linker.app_key})"
    if winner.start < match.start:
        return f"It lost {who}, which begins earlier."
    if winner.end > match.end:
        return f"It lost {who}, which is longer."
    return f"It lost {who}, which was installed or listed first."


def _overlaps(spans: list[tuple[int, int]], match: Match) -> bool:
    """Return whether one of the spans, which are in order, overlaps the match."""
    at = bisect_right(spans, (match.start, match.end))
    return any(start < match.end and match.start < end for start, end in spans[max(at - 1, 0) : at + 1])

"""Why a stretch of a text became a link, or did not: for people, beside the links themselves."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, TypeVar

import msgspec

from roadstead.linkify.check.report import check_linker
from roadstead.linkify.check.witness import Witness
from roadstead.linkify.engines.programs import Match
from roadstead.linkify.linker import Link, Linker, Linkified, Stretch
from roadstead.linkify.matching.matcher import CompiledLinkers, Trial
from roadstead.linkify.pattern.reading import read_pattern
from roadstead.linkify.text.addresses import Address, addresses
from roadstead.linkify.text.escapes import visible
from roadstead.linkify.text.words import may_begin

MAX_CANDIDATES = 500
"""Candidates that are explained of a text, from its beginning."""


S = TypeVar("S", bound=Address | Link)


class Candidate(Stretch, frozen=True):
    r"""A stretch that a linker's pattern matches, or would match if a value were stored; or a bare URL.

    `groups` are those that are asked for by the linker's `url`, by number or name, and `(?K)`. `url` is set if it
    became a link. `reason` is one sentence.
    """

    linker: Linker | None
    groups: Mapping[str, str]
    url: str | None
    reason: str


class Tried(msgspec.Struct, frozen=True):
    """What a linker did on the text. `milliseconds` are shared by linkers that have the same pattern.

    `reason` says why it has no candidates, or, if it was `limited`, why no more. `witness` is a text that is hostile
    with its pattern, if the pattern is hostile and one is found.
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
    """What `linkify` makes of a text, and why."""

    linkified: Linkified
    candidates: tuple[Candidate, ...]
    linkers: tuple[Tried, ...]
    omitted: int


def explain(linkers: CompiledLinkers, text: str) -> Explanation:
    """Say for each candidate in `text` why it is a link or not, and for each linker what it did.

    The links are those of `linkify`. It takes about three times as long, within the same limits, and never raises
    because of what a text or a pattern holds. Of more than 500 candidates the last are `omitted`.
    """
    seen = visible(text)
    linkified = linkers.linkify_visible(seen)
    judge = _Judge(linkers, linkified, seen.hyperlinks)
    candidates = [
        Candidate(link.start, link.end, link.text, None, {}, link.url, "It is an address.")
        for link in linkified.links
        if link.linker is None
    ]
    tried: dict[int, Tried] = {}
    for trial in linkers.trials(seen.text):
        of_trial = list(judge.candidates(trial))
        candidates += (candidate for _, candidate in of_trial)
        for number in trial.members:
            tried[number] = judge.tried(number, trial, [found for owner, found in of_trial if owner == number])
    candidates.sort(key=lambda candidate: (candidate.start, candidate.url is None, -candidate.end))
    return Explanation(
        Linkified(text, tuple(seen.restored(linkified.links)), linkified.unfinished),
        tuple(seen.restored(candidates[:MAX_CANDIDATES])),
        tuple(tried[number] for number in sorted(tried)),
        max(0, len(candidates) - MAX_CANDIDATES),
    )


class _Judge:
    """Knows the links of a text, and says what became of everything else."""

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
        linker = self._linkers.linkers[number]
        links = sum(candidate.url is not None for candidate in candidates)
        left_out, limit = self._linkers.left_out(number), trial.limits.get(number)
        if left_out:
            reason = left_out
        elif limit:
            reason = str(limit)
        elif candidates:
            reason = ""
        elif trial.possible:
            reason = "Its pattern matches nothing here."
        else:
            reason = "The text lacks characters that every match of its pattern has."
        report = check_linker(linker)
        return Tried(
            linker,
            report.engine,
            self._linkers.value_count(number),
            len(candidates),
            links,
            round(trial.seconds * 1000, 3),
            bool(left_out or limit),
            reason,
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
        linker = self._linkers.linkers[number]
        left_out = self._linkers.left_out(number)
        if left_out:
            return self._candidate(number, match, None, left_out)
        url = self._linkers.url_of(number, match, self._text)
        if url is None:
            reason = "Filled with what was matched, the linker's url is none that may be linked to."
            return self._candidate(number, match, None, reason)
        if self._hyperlinks.overlapping(match):
            return self._candidate(number, match, None, "It is part of a hyperlink that the text has already.")
        address = self._addresses.overlapping(match)
        if address:
            reason = f"It is part of the address {self._text[address.start : address.end]!r}."
            return self._candidate(number, match, None, reason)
        winner = self._links.overlapping(match)
        if winner is None or winner.linker is None:
            return self._candidate(number, match, None, "A limit of the text was reached before it.")
        if winner.linker is linker and (winner.start, winner.end) == (match.start, match.end):
            return self._candidate(number, match, url, self._why_matched(number, match))
        return self._candidate(number, match, None, _why_lost(match, winner, winner.linker))

    def _why_matched(self, number: int, match: Match) -> str:
        values = self._values(number, match)
        if not values:
            return "Its pattern matches."
        shown = " and ".join(repr(value) for value in values)
        if self._linkers.value_count(number):
            return f"Its pattern matches, and {shown} is stored."
        return "Its pattern matches; while it has no values, anything will do as one."

    def _why_unstored(self, number: int, match: Match) -> str:
        count = self._linkers.value_count(number)
        if not count:
            return "The linker has no values yet, and is set to match nothing until it has."
        for value in self._values(number, match):
            if self._linkers.has_value(number, value):
                continue
            inner = next((value[at:] for at in range(1, len(value)) if self._linkers.has_value(number, value[at:])), "")
            if inner and not may_begin(value, len(value) - len(inner)):
                return f"The stored value {inner!r} may not begin right after a letter or a digit."
            return f"The value {value!r} is not among the {count} stored for the linker."
        return "A stored value may not begin right after a letter or a digit."

    def _values(self, number: int, match: Match) -> list[str]:
        groups = read_pattern(self._linkers.linkers[number].regex).value_groups
        spans = (match.group(group.number) for group in groups)
        return [self._text[span[0] : span[1]] for span in spans if span]


class _Stretches(Generic[S]):
    """Stretches of a text, which are in order and do not overlap each other."""

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


def _why_lost(match: Match, winner: Link, linker: Linker) -> str:
    who = f"to {winner.text!r} of the linker {linker.key!r} ({linker.app_key})"
    if winner.start < match.start:
        return f"It lost {who}, which begins earlier."
    if winner.end > match.end:
        return f"It lost {who}, which is longer."
    return f"It lost {who}, which was installed or listed first."


def _overlaps(spans: list[tuple[int, int]], match: Match) -> bool:
    """Whether one of the spans, which are in order, overlaps the match."""
    at = bisect_right(spans, (match.start, match.end))
    return any(start < match.end and match.start < end for start, end in spans[max(at - 1, 0) : at + 1])

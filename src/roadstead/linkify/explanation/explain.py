"""Explain the links that linkers make in a text, and the missing ones."""

from roadstead.linkify.explanation.explanation import Candidate, Explanation, Tried
from roadstead.linkify.explanation.judge import Judge
from roadstead.linkify.linker import Linkified
from roadstead.linkify.matching.matcher import CompiledLinkers
from roadstead.linkify.text.escapes import visible

MAX_CANDIDATES = 500
"""Candidates that are explained of a text, from its beginning."""


def explain(linkers: CompiledLinkers, text: str) -> Explanation:
    """Say for each candidate in `text` why it is a link or not, and for each linker its counts and time.

    The links are those of `linkify`. It takes about three times as long, within the same limits, and no text and no
    pattern raises an exception. Of more than 500 candidates the last are `omitted`.
    """
    seen = visible(text)
    linkified = linkers.linkify_visible(seen)
    judge = Judge(linkers, linkified, seen.hyperlinks)
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

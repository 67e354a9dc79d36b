"""A text with its links and non-links marked, and the result of each linker for each stretch."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from markupsafe import Markup, escape

from roadstead.linkify import Candidate, Link, Linkified, render_html


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the text as HTML; a stretch that could have been a link has the `reasons` why it is not."""

    html: Markup
    reasons: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one or several linkers for a stretch, with the same reason."""

    linkers: str
    reason: str
    groups: tuple[tuple[str, str], ...]
    url: str | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of the text that could have been a link, and the result of each linker for it."""

    start: int
    text: str
    is_link: bool
    findings: list[Finding]


def stretches_of(candidates: Sequence[Candidate]) -> list[Stretch]:
    """Group the candidates, which are in the order of the text, by their stretch."""
    found = []
    ordered = sorted(candidates, key=lambda one: (one.start, -one.end))
    for _, group in groupby(ordered, key=lambda one: (one.start, one.end)):
        same = list(group)
        is_link = any(one.url is not None for one in same)
        found.append(Stretch(same[0].start, same[0].text, is_link, list(_findings(same))))
    return found


def _findings(candidates: Sequence[Candidate]) -> Iterator[Finding]:
    alike: dict[tuple[str, str | None, tuple[tuple[str, str], ...]], list[str]] = {}
    for one in sorted(candidates, key=lambda one: one.url is None):
        of_reason = alike.setdefault((one.reason, one.url, tuple(one.groups.items())), [])
        if one.linker is not None and one.linker.app_key:  # A pattern that is being written belongs to no app.
            of_reason.append(f"{one.linker.key} of {one.linker.app_key}")
    for (reason, url, groups), linkers in alike.items():
        yield Finding(", ".join(linkers), reason, groups, url)


def pieces_of(linkified: Linkified, stretches: Sequence[Stretch]) -> list[Piece]:
    """Cut the text at its links and at the stretches that are not links; the pieces joined are the text.

    A stretch that overlaps a link, or another stretch before it, is not marked.
    """
    waiting = deque(stretch for stretch in stretches if not stretch.is_link)
    pieces: list[Piece] = []
    position = 0
    for piece in linkified.pieces():
        if isinstance(piece, Link):
            pieces.append(Piece(_html_of(piece)))
            position = piece.end
            continue
        end = position + len(piece)
        while waiting and waiting[0].start < end:
            stretch = waiting.popleft()
            stop = stretch.start + len(stretch.text)
            if stretch.start < position or stop > end:
                continue
            pieces.append(Piece(escape(linkified.text[position : stretch.start])))
            pieces.append(Piece(escape(stretch.text), [finding.reason for finding in stretch.findings]))
            position = stop
        pieces.append(Piece(escape(linkified.text[position:end])))
        position = end
    return pieces


def _html_of(link: Link) -> Markup:
    alone = Link(0, len(link.text), link.text, link.url, link.linker)
    return Markup(render_html(Linkified(link.text, (alone,))))  # noqa: S704  # it escapes all that it did not write

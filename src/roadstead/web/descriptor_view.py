"""How pages show a descriptor: scopes and patterns in words, and each finding with an excerpt."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from roadstead.connect import Descriptor, Finding
from roadstead.connect.findings import Severity
from roadstead.connect.scopes import DESCRIPTIONS, canonical_scope
from roadstead.domain.apps.check import CheckedLinker
from roadstead.linkify import PatternReport, may_run_out

_SHOWN_BEFORE, _SHOWN_AFTER = 40, 60
"""Characters of the line on each side of the finding's place."""


@dataclass(frozen=True, slots=True)
class Scope:
    name: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The line of a finding, around the finding's character."""

    before: str
    at: str
    after: str


@dataclass(frozen=True, slots=True)
class ShownFinding:
    severity: Severity
    place: str
    line: int | None
    column: int | None
    message: str
    fix: str
    excerpt: Excerpt | None


@dataclass(frozen=True, slots=True)
class ShownPattern:
    """How a linker's pattern is matched; `reason` is empty for a pattern in linear time.

    `slow_on` is a text on which a backtracking engine needs very long.
    """

    key: str
    speed: str
    verdict: str
    reason: str
    slow_on: str
    groups: int
    takes_values: bool


def pattern_in_words(key: str, report: PatternReport | CheckedLinker) -> ShownPattern:
    witness = report.witness
    return ShownPattern(
        key=key,
        speed="linear time" if report.engine == "linear" else "time budget",
        verdict="warning" if may_run_out(report) else "good",
        reason=report.reason if report.hostile or report.engine == "bounded" else "",
        slow_on=witness.in_short() if witness else "",
        groups=report.groups,
        takes_values=report.takes_values,
    )


def scopes_in_words(descriptor: Descriptor) -> list[Scope]:
    """Return the scopes that the descriptor names; an empty list if it names none, which means all scopes."""
    return in_words(descriptor.scopes or ())


def in_words(scopes: Iterable[str]) -> list[Scope]:
    """Return scopes with what each permits."""
    return [Scope(name, DESCRIPTIONS[canonical_scope(name)]) for name in scopes]


def digest(descriptor: Descriptor) -> str:
    """Return a hash of what the operator agrees to, to notice a descriptor that changes before the installation."""
    return hashlib.sha256(descriptor.to_json().encode()).hexdigest()


def with_excerpts(document: bytes, findings: Iterable[Finding]) -> list[ShownFinding]:
    """Return the findings, each with an excerpt of the document around its place."""
    lines = document.decode("utf-8", "replace").removeprefix("\ufeff").split("\n")
    return [
        ShownFinding(
            finding.severity,
            finding.place,
            finding.line,
            finding.column,
            finding.message,
            finding.fix,
            _excerpt(lines, finding.line, finding.column),
        )
        for finding in findings
    ]


def _excerpt(lines: list[str], line: int | None, column: int | None) -> Excerpt | None:
    if line is None or column is None or line > len(lines):
        return None
    text, at = lines[line - 1].rstrip("\r"), column - 1
    before, after = text[:at].lstrip(), text[at + 1 :]
    return Excerpt(
        f"…{before[-_SHOWN_BEFORE:]}" if len(before) > _SHOWN_BEFORE else before,
        text[at : at + 1],
        f"{after[:_SHOWN_AFTER]}…" if len(after) > _SHOWN_AFTER else after,
    )

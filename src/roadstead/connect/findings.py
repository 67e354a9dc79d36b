"""The findings of a descriptor, and the refusal of one with an error."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int, ...]
"""The place of a value in a JSON document: `("modules", "linkers", 0, "regex")`."""

Severity = Literal["error", "warning", "note"]

MAX_FINDINGS = 200
"""Reading ends with an error beyond so many, to bound the time that a hostile descriptor can take."""

TOO_MANY = ("There are more findings than fit in a list.", "Correct the listed ones first.")
"""Message and fix of the last finding, which then stands for all others."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    A finding about a descriptor.

    An `error` makes the descriptor unusable, a `warning` is a likely mistake or something other hosts refuse, a `note`
    is information only. `message` says in one sentence what is wrong, `fix` what to do about it. `line` and `column`
    count characters from 1; they are None where there is no text to count in.
    """

    severity: Severity
    path: Path
    message: str
    fix: str
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        """Return the path in its usual notation, `modules.linkers[0].regex`; empty for the document itself."""
        return place_of(self.path)


class InvalidDescriptor(ValueError):
    """
    The descriptor is refused. `findings` are all findings, at least one of them an error.

    Its text has a line for each of the first ten errors, with its fix.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [_sentence(finding) for finding in self.findings if finding.severity == "error"]
        more = [f"({len(errors) - 10} more)"] if len(errors) > 10 else []
        super().__init__("\n".join(errors[:10] + more))


def place_of(path: Path) -> str:
    """Return `path` in its usual notation."""
    return "".join(map(_step, path)).removeprefix(".")


def shown(value: object) -> str:
    """Return `value` as a message may show it: cut to a line, without control characters."""
    text = repr(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def shown_name(name: str) -> str:
    """Return a member's name as a message may show it: unchanged if it is a plain word, else `shown`."""
    return name if name.isidentifier() and len(name) <= 80 else shown(name)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    name = shown_name(step)
    return f".{name}" if name == step else f"[{name}]"


def _sentence(finding: Finding) -> str:
    """Return the place, unless the message begins with it, the message, and the fix."""
    place = "" if finding.message.startswith(f"{finding.place} ") else f"{finding.place}: ".removeprefix(": ")
    return f"{place}{finding.message} {finding.fix}"

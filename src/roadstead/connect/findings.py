"""What can be found in a descriptor, and the refusal of one in which an error was found."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Path = tuple[str | int, ...]
"""Where a value stands in a JSON document: `("modules", "linkers", 0, "regex")`."""

Severity = Literal["error", "warning", "note"]

MAX_FINDINGS = 200
"""Reading ends, with an error, when there would be more: it bounds the time a hostile descriptor can take."""

TOO_MANY = ("There is more to find than fits in a list.", "Begin with what is listed.")
"""Message and fix of the finding that takes the place of all others then."""


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing to know about a descriptor.

    An `error` makes the descriptor unusable, a `warning` is a likely mistake or something other hosts refuse,
    a `note` is only worth knowing. `message` says in one sentence what it is, `fix` what to do about it.
    `line` and `column` count characters from 1; they are None where there was no text to count in.
    """

    severity: Severity
    path: Path
    message: str
    fix: str
    line: int | None = None
    column: int | None = None

    @property
    def place(self) -> str:
        """The path as people write it, `modules.linkers[0].regex`; empty for the document itself."""
        return place_of(self.path)


class InvalidDescriptor(ValueError):
    """
    The descriptor is refused. `findings` holds everything that was found, at least one of it an error.

    Its text has a line for each of the first ten errors, with its fix.
    """

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [_sentence(finding) for finding in self.findings if finding.severity == "error"]
        more = [f"({len(errors) - 10} more)"] if len(errors) > 10 else []
        super().__init__("\n".join(errors[:10] + more))


def place_of(path: Path) -> str:
    """Return `path` as people write it."""
    return "".join(map(_step, path)).removeprefix(".")


def shown(value: object) -> str:
    """Return `value` as a message may show it: cut to a line, without characters that a terminal obeys."""
    text = repr(value[:80] if isinstance(value, str) else value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def shown_name(name: str) -> str:
    """Return a member's name as a message may show it: as it is if it is a plain word, else `shown`."""
    return name if name.isidentifier() and len(name) <= 80 else shown(name)


def _step(step: str | int) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    name = shown_name(step)
    return f".{name}" if name == step else f"[{name}]"


def _sentence(finding: Finding) -> str:
    """Return where it is, unless the message begins with that, what it is, and the fix."""
    place = "" if finding.message.startswith(f"{finding.place} ") else f"{finding.place}: ".removeprefix(": ")
    return f"{place}{finding.message} {finding.fix}"

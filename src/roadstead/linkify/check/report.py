"""Judge whether a linker's pattern and `url` can be used, and explain it to their author."""

from dataclasses import dataclass
from typing import Literal, Protocol

from roadstead.linkify.check.dangers import dangers
from roadstead.linkify.check.remarks import Remark, remarks
from roadstead.linkify.check.witness import Witness, find_witness
from roadstead.linkify.linker import Linker
from roadstead.linkify.pattern.reading import read_pattern
from roadstead.linkify.search.programs import compiled_programs
from roadstead.linkify.target.template import UrlTemplate


@dataclass(frozen=True, slots=True)
class PatternReport:
    """A judgement on a usable pattern.

    `engine` runs the pattern on ordinary texts; a text that the linear engine cannot serve exactly goes to the bounded
    one. `groups` counts `(?K)`, too. `hostile` says that a backtracking engine such as Python's `re` may need far more
    than linear time on some text: on the bounded engine such a linker may run out of its budget. The pattern's shape
    decides that, so rare cases are missed. `reason` says in words why this engine, and why hostile. `remarks` are
    warnings about the `url`.
    """

    regex: str
    engine: Literal["linear", "bounded"]
    groups: int
    names: tuple[str, ...]
    takes_values: bool
    hostile: bool
    reason: str
    remarks: tuple[Remark, ...] = ()

    @property
    def witness(self) -> Witness | None:
        """Return a text that a hostile pattern is slow on, if one is found. The search takes some 100 ms at most."""
        return find_witness(self.regex) if self.hostile else None


class Judged(Protocol):
    """A judgement on a pattern, as far as its time is concerned."""

    @property
    def engine(self) -> Literal["linear", "bounded"]: ...
    @property
    def hostile(self) -> bool: ...


def may_run_out(pattern: Judged) -> bool:
    """Return whether a linker with the pattern may run out of its budget of time on some text."""
    return pattern.hostile and pattern.engine == "bounded"


def check_linker(linker: Linker) -> PatternReport:
    """Judge a linker's `regex` and `url`. Raises `InvalidPattern` if they cannot be used."""
    pattern = read_pattern(linker.regex)
    template = UrlTemplate(linker.url, linker.base_url, pattern)
    plan = compiled_programs(pattern.regex, template.groups).plan
    danger = next(dangers(pattern.tree), None)
    return PatternReport(
        regex=linker.regex,
        engine=plan.engine,
        groups=pattern.groups,
        names=tuple(pattern.names),
        takes_values=bool(pattern.value_groups),
        hostile=danger is not None,
        reason=f"{plan.reason} {danger}" if danger else plan.reason,
        remarks=remarks(linker.url, pattern),
    )

"""What a linker's pattern means for the app's author: is it usable, and on which engine does it run?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from roadstead.linkify.check.remarks import Remark, remarks
from roadstead.linkify.check.witness import Witness, find_witness
from roadstead.linkify.engines.source import ANY_VALUE
from roadstead.linkify.linker import Linker
from roadstead.linkify.matching.matcher import compiled_programs
from roadstead.linkify.pattern.charset import CharSet
from roadstead.linkify.pattern.reading import read_pattern
from roadstead.linkify.pattern.syntax import (
    Anchor,
    Chars,
    Choice,
    Group,
    Look,
    Node,
    Repeat,
    Sequence,
    least_width,
    walk,
)
from roadstead.linkify.target.template import UrlTemplate
from roadstead.linkify.text.text import Text

_MANY = 32  # a repeat that may run this long can hold an engine as well as one without an end


@dataclass(frozen=True, slots=True)
class PatternReport:
    """A judgement on a usable pattern.

    `engine` is where it normally runs; a text the linear engine cannot serve exactly goes to the bounded one.
    `groups` counts `(?K)` too. `hostile` says that a backtracking engine such as Python's `re` may need far
    more than linear time on some text: on the bounded engine such a linker may run out of its budget. It is
    judged from the pattern's shape and may miss rare cases. `reason` says in words why this engine, and why
    hostile. `remarks` are warnings about the `url`.
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
        """A text that a hostile pattern is hostile with, if one is found; to look for it takes some 100 ms at most."""
        return find_witness(self.regex) if self.hostile else None


def check_linker(linker: Linker) -> PatternReport:
    """Judge a linker's `regex` and `url`; raises `InvalidPattern` if they cannot be used."""
    pattern = read_pattern(linker.regex)
    template = UrlTemplate(linker.url, linker.base_url, pattern)
    programs = compiled_programs(pattern.regex, template.groups)
    obstacle = programs.linear_obstacle
    if obstacle is None and programs.linear(ANY_VALUE, Text("")) is None:
        obstacle = "a program beyond the linear engine's size"
    danger = next(_dangers(pattern.tree), None)
    reason = (
        "It runs in linear time."
        if obstacle is None
        else f"It runs on the bounded engine, within a time budget, because of {obstacle}."
    )
    if danger:
        reason += f" {danger}"
    return PatternReport(
        regex=linker.regex,
        engine="bounded" if obstacle else "linear",
        groups=pattern.groups,
        names=tuple(pattern.names),
        takes_values=bool(pattern.value_groups),
        hostile=danger is not None,
        reason=reason,
        remarks=remarks(linker.url, pattern),
    )


def _dangers(tree: Node) -> Iterator[str]:
    """Yield why a backtracking engine may need more than linear time, worst first."""
    for node in walk(tree):
        if isinstance(node, Repeat) and _is_long(node) and _is_ambiguous(node.body):
            yield "A repeat within a repeat can divide the same text in very many ways."
    for items in _alternatives(tree):
        for at, item in enumerate(items):
            if not (_is_long(item) and any(map(_can_fail, items[at + 1 :]))):
                continue
            if not any(_holds_off(before, item) for before in items[:at]):
                yield "A long run can be entered at each of its characters, and what follows may fail."
            elif _meets_its_like(items, at):
                yield "Two long runs of the same characters meet, and what follows may fail."


def _is_long(node: Node) -> bool:
    if isinstance(node, Look):
        return any(map(_is_long, walk(node.body)))
    return isinstance(node, Repeat) and (node.most is None or node.most >= _MANY)


def _is_ambiguous(body: Node) -> bool:
    """Whether one repetition may match what two could: an open run, or branches that overlap."""
    for items in _alternatives(body):
        if any(_is_long(item) and not any(_is_apart(other, item) for other in items) for item in items):
            return True
    branches = _alternatives(body)
    return any(not any(map(_is_apart, one, other)) for at, one in enumerate(branches) for other in branches[at + 1 :])


def _meets_its_like(items: tuple[Node, ...], at: int) -> bool:
    for later in range(at + 1, len(items)):
        if _is_apart(items[later], items[at]):
            return False
        if _is_long(items[later]):
            return any(map(_can_fail, items[later + 1 :]))
    return False


def _can_fail(node: Node) -> bool:
    return least_width(node) > 0 or isinstance(node, Anchor | Look)


def _holds_off(before: Node, run: Node) -> bool:
    """Whether what stands before a run keeps a match from starting in the middle of it."""
    if isinstance(before, Look):
        return not before.ahead
    return isinstance(before, Anchor) or _is_apart(before, run)


def _is_apart(node: Node, run: Node) -> bool:
    """Whether the node needs a character that the run cannot hold."""
    return least_width(node) > 0 and not (_consumed(node) & _consumed(run)).ranges


def _consumed(node: Node) -> CharSet:
    return CharSet.of(bounds for part in walk(node) if isinstance(part, Chars) for bounds in part.allowed.ranges)


def _alternatives(node: Node) -> list[tuple[Node, ...]]:
    """Return the node's branches, each as a flat sequence without groups."""
    match node:
        case Group(body=body):
            return _alternatives(body)
        case Choice(branches):
            return [items for branch in branches for items in _alternatives(branch)]
        case Sequence(items):
            return [tuple(part for item in items for part in _flat(item))]
        case _:
            return [(node,)]


def _flat(node: Node) -> Iterator[Node]:
    match node:
        case Group(body=body):
            yield from _flat(body)
        case Sequence(items):
            for item in items:
                yield from _flat(item)
        case _:
            yield node

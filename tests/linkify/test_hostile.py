"""Patterns that keep a backtracking engine busy: their verdicts, and that they take nothing from other linkers.

The benchmark `hostile` measures how long each may keep a text.
"""

import warnings

import pytest

from roadstead.linkify import InvalidPattern, Linker, check_linker, compile_linkers, render_html
from roadstead.linkify.check.witness import find_witness
from roadstead.linkify.pattern.reading import read_pattern
from tests.linkify.hostile import VALUES, Hostile, hostile_patterns
from tests.linkify.oracle import TookTooLong, at_most, expected
from tests.linkify.test_against_python import all_groups, found

ROWS = hostile_patterns()
USABLE = [row for row in ROWS if row.verdict != "refused"]
ONE_IN_THREE = [pytest.param(row, marks=[pytest.mark.slow] if number % 3 else []) for number, row in enumerate(USABLE)]
ORDINARY = [
    Linker("linear", r"OK-\d+", r"https://t.example/\g<0>"),
    Linker("bounded", r"(?<!x)(?K)#\d+", r"https://t.example/\g<0>", values=frozenset({"OK"})),
]
NOWHERE = r"javascript:\g<0>"  # so that the matches of a hostile linker take no link from the others


def by_origin(row: Hostile) -> str:
    return row.origin


def test_there_are_many() -> None:
    """Patterns of all kinds, no two of which are the same."""
    assert len({row.regex for row in ROWS}) == len(ROWS) >= 60


@pytest.mark.sample(25)
@pytest.mark.parametrize("row", ROWS, ids=by_origin)
def test_verdict(row: Hostile) -> None:
    """The engine of a pattern is known before it is run, or it is refused with a reason."""
    if row.verdict == "refused":
        with pytest.raises(InvalidPattern):
            check_linker(row.linker("/"))
    else:
        assert check_linker(row.linker("/")).engine == row.verdict


@pytest.mark.sample(3)
@pytest.mark.parametrize(
    ("regex", "witness"),
    [
        (r"(a+)+$", ("", "a", "!")),
        (r"#(?:x+)+;", ("#", "x", "!")),
        (r"^(\w+\s?)*,", ("", "A", "!")),
        (r"(?<!\w)(\d+)+(?=;)", ("", "1", "!")),
        (r"(.+)\1!", ("", "a", "a")),
        (r"(?K)+!", ("", "a", "")),
    ],
)
def test_witness_is_found_for_a_hostile_pattern(regex: str, witness: tuple[str, str, str]) -> None:
    """The text takes many more steps than it is long, counted by backtracking."""
    found = check_linker(Linker("k", regex, "/")).witness
    assert found is not None
    assert (found.before, found.pump, found.after) == witness
    assert found.steps > 10 * len(found.text(48))


@pytest.mark.parametrize("regex", [r"BB-\d+", r"(?<!\w)((BB|OPS)-\d+)(?!\w)", r"#(?:[a-z]+-)+1", r"#\d+\.\d+!"])
def test_no_witness_is_found_for_a_harmless_pattern(regex: str) -> None:
    """For a pattern on which backtracking takes no more steps than the text is long, for any text."""
    assert find_witness(regex) is None


@pytest.mark.parametrize("step", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_most_hostile_patterns_have_a_witness(step: int) -> None:
    """Some are hostile only over all their matches, or on texts that are not made from the pattern."""
    reports = [check_linker(row.linker("/")) for row in USABLE[::step]]
    hostile = [report for report in reports if report.hostile]
    assert len([report for report in hostile if report.witness]) > 0.8 * len(hostile)
    assert not any(report.witness for report in reports if not report.hostile)


def check_beside_others(row: Hostile, size: int, *, budget: float) -> None:
    text = f"OK-1 OK#2 {row.text(size)} OK#3\nOK-4"
    linkified = compile_linkers([row.linker(NOWHERE), *ORDINARY], budget=budget).linkify(text)
    assert [link.text for link in linkified.links] == ["OK-1", "OK#2", "OK#3", "OK-4"]
    assert {limit.linker.key for limit in linkified.unfinished if limit.linker} <= {"hostile"}
    assert "".join(piece if isinstance(piece, str) else piece.text for piece in linkified.pieces()) == text
    assert render_html(linkified).count("<a ") == 4


@pytest.mark.sample(9)
@pytest.mark.parametrize("row", ONE_IN_THREE, ids=by_origin)
def test_ordinary_linkers_beside_it_lose_no_link(row: Hostile) -> None:
    """Links before and after a text made for the pattern are all found, by either engine, and the text is complete."""
    check_beside_others(row, 10_000, budget=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("size", [100_000, 990_000])
@pytest.mark.parametrize("row", USABLE, ids=by_origin)
def test_ordinary_linkers_beside_it_lose_no_link_in_long_texts(row: Hostile, size: int) -> None:
    """The same in texts of the maximum length."""
    check_beside_others(row, size, budget=0.5)  # no ordinary linker takes so long, on any machine


@pytest.mark.sample(9)
@pytest.mark.parametrize("row", ONE_IN_THREE, ids=by_origin)
def test_short_texts_match_as_in_python(row: Hostile) -> None:
    """Where `re` finishes, the matches and groups are those of `re`."""
    programs = all_groups(read_pattern(row.regex))
    values = VALUES if programs.pattern.value_groups else frozenset()
    groups = [group.number for group in programs.pattern.value_groups]
    for size in (1, 12, 70):
        text = row.text(size)
        try:
            with at_most(0.05), warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                spans = list(expected(row.regex, groups, values, text))
        except TookTooLong:
            continue
        assert found(programs, values, text) == spans

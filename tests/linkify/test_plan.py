"""How a pattern is matched is decided once, without a text."""

import pytest

from roadstead.linkify import Linker, check_linker
from roadstead.linkify.pattern.reading import read_pattern
from roadstead.linkify.plan.plan import LastNewline, Way, plan_for
from roadstead.linkify.search.programs import compiled_programs


@pytest.mark.parametrize(
    ("regex", "way"),
    [
        (r"((?K)-\d+)", Way.VALUE_FIRST),
        (r"\b(?K):", Way.VALUE_FIRST),
        (r"#(?K)", Way.VALUE_FIRST),
        (r"(a)(?K)", Way.VALUE_FIRST),
        (r"\d+(?K)", Way.LINEAR),
        (r"(?K):(?K)", Way.LINEAR),
        (r"(?i)((?K)-\d+)", Way.LINEAR),
        (r"BB-\d+", Way.LINEAR),
        (r"(?<!x)((?K)-\d+)", Way.BOUNDED),
        (r"\d*", Way.BOUNDED),
        (r"a{1001}", Way.BOUNDED),
    ],
)
def test_pattern_has_one_way(regex: str, way: Way) -> None:
    """Only a value in a fixed place comes first, only what RE2 cannot run is bounded, and reports say the same."""
    plan = plan_for(read_pattern(regex), frozenset())
    report = check_linker(Linker("k", regex, "https://t.example/"))
    assert plan.way is way
    assert (report.engine, report.reason.startswith(plan.reason)) == (plan.engine, True)


@pytest.mark.parametrize(
    ("regex", "last_newline", "cuts"),
    [
        (r"a", LastNewline.READ, "\n "),
        (r"a\sb", LastNewline.READ, ""),
        (r"a$", LastNewline.LEFT_OUT, "\n "),
        (r"a[^x\n]b$", LastNewline.LEFT_OUT, "\n"),
        (r"a\s$", LastNewline.BOUNDED, ""),
        (r"a$|b\Z", LastNewline.BOUNDED, "\n "),
    ],
)
def test_spaces_decide_where_a_text_is_cut(regex: str, last_newline: LastNewline, cuts: str) -> None:
    """A text is cut after characters that no match contains. RE2 does not see a last newline only if nothing else needs
    it.
    """
    plan = plan_for(read_pattern(regex), frozenset())
    assert (plan.last_newline, plan.cuts) == (last_newline, cuts)


def test_linkers_with_one_regex_share_a_plan() -> None:
    """What was decided for a pattern is kept with its programs, for all that use them."""
    first, second = (compiled_programs(r"PLAN-(\d+)", frozenset({1})) for _ in range(2))
    assert first.plan is second.plan

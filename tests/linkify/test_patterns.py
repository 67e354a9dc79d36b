"""The judgement on a linker's pattern, and the page on patterns."""

import re
from pathlib import Path

import pytest

from roadstead.linkify import InvalidPattern, Linker, PatternReport, check_linker, compile_linkers

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "patterns.md").read_text("utf-8")


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table's rows under a heading of the page."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line.strip()[1:-1] for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)] for line in lines]


def check(regex: str, url: str = "https://t.example/") -> PatternReport:
    return check_linker(Linker("k", regex, url))


@pytest.mark.sample(10)
@pytest.mark.parametrize(("construct", "example", "engine"), rows("Which engine runs what"))
def test_page_names_the_engine_of_each_construct(construct: str, example: str, engine: str) -> None:
    """Each row's example runs on the engine that the row says."""
    assert check(example.strip("`")).engine == engine


@pytest.mark.parametrize(("construct", "example"), [row for row in rows("What is refused") if row[1]])
def test_page_names_what_is_refused(construct: str, example: str) -> None:
    """Each row's example is refused."""
    sample = example.partition("`")[2].partition("`")[0]
    with pytest.raises(InvalidPattern):
        check("(a)", sample) if "url" in example else check(sample)


@pytest.mark.parametrize(
    ("regex", "says"),
    [
        ("(", "missing ), unterminated subpattern at character 1"),
        ("(?K)(?K)[", "unterminated character set at character 9"),
        ("(?K", "unknown extension ?K"),
        ("(?K:a)", "unknown extension ?K"),
        ("a{2,1}", "min repeat greater than max repeat"),
        ("a{99999999999999999999}", "too large"),
        ("(?L)a", "cannot use 'L' flag"),
        ("(?au)a", "incompatible"),
        ("a(?i)", "global flags not at the start"),
        ("(?<=a+)b", "fixed width"),
        (r"\1", "invalid group reference"),
    ],
)
def test_refusal_says_what_python_says_and_where(regex: str, says: str) -> None:
    """The reason names the character of the regex as its author wrote it."""
    with pytest.raises(InvalidPattern, match=re.escape(says)):
        check(regex)


def test_report_counts_groups_and_names() -> None:
    """`(?K)` counts as a group and is not among the names."""
    report = check(r"(?P<key>(?K)-(?P<number>\d+))", r"/\g<key>/\3")
    assert report == PatternReport(
        regex=r"(?P<key>(?K)-(?P<number>\d+))",
        engine="linear",
        groups=3,
        names=("key", "number"),
        takes_values=True,
        hostile=False,
        reason="It runs in linear time.",
    )


@pytest.mark.parametrize("regex", [r"[(?K)]", r"\(?K\)", r"(?#(?K)a", "(?x)a # (?K)"])
def test_value_token_counts_only_where_a_group_may_stand(regex: str) -> None:
    """In a class, after a backslash and in a comment `(?K)` takes no values."""
    assert not check(regex).takes_values


def test_value_token_cannot_be_forged_by_a_group_name() -> None:
    """A group that looks like the one put in place of `(?K)` is an ordinary group."""
    report = check(r"(?P<K0>[\w\-]+)")
    assert (report.takes_values, report.names) == (False, ("K0",))


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("regex", "hostile"),
    [
        (r"([\w\-]+\-\d+)", True),
        (r"(a+)+$", True),
        (r"(?:a|a[ab])*c", True),
        (r"(?=(a+))\1b", True),
        (r"#.*,.*,z", True),
        (r"\d+\b", True),
        (r"BB-\d+", False),
        (r"((?K)-\d+)", False),
        pytest.param(r"(?<!\w)((BB|OPS)-\d+)(?!\w)", False, marks=pytest.mark.slow),
        (r"#(?:[a-z]+-)+1", False),
        (r"\b\w+-1", False),
        (r"#\d+\.\d+!", False),
        (r"#(?:ab|cd)*!", False),
    ],
)
def test_hostile_is_what_backtracking_takes_long_for(regex: str, hostile: bool) -> None:
    """A run that can be entered anywhere, runs that meet and ambiguous repeats are hostile; usual keys are not."""
    assert check(regex).hostile is hostile


@pytest.mark.parametrize(("texts", "linked", "why"), rows("What matches"))
def test_page_says_before_which_words_a_value_may_begin(texts: str, linked: str, why: str) -> None:
    """The texts of each row are links, or not, as the row says."""
    linker = Linker("k", r"(?K)-\d+", "https://t.example/", values={"課題"} if "課題" in texts else {"BB"})
    for text in re.findall(r"`(\S+-1)`", texts):
        assert bool(compile_linkers([linker]).linkify(text).links) is (linked == "yes"), text

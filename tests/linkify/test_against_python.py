"""Linkify finds what Python's `re` finds, over random patterns, values and texts."""

import re
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from random import Random

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from roadstead.linkify import InvalidPattern
from roadstead.linkify.budget import Budget
from roadstead.linkify.engines import writing
from roadstead.linkify.pattern.case import case_folding, cased_chars
from roadstead.linkify.pattern.reading import Pattern, read_pattern
from roadstead.linkify.search.programs import Programs
from roadstead.linkify.search.search import Search
from roadstead.linkify.text.text import Text
from roadstead.linkify.values.index import ValueIndex
from tests.linkify import grammar
from tests.linkify.oracle import Spans, TookTooLong, at_most, expected, substituted

pytestmark = pytest.mark.filterwarnings("ignore:Possible nested set:FutureWarning")
randoms = st.randoms(use_true_random=False)
patiently = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])


def found(programs: Programs, values: frozenset[str], text: str) -> list[Spans]:
    """Return the spans of each match that links, by group number."""
    groups = programs.pattern.value_groups
    search = Search(programs, Text(text), Budget(60, time.thread_time))
    if not (values and groups):
        return [match.groups() for match in search.matches()]
    index = ValueIndex.of({0: values}, ignore_case=any(group.ignore_case for group in groups))
    at_once = search.value_first(index)
    if at_once is not None:
        return [match.groups() for match, _ in at_once]
    return [
        match.groups()
        for match in search.stored(index, 0, tuple(sorted(values, key=lambda value: (-len(value), value))))
    ]


def all_groups(pattern: Pattern) -> Programs:
    return Programs(pattern, frozenset(range(1, pattern.groups + 1)))


def supported(source: str) -> Programs | None:
    """Return the programs, or `None` for the few constructs that are refused although Python accepts them."""
    try:
        return all_groups(read_pattern(source))
    except InvalidPattern as exc:
        if any(reason in str(exc) for reason in ("not supported", "asks inside group")):
            return None
        raise


@contextmanager
def small_pieces() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(writing, "PIECE", 2)
        yield


def python_compiles(source: str) -> bool:
    try:
        re.compile(substituted(source, []))
    except (re.error, OverflowError):
        return False
    return True


def check(random: Random, *, beyond_linear: bool, texts: int) -> int:
    """Compare one random pattern on some random texts; return the number of comparisons."""
    written = grammar.Grammar(random, beyond_linear)
    source = written.pattern()
    if not python_compiles(source):
        with pytest.raises(InvalidPattern):
            read_pattern(source)
        return 1
    programs = supported(source)
    if programs is None:
        return 0
    for _ in range(texts):
        values = grammar.values(random)
        text = grammar.text(random, values)
        if programs.plan.needs_ascii and not text.isascii():
            continue
        try:
            with at_most(0.5):
                spans = list(expected(source, written.value_groups, values, text))
        except TookTooLong:
            return 0
        assert found(programs, values, text) == spans, (source, sorted(values), text)
    return texts


@patiently
@given(randoms)
def test_linear_constructs_match_as_in_python(random: Random) -> None:
    """The linear engine gives the matches and groups that `re` gives."""
    assume(check(random, beyond_linear=False, texts=2))


@patiently
@given(randoms)
def test_all_constructs_match_as_in_python(random: Random) -> None:
    """With look-around, back-references and similar constructs, the matches and groups are still those of `re`."""
    assume(check(random, beyond_linear=True, texts=2))


@patiently
@given(randoms)
def test_runs_in_pieces_match_as_in_python(random: Random) -> None:
    """The bounded engine matches long runs piece by piece; here a piece is so small that every run is long."""
    with small_pieces():
        assume(check(random, beyond_linear=True, texts=2))


@pytest.mark.slow
@pytest.mark.parametrize(("beyond_linear", "pieces"), [(False, nullcontext), (True, nullcontext), (True, small_pieces)])
def test_a_hundred_thousand_random_cases_match_as_in_python(
    beyond_linear: bool, pieces: Callable[[], AbstractContextManager[None]]
) -> None:
    """The same over 150,000 cases, different ones in each run; a failure names its case."""
    with warnings.catch_warnings(), pieces():
        warnings.simplefilter("ignore", FutureWarning)
        random, compared = Random(), 0
        while compared < 50_000:
            compared += check(random, beyond_linear=beyond_linear, texts=4)


def test_an_empty_match_with_a_value_amid_a_word_keeps_no_link_away() -> None:
    """What the look-ahead finds is no link, so the guard says nothing about it, and the other branch links."""
    source, values, text = r"(?=(?K))|b??", frozenset({"b"}), "ab"
    programs = supported(source)
    assert programs is not None
    assert found(programs, values, text) == list(expected(source, [1], values, text)) == [{0: (1, 2)}]


@settings(max_examples=15)
@given(st.text(st.characters(), max_size=40))
def test_word_edges_and_classes_hold_for_any_character(text: str) -> None:
    """Every character, lone surrogates included, is in the classes that Python puts it in."""
    for source in (r"\b\w", r"\s\S", r"[^\W\d]+", r"(?i)[k-s]+", r"(?i)\bß?\d", r"(?m)^.", r"(?s).\B."):
        assert found(all_groups(read_pattern(source)), frozenset(), text) == list(expected(source, (), (), text))


def test_letters_that_python_calls_equal_fold_to_the_same() -> None:
    """No value is missed under IGNORECASE: folding joins at least the letters that `re` joins."""
    table, chars = case_folding(), cased_chars()
    for char in chars:
        equal = re.findall(re.escape(char), chars, re.IGNORECASE)
        assert {other.translate(table) for other in equal} == {char.translate(table)}


def test_letters_outside_the_table_equal_only_themselves() -> None:
    """The table of cased letters is complete: no other character changes in any case conversion."""
    chars = set(cased_chars())
    for code in range(0x110000):
        char = chr(code)
        if char not in chars:
            assert char.lower() == char.upper() == char

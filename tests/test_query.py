"""The filter language of `q` and `sort`."""

import contextlib
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.listing import Field, Listing
from roadstead.query import (
    AllOf,
    AnyOf,
    Comparison,
    Expression,
    FieldTypes,
    InvalidQuery,
    matches,
    parse_filter,
    parse_sort,
)
from roadstead.storage.filters import condition_of
from roadstead.storage.sqlite import _contains_folded

LISTING = Listing(Field("id", int, unique=True), Field("value", str), order="id")
FIELDS = LISTING.kinds
ITEM = {"id": 7, "value": "Backlog-BB"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("id = 7", True),
        ("id=7", True),
        ("id != 7", False),
        ("id > 6 AND id < 8", True),
        ("id >= 8 OR id <= 7", True),
        ('value = "Backlog-BB"', True),
        ('value = "backlog-bb"', False),
        ('value ~ "LOG-b"', True),
        ('value !~ "zzz"', True),
        ('value ~ "a%"', False),
        ("id IN (1, 7)", True),
        ("id in (1,2)", False),
        ("id NOT IN (1, 2)", True),
        ('value in ("x", "Backlog-BB") and id not in (9)', True),
        ("id = 1 OR id = 7 AND value = null", False),
        ("(id = 1 OR id = 7) AND value != null", True),
        ('value = "say \\"hi\\""', False),
        ('value > "A" and value < "C"', True),
        ("  ( ( id = 7 ) )  ", True),
    ],
)
def test_expressions_filter_as_documented(query: str, expected: bool) -> None:
    """Operators, precedence, lists, case and spacing mean what Bitbucket's documentation says."""
    assert matches(parse_filter(query, FIELDS), ITEM) is expected


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("", "name of a field"),
        ("id", "an operator"),
        ("id =", "a value"),
        ("id = 1 AND", "name of a field"),
        ("id = 1 id = 2", "AND, OR or the end"),
        ("(id = 1", "closing parenthesis"),
        ("id = 1)", "AND, OR or the end"),
        ("id = x", "a value"),
        ('id = "7"', "whole number"),
        ("value = 7", "double quotes"),
        ("value = 'BB'", "character 9"),
        ('value = "BB', "character 9"),
        ("name = 1", "no field 'name'"),
        ("id IN 7", "a list"),
        ("id IN ()", "a value"),
        ("id NOT 7", "an operator"),
        ("id > null", "Only = and !="),
        ("id = true", "whole number"),
        ("id = 99999999999999999999", "whole number"),
        ("id ; DROP TABLE linkers", "character 4"),
        ("(" * 40 + "id = 1" + ")" * 40, "nested"),
        (" OR ".join(["id = 1"] * 300), "too many"),
        ("id = 1 " * 1000, "too long"),
        ("id = １", "character 6"),
    ],
)
def test_bad_expressions_are_refused_with_the_place(query: str, complaint: str) -> None:
    """An unreadable query is refused, and the message says where, and what was expected."""
    with pytest.raises(InvalidQuery) as refused:
        parse_filter(query, FIELDS)
    assert complaint in f"{refused.value.message} {refused.value.detail}"


def test_sort_takes_one_known_field() -> None:
    """A leading minus reverses; any other text than a field of the resource is refused."""
    assert (parse_sort("id", FIELDS).descending, parse_sort("-value", FIELDS).descending) == (False, True)
    for wrong in ("", "-", "--id", "name", "id,value", "id desc"):
        with pytest.raises(InvalidQuery):
            parse_sort(wrong, FIELDS)


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    """Any text is either an expression or an `InvalidQuery`."""
    with contextlib.suppress(InvalidQuery):
        parse_filter(text, FIELDS)


_literal = st.text("aAbBzZßſK%_-\\\"' ", max_size=3)
_ids = st.integers(-3, 3)
_comparison: st.SearchStrategy[Expression] = st.one_of(
    st.builds(Comparison, st.just("id"), st.sampled_from(["=", "!=", ">", ">=", "<", "<="]), _ids),
    st.builds(Comparison, st.just("value"), st.sampled_from(["=", "!=", "~", "!~"]), _literal),
    st.builds(Comparison, st.just("id"), st.sampled_from(["in", "not in"]), st.tuples(_ids, st.none() | _ids)),
    st.builds(Comparison, st.sampled_from(["id", "value"]), st.sampled_from(["=", "!="]), st.none()),
)
_expressions = st.recursive(
    _comparison,
    lambda inner: st.builds(AllOf, st.tuples(inner, inner)) | st.builds(AnyOf, st.tuples(inner, inner)),
    max_leaves=5,
)


@given(_expressions, st.lists(st.tuples(st.none() | _ids, st.none() | _literal), max_size=5))
def test_sql_and_memory_agree(expression: Expression, rows: list[tuple[int | None, str | None]]) -> None:
    """An expression chooses the same rows in SQL and on values in memory, also for null."""
    database = sqlite3.connect(":memory:")
    database.create_function("contains_folded", 2, _contains_folded)
    database.execute("CREATE TABLE items (id INTEGER, value TEXT)")
    database.executemany("INSERT INTO items VALUES (?, ?)", rows)
    condition = condition_of(expression, LISTING)
    by_sql: list[Any] = database.execute(
        f"SELECT id, value FROM items WHERE {condition.sql} ORDER BY rowid", condition.arguments
    ).fetchall()
    database.close()
    assert by_sql == [row for row in rows if matches(expression, {"id": row[0], "value": row[1]})]


@pytest.mark.parametrize(
    ("read", "text", "message"),
    [
        (parse_sort, "id", "This list cannot be sorted."),
        (parse_filter, "id = 1", "This list cannot be filtered."),
    ],
    ids=["sort", "q"],
)
def test_a_list_without_fields_says_so(read: Callable[[str, FieldTypes], object], text: str, message: str) -> None:
    """For a list without fields, the refusal does not offer an empty choice."""
    with pytest.raises(InvalidQuery) as refused:
        read(text, {})
    assert refused.value.message == message

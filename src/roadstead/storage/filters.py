"""A checked filter expression as a condition in SQL.

It chooses the same rows as `roadstead.query` does in memory, those with NULL in a field included.
`contains_folded(text, part)` is a function that every dialect gives its database: contains, ignoring case.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from roadstead.listing import Listing
from roadstead.query import AllOf, AnyOf, Comparison, Expression, Scalar
from roadstead.storage.database import Argument
from roadstead.storage.moments import to_text


class Clause(msgspec.Struct, frozen=True):
    """A part of a statement, and its arguments."""

    sql: str
    arguments: Sequence[Argument] = ()


def condition_of(expression: Expression, listing: Listing) -> Clause:
    """Return a checked filter as a condition."""
    match expression:
        case AllOf(parts):
            return _joined(" AND ", parts, listing)
        case AnyOf(parts):
            return _joined(" OR ", parts, listing)
        case Comparison():
            return _comparison(expression, _column_of(listing, expression.field))


def _column_of(listing: Listing, name: str) -> str:
    always = listing.fields[name].always
    return listing.columns[name] if always is None else f"CAST('{always}' AS TEXT)"


def _joined(glue: str, parts: tuple[Expression, ...], listing: Listing) -> Clause:
    conditions = [condition_of(part, listing) for part in parts]
    text = glue.join(condition.sql for condition in conditions)
    return Clause(f"({text})", [argument for condition in conditions for argument in condition.arguments])


def _comparison(term: Comparison, column: str) -> Clause:
    literal, operator = term.literal, term.operator
    if isinstance(literal, tuple):
        return _membership(column, literal, negated=operator == "not in")
    if literal is None:
        return Clause(f"{column} IS {'NOT ' if operator == '!=' else ''}NULL")
    argument = _argument(literal)
    if operator in ("~", "!~"):
        contains = f"({column} IS NOT NULL AND contains_folded(CAST({column} AS TEXT), ?))"
        return Clause(f"{'NOT ' if operator == '!~' else ''}{contains}", [str(argument)])
    condition = f"{column} {operator} {mark(literal)}"
    return Clause((f"({condition} OR {column} IS NULL)" if operator == "!=" else condition), [argument])


def _membership(column: str, literals: tuple[Scalar, ...], *, negated: bool) -> Clause:
    given = [one for one in literals if one is not None]
    inside = f"{column} IN ({', '.join(map(mark, given))})" if given else "1 = 0"
    found = f"({column} IS NOT NULL AND {inside})"
    if None in literals:
        found = f"({column} IS NULL OR {inside})"
    return Clause(f"{'NOT ' if negated else ''}{found}", [_argument(one) for one in given])


def _argument(literal: Scalar) -> Argument:
    return to_text(literal) if isinstance(literal, datetime) else literal


def mark(literal: object) -> str:
    """Return the placeholder of an argument. One with the column's type would refuse numbers that do not fit it."""
    if isinstance(literal, bool):
        return "CAST(? AS BOOLEAN)"
    if isinstance(literal, float):
        return "CAST(? AS DOUBLE PRECISION)"
    return "CAST(? AS BIGINT)" if isinstance(literal, int) else "?"

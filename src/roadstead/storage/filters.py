"""A checked filter expression as a condition in SQL, and a checked sort as an order.

They choose and order the same rows as `roadstead.query` does in memory, those with nothing in a field (NULL) included.
`contains_folded(text, part)` is a function that every dialect gives its database: contains, whatever the case.
"""

from collections.abc import Mapping
from datetime import datetime

from roadstead.query import AllOf, AnyOf, Comparison, Expression, Scalar, Sort
from roadstead.storage.database import Argument
from roadstead.storage.moments import to_text


def to_sql(expression: Expression, columns: Mapping[str, str]) -> tuple[str, list[Argument]]:
    """Return the condition and its arguments. `columns` maps each field the expression may name to a column."""
    match expression:
        case AllOf(parts):
            return _joined(" AND ", parts, columns)
        case AnyOf(parts):
            return _joined(" OR ", parts, columns)
        case Comparison():
            return _comparison(expression, columns[expression.field])


def order_sql(sort: Sort, columns: Mapping[str, str]) -> str:
    """Return what to order by; what decides among equals has to follow. A constant must be a cast one (PostgreSQL)."""
    column = columns[sort.field]
    return f"{column} IS NULL, {column} {'DESC' if sort.descending else 'ASC'}"


def _joined(glue: str, parts: tuple[Expression, ...], columns: Mapping[str, str]) -> tuple[str, list[Argument]]:
    conditions = [to_sql(part, columns) for part in parts]
    text = glue.join(condition for condition, _ in conditions)
    return f"({text})", [argument for _, arguments in conditions for argument in arguments]


def _comparison(term: Comparison, column: str) -> tuple[str, list[Argument]]:
    literal, operator = term.literal, term.operator
    if isinstance(literal, tuple):
        return _membership(column, literal, negated=operator == "not in")
    if literal is None:
        return f"{column} IS {'NOT ' if operator == '!=' else ''}NULL", []
    argument = _argument(literal)
    if operator in ("~", "!~"):
        contains = f"({column} IS NOT NULL AND contains_folded(CAST({column} AS TEXT), ?))"
        return f"{'NOT ' if operator == '!~' else ''}{contains}", [str(argument)]
    condition = f"{column} {operator} {_mark(literal)}"
    return (f"({condition} OR {column} IS NULL)" if operator == "!=" else condition), [argument]


def _membership(column: str, literals: tuple[Scalar, ...], *, negated: bool) -> tuple[str, list[Argument]]:
    given = [one for one in literals if one is not None]
    inside = f"{column} IN ({', '.join(map(_mark, given))})" if given else "1 = 0"
    found = f"({column} IS NOT NULL AND {inside})"
    if None in literals:
        found = f"({column} IS NULL OR {inside})"
    return f"{'NOT ' if negated else ''}{found}", [_argument(one) for one in given]


def _argument(literal: Scalar) -> Argument:
    return to_text(literal) if isinstance(literal, datetime) else literal


def _mark(literal: Scalar) -> str:
    """Return the place of an argument. One that knows its column's type would refuse numbers that do not fit it."""
    if isinstance(literal, float):
        return "CAST(? AS DOUBLE PRECISION)"
    return "CAST(? AS BIGINT)" if isinstance(literal, int) else "?"

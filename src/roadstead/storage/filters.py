"""A checked filter expression as a condition in SQL.

`contains_folded(text, part)` is a function that every dialect gives its database: contains, whatever the case.
"""

from collections.abc import Mapping

from roadstead.query import AllOf, AnyOf, Comparison, Expression, Scalar
from roadstead.storage.database import Argument


def to_sql(expression: Expression, columns: Mapping[str, str]) -> tuple[str, list[Argument]]:
    """The condition and its arguments. `columns` maps each field the expression may name to a column."""
    match expression:
        case AllOf(parts):
            return _joined(" AND ", parts, columns)
        case AnyOf(parts):
            return _joined(" OR ", parts, columns)
        case Comparison():
            return _comparison(expression, columns[expression.field])


def _joined(glue: str, parts: tuple[Expression, ...], columns: Mapping[str, str]) -> tuple[str, list[Argument]]:
    conditions = [to_sql(part, columns) for part in parts]
    text = glue.join(condition for condition, _ in conditions)
    return f"({text})", [argument for _, arguments in conditions for argument in arguments]


def _comparison(term: Comparison, column: str) -> tuple[str, list[Argument]]:
    literal = term.literal
    if isinstance(literal, tuple):
        marks = ", ".join(_mark(one) for one in literal)
        negation = "NOT " if term.operator == "not in" else ""
        return f"{column} {negation}IN ({marks})", list(literal)
    if literal is None:
        return f"{column} IS {'NOT ' if term.operator == '!=' else ''}NULL", []
    if term.operator in ("~", "!~"):
        return _containment(column, literal, negated=term.operator == "!~")
    return f"{column} {term.operator} {_mark(literal)}", [literal]


def _mark(literal: Scalar) -> str:
    """A database that knows the column to hold whole numbers would refuse others."""
    return "CAST(? AS DOUBLE PRECISION)" if isinstance(literal, float) else "?"


def _containment(column: str, literal: Scalar, *, negated: bool) -> tuple[str, list[Argument]]:
    return f"{'NOT ' if negated else ''}contains_folded(CAST({column} AS TEXT), ?)", [str(literal)]

"""A checked filter expression as a condition in SQL."""

from collections.abc import Mapping

from roadstead.query import AllOf, AnyOf, Comparison, Expression, Scalar
from roadstead.storage.database import Argument, Dialect


def to_sql(expression: Expression, columns: Mapping[str, str], dialect: Dialect) -> tuple[str, list[Argument]]:
    """The condition and its arguments. `columns` maps each field the expression may name to a column."""
    match expression:
        case AllOf(parts):
            return _joined(" AND ", parts, columns, dialect)
        case AnyOf(parts):
            return _joined(" OR ", parts, columns, dialect)
        case Comparison():
            return _comparison(expression, columns[expression.field], dialect)


def _joined(
    glue: str, parts: tuple[Expression, ...], columns: Mapping[str, str], dialect: Dialect
) -> tuple[str, list[Argument]]:
    conditions = [to_sql(part, columns, dialect) for part in parts]
    text = glue.join(condition for condition, _ in conditions)
    return f"({text})", [argument for _, arguments in conditions for argument in arguments]


def _comparison(term: Comparison, column: str, dialect: Dialect) -> tuple[str, list[Argument]]:
    literal = term.literal
    if isinstance(literal, tuple):
        marks = ", ".join("?" for _ in literal)
        negation = "NOT " if term.operator == "not in" else ""
        return f"{column} {negation}IN ({marks})", list(literal)
    if literal is None:
        return f"{column} IS {'NOT ' if term.operator == '!=' else ''}NULL", []
    if term.operator in ("~", "!~"):
        return _containment(column, literal, negated=term.operator == "!~", dialect=dialect)
    return f"{column} {term.operator} ?", [literal]


def _containment(column: str, literal: Scalar, *, negated: bool, dialect: Dialect) -> tuple[str, list[Argument]]:
    condition = dialect.contains.format(column=f"CAST({column} AS TEXT)")
    return f"{'NOT ' if negated else ''}{condition}", [str(literal)]

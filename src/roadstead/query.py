"""The filter language of list parameters `q` and `sort`, as Bitbucket's API documents it.

    expression := conjunction { OR conjunction }
    conjunction := term { AND term }
    term := "(" expression ")" | field operator literal
    operator := = != ~ !~ > >= < <= IN "NOT IN"

AND binds closer than OR; keywords are read in either case; `~` is "contains", whatever the case. A moment is ISO 8601
with any offset from UTC, and without one in UTC; `~` looks at how it is shown. A field that has nothing (null) equals,
contains and is in nothing, is neither more nor less than anything, and comes last however a list is sorted: so `!=`,
`!~` and NOT IN find it, and of each filter and its opposite exactly one does.

An expression is checked against the fields of the resource it filters, then either evaluated on values in memory
(`matches`) or turned into SQL where the rows are (`storage.filters`).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from typing import Literal as Choice

import msgspec

from roadstead.errors import InvalidInput

MAX_LENGTH = 4096
MAX_DEPTH = 32
MAX_TERMS = 200

Operator = Choice["=", "!=", "~", "!~", ">", ">=", "<", "<=", "in", "not in"]
Scalar = str | int | float | bool | datetime | None
FieldType = type[str] | type[int] | type[bool] | type[datetime]
"""A text, a number, a flag or a moment."""
FieldTypes = Mapping[str, FieldType]


class Comparison(msgspec.Struct, frozen=True):
    field: str
    operator: Operator
    literal: Scalar | tuple[Scalar, ...]


class AllOf(msgspec.Struct, frozen=True):
    parts: "tuple[Expression, ...]"


class AnyOf(msgspec.Struct, frozen=True):
    parts: "tuple[Expression, ...]"


Expression = Comparison | AllOf | AnyOf


def comparisons(expression: Expression | None) -> Iterator[Comparison]:
    """Yield the comparisons of an expression."""
    if isinstance(expression, Comparison):
        yield expression
    elif expression is not None:
        for part in expression.parts:
            yield from comparisons(part)


def in_lower_case(expression: Expression, field: str) -> Expression:
    """Return an expression with the texts in lower case with which a field is compared."""
    if not isinstance(expression, Comparison):
        parts = tuple(in_lower_case(part, field) for part in expression.parts)
        return msgspec.structs.replace(expression, parts=parts)
    if expression.field != field:
        return expression
    literal = expression.literal
    lowered = tuple(map(_lowered, literal)) if isinstance(literal, tuple) else _lowered(literal)
    return msgspec.structs.replace(expression, literal=lowered)


def _lowered(literal: Scalar) -> Scalar:
    return literal.lower() if isinstance(literal, str) else literal


class Sort(msgspec.Struct, frozen=True):
    field: str
    descending: bool


class InvalidQuery(InvalidInput):
    """A `q` or `sort` parameter cannot be used."""


_TOKEN = re.compile(
    r"""(?:
      (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<date>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)
    | (?P<number>-?\d+(?:\.\d+)?(?![\w.]))
    | (?P<operator>!=|!~|>=|<=|=|~|>|<)
    | (?P<mark>[(),])
    | (?P<word>[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*)
    )""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)
_CONSTANTS: Mapping[str, Scalar] = {"null": None, "true": True, "false": False}


class _Token(msgspec.Struct, frozen=True):
    kind: str
    text: str
    at: int


def parse_filter(text: str, fields: FieldTypes) -> Expression:
    """Read `q`; every field must be one of `fields` and every literal of its type.

    Raise `InvalidQuery` with the place where reading stopped.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidQuery("The query is too long.", f"`q` may have {MAX_LENGTH} characters.")
    return _Parser(_tokens(text), fields).parse()


def parse_sort(text: str, fields: FieldTypes) -> Sort:
    """Read `sort`: one field, descending with a leading minus. Raise `InvalidQuery`."""
    field = text.removeprefix("-")
    if not fields:
        raise InvalidQuery("This list cannot be sorted.", "Leave `sort` out.")
    if field not in fields:
        raise InvalidQuery(
            f"Cannot sort by {field!r}.",
            f"`sort` takes one of: {', '.join(fields)}; a leading - reverses it.",
        )
    return Sort(field, text.startswith("-"))


def matches(expression: Expression, resource: Mapping[str, object]) -> bool:
    """Return whether a resource in memory satisfies the expression."""
    match expression:
        case AllOf(parts):
            return all(matches(part, resource) for part in parts)
        case AnyOf(parts):
            return any(matches(part, resource) for part in parts)
        case Comparison(field, operator, literal):
            value = member_of(resource, field)
            if isinstance(value, list):
                return _some_or_all(operator)(_COMPARE[operator](one, literal) for one in value)
            return _COMPARE[operator](_moment_of(value) if _is_moment(literal) else value, literal)


def _some_or_all(operator: Operator) -> Callable[[Iterable[bool]], bool]:
    """Return which values of a member with several must fit: one, or all where none may be the literal."""
    return all if operator in ("!=", "!~", "not in") else any


def in_order(items: Iterable[Mapping[str, Any]], sort: Sort) -> list[Mapping[str, Any]]:
    """Return the resources sorted; those without a value in the field come last."""
    having: list[Mapping[str, Any]] = []
    lacking: list[Mapping[str, Any]] = []
    for item in items:
        (lacking if member_of(item, sort.field) is None else having).append(item)
    return sorted(having, key=lambda item: member_of(item, sort.field), reverse=sort.descending) + lacking


def member_of(resource: Mapping[str, Any], path: str) -> Any:
    """Return what a resource has at a path such as `linker.key`; nothing where there is nothing on the way."""
    value: Any = resource
    for name in path.split("."):
        value = None if value is None else value.get(name)
    return value


def _contains(value: object, literal: object) -> bool:
    return value is not None and str(literal).casefold() in str(value).casefold()


def _is_moment(literal: object) -> bool:
    return isinstance(literal, datetime) or (isinstance(literal, tuple) and any(map(_is_moment, literal)))


def _moment_of(value: Any) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


_COMPARE: Mapping[str, Callable[..., bool]] = {
    "=": lambda value, literal: value == literal,
    "!=": lambda value, literal: value != literal,
    "~": _contains,
    "!~": lambda value, literal: not _contains(value, literal),
    ">": lambda value, literal: value is not None and value > literal,
    ">=": lambda value, literal: value is not None and value >= literal,
    "<": lambda value, literal: value is not None and value < literal,
    "<=": lambda value, literal: value is not None and value <= literal,
    "in": lambda value, literal: value in literal,
    "not in": lambda value, literal: value not in literal,
}


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        if text[at].isspace():
            at += 1
            continue
        token = _TOKEN.match(text, at)
        if token is None or token.lastgroup is None:
            raise InvalidQuery("The query cannot be read.", f"It stops making sense at character {at + 1} of `q`.")
        kind = token.lastgroup
        found.append(_Token(kind, token[kind], token.start(kind)))
        at = token.end()
    found.append(_Token("end", "", end))
    return found


EXAMPLES: Mapping[FieldType, str] = {int: "7", str: '"BB"', bool: "true", datetime: "2026-11-29T20:15:00+02:00"}
"""A literal of each type, as `q` writes it."""
_KINDS: Mapping[FieldType, str] = {
    int: "a whole number",
    str: f"text in double quotes, such as {EXAMPLES[str]}",
    bool: "true or false",
    datetime: f"a moment, such as 2026-11-29 or {EXAMPLES[datetime]}",
}


def _as_kind(kind: FieldType, literal: Scalar) -> Scalar:
    """Return the literal as a field of the kind takes it, or `None` if it does not fit."""
    if kind is int:
        number = isinstance(literal, int | float) and not isinstance(literal, bool)
        return literal if number and not (isinstance(literal, int) and abs(literal) >= 2**63) else None
    if kind is bool:
        return literal if isinstance(literal, bool) else None
    if not isinstance(literal, str):
        return None
    return literal if kind is str else _read_moment(literal)


def _read_moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


class _Parser:
    """Recursive descent over the tokens; one method per rule of the grammar above."""

    def __init__(self, tokens: list[_Token], fields: FieldTypes) -> None:
        self._tokens = tokens
        self._next = 0
        self._fields = fields
        self._terms = 0

    def parse(self) -> Expression:
        expression = self._expression(0)
        if self._peek.kind != "end":
            raise self._unexpected("AND, OR or the end")
        return expression

    def _expression(self, depth: int) -> Expression:
        if depth > MAX_DEPTH:
            raise InvalidQuery("The query is nested too deeply.", f"At most {MAX_DEPTH} parentheses may be open.")
        parts = [self._conjunction(depth)]
        while self._take_word("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _conjunction(self, depth: int) -> Expression:
        parts = [self._term(depth)]
        while self._take_word("and"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _term(self, depth: int) -> Expression:
        self._terms += 1
        if self._terms > MAX_TERMS:
            raise InvalidQuery("The query has too many terms.", f"At most {MAX_TERMS} comparisons are taken.")
        if self._take_mark("("):
            inner = self._expression(depth + 1)
            if not self._take_mark(")"):
                raise self._unexpected("a closing parenthesis")
            return inner
        field = self._field()
        operator = self._operator()
        kind = self._fields[field]
        if kind is bool and operator not in ("=", "!=", "in", "not in"):
            raise InvalidQuery(f"The field {field!r} cannot be compared with {operator}.", "Use = or !=.")
        if kind is datetime and operator in ("~", "!~"):
            kind = str  # a moment contains no moment, but it contains a part of its text
        literal = self._list(field, kind) if operator in ("in", "not in") else self._literal(field, kind)
        if literal is None and operator not in ("=", "!="):
            raise InvalidQuery(f"null cannot be compared with {operator}.", "Only = and != take null.")
        return Comparison(field, operator, literal)

    def _field(self) -> str:
        token = self._peek
        if token.kind != "word":
            raise self._unexpected("the name of a field")
        if not self._fields:
            raise InvalidQuery("This list cannot be filtered.", "Leave `q` out.")
        if token.text not in self._fields:
            raise InvalidQuery(
                f"There is no field {token.text!r} to filter by.", f"`q` may use: {', '.join(self._fields)}."
            )
        self._next += 1
        return token.text

    def _operator(self) -> Operator:
        token = self._peek
        if token.kind == "operator":
            self._next += 1
            return token.text  # type: ignore[return-value]  # the token's pattern lists just these
        if self._take_word("in"):
            return "in"
        if self._take_word("not") and self._take_word("in"):
            return "not in"
        raise self._unexpected("an operator (= != ~ !~ > >= < <= IN, NOT IN)")

    def _list(self, field: str, kind: FieldType) -> tuple[Scalar, ...]:
        if not self._take_mark("("):
            raise self._unexpected("a list in parentheses")
        items = [self._literal(field, kind)]
        while self._take_mark(","):
            items.append(self._literal(field, kind))
        if not self._take_mark(")"):
            raise self._unexpected("a comma or a closing parenthesis")
        return tuple(items)

    def _literal(self, field: str, kind: FieldType) -> Scalar:
        token = self._peek
        literal: Scalar
        match token.kind:
            case "string":
                literal = re.sub(r"\\(.)", r"\1", token.text[1:-1], flags=re.DOTALL)
            case "date":
                literal = token.text
            case "number":
                literal = float(token.text) if "." in token.text else int(token.text)
            case "word" if token.text.lower() in _CONSTANTS:
                literal = _CONSTANTS[token.text.lower()]
            case _:
                raise self._unexpected('a value ("text" in double quotes, a number, null, true or false)')
        if literal is not None and "\0" in str(literal):
            raise InvalidQuery("The query contains the character NUL.", "No field can contain it.")
        read = _as_kind(kind, literal)
        if read is None and literal is not None:
            raise InvalidQuery(f"The field {field!r} cannot be compared with that.", f"It takes {_KINDS[kind]}.")
        self._next += 1
        return read

    @property
    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take_word(self, word: str) -> bool:
        taken = self._peek.kind == "word" and self._peek.text.lower() == word
        self._next += taken
        return taken

    def _take_mark(self, mark: str) -> bool:
        taken = self._peek.kind == "mark" and self._peek.text == mark
        self._next += taken
        return taken

    def _unexpected(self, wanted: str) -> InvalidQuery:
        token = self._peek
        found = f"{token.text!r}" if token.text else "the end"
        return InvalidQuery(
            "The query cannot be read.",
            f"At character {token.at + 1} of `q`, {found} is in the place of {wanted}.",
        )

"""The statements of the storage room, read from its source, for tests of all of them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from roadstead import storage
from roadstead.storage import tables
from roadstead.storage.tables import Table

STORAGE = Path(storage.__file__).parent


class _Text(ast.NodeVisitor):
    """The text of an expression as far as the source has it; `…` for parts that are only known at run time."""

    def __init__(self, known: dict[str, str]) -> None:
        self._known = known

    def of(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str() | int() as value):
                return str(value)
            case ast.JoinedStr(values=parts):
                return "".join(self.of(part) for part in parts)
            case ast.FormattedValue(value=value) | ast.Starred(value=value):
                return self.of(value)
            case ast.Name(id=name):
                return self._known.get(name, "…")
            case ast.Attribute(value=ast.Name(id=name), attr="into" | "name" as attribute):
                table = getattr(tables, name, None)
                return str(getattr(table, attribute)) if isinstance(table, Table) else "…"
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="insert" | "adding"), args=[*end]):
                table = getattr(tables, name, None)
                columns = ", ".join(keyword.arg for keyword in node.keywords if keyword.arg)
                into = table.name if isinstance(table, Table) else "…"
                return f"INSERT INTO {into} ({columns}) VALUES (?) {''.join(map(self.of, end))}"
        return "…"


def _names(body: list[ast.stmt], known: dict[str, str]) -> dict[str, str]:
    """Return the texts of a scope's names: the first one each, because later ones only add to it."""
    found = dict(known)
    for node in body:
        for inner in ast.walk(node):
            targets = inner.targets if isinstance(inner, ast.Assign) else []
            for target in targets:
                if isinstance(target, ast.Name) and isinstance(inner, ast.Assign):
                    text = _Text(found).of(inner.value)
                    if text != "…":
                        found.setdefault(target.id, text)
    return found


def statements() -> Iterator[tuple[str, str, str]]:
    """Yield the file and the function of each statement of the storage room, and its text with plain white space.

    Statements that write and are constants come with the name of the constant, too.
    """
    for file in sorted(STORAGE.rglob("*.py")):
        module = ast.parse(file.read_text("utf-8"))
        place = file.relative_to(STORAGE).as_posix()
        constants = _names([node for node in module.body if isinstance(node, ast.Assign)], {})
        for name, text in constants.items():
            if re.match(r"(INSERT|UPDATE|DELETE)\b", text):
                yield place, name, text
        for function in ast.walk(module):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                known = _names(function.body, constants)
                for call in ast.walk(function):
                    if isinstance(call, ast.Call) and call.args:
                        text = " ".join(_Text(known).of(_statement(call)).split())
                        if re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b", text):
                            yield place, function.name, text


def _statement(call: ast.Call) -> ast.expr:
    """Return the first argument of a call; of the source of a list, the statement that reads it."""
    match call:
        case ast.Call(func=ast.Name(id="Source"), args=[table, _, ast.Call(args=[condition, *_])]):
            return ast.JoinedStr([ast.Constant("SELECT FROM "), table, ast.Constant(" WHERE "), condition])
        case ast.Call(func=ast.Name(id="Source"), args=[table, *_]):
            return ast.JoinedStr([ast.Constant("SELECT FROM "), table])
    return call.args[0]


def texts() -> Iterator[tuple[str, str]]:
    """Yield each text in the source of the storage room, with its file."""
    for file in sorted(STORAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield file.relative_to(STORAGE).as_posix(), node.value

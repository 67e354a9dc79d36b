"""`make coverage`: write docs/reference/coverage.md from the map and `bitbucket_operations.csv`.

The file lists the operations of Atlassian's OpenAPI document of 2026-08. `test` names the test of one that works,
`reason` says why one will not; one with neither is planned.
"""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from roadstead.routes import MAP

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "reference" / "coverage.md"


class Fact(NamedTuple):
    """An operation of Atlassian's document, as a line of the file."""

    group: str
    method: str
    address: str
    test: str
    reason: str


def facts() -> list[Fact]:
    """Return all lines of the file."""
    with (TESTS / "bitbucket_operations.csv").open(encoding="utf-8", newline="") as lines:
        return [Fact(**line) for line in csv.DictReader(lines)]


def served() -> set[tuple[str, str]]:
    """Return the operations on the map that Atlassian's document could have."""
    operations = ((one.method, one.template.path) for one in MAP.operations)
    return {(method, unnamed(path)) for method, path in operations if path.startswith("/2.0/")}


def unnamed(address: str) -> str:
    """Return an address without the names of its parameters, which may differ between documents."""
    return re.sub(r"{\w+}", "{}", address)


def page(listed: Sequence[Fact]) -> str:
    """Return the page for these facts."""
    return "\n".join(_lines(listed))


def _lines(listed: Sequence[Fact]) -> Iterator[str]:
    yield "# Coverage"
    yield ""
    yield "All operations of Atlassian's OpenAPI document of 2026-08, and whether they work here. It is written by"
    yield "`make coverage`."
    yield ""
    yield "| group | operations | work | planned | will not |"
    yield "|---|---|---|---|---|"
    groups = [(name, list(members)) for name, members in groupby(listed, key=lambda fact: fact.group)]
    for name, members in groups:
        yield _counted(f"[{name}](#{name.lower().replace(' ', '-')})", members)
    yield _counted("all", listed)
    for name, members in groups:
        yield from ("", f"## {name}", "", "| method | address | here |", "|---|---|---|")
        yield from (f"| {one.method} | `{one.address}` | {_state(one)} |" for one in members)
    yield ""


def _counted(name: str, members: Iterable[Fact]) -> str:
    states = [_state(one).partition(":")[0] for one in members]
    return (
        f"| {name} | {len(states)} | {' | '.join(str(states.count(one)) for one in ('works', 'planned', 'will not'))} |"
    )


def _state(fact: Fact) -> str:
    if fact.test:
        return f"works: `{fact.test}`"
    return f"will not: {fact.reason}" if fact.reason else "planned"


if __name__ == "__main__":
    PAGE.write_text(page(facts()), "utf-8")

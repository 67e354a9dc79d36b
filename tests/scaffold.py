"""`make group NAME=snippets`: write an empty group of Bitbucket's API, with an operation that gives an empty list.

The group is one of `bitbucket_operations.csv`, and the operation the shortest of its planned lists. The group is on the
map, in the docs and in the coverage table, and passes the suite.
"""

import csv
import re
import sys
from pathlib import Path
from string import Template

from tests.coverage_page import Fact

ROOT = Path(__file__).parent.parent
GROUPS = Path("src", "roadstead", "bitbucket")
FACTS = Path("tests", "bitbucket_operations.csv")
API = Path("docs", "reference", "api.md")

FILES = {
    "__init__.py": '''"""The group $title."""
''',
    "model.py": '''"""What the group $title is about."""

import msgspec


class $Item(msgspec.Struct, frozen=True):
    """One of the $name."""

    id: int
    name: str
''',
    "rows.py": '''"""Rows of the group $title."""

from roadstead.bitbucket.$name.model import $Item
from roadstead.storage.database import Reader


async def list_all(reader: Reader) -> list[$Item]:
    """Return all $name: none before there is a table (`storage/tables.py`, and a migration)."""
    return []
''',
    "rules.py": '''"""What can be done with $name."""

from roadstead.bitbucket.$name import rows
from roadstead.bitbucket.$name.model import $Item
$rules_imports

async def list_all(host: Host$parameter) -> list[$Item]:
    """Return the $name.$raises"""
$check    return await rows.list_all(host.store.database)
''',
    "shapes.py": '''"""$title over the wire."""

from typing import Literal, TypedDict

from roadstead.bitbucket.$name.model import $Item
from roadstead.listing import Field, Listing


class ${Item}Resource(TypedDict):
    """One of the $name."""

    type: Literal["$item"]
    id: int
    name: str


LIST = Listing(Field("id", int), Field("name", str))


def resource(item: $Item) -> ${Item}Resource:
    """Return an item as data."""
    return {"type": "$item", "id": item.id, "name": item.name}
''',
    "operations.py": '''"""`$address`: $name."""

from roadstead.api.answers import Answer
from roadstead.api.listing import Page, page_answer
from roadstead.api.needs import Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.$name import rules, shapes
from roadstead.bitbucket.map import $NAME as OPERATIONS
from roadstead.listing import PageRequest, slice_of


@OPERATIONS.get($template, needs=Scope("account"), lists=shapes.LIST, gives={200: Page[shapes.${Item}Resource]})
async def list_$name(call: Call, wanted: PageRequest) -> Answer:
    """List the $name."""
    found = await rules.list_all(call.host$argument)
    return page_answer(call, slice_of([shapes.resource(item) for item in found], wanted))
''',
}
TEST = '''"""The group $title."""

from tests.live import AppClient


def test_there_are_no_$name(api: AppClient) -> None:
    """The list is a page without values."""
    answer = api("GET", "$sample")
    assert (answer.status_code, answer.json()["values"]) == (200, [])
'''


def write_group(name: str, root: Path = ROOT) -> list[Path]:
    """Write the group's files below `root`, and name it where groups are listed; return what was written.

    Raise `ValueError` when there is no such group to begin.
    """
    folder = root / GROUPS / name
    if name and folder.exists():
        raise ValueError(f"There is a group {name} already.")
    with (root / FACTS).open(encoding="utf-8", newline="") as lines:
        fact = _first_list(name, [Fact(**line) for line in csv.DictReader(lines)])
    words = _words(name, fact)
    written = {folder / file: text for file, text in FILES.items()}
    test = root / "tests" / "api" / f"test_{name}.py"
    folder.mkdir()
    for file, text in {**written, test: TEST}.items():
        file.write_text(Template(text).substitute(words), "utf-8")
    _put_on_the_map(root / GROUPS / "map.py", name, words)
    _name_the_test(root / FACTS, fact, test.relative_to(root))
    _document(root / API, fact, name)
    return [*written, test]


def _first_list(name: str, facts: list[Fact]) -> Fact:
    """Return the planned GET of a group that needs the fewest parameters."""
    planned = [
        fact
        for fact in facts
        if (fact.group.lower().replace(" ", "_"), fact.method, fact.test, fact.reason) == (name, "GET", "", "")
        if not fact.address.endswith("}") and ("{" not in fact.address or "{workspace}" in fact.address)
    ]
    if not planned:
        raise ValueError(f"{name} has no planned list. The groups are in {FACTS}, in lower case with _ for a space.")
    return min(planned, key=lambda fact: (fact.address.count("{"), len(fact.address)))


def _words(name: str, fact: Fact) -> dict[str, str]:
    """Return what the templates leave open."""
    below = re.match(r"(/2\.0(?:/[^/{]+)*)", fact.address)
    assert below is not None
    item = re.sub(r"(ie)?s$", lambda ending: "y" if ending[1] else "", name)
    in_workspace = "{workspace}" in fact.address
    imports = ["from roadstead.domain.apps import installations"] if in_workspace else []
    template = fact.address.removeprefix(below[1])
    return {
        "name": name,
        "NAME": name.upper(),
        "title": fact.group,
        "item": item,
        "Item": "".join(map(str.capitalize, item.split("_"))),
        "address": fact.address,
        "below": below[1],
        "template": f'"{template}"' if template else '""',
        "sample": re.sub(r"{\w+}", "x", fact.address.replace("{workspace}", "local")),
        "rules_imports": "\n".join([*imports, "from roadstead.domain.host import Host", ""]),
        "parameter": ", workspace: str" if in_workspace else "",
        "argument": ', call.path["workspace"]' if in_workspace else "",
        "raises": " Raise `WorkspaceNotFound`." if in_workspace else "",
        "check": "    await installations.get_workspace(host, workspace)\n" if in_workspace else "",
    }


def _put_on_the_map(file: Path, name: str, words: dict[str, str]) -> None:
    module = f"roadstead.bitbucket.{name}.operations"
    line = f'{name.upper()} = Group("{name}", below="{words["below"]}", module="{module}")'
    text = file.read_text("utf-8")
    text = text.replace("\n\nGROUPS = [", f"\n{line}\n\nGROUPS = [")
    file.write_text(re.sub(r"(GROUPS = \[[^\]]+?),?\s*\]", rf"\1, {name.upper()}]", text), "utf-8")


def _name_the_test(file: Path, fact: Fact, test: Path) -> None:
    beginning = f"{fact.group},{fact.method},{fact.address},"
    text = file.read_text("utf-8")
    file.write_text(text.replace(f"\n{beginning},", f"\n{beginning}{test.as_posix()},", 1), "utf-8")


def _document(file: Path, fact: Fact, name: str) -> None:
    """Add a row to the table of addresses, behind the others of Bitbucket's."""
    text = file.read_text("utf-8")
    row = f"| `{fact.address}` | GET | any, with scope `account` | {name} |\n"
    file.write_text(text.replace("| `/site/oauth2", f"{row}| `/site/oauth2", 1), "utf-8")


def main() -> None:
    """Write the group that the command line names, and say which files were written."""
    try:
        written = write_group(sys.argv[1] if len(sys.argv) > 1 else "")
    except ValueError as exc:
        sys.exit(str(exc))
    sys.stdout.writelines(f"{file.relative_to(ROOT)}\n" for file in written)


if __name__ == "__main__":
    main()

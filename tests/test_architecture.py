"""The map of the code stays true: the imports between rooms, and the owner of each library."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import msgspec

from roadstead.api.needs import APP_JWT, Need
from roadstead.api.operation import kinds_of
from roadstead.routes import MAP
from roadstead.storage.tables import TABLES
from tests.storage.statements import statements, texts

SOURCE = Path(__file__).parent.parent / "src" / "roadstead"

# From the front doors down to the leaves; a room imports itself and the rooms in its line.
LEAVES: set[str] = set()
MODEL = {
    "accounts",
    "data_folder",
    "errors",
    "frames",
    "gist",
    "listing",
    "model",
    "plain",
    "pushed",
    "query",
    "recorded",
    "settings",
    "targets",
    "turns",
}
ROOMS: dict[str, set[str]] = {
    "connect": LEAVES,
    "linkify": LEAVES,
    "data_folder": {"errors"},
    "errors": LEAVES,
    "gist": LEAVES,
    "model": {"listing"},
    "accounts": {"model"},
    "listing": {"query"},
    "query": {"errors"},
    "recorded": {"listing", "connect"},
    "settings": {"data_folder", "errors", "targets"},
    "targets": LEAVES,
    "turns": {"errors"},
    "plain": LEAVES,
    "pushed": {"listing"},
    "shapes": {*MODEL},
    "storage": {*MODEL, "connect"},
    "outbound": {*MODEL, "shapes", "__version__"},
    "git": {*MODEL},
    "domain": {*MODEL, "connect", "linkify", "storage", "outbound", "git", "shapes", "__version__"},
    "api": {*MODEL, "connect", "domain", "__version__"},
    "events": {*MODEL, "connect", "shapes", "storage", "outbound", "domain"},
    "bitbucket": {*MODEL, "shapes", "domain", "git", "api", "events"},
    "frames": LEAVES,
    "control": {*MODEL, "connect", "linkify", "domain", "api", "events", "__version__"},
    "smart_http": {*MODEL, "domain", "api"},
    "ssh": {*MODEL, "domain", "api"},
    "server": {*MODEL, "domain", "api", "app"},
    "web": {*MODEL, "connect", "linkify", "git", "domain", "api", "events", "__version__"},
    "client": {"connect", "__version__"},
    "receiver": {"connect"},
    "sample_app": {"client", "connect"},
    "routes": {"api", "bitbucket", "control"},
    "app": {*MODEL, "domain", "api", "events", "bitbucket", "control", "routes", "smart_http", "ssh", "web"},
    "cli": {
        "bitbucket",
        *MODEL,
        "connect",
        "linkify",
        "domain",
        "api",
        "control",
        "routes",
        "web",
        "app",
        "server",
        "events",
        "receiver",
        "__version__",
    },
    "__main__": {"cli"},
}
OWNERS = {
    "sqlite3": {"storage"},
    "asyncpg": {"storage"},
    "httptools": {"outbound"},
    "certifi": {"outbound"},
    "httpx": {"client", "sample_app"},
    "re2": {"linkify"},
    "regex": {"linkify"},
    "nh3": {"linkify"},
    "typer": {"cli"},
    "rich": {"cli"},
    "jinja2": {"web"},
    "markdown_it": {"web", "linkify", "domain"},
    "pygments": {"domain"},
    "prometheus_client": {"control"},
    "uvicorn": {"server", "cli", "sample_app"},
    "cryptography": {"storage", "domain", "connect"},
    "argon2": {"domain"},
    "pygit2": {"git"},
}


@cache
def _nodes(file: Path) -> list[ast.AST]:
    """Return the few kinds of nodes that these tests read: those of the whole source take half a gigabyte."""
    read = (ast.Import, ast.ImportFrom, ast.Constant, ast.Call, ast.MatchClass)
    return [node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, read)]


def _imports(file: Path) -> Iterator[str]:
    for node in _nodes(file):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: write imports from the top"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def _room(file: Path) -> str:
    first = file.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def _files() -> list[Path]:
    return [file for file in sorted(SOURCE.rglob("*.py")) if file != SOURCE / "__init__.py"]


def test_every_room_is_on_the_map() -> None:
    """A new room is on the map before it is used."""
    assert {_room(file) for file in _files()} == set(ROOMS)


def test_imports_never_turn_back() -> None:
    """Imports go downwards: front doors to domain to storage and outbound; leaves import no room."""
    for file in _files():
        room = _room(file)
        ours = {name.split(".")[1] for name in _imports(file) if name.startswith("roadstead.")}
        rows = {"storage"} if file.name == "rows.py" else set()
        assert ours - {room} <= ROOMS[room] | rows, file


def test_a_library_has_one_owner() -> None:
    """Only `storage` knows a database driver, only `outbound` calls out, only `linkify` runs app patterns."""
    for file in _files():
        for name in _imports(file):
            assert _room(file) in OWNERS.get(name.split(".")[0], {_room(file)}), f"{file} imports {name}"


IN_A_GROUP = {"operations": {"rules", "shapes"}, "rules": {"rows", "events", "model"}, "events": {"shapes", "model"}}
"""The modules of its group that a file of a group may import; `rows`, `shapes` and the rest may import its `model`."""
USES: dict[str, set[str]] = {
    "projects": {"workspaces"},
    "keys": {"projects"},
    "repositories": {"workspaces", "projects"},
    "commits": {"repositories"},
    "statuses": {"commits", "repositories"},
    "webhooks": {"workspaces"},
    "refs": {"commits", "repositories"},
    "source": {"commits"},
}
"""The other groups that a group may use, through their `rules`, `shapes` and `model`. None may use its own users."""
SHARED_BY_GROUPS = {"rules", "shapes", "model"}


def test_a_group_imports_downwards() -> None:
    """Operations call rules and shapes, never the reverse; of another group, no rows and no operations are used."""
    files = sorted((SOURCE / "bitbucket").glob("*/*.py"))
    assert files
    for file, name in ((importing, name) for importing in files for name in _imports(importing)):
        _, room, other, module, *_ = (*name.split("."), *[""] * 4)
        if room != "bitbucket" or other == "map":
            continue
        if other == file.parent.name:
            assert module in IN_A_GROUP.get(file.stem, {"model"}), f"{file} imports {name}"
        else:
            assert other in USES.get(file.parent.name, set()), f"{file} imports {name}"
            assert module in SHARED_BY_GROUPS, f"{file} imports {name}"


def test_groups_use_each_other_in_one_direction() -> None:
    """The table has no circle, so each group can be understood without those that use it."""
    TopologicalSorter(USES).prepare()
    assert set(USES) <= {file.parent.name for file in (SOURCE / "bitbucket").glob("*/operations.py")}


LINKIFY: dict[str, set[str]] = {
    "linker": LEAVES,
    "keeping": LEAVES,
    "budget": LEAVES,
    "pattern": {"linker", "keeping"},
    "engines": {"pattern"},
    "plan": {"pattern", "engines"},
    "target": {"linker", "pattern", "engines"},
    "text": {"linker", "keeping", "pattern", "target"},
    "values": {"pattern", "text"},
    "search": {"linker", "keeping", "budget", "pattern", "engines", "plan", "text", "values"},
    "matching": {"linker", "budget", "pattern", "engines", "plan", "target", "text", "values", "search"},
    "check": {"linker", "pattern", "target", "search"},
    "explanation": {"linker", "pattern", "engines", "text", "matching", "check"},
    "render": {"linker"},
    "documents": {"linker", "budget", "matching", "explanation", "render"},
}
"""The rooms of `linkify`, each with those above it that it may import."""


def test_rooms_of_linkify_import_upwards_in_their_list() -> None:
    """What a pattern means knows no text, a search knows no links, and no room is in a circle."""
    rooms = list(LINKIFY)
    assert all(set(rooms[:at]) >= LINKIFY[room] for at, room in enumerate(rooms))
    for file in sorted((SOURCE / "linkify").rglob("*.py")):
        room = file.relative_to(SOURCE / "linkify").parts[0].removesuffix(".py")
        ours = {name.split(".")[2] for name in _imports(file) if name.startswith("roadstead.linkify.")}
        assert ours - {room} <= LINKIFY.get(room, set(LINKIFY)), file


def test_files_of_linkify_import_each_other_in_one_direction() -> None:
    """Inside a room, too, no file needs one that needs it."""
    files = {f"roadstead.{'.'.join(file.relative_to(SOURCE).with_suffix('').parts)}": file for file in _files()}
    needed = {
        name: {found.rpartition(".")[0] for found in _imports(file)} & files.keys()
        for name, file in files.items()
        if name.startswith("roadstead.linkify.")
    }
    assert len(list(TopologicalSorter(needed).static_order())) >= len(needed)


_STATEMENT = re.compile(r"(SELECT .+ FROM|INSERT INTO|DELETE FROM|UPDATE \w+ SET) ", re.DOTALL)


def test_sql_is_where_the_rows_are() -> None:
    """Statements are in `storage` or in a group's `rows.py`, so that a schema is changed where it is read."""
    for file in _files():
        if _room(file) != "storage" and file.name != "rows.py":
            constants = (node.value for node in _nodes(file) if isinstance(node, ast.Constant))
            assert not [text for text in constants if isinstance(text, str) and _STATEMENT.match(text)], file


def test_nothing_is_frozen_while_requests_are_served() -> None:
    """A frozen cycle that is dropped is never freed, so there is one freeze after imports and one after the start."""
    freezing = {str(file.relative_to(SOURCE)) for file in _files() if "gc.freeze" in file.read_text("utf-8")}
    assert freezing == {"cli/__init__.py", "app.py"}


def test_no_wait_can_lose_a_cancellation() -> None:
    """Until Python 3.12, `asyncio.wait_for` ignores a cancellation in the moment in which it ends; `timeout` does not.

    A task that missed its cancellation went on, and the host that stopped waited for it without end.
    """
    assert not [file for file in _files() if "asyncio.wait_for" in file.read_text("utf-8")]


IDENTITIES = {"Identity", "Unidentified", "Caller", "AccessToken", "ApiToken", "GrantedToken", "KeyHolder", "Viewer"}


def test_nobody_asks_for_the_class_of_an_identity() -> None:
    """A new kind of credential needs no branch anywhere: readers ask an `Identity` what it may do and whose it is."""
    for file, node in ((read, node) for read in _files() for node in _nodes(read)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "isinstance":
            asked = {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
            assert not asked & IDENTITIES, file
        if isinstance(node, ast.MatchClass) and isinstance(node.cls, ast.Name):
            assert node.cls.id not in IDENTITIES, file


def test_every_operation_says_what_it_needs() -> None:
    """An operation without a rule of access cannot be added unnoticed."""
    assert all(isinstance(operation.needs, Need) for operation in MAP.operations)


def test_what_a_list_may_be_asked_for_is_in_its_items() -> None:
    """Each field of `q` and `sort` is a member of the documented item, so a caller sees what it chose by; the few
    fields for which Bitbucket is otherwise say so.
    """
    listing = [(operation, operation.lists) for operation in MAP.operations if operation.lists is not None]
    assert listing
    for operation, declared in listing:
        item = next(kind for kind in kinds_of(operation.gives[200]) if hasattr(kind, "__args__")).__args__[0]
        schema, components = msgspec.json.schema_components([item], ref_template="{name}")
        members = components[schema[0]["$ref"]]["properties"]
        shown = [name for name in declared.kinds if declared.fields[name].shown]
        assert {name.partition(".")[0] for name in shown} <= set(members), operation.name


def test_every_group_is_on_the_map() -> None:
    """Each `operations.py` of Bitbucket's API, and each module of `control` with operations, is served."""
    declared = {str(file.relative_to(SOURCE)) for file in _files() if "\n@OPERATIONS." in file.read_text("utf-8")}
    served = {f"{(group.module or '').removeprefix('roadstead.').replace('.', '/')}.py" for group in MAP.groups}
    assert declared == served
    assert all(operation.handler.__module__ == group.module for group in MAP.groups for operation in group.operations)


def test_the_addon_resource_is_for_apps_alone() -> None:
    """Every operation below /2.0/addon requires the app's JWT."""
    guarded = [operation for operation in MAP.operations if operation.template.path.startswith("/2.0/addon")]
    assert guarded
    assert {operation.needs for operation in guarded} == {APP_JWT}


def test_schema_changes_are_numbered_without_gaps() -> None:
    """No two changes made at the same time take the same number, whose files are for different databases."""
    names = [file.name for file in (SOURCE / "storage" / "migrations").glob("*.sql")]
    numbers = sorted({int(name[:4]) for name in names})
    assert numbers == list(range(1, len(numbers) + 1))
    assert len({(name[:4], name.partition(".")[2]) for name in names}) == len(names)


WHOLE_STATE = {"queue.py", "rotation.py", "transfer.py"}
"""These write tables that they are given: the columns of a claim, sealed columns, and whole rows that travel."""


def test_each_table_has_one_writer() -> None:
    """Every statement that adds, changes or deletes rows of a table stands in the one file that is the table's."""
    writers: dict[str, set[str]] = {}
    for file, _, statement in statements():
        for table in re.findall(r"(?:INSERT INTO|DELETE FROM|UPDATE) (?!SET\b)(\w+|…)", statement):
            writers.setdefault(table, set()).add(file)
    assert writers.pop("…") == WHOLE_STATE
    assert set(writers) == {table.name for table in TABLES}
    assert {table: files for table, files in writers.items() if len(files) > 1} == {}


def test_columns_are_listed_once() -> None:
    """No text of the storage room lists all columns of a table beside the declaration; it asks that for them."""
    lists = [
        (file, set(re.findall(r"(\w+)(?:,|$)", listed)))
        for file, text in texts()
        if file != "tables.py"
        for listed in re.findall(r"\w+(?:, (?:\w\.)?\w+)+", text)
    ]
    for table in TABLES:
        columns = set(table.columns) - {"id"}
        again = [file for file, listed in lists if len(columns) > 1 and columns <= listed]
        assert again == [], table.name


def test_numbers_in_statements_are_arguments() -> None:
    """No number but 0 and 1 is spelled into a statement, so equal statements are prepared once and read alike."""
    for file, function, statement in statements():
        assert not re.search(r"(?:LIMIT|OFFSET|[=<>+-]) ?…|\b\d\d|\b[2-9]\b", statement), (file, function, statement)

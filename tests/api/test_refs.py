"""Branches and tags over HTTP: listed as git has them, created and deleted as a push does it."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import pytest

from roadstead.domain.host import Host
from roadstead.listing import Listing, PageRequest
from roadstead.model import Repository
from roadstead.pushed import BRANCH_LIST, REF_LIST, TAG_LIST, Ref, RefKind
from roadstead.query import Sort
from roadstead.storage.database import Argument, Reader, Row, Transaction
from roadstead.storage.refs import keep_refs, natural, page_of_refs
from tests.api.stocked import Stocked, stocked, workspace, write
from tests.live import LiveHost

NAMES = [
    "branch1",
    "branch10",
    "branch2",
    "Branch3",
    "v9/x",
    "v10/x",
    "v09",
    "caf\u00e9",
    "a-b",
    "a.b",
    "a$;&=@!,_.b",
    "100%",
]
Make = Callable[[], Stocked]


@pytest.fixture(scope="module")
def people(host: LiveHost) -> tuple[str, str]:
    return workspace(host, "refs")


@pytest.fixture(scope="module")
def widgets(host: LiveHost, people: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    """A repository with branches of all names and days, and tags of every kind."""
    made = stocked(host, tmp_path_factory.mktemp("widgets"), "refs", people)
    write(made.work, {"README.md": "# Widgets\n"})
    work = made.work
    for number, name in enumerate(NAMES):
        day = f"{1772355600 + 86400 * (number * 7 % 12)} +0200"
        tree = work.git("rev-parse", "HEAD^{tree}").strip()
        # Dates are the only way to tell these commits apart.
        who = f"Ann <ann@example.com> {day}"
        text = f"tree {tree}\nparent {work.head()}\nauthor {who}\ncommitter {who}\n\nOn {name}\n\nBody\n"
        (work.folder / "commit").write_text(text)
        commit = work.git("hash-object", "-t", "commit", "-w", "commit").strip()
        work.git("branch", name, commit)
        work.git("tag", f"light/{number}", commit)
    work.git("tag", "-a", "-m", "Annotated\n\nwith body", "v1.0", "branch1")
    work.git("tag", "-a", "-m", "Of a tag", "nested", "v1.0")
    work.git("tag", "of-a-blob", "HEAD:README.md")
    made.push("--all")
    made.push("--tags")
    return made


@pytest.fixture
def make(host: LiveHost, people: tuple[str, str], tmp_path: Path) -> Make:
    """Return a function that makes a repository with a commit."""

    def make() -> Stocked:
        made = stocked(host, tmp_path / "work", "refs", people)
        write(made.work, {"README.md": "# Widgets\n"})
        made.push()
        return made

    return make


@pytest.fixture(scope="module")
def public(host: LiveHost, people: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    """A public repository with a commit."""
    made = stocked(host, tmp_path_factory.mktemp("public"), "refs", people, is_private=False)
    write(made.work, {"README.md": "# Widgets\n"})
    made.push()
    return made


def _git_names(made: Stocked, *options: str) -> list[str]:
    said = made.git("for-each-ref", "--format=%(refname)", *options).splitlines()
    return [name.split("/", 2)[2] for name in said]


def _walk(made: Stocked, target: str) -> list[Any]:
    found, address = [], f"{made.at}{target}"
    while address:
        page = made.send("GET", address).json()
        found += page["values"]
        address = page.get("next", "").removeprefix(made.place.host.url)
    return found


@pytest.mark.each_database
def test_lists_are_in_the_order_of_git(widgets: Stocked) -> None:
    """By bytes of names; both kinds together, branches first; in pages, each with the size of the whole."""
    places = {"branches": "refs/heads", "tags": "refs/tags"}
    for kind, place in places.items():
        wanted = _git_names(widgets, place)
        for pagelen in (3, 100):
            found = _walk(widgets, f"/refs/{kind}?pagelen={pagelen}")
            assert [one["name"] for one in found] == wanted
        assert widgets.get(f"/refs/{kind}").json()["size"] == len(wanted)
    both = _walk(widgets, "/refs?pagelen=7")
    assert [one["name"] for one in both] == _git_names(widgets, *places.values())
    assert [one["type"] for one in both] == ["branch"] * 13 + ["tag"] * 15


@pytest.mark.parametrize("pagelen", [4, 100])
def test_lists_are_sorted_by_the_numbers_in_names_and_by_date(widgets: Stocked, pagelen: int) -> None:
    """`sort=name` knows numbers, `target.date` is git's order of commits; each goes in both directions."""
    natural = [
        "100%",
        "Branch3",
        "a$;&=@!,_.b",
        "a-b",
        "a.b",
        "branch1",
        "branch2",
        "branch10",
        "caf\u00e9",
        "main",
        "v09",
        "v9/x",
        "v10/x",
    ]
    for sort, wanted in (("name", natural), ("-name", natural[::-1])):
        assert [one["name"] for one in _walk(widgets, f"/refs/branches?sort={sort}&pagelen={pagelen}")] == wanted
    dated = _git_names(widgets, "--sort=committerdate", "refs/heads")
    for sort, wanted in (("target.date", dated), ("-target.date", dated[::-1])):
        assert [one["name"] for one in _walk(widgets, f"/refs/branches?sort={sort}&pagelen={pagelen}")] == wanted
    tags = [one["name"] for one in _walk(widgets, f"/refs/tags?sort=-target.date&pagelen={pagelen}")]
    assert tags[-1] == "of-a-blob"


SORTS = ("name", "-name", "type", "-type", "target.date", "-target.date", "target.hash", "-target.hash")


@pytest.mark.each_database
@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("chosen", ["", '&q=name~"1"'])
def test_branches_and_tags_are_sorted_together(widgets: Stocked, sort: str, chosen: str) -> None:
    """A list of both, in pages by number and by cursor, is one that is sorted at once, whatever is chosen of it."""
    target = f"/refs?sort={sort}{quote(chosen, safe='&=')}"
    whole = widgets.get(f"{target}&pagelen=100").json()["values"]
    assert _walk(widgets, f"{target}&pagelen=3") == whole
    by_number = [widgets.get(f"{target}&pagelen=3&page={page}").json()["values"] for page in range(1, 11)]
    assert list(itertools.chain(*by_number)) == whole
    with_order = [(_of(one, sort.removeprefix("-")), f"{one['type'] != 'branch'} {one['name']}") for one in whole]
    having = sorted(one for one in with_order if one[0] is not None)
    if sort.startswith("-"):
        having.sort(key=lambda one: str(one[0]), reverse=True)  # the names among equals stay in their order
    assert with_order == having + [one for one in with_order if one[0] is None]
    assert {one["type"] for one in whole} == {"branch", "tag"}


def _of(ref: Any, field: str) -> str | None:
    """Return by what a ref is sorted."""
    if not field.startswith("target."):
        return natural(ref[field])
    return ref["target"] and str(ref["target"][field.removeprefix("target.")])


class _Explaining:
    """A reader of lists that asks for the plan of each statement before it runs it."""

    def __init__(self, tx: Transaction, explain: str) -> None:
        self._tx = tx
        self._explain = explain
        self.plans: dict[str, list[Row]] = {}

    async def scan(self, sql: str, *arguments: Argument) -> list[Row]:
        self.plans[sql] = await self._tx.read(f"{self._explain} {sql}", *arguments)
        return await self._tx.scan(sql, *arguments)


LISTS: list[tuple[Sequence[RefKind], Listing]] = [
    (("branch",), BRANCH_LIST),
    (("tag",), TAG_LIST),
    (("branch", "tag"), REF_LIST),
]


async def _plans(host: Host, repository_id: int) -> dict[str, list[Row]]:
    """Return the plans of the first page and of one near the end, for each list and sort."""
    async with host.store.database.transaction() as tx:
        if host.settings.database_url:  # few rows are sorted rather than looked up
            for way in ("seqscan", "bitmapscan", "sort", "incremental_sort"):
                await tx.run(f"SET LOCAL enable_{way} = off")
        reader = _Explaining(tx, "EXPLAIN" if host.settings.database_url else "EXPLAIN QUERY PLAN")
        for kinds, listing in LISTS:
            for sort in (None, *(Sort(name, down) for name in ("name", "target.date") for down in (False, True))):
                for number in (1, 12 * len(kinds)):
                    page = await page_of_refs(
                        cast("Reader", reader), repository_id, kinds, listing, PageRequest(number, 1, sort=sort)
                    )
                    assert len(page.items) == 1
        return reader.plans


def _sorts_the_table(plan: list[Row]) -> bool:
    """Return whether a plan sorts refs as they come from the table. SQLite says so by step and step above it."""
    if len(plan[0]) > 1:
        read = {above for _, above, _, step in plan if step.startswith("SEARCH f USING")}
        return any("TEMP B-TREE" in step and above in read for _, above, _, step in plan)
    lines = [line for (line,) in plan]
    return any("Sort Key" in line and " on refs" in below for line, below in itertools.pairwise(lines))


@pytest.mark.each_database
def test_no_list_is_sorted_as_a_whole(widgets: Stocked) -> None:
    """Branches and tags are read from an index that has their order, whichever is asked for; for a list of both, only
    what was read of each is sorted.
    """
    plans = widgets.place.host.work(lambda host: _plans(host, widgets.place.repository.id))
    sorting = {sql: plan for sql, plan in plans.items() if _sorts_the_table(plan)}
    assert (len([sql for sql in plans if "ORDER BY" in sql]), sorting) == (20, {})


CHOSEN: dict[str, set[str]] = {
    'q=name~"RANCH1"': {"branch1", "branch10"},
    'q=name~"stab"': set(),
    'q=name="branch2" or name="v09"': {"branch2", "v09"},
    'q=type="tag"': set(),
}


def test_lists_are_filtered(widgets: Stocked) -> None:
    """By name, type, and date and hash of the target; what is unknown is a 400."""
    for query, expected in CHOSEN.items():
        assert _chosen(widgets, query) == (expected, len(expected)), query
    listed = _walk(widgets, "/refs/branches?pagelen=100")
    dated = {one["name"] for one in listed if "2026-03-04" <= one["target"]["date"] < "2026-03-09"}
    assert 0 < len(dated) < len(listed)
    assert _chosen(widgets, "q=target.date>=2026-03-04 and target.date<2026-03-09") == (dated, len(dated))
    commit = widgets.work.head("branch2")
    assert widgets.get(f"/refs?q=target.hash=%22{commit}%22").json()["size"] == 2
    assert widgets.get("/refs?q=nothing=1").status_code == 400
    assert widgets.get("/refs/tags?sort=nothing").status_code == 400


def _chosen(widgets: Stocked, query: str) -> tuple[set[str], int]:
    answer = widgets.get(f"/refs/branches?pagelen=100&{quote(query, safe='=&')}").json()
    return {one["name"] for one in answer["values"]}, answer["size"]


def test_a_branch_has_the_members_of_the_cloud(widgets: Stocked) -> None:
    """In the cloud's order, with its target's commit, and links with the characters that the cloud leaves bare."""
    commit = widgets.work.head("v9/x")
    answer = widgets.get("/refs/branches/v9/x").json()
    assert list(answer) == [
        "name",
        "target",
        "links",
        "type",
        "merge_strategies",
        "sync_strategies",
        "default_merge_strategy",
    ]
    target = answer["target"]
    assert (target["hash"], target["message"]) == (commit, "On v9/x\n\nBody\n")
    assert (target["author"]["raw"], target["parents"][0]["hash"]) == ("Ann <ann@example.com>", widgets.work.head())
    page = f"{widgets.place.host.url}/{widgets.place.repository.full_name}"
    assert answer["links"] == {
        "self": {"href": f"{widgets.url}/refs/branches/v9/x"},
        "commits": {"href": f"{widgets.url}/commits/v9/x"},
        "html": {"href": f"{page}/branch/v9/x"},
    }
    special = widgets.get("/refs/branches/" + quote("a$;&=@!,_.b", safe="")).json()
    assert special["links"]["self"]["href"].endswith("/refs/branches/a$;&=@!,_.b")
    assert widgets.get("/refs/branches/v9/x?fields=name,target.hash").json() == {
        "name": "v9/x",
        "target": {"hash": commit},
    }


def test_tags_say_what_they_are(widgets: Stocked) -> None:
    """An annotated tag has message, date and tagger; another has none; one of no commit has no target."""
    annotated = widgets.get("/refs/tags/v1.0").json()
    assert list(annotated) == ["name", "type", "message", "date", "tagger", "target", "links"]
    assert (annotated["message"], annotated["tagger"]["raw"]) == ("Annotated\n\nwith body\n", "Ann <ann@example.com>")
    assert annotated["date"].endswith("+00:00")
    assert annotated["target"]["hash"] == widgets.work.head("branch1")
    assert annotated["links"]["html"]["href"].endswith("/commits/tag/v1.0")
    nested = widgets.get("/refs/tags/nested").json()
    assert (nested["message"], nested["target"]["hash"]) == ("Of a tag\n", widgets.work.head("branch1"))
    light = widgets.get("/refs/tags/light/0").json()
    assert [light[name] for name in ("message", "date", "tagger")] == [None] * 3
    assert widgets.get("/refs/tags/of-a-blob").json()["target"] is None


@pytest.mark.parametrize("kind", ["branches", "tags"])
def test_each_ref_is_found_by_its_name(widgets: Stocked, kind: str) -> None:
    """With its slashes raw or encoded; another name is a 404, whatever is in it."""
    for one in _walk(widgets, f"/refs/{kind}?pagelen=100"):
        for spelling in (quote(one["name"]), quote(one["name"], safe="")):
            assert widgets.get(f"/refs/{kind}/{spelling}").json() == one
        assert widgets.send("GET", one["links"]["self"]["href"].removeprefix(widgets.place.host.url)).json() == one
    for name in ("none", "BRANCH1", "branch", "refs/heads/branch1", "..", "a%00b", "%FF", "--all", "x" * 5000, "v9%2F"):
        answer = widgets.get(f"/refs/{kind}/{name}")
        assert (answer.status_code, answer.json()["error"]["message"][:3]) == (404, kind[:3].capitalize()), name


def test_an_empty_repository_has_no_refs(host: LiveHost, people: Any, tmp_path: Path) -> None:
    """Lists are empty, and nothing can be created, because there is no commit."""
    empty = stocked(host, tmp_path / "empty", "refs", people)
    for path in ("/refs", "/refs/branches", "/refs/tags/"):
        answer = empty.get(path).json()
        assert (answer["values"], answer["size"]) == ([], 0)
    assert _post(empty, "branches", {"name": "x", "target": {"hash": "main"}}).status_code == 400


def _post(made: Stocked, kind: str, body: object, **request: Any) -> Any:
    return made.send("POST", f"{made.at}/refs/{kind}", json=body, **request)


def test_branches_are_created_and_deleted(make: Make) -> None:
    """At a hash, its beginning, a branch or a tag. git, the mirror and the events all have it."""
    made = make()
    commit = made.work.head()
    made.work.git("tag", "-a", "-m", "x", "release/1")
    made.push("--tags")
    for name, target in {"a": commit, "b/c": commit[:7], "d": "main", "e": "release/1", "caf\u00e9": "HEAD"}.items():
        answer = _post(made, "branches", {"name": name, "target": {"hash": target}})
        assert (answer.status_code, answer.json()["target"]["hash"]) == (201, commit), answer.text
        assert answer.headers["Location"] == answer.json()["links"]["self"]["href"]
        assert made.get(f"/refs/branches/{quote(name)}").json() == answer.json()
        assert made.git("rev-parse", f"refs/heads/{name}").strip() == commit
        assert made.place.changes()[-1] == (name, None, commit)
    deleted = made.send("DELETE", f"{made.at}/refs/branches/b%2Fc")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert made.get("/refs/branches/b/c").status_code == 404
    assert made.place.changes()[-1] == ("b/c", commit, None)
    assert made.send("DELETE", f"{made.at}/refs/branches/b/c").status_code == 404
    assert made.place.is_whole()


def test_tags_are_created_and_deleted(make: Make) -> None:
    """Annotated by the caller, with the message that is given or the cloud's; git reads what is written."""
    made = make()
    commit = made.work.head()
    plain = _post(made, "tags", {"name": "v1", "target": {"hash": "main"}}).json()
    assert plain["message"] == f"Added tag v1 for changeset {commit[:12]}\n"
    given = _post(made, "tags", {"name": "v/2", "target": {"hash": commit}, "message": "Two\n\nlines <b>\n"}).json()
    assert (given["message"], given["target"]["hash"]) == ("Two\n\nlines <b>\n", commit)
    assert given["tagger"]["raw"] == "refsowner <refsowner@git.example>"
    assert given["tagger"]["user"]["nickname"] == "refsowner"
    assert made.git("cat-file", "tag", "v/2").endswith("\n\nTwo\n\nlines <b>\n")
    assert made.git("cat-file", "-t", "v1") == "tag\n"
    made.work.git("fetch", "--quiet", made.place.url(), "refs/tags/*:refs/tags/*")
    assert made.work.head("v/2^{commit}") == commit
    assert made.send("DELETE", f"{made.at}/refs/tags/v/2").status_code == 204
    assert [one["name"] for one in made.get("/refs/tags").json()["values"]] == ["v1"]
    assert made.place.is_whole()


MAIN = {"hash": "main"}
REFUSED: list[tuple[object, str]] = [
    ([], "Bad request"),
    ({}, "Bad request"),
    ({"name": "x"}, "Bad request"),
    ({"name": "", "target": MAIN}, "Bad request"),
    ({"name": 1, "target": MAIN}, "Bad request"),
    ({"name": "x", "target": {}}, "Bad request"),
    ({"name": "x", "target": "main"}, "Bad request"),
    ({"name": "x", "target": {"hash": None}}, "Bad request"),
    ({"target": MAIN}, "Bad request"),
    ({"name": "x", "target": {"hash": "none"}}, "target: Commit not found: none"),
    ({"name": "x", "target": {"hash": "0" * 40}}, "target: Commit not found: 000"),
    ({"name": "x", "target": {"hash": "main~1"}}, "target: Commit not found"),
    ({"name": "x", "target": {"hash": "--all"}}, "target: Commit not found"),
    ({"name": "x", "target": {"hash": "main^{tree}"}}, "target: Commit not found"),
    ({"name": "x", "target": {"hash": "a\0b"}}, "target: Commit not found"),
    *(
        ({"name": name, "target": MAIN}, "name: ")
        for name in ("a b", "a..b", "a~", "a^", "a:", "a?", "a*", "a[", "a\\", "a\0", "a\n", "/a", "a/", "a//b", ".a")
    ),
    *(
        ({"name": name, "target": MAIN}, "name: ")
        for name in (
            "a/.b",
            "a.lock",
            "a.lock/b",
            "@",
            "refs/heads/a",
            "refs/tags/a",
            "a@{",
            "-d",
            "--help",
            "a.",
            "../x",
            "x" * 300,
            "x/" * 600 + "x",
            "x/" * 40000 + "x",
        )
    ),
]


@pytest.mark.parametrize("kind", ["branches", "tags"])
def test_what_cannot_be_created_changes_nothing(make: Make, kind: str) -> None:
    """A body, a target or a name that cannot be is a 400, whatever it tries to reach."""
    made = make()
    for body, message in REFUSED:
        answer = _post(made, kind, body)
        assert (answer.status_code, answer.json()["error"]["message"][: len(message)]) == (400, message), body
    assert list(made.place.refs()) == ["refs/heads/main"]
    assert made.place.is_whole()


@pytest.mark.parametrize("kind", ["branches", "tags"])
def test_a_name_is_there_once(make: Make, kind: str) -> None:
    """A name that exists, or that git cannot have beside another, is a 400 with a key that clients match."""
    made = make()
    assert _post(made, kind, {"name": "a/b", "target": MAIN}).status_code == 201
    for name in ("a/b", "a", "a/b/c", "a/b/c/d"):
        answer = _post(made, kind, {"name": name, "target": MAIN})
        key = "BRANCH_ALREADY_EXISTS" if kind == "branches" else "TAG_ALREADY_EXISTS"
        assert (answer.status_code, answer.json()["error"]["data"]) == (400, {"key": key}), name
        assert "already exists" in answer.json()["error"]["message"]
    for name in ("a/bc", "a-b", "ab"):
        assert _post(made, kind, {"name": name, "target": MAIN}).status_code == 201


def test_the_main_branch_stays(make: Make) -> None:
    """It cannot be deleted; a tag of its name can."""
    made = make()
    answer = made.send("DELETE", f"{made.at}/refs/branches/main")
    assert (answer.status_code, answer.json()["error"]["message"]) == (
        400,
        "The main branch is not allowed to be deleted.",
    )
    assert _post(made, "tags", {"name": "main", "target": MAIN}).status_code == 201
    assert made.send("DELETE", f"{made.at}/refs/tags/main").status_code == 204
    assert list(made.place.refs()) == ["refs/heads/main"]


def test_who_may_not_write_changes_nothing(make: Make, public: Stocked) -> None:
    """A stranger reads a public repository, and writes to none; a private one is not there."""
    made = make()
    body = {"name": "x", "target": MAIN}
    for send in (made.stranger, made.anonymous):
        assert send("GET", f"{made.at}/refs/branches").status_code in (401, 404)
        assert send("POST", f"{made.at}/refs/branches", json=body).status_code in (401, 404)
        assert send("DELETE", f"{made.at}/refs/branches/main").status_code in (401, 404)
        assert send("GET", f"{public.at}/refs/branches").json()["size"] == 1
        assert send("POST", f"{public.at}/refs/branches", json=body).status_code in (401, 403)
        assert send("DELETE", f"{public.at}/refs/branches/main").status_code in (401, 403)
    assert (list(made.place.refs()), list(public.place.refs())) == (["refs/heads/main"],) * 2


def test_a_page_is_one_of_thousands_of_branches(make: Make) -> None:
    """Of 3,000 branches, each order gives a page, also far from the beginning."""
    made = make()
    commit = made.work.head()

    async def fill(host: Host) -> None:
        repository: Repository = made.place.repository
        refs = [Ref("branch", f"b{number}", commit, commit, host.now()) for number in range(3000)]
        async with host.store.database.transaction() as tx:
            await keep_refs(tx, repository.id, refs)

    made.place.host.work(fill)
    for sort, first in (("", "b0"), ("name", "b0"), ("-name", "main"), ("-target.date", None)):
        page = made.get(f"/refs/branches?pagelen=100&sort={sort}").json()
        assert (page["size"], len(page["values"])) == (3001, 100)
        assert first in (None, page["values"][0]["name"])
    page = made.get("/refs/branches?sort=name&page=26&pagelen=100").json()
    assert [one["name"] for one in page["values"][:2]] == ["b2500", "b2501"]

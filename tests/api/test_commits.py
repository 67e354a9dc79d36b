"""Commits over HTTP, on real git: what git says is right."""

from collections.abc import Iterator
from urllib.parse import quote

import httpx
import pytest

from roadstead.domain.repositories.history import PageStart, text_of
from roadstead.git.frontier import Frontier
from tests.api.widgets import BELOW, Widgets, widgets
from tests.conftest import NewDatabase


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Widgets]:
    with widgets(tmp_path_factory.mktemp("widgets"), new_database()) as made:
        yield made


def _hashes(acme: Widgets, answer: httpx.Response) -> list[str]:
    """Return the commits of a list, following `next` to its end."""
    found = []
    while True:
        page = answer.json()
        assert len(page["values"]) <= page["pagelen"]
        found += [commit["hash"] for commit in page["values"]]
        if "next" not in page:
            return found
        assert len(page["next"]) < 2500
        answer = acme.get(page["next"].removeprefix(f"{acme.host.url}{BELOW}"))


def _log(acme: Widgets, *arguments: str) -> list[str]:
    return acme.git("log", "--format=%H", *arguments).splitlines()


# One commit


@pytest.mark.sample(2)
@pytest.mark.parametrize("named", ["main", "v1", "HEAD", "feature%2Fx", "refs%2Fheads%2Fmain", "{id}", "{short}"])
def test_a_commit_is_found_by_its_names(acme: Widgets, named: str) -> None:
    """By branch, tag, id and the beginning of one; the answer has the whole id."""
    id_ = acme.id("main")
    answer = acme.get(f"/commit/{named.format(id=id_, short=id_[:7])}/").json()
    wanted = id_ if "{" in named else acme.id(named.replace("%2F", "/"))
    assert answer["hash"] == wanted


def test_a_commit_has_the_shape_of_the_cloud(acme: Widgets) -> None:
    """Message with its HTML, date in UTC, parents, and links; a merge has no patch."""
    answer = acme.get("/commit/v1").json()
    root, url = acme.id("v1"), f"{acme.host.url}{BELOW}"
    message = {"type": "rendered", "raw": "Begin\n\nWith a body.\n", "markup": "markdown"}
    message["html"] = "<p>Begin</p>\n<p>With a body.</p>"
    assert answer == {
        "type": "commit",
        "hash": root,
        "date": "2026-09-21T14:13:20+00:00",
        "author": {"type": "author", "raw": "Ada Harbour <ada@example.com>"},
        "message": message["raw"],
        "links": {
            "self": {"href": f"{url}/commit/{root}"},
            "html": {"href": f"{acme.host.url}/acme/widgets/commits/{root}"},
            "diff": {"href": f"{url}/diff/{root}"},
            "approve": {"href": f"{url}/commit/{root}/approve"},
            "comments": {"href": f"{url}/commit/{root}/comments"},
            "statuses": {"href": f"{url}/commit/{root}/statuses"},
            "patch": {"href": f"{url}/patch/{root}"},
        },
        "parents": [],
        "repository": {
            "type": "repository",
            "full_name": "acme/widgets",
            "links": answer["repository"]["links"],
            "name": "widgets",
            "uuid": acme.uuid,
        },
        "summary": message,
        "rendered": {"message": message},
        "participants": [],
    }
    merge = acme.get("/commit/main~1").status_code, acme.get(f"/commit/{acme.id('main~1')}").json()
    assert (merge[0], "patch" in merge[1]["links"]) == (404, False)
    parents = [acme.id("main~1^1"), acme.id("main~1^2")]
    assert [parent["hash"] for parent in merge[1]["parents"]] == parents
    assert acme.get("/commit/v1?fields=hash,parents.hash").json() == {"hash": root, "parents": []}


def test_an_author_is_the_account_that_confirmed_the_address(acme: Widgets) -> None:
    """In either case of letters; an address that is not confirmed names no account, or anyone could pose as anyone."""
    shown = {
        branch: acme.get(f"/commit/{branch}?fields=author").json()["author"].get("user", {}).get("display_name")
        for branch in ("by-ann", "by-ben")
    }
    assert shown == {"by-ann": "Ann Lee", "by-ben": None}


def test_messages_link_to_commits(acme: Widgets) -> None:
    """A hash in a message is a link if there is such a commit, relative as on the cloud."""
    answer = acme.get("/commit/mentions?fields=summary.html").json()["summary"]["html"]
    short = acme.id("v1")[:12]
    assert f'<a href="/acme/widgets/commits/{short}" rel="nofollow">{short}</a>' in answer
    assert "123456789abc</a" not in answer


# Lists of commits


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("target", "log"),
    [
        ("/commits", ["--branches", "--tags"]),
        ("/commits/main", ["main"]),
        ("/commits/feature/x", ["feature/x"]),
        ("/commits/feature%2Fx/", ["feature/x"]),
        ("/commits/topic?exclude=main", ["topic", "^main"]),
        ("/commits?exclude=main&exclude=alone", ["--branches", "--tags", "^main", "^alone"]),
        ("/commits?include=topic&include=feature%2Fx&exclude=v1", ["topic", "feature/x", "^v1"]),
        ("/commits/main?include=alone", ["main", "alone"]),
        ("/commits/main?path=src/", ["main", "--", "src"]),
        ("/commits?path=src/b&exclude=v1", ["--branches", "--tags", "^v1", "--", "src/b"]),
        ("/commits/main?path=src%2Fc%20d", ["main", "--", "src/c d"]),
        ("/commits/main?path=none", ["main", "--", "none"]),
        ("/commits/main?include=&path=", ["main"]),
        ("/commits/main?sort=-date&q=x", ["main"]),
    ],
)
def test_a_list_has_the_commits_of_git_log_in_its_order(acme: Widgets, target: str, log: list[str]) -> None:
    """In pages of one, of three, and in one page; and by numbers of pages, which some clients count themselves."""
    wanted = _log(acme, *log)
    with_query = f"{target}{'&' if '?' in target else '?'}"
    for length in (1, 3, 100):
        assert _hashes(acme, acme.get(f"{with_query}pagelen={length}")) == wanted
    counted: list[str] = []
    for number in range(1, len(wanted) + 2):
        page = acme.get(f"{with_query}pagelen=2&page={number}").json()
        counted += [commit["hash"] for commit in page["values"]]
    assert counted == wanted


@pytest.mark.parametrize("target", ["/commits", "/commits/topic"])
def test_a_form_names_revisions_as_a_query_does(acme: Widgets, target: str) -> None:
    """A field of a form may be repeated; JSON is taken, too. `next` then is followed with GET."""
    given = {"include": ["main", "feature/x"], "exclude": ["v1"]}
    named = ["topic"] if "topic" in target else []
    wanted = _log(acme, *named, "main", "feature/x", "^v1")
    bodies: list[dict[str, object]] = [{"data": given}, {"json": given}, {"data": {}}, {}]
    for body in bodies:
        answer = acme.send["ann"]("POST", f"{BELOW}{target}?pagelen=2", **body)
        every = named or ["--branches", "--tags"]
        assert _hashes(acme, answer) == (wanted if any(body.values()) else _log(acme, *every))


def test_items_have_what_the_cloud_has_in_lists(acme: Widgets) -> None:
    """The commit without its participants, in an envelope without number and size; `next` keeps `fields`."""
    page = acme.get("/commits/main?pagelen=1").json()
    one = acme.get(f"/commit/{page['values'][0]['hash']}").json()
    del one["participants"]
    assert (page["values"], page["pagelen"], page.keys()) == ([one], 1, {"values", "pagelen", "next"})
    part = acme.get("/commits/main?fields=values.hash,next&pagelen=1").json()
    assert part["values"] == [{"hash": one["hash"]}]
    following = acme.get(part["next"].removeprefix(f"{acme.host.url}{BELOW}")).json()
    assert following["values"] == [{"hash": acme.id("main~1")}]


def test_a_page_stays_where_it_is_while_others_push(acme: Widgets) -> None:
    """`next` has the commits where the page before ended, so a push moves no commit to another page."""
    first = acme.get("/commits/moving?pagelen=1").json()
    wanted = _log(acme, "moving")
    acme.git("update-ref", "refs/heads/moving", acme.id("topic"))
    acme.push("moving")
    rest = acme.get(first["next"].removeprefix(f"{acme.host.url}{BELOW}"))
    assert [first["values"][0]["hash"], *_hashes(acme, rest)] == wanted


WIDE = "/2.0/repositories/acme/wide/commits"


@pytest.mark.parametrize("target", [WIDE, f"{WIDE}/all"])
def test_a_wide_history_is_listed_as_well(acme: Widgets, target: str) -> None:
    """Where it has more open ends than fit an address, the next page is found by counting."""
    answer = acme.send["ann"]("GET", f"{target}?fields=values.date,next&pagelen=2")
    dates = []
    while True:
        dates += [commit["date"] for commit in answer.json()["values"]]
        if "next" not in answer.json():
            break
        assert len(answer.json()["next"]) < 2400
        answer = acme.send["ann"]("GET", answer.json()["next"].removeprefix(acme.host.url))
    assert dates == [f"1970-01-01T00:{second // 60:02}:{second % 60:02}+00:00" for second in reversed(range(71))]


def test_too_many_revisions_have_one_page(acme: Widgets) -> None:
    """More than an address can name are listed, unless there is a next page."""
    many = {"include": [f"b{number}" for number in range(70)]}
    whole = acme.send["ann"]("POST", f"{WIDE}?pagelen=100&fields=values.hash", data=many)
    assert len(whole.json()["values"]) == 70
    too_many = acme.send["ann"]("POST", WIDE, data={"exclude": [f"b{number}" for number in range(1001)]})
    assert (too_many.status_code, too_many.json()["error"]["message"][:23]) == (400, "At most 1000 revisions ")
    refused = acme.send["ann"]("POST", WIDE, data=many)
    assert (refused.status_code, refused.json()["error"]["message"][:29]) == (400, "There is more than one page, ")


def test_an_empty_repository_has_no_commits(acme: Widgets) -> None:
    """The list of all is empty, and any revision is missing."""
    empty = "/2.0/repositories/acme/empty"
    assert acme.send["ann"]("GET", f"{empty}/commits").json() == {"values": [], "pagelen": 30}
    assert acme.send["ann"]("GET", f"{empty}/commits/main").status_code == 404


# Refusals

_NO_COMMIT = (404, "Commit not found")
_NO_PAGE = (400, "This is no page of the list.")


@pytest.mark.sample(8)
@pytest.mark.parametrize(
    ("target", "refusal"),
    [
        ("/commit/none", _NO_COMMIT),
        ("/commit/main~1", _NO_COMMIT),
        ("/commit/%2D-all", _NO_COMMIT),
        ("/commit/main%00", _NO_COMMIT),
        ("/commit/%FF", _NO_COMMIT),
        (f"/commit/{'0' * 40}", _NO_COMMIT),
        (f"/commit/{'a' * 3000}", _NO_COMMIT),
        (f"/commits/{'x/' * 1000}y", _NO_COMMIT),
        ("/commits/none", _NO_COMMIT),
        ("/commits/main/deeper", _NO_COMMIT),
        ("/commits?include=none", _NO_COMMIT),
        ("/commits?exclude=--all", _NO_COMMIT),
        ("/commits?include=%FF", _NO_COMMIT),
        ("/commits?include=a%00b", _NO_COMMIT),
        ("/commits?pagelen=101", (400, "Invalid pagelen")),
        ("/commits?pagelen=0", (400, "Invalid pagelen")),
        ("/commits?ctx=x", _NO_PAGE),
        ("/commits?ctx=", _NO_PAGE),
        ("/commits?ctx=lcQBAMQAxAAAoA", _NO_PAGE),
        ("/commits?ctx=lcQUAAAAAAAAAAAAAAAAAAAAAAAAAADEAMQA_6A", _NO_PAGE),
        ("/commits?ctx=lcQUAAAAAAAAAAAAAAAAAAAAAAAAAADEAMQAAKF4", _NO_PAGE),
        (f"/commits?ctx={quote('é')}", _NO_PAGE),
    ],
)
def test_what_cannot_be_listed_is_refused(acme: Widgets, target: str, refusal: tuple[int, str]) -> None:
    """An unknown revision is a 404 with the cloud's words; git never sees a text of a caller as an option."""
    answer = acme.get(target)
    assert (answer.status_code, answer.json()["error"]["message"]) == refusal


@pytest.mark.parametrize("path", ["..", "../../etc", "/", ".", "src/../a", "src//b", "a%00b", ":(top)a", "-n", "*"])
def test_a_path_leads_nowhere_else(acme: Widgets, path: str) -> None:
    """What is no path of a repository has no commits, and stars and brackets are characters; `/` is everything."""
    found = _hashes(acme, acme.get(f"/commits/main?path={path}"))
    assert found == (_log(acme, "main") if path == "/" else [])


def test_a_page_of_another_repository_has_nothing_here(acme: Widgets) -> None:
    """The commits in `next` are looked for in the repository of the address alone."""
    page = acme.get("/commits/main?pagelen=1").json()["next"].partition("?")[2]
    answer = acme.send["ann"]("GET", f"/2.0/repositories/acme/empty/commits?{page}")
    assert answer.status_code == 404


_OPEN = "/2.0/repositories/acme/open"


@pytest.mark.parametrize("listed", ["", "/main", "/main?path=a", "?include=main&exclude=v1"])
def test_the_next_page_is_not_bound_to_its_reader(acme: Widgets, listed: str) -> None:
    """All who may read the repository read the same commits there, with the same HTML; others read nothing."""
    target = f"/commits{listed}{'&' if '?' in listed else '?'}pagelen=1"
    following = acme.get(target).json()["next"].removeprefix(acme.host.url)
    refused, missing = (acme.send["ben"]("GET", at) for at in (following, BELOW.replace("widgets", "none")))
    assert (refused.status_code, refused.json()) == (404, missing.json())
    assert acme.send["anonymous"]("GET", following).status_code == 404
    assert acme.send["app"]("GET", following).json() == acme.send["ann"]("GET", following).json()
    read_openly = acme.send["ann"]("GET", _OPEN + target).json()["next"].removeprefix(acme.host.url)
    pages = [acme.send[who]("GET", read_openly).json() for who in ("ann", "ben", "anonymous", "app")]
    assert pages == [pages[0]] * 4
    assert len(pages[0]["values"]) == 1


@pytest.mark.parametrize("revision", ["v1:src/b", "v1^{tree}", "v1"])
def test_a_page_of_what_is_no_commit(acme: Widgets, revision: str) -> None:
    """A place that a caller made up from the id of a file, a folder or a tag is a 404, and shows nothing of it."""
    id_, main = acme.git("rev-parse", revision), acme.id("main")
    for place in (PageStart((id_,)), PageStart((main,), (id_,)), PageStart((main,), after=Frontier([id_]).text())):
        answer = acme.get(f"/commits?ctx={text_of(place)}")
        assert (answer.status_code, answer.json()["error"]) == (404, {"message": f"There is no commit {id_}."})


@pytest.mark.sample(3)
@pytest.mark.parametrize(("who", "status"), [("ann", 200), ("ben", 404), ("anonymous", 404)])
@pytest.mark.parametrize("target", ["/commit/main", "/commits", "/commits/main"])
def test_who_sees_the_repository_reads_its_commits(acme: Widgets, who: str, status: int, target: str) -> None:
    """A private one is like a missing one for others; a public one is read by everyone, without a credential."""
    assert acme.send[who]("GET", BELOW + target).status_code == status
    assert acme.send[who]("GET", f"/2.0/repositories/acme/open{target}").status_code == 200

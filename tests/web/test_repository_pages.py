"""The pages of a repository: what git has, shown to whom the API would show it, and never more than a page bears."""

import asyncio
import re
from html import unescape
from typing import NamedTuple
from urllib.parse import quote

import httpx
import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.host import Host
from roadstead.domain.people import users
from roadstead.domain.repositories import commit_diffs
from roadstead.domain.repositories.access import find_repository
from roadstead.domain.repositories.changes import put_repository
from roadstead.domain.repositories.comments import NewComment, add_comment, delete_comment
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.statuses import StatusChanges
from roadstead.model.reviews import Inline
from roadstead.web.repositories import commits, entries, source
from tests.smart_http.conftest import wait_until
from tests.smart_http.git_client import Work
from tests.web.acme import NAMES, Acme
from tests.web.reading import document, main_text, texts
from tests.web.repositories import (
    EVIL,
    EVIL_BRANCH,
    ODD_FILES,
    give_statuses,
    lines_of,
    new_repository,
    odd,
    push,
    widgets,
)

HTML_POLICY = "default-src 'none'; script-src 'self'"


class Filled(NamedTuple):
    """The workspace, and the working copies of two of its repositories."""

    acme: Acme
    widgets: Work
    odd: Work


@pytest.fixture(scope="module")
def filled(acme: Acme, tmp_path_factory: pytest.TempPathFactory) -> Filled:
    """Fill public repositories and a private one."""
    folder = tmp_path_factory.mktemp("work")
    found = Filled(acme, widgets(folder / "widgets"), odd(folder / "odd"))
    new_repository(acme, "widgets", name="Widgets", description="Small <b>parts</b>.")
    new_repository(acme, "secret", project="SECRET")
    new_repository(acme, "odd", name=EVIL, description=EVIL)
    new_repository(acme, "empty")
    for slug in ("widgets", "secret"):
        push(acme, found.widgets, slug, "--all")
        push(acme, found.widgets, slug, "v1")
    push(acme, found.odd, "odd", "--all")
    return found


def _get(filled: Filled, address: str, who: str = "stranger") -> httpx.Response:
    return filled.acme(who).get(address)


def _main(filled: Filled, address: str) -> str:
    answer = _get(filled, address)
    assert answer.status_code == 200, (address, answer.text)
    return main_text(answer)


# Who sees them

PLACES = ["", "/", "/src", "/src/main/", "/src/main/bolt.py", "/raw/main/bolt.py", "/commits/", "/commits/main"]
PLACES += ["/commits/branch/main", "/commits/tag/v1", "/branch/main", "/branches/", "/branches/compare/v1..main"]
PLACES += ["/src/nothing/", "/commits/0000000"]
READERS = {"widgets": {*NAMES, "operator", "anonymous"}, "secret": {"owner", "collaborator", "operator"}}


@pytest.mark.parametrize("slug", READERS)
def test_who_may_read_a_repository_sees_its_pages(filled: Filled, slug: str) -> None:
    """A public one is open to all; a private one is as if it were missing: a page to sign in, or the same 404."""
    for who in sorted(filled.acme.browsers):
        for place in PLACES:
            answer = _get(filled, f"/acme/{slug}{place}", who)
            if who in READERS[slug]:
                assert answer.status_code in ((404,) if "nothing" in place or "000" in place else (200, 302)), place
                continue
            missing = _get(filled, f"/acme/ghosts{place}", who)
            assert answer.status_code == missing.status_code == (401 if who == "anonymous" else 404)
            assert answer.text.replace(slug, "ghosts") == missing.text
            assert answer.headers.keys() == missing.headers.keys()


def test_a_missing_workspace_is_like_a_missing_repository(filled: Filled) -> None:
    """Visitors without access do not learn which workspaces there are."""
    for who in ("anonymous", "stranger"):
        one, other = (_get(filled, address, who) for address in ("/ghosts/widgets", "/acme/ghosts"))
        assert one.status_code == other.status_code
        assert one.text.replace("ghosts/widgets", "acme/ghosts") == other.text


def test_a_repository_that_was_renamed_is_found_by_its_earlier_name(filled: Filled) -> None:
    """The whole address leads on, for those who see the repository."""

    async def rename(host: Host) -> None:
        owner = SessionUser(await users.find_user(host, "owner"))
        await put_repository(host, owner, "acme", "old-name", RepositoryChanges(name="new-name"))

    new_repository(filled.acme, "old-name", project="SECRET")
    filled.acme.host.work(rename)
    address = "/acme/old-name/src/a%2Fb/c%20d?page=2"
    answer = _get(filled, address, "owner")
    assert (answer.status_code, answer.headers["location"]) == (301, "/acme/new-name/src/a%2Fb/c%20d?page=2")
    assert _get(filled, address, "stranger").status_code == 404
    assert _get(filled, address, "anonymous").status_code == 401


@pytest.mark.parametrize(
    "address",
    [
        *("/-/nothing", "/2.0/nothing", "/2.0/a/b", "/site/nothing", "/account/nothing", "/atlassian-connect/x"),
        *("/-/", "/2.0/", "/site/", "/account/", "/atlassian-connect/", "/acme", "/robots.txt"),
    ],
)
def test_other_addresses_stay_as_they_are(filled: Filled, address: str) -> None:
    """No page of a repository takes an address of the host, at which a visitor would be asked to sign in."""
    assert _get(filled, address, "anonymous").status_code == 404


def test_git_keeps_its_addresses(filled: Filled) -> None:
    """What git asks for goes to git, with and without `.git`; a file of such a name has a page."""
    for slug in ("widgets", "widgets.git"):
        answer = _get(filled, f"/acme/{slug}/info/refs?service=git-upload-pack", "anonymous")
        assert answer.headers["content-type"] == "application/x-git-upload-pack-advertisement"
    assert texts(_get(filled, "/acme/odd/src/main/info/refs"), "h1") == ["refs"]
    with_ending, without = (texts(_get(filled, f"/acme/{slug}"), "h1, a, pre") for slug in ("widgets.git", "widgets"))
    assert with_ending == without


def test_the_head_leads_only_where_the_visitor_may_go(filled: Filled) -> None:
    """Members have a link to the workspace, others its name alone."""
    for who, number in {"member": 1, "stranger": 0, "anonymous": 0}.items():
        page = document(_get(filled, "/acme/widgets", who))
        assert len(page.css(".crumbs a[href='/acme/workspace/overview']")) == number, who


# What they show


def test_the_first_page_shows_what_a_repository_is(filled: Filled) -> None:
    """Its description, how to clone it, its size, files, README, last commits, and the number of branches."""
    wait_until(lambda: "branches · 0 B" not in _main(filled, "/acme/widgets"))  # it is measured soon after a push
    page = _get(filled, "/acme/widgets")
    assert texts(page, "main > h1") == ["Widgets"]
    assert texts(page, "pre[data-copy]") == [f"git clone {filled.acme.host.url}/acme/widgets.git"]
    shown = main_text(page)
    assert "Small <b>parts</b>." in shown
    assert re.search(r"2 branches · \d+\.\d KiB", shown)
    folders, *files = texts(page, ".entries a")
    assert folders == "docs/"
    assert files == [name for name in lines_of(filled.widgets, "ls-tree", "--name-only", "main") if name != "docs"]
    assert texts(page, ".commits a") == lines_of(filled.widgets, "log", "-5", "--format=%s", "main")


def test_a_readme_is_rendered_and_leads_to_files_of_the_commit(filled: Filled) -> None:
    """Relative links and pictures lead to the commit; pictures of other hosts are texts; HTML in it is text."""
    head = filled.widgets.head("main")
    readme = document(_get(filled, "/acme/widgets")).css(".readme")[0]
    links = [one.attributes["href"] for one in readme.css("a")]
    assert links == [f"/acme/widgets/src/{head}/docs/guide.md", "https://example.com/x", "https://ci.example/"]
    assert [one.attributes["src"] for one in readme.css("img")] == [f"/acme/widgets/raw/{head}/docs/wave.svg"]
    assert not readme.css("script, b")
    assert readme.css("table")
    for address in (links[0], f"/acme/widgets/raw/{head}/docs/wave.svg"):
        assert _get(filled, address or "").status_code == 200


def test_an_empty_repository_says_how_to_fill_it(filled: Filled) -> None:
    """Each of its lists is empty, and none fails."""
    assert "git push --set-upstream origin main" in _main(filled, "/acme/empty")
    assert "There are no commits yet." in _main(filled, "/acme/empty/commits/")
    assert "There are no branches yet." in _main(filled, "/acme/empty/branches/")
    assert _get(filled, "/acme/empty/src").headers["location"] == "/acme/empty"
    assert _get(filled, "/acme/empty/src/main/").status_code == 404


FILES = {
    "bolt.py": "1 def bolt(size): 2 return size * 3 3 4 5 print(bolt(2))",
    "nothing": "The file is empty.",
    "latest": "latest link Source",
    "start.sh": "start.sh executable Source",
    "docs": "guide.md Add the parts",
    "docs/": "guide.md Add the parts",
}


@pytest.mark.sample(2)
@pytest.mark.parametrize("path", FILES)
def test_a_file_or_folder_is_shown(filled: Filled, path: str) -> None:
    """By the name of a branch, with slashes in it or not, of a tag, and by a hash or its beginning."""
    head = filled.widgets.head("main")
    for revision in ("main", "v1", "feature/longer-bolts", head, head[:9]):
        assert FILES[path] in _main(filled, f"/acme/widgets/src/{revision}/{path}")


def test_a_form_leads_to_another_branch(filled: Filled) -> None:
    """It has the branches, chooses the one that is shown, or the commit, and keeps the file; a list has one, too."""
    head = filled.widgets.head("main")
    for address, chosen in (
        ("src/main/docs/guide.md", "main"),
        ("src/feature/longer-bolts/docs/guide.md", "feature/longer-bolts"),
        (f"src/{head}/docs/guide.md", head),
        ("commits/branch/feature/longer-bolts", "feature/longer-bolts"),
        ("commits/", "main"),
    ):
        page = document(_get(filled, f"/acme/widgets/{address}"))
        form = page.css("main form")[0]
        names = [one.attributes["value"] for one in form.css("option")]
        assert {"main", "feature/longer-bolts"} <= set(names), address
        assert [one.attributes["value"] for one in form.css("option[selected]")] == [chosen]
        fields = {one.attributes["name"] or "": one.attributes["value"] or "" for one in form.css("input")}
        query = {**fields, "at": "feature/longer-bolts"}
        led = filled.acme("stranger").get(form.attributes["action"] or "", params=query)
        tab = "commits/branch" if address.startswith("commits") else "src"
        path = "/docs/guide.md" if tab == "src" else ""
        assert led.headers["location"] == f"/acme/widgets/{tab}/feature/longer-bolts{path}"
    for name in ("//evil.example/", "..", EVIL_BRANCH):
        led = filled.acme("stranger").get("/acme/widgets/src", params={"at": name, "path": "%0d%0aX: 1"})
        assert led.headers["location"].startswith("/acme/widgets/src/")
        assert "X" not in led.headers


def test_comments_on_a_commit_are_shown(filled: Filled) -> None:
    """With author, place and rendered text, at the address that the API gives of each; deleted ones are not."""
    head = filled.widgets.head("main")

    async def comment(host: Host) -> list[int]:
        by = SessionUser(await users.find_user(host, "owner"))
        repository = (await find_repository(host, by, "acme", "widgets", "read")).repository
        given = [
            NewComment("Well *done*, <evil>"),
            NewComment("Here", Inline("bolt.py", line_to=2)),
            NewComment("Gone"),
        ]
        made = [await add_comment(host, by, repository, head, one) for one in given]
        await delete_comment(host, by, repository, head, made[2].id)
        return [one.id for one in made]

    general, inline, deleted = filled.acme.host.work(comment)
    page = document(_get(filled, f"/acme/widgets/commits/{head}"))
    shown = {number: page.css(f"#comment-{number}") for number in (general, inline, deleted)}
    assert [one.text() for one in shown[general][0].css("em")] == ["done"]
    assert "<evil>" in shown[general][0].text()
    assert "bolt.py:2" in shown[inline][0].text()
    assert not shown[deleted]


def test_statuses_of_a_commit_are_shown(filled: Filled) -> None:
    """State, key, description, and the name, which leads to the build; what attackers write is text."""
    head = filled.widgets.head("main")
    given = [
        StatusChanges("unit", "FAILED", "Unit tests", "2 of 300 failed", "http://ci.example/1"),
        StatusChanges(EVIL[:40], "SUCCESSFUL", "", EVIL, "http://ci.example/?<evil>"),
    ]
    give_statuses(filled.acme, "widgets", head, given)
    page = document(_get(filled, f"/acme/widgets/commits/{head}"))
    rows = page.css("#statuses + table tbody tr")
    assert [[cell.text() for cell in row.css("a, code, .badge, td:last-child")] for row in rows] == [
        ["Unit tests", "unit", "FAILED", "2 of 300 failed"],
        [EVIL[:40], EVIL[:40], "SUCCESSFUL", EVIL],
    ]
    assert [row.css("th a")[0].attributes["href"] for row in rows] == [one.url for one in given]
    first = lines_of(filled.widgets, "rev-list", "--max-parents=0", "main")[0]
    assert not document(_get(filled, f"/acme/widgets/commits/{first}")).css("#statuses")


def test_a_binary_file_is_not_shown(filled: Filled) -> None:
    """It has a link to its content."""
    first = lines_of(filled.widgets, "rev-list", "--max-parents=0", "main")[0]
    page = _get(filled, f"/acme/widgets/src/{first}/blob.bin")
    assert "The file is binary." in main_text(page)
    assert _get(filled, f"/acme/widgets/raw/{first}/blob.bin").content == bytes(range(256))


def test_commits_follow_each_other_to_the_first(filled: Filled) -> None:
    """Page by page they are what `git log` lists, of the main branch, a branch and a tag."""
    work = filled.widgets
    for end, revision in {"": "main", "branch/feature/longer-bolts": "feature/longer-bolts", "tag/v1": "v1"}.items():
        shown = texts(_get(filled, f"/acme/widgets/commits/{end}"), ".commits a")
        assert shown == lines_of(work, "log", "--format=%s", revision)


def test_a_long_history_has_pages(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages together are the history, and each leads back to the latest."""
    monkeypatch.setattr(commits, "_LENGTH", 2)
    shown, address = [], "/acme/widgets/commits/"
    while address:
        page = _get(filled, address)
        shown += texts(page, ".commits a")
        links = {one.text(): one.attributes["href"] or "" for one in document(page).css(".pages a")}
        address = links.get("Older", "")
    assert shown == lines_of(filled.widgets, "log", "--format=%s", "main")
    assert links == {"Latest": "/acme/widgets/commits/"}
    assert _get(filled, "/acme/widgets/commits/?after=nonsense").status_code == 400


def test_a_commit_shows_its_message_and_what_it_changed(filled: Filled) -> None:
    """The message is rendered, with links to commits; each file has its lines, as git's own diff has them."""
    first, second = (filled.widgets.head(f"main~{number}") for number in (2, 1))
    page = _get(filled, f"/acme/widgets/commits/{second}")
    (message,) = document(page).css("main > .document")
    assert [one.text() for one in message.css("em")] == ["short"]
    assert [one.attributes["href"] for one in message.css("a")] == [f"/acme/widgets/commits/{first[:12]}"]
    assert texts(page, "dd")[2:4] == [second, first[:12]]
    assert texts(page, ".changed h3") == [
        "blob.bin removed",
        "bolt.py modified +1 −1",
        "notes.txt added +1 −0",
        "start.sh renamed",
    ]
    assert [one.text() for one in document(page).css("del, ins")] == [
        "-\treturn size * 2\n",
        "+\treturn size * 3\n",
        "+one\n",
    ]
    assert "The file is binary." in main_text(page)
    assert "Renamed from run.sh." in main_text(page)


def test_a_merge_is_compared_with_its_first_parent(filled: Filled) -> None:
    """It shows what came in by it, and both parents."""
    page = _get(filled, "/acme/widgets/commits/main")
    assert texts(page, ".changed h3") == ["file added +1 −0"]
    assert "1 file, compared with the first parent." in main_text(page)
    assert len(document(page).css("dd a code")) == 2


@pytest.mark.parametrize(("new", "old"), [("main", "v1"), ("v1", "main"), ("feature/longer-bolts", "main")])
def test_two_commits_are_compared(filled: Filled, new: str, old: str) -> None:
    """The page to which payloads of pushes lead shows what git's own diff does, and names both commits."""
    commits = [filled.widgets.head(f"{name}^{{commit}}") for name in (new, old)]
    for pair in ("..".join(commits), f"{new}..{old}"):
        page = _get(filled, f"/acme/widgets/branches/compare/{pair}")
        names = [one.split()[0] for one in texts(page, ".changed h3")]
        assert names == lines_of(filled.widgets, "diff", "--name-only", "-M", old, new)
        assert [one.attributes["href"] for one in document(page).css("dd a")] == [
            f"/acme/widgets/commits/{one}" for one in commits
        ]
        assert texts(page, ".tabs [aria-current]") == ["Branches"]
    lines = [line for line in lines_of(filled.widgets, "diff", "-M", old, new) if re.match(r"[+-](?![+-])", line)]
    shown = [line for one in document(page).css(".diff ins, .diff del") for line in one.text().splitlines()]
    assert shown == lines


def test_a_comparison_needs_two_commits(filled: Filled) -> None:
    """One commit alone is a mistake of the address, with what to write."""
    page = _get(filled, "/acme/widgets/branches/compare/main")
    assert (page.status_code, "This names no two commits." in main_text(page)) == (400, True)


def test_branches_have_their_last_commits(filled: Filled) -> None:
    """The branch that was committed to last comes first, and the main branch is marked."""
    page = _get(filled, "/acme/widgets/branches/")
    assert sorted(texts(page, ".commits li > p:first-child")) == ["feature/longer-bolts", "main main branch"]
    assert (
        _get(filled, "/acme/widgets/branch/feature/longer-bolts")
        .headers["location"]
        .endswith("/acme/widgets/commits/branch/feature/longer-bolts")
    )


@pytest.mark.parametrize(
    ("query", "leads_to"),
    [
        ("?source=feature/longer-bolts&t=1", "/branches/compare/feature/longer-bolts..main"),
        ("?source=a%26b%23c", "/branches/compare/a%26b%23c..main"),
        ("?source=main", "/branches/"),
        ("", "/branches/"),
    ],
)
def test_a_new_pull_request_begins_with_a_comparison(filled: Filled, query: str, leads_to: str) -> None:
    """The address that git prints after a push leads to what the branch has that the main one lacks."""
    answer = _get(filled, f"/acme/widgets/pull-requests/new{query}")
    assert (answer.status_code, answer.headers["location"]) == (302, f"/acme/widgets{leads_to}")


def test_the_workspace_lists_what_the_visitor_may_read(filled: Filled) -> None:
    """A private repository is only in the list of those who may read it."""
    for who, seen in {"owner": True, "collaborator": True, "member": False}.items():
        links = [
            one.attributes["href"] for one in document(_get(filled, "/acme/workspace/overview", who)).css("main a")
        ]
        assert "/acme/widgets" in links
        assert ("/acme/secret" in links) is seen, who


# What others wrote


def test_what_a_repository_contains_is_text_on_every_page(filled: Filled) -> None:
    """Names, contents, messages, authors and branches with markup are shown, and nothing of them becomes an element."""
    addresses = ["", "/src/main/", "/commits/", "/branches/", f"/commits/{filled.odd.head('main~1')}", "/commits/main"]
    addresses += [f"/commits/branch/{quote(EVIL_BRANCH, safe='')}", f"/src/{quote(EVIL_BRANCH)}/"]
    addresses += [f"/src/main/{quote(name)}" for name in ODD_FILES]
    for address in addresses:
        page = _get(filled, f"/acme/odd{address}")
        assert page.status_code == 200, address
        assert document(page).css("evil, [onclick], main script") == [], address
        assert page.headers["content-security-policy"].startswith(HTML_POLICY)
        assert "\u202e" not in page.text
        assert "\x1b" not in page.text
        assert "<evil" in unescape(page.text), address


@pytest.mark.parametrize("folder", ["", "docs"])
def test_a_folder_has_the_last_commit_of_each_entry(filled: Filled, folder: str) -> None:
    """The one that git names; the list of a repository's page has none."""
    page = _get(filled, f"/acme/widgets/src/main/{folder}")
    for entry in document(page).css(".entries li"):
        name = entry.css("span > a")[0].text().strip("/")
        log = lines_of(filled.widgets, "log", "-1", "--format=%H %s", "main", "--", f"{folder}/{name}".strip("/"))
        (last,) = entry.css(".last a")
        assert f"{(last.attributes['href'] or '').rpartition('/')[2]} {last.text()}" == log[0]
    assert texts(_get(filled, "/acme/widgets"), ".entries .last") == []


def test_a_commit_of_long_ago_is_not_looked_for(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page looks at some thousand commits at most, so that a long history does not hold it."""
    monkeypatch.setattr(entries, "_MOST_COMMITS", 0)
    page = _get(filled, "/acme/widgets/src/main/docs")
    assert (len(texts(page, ".entries li")), texts(page, ".entries .last")) == (2, [])


def test_every_file_is_reached_from_the_list(filled: Filled) -> None:
    """Whatever bytes its name has, its link leads to its content, and the page to the bytes themselves."""
    for entry in document(_get(filled, "/acme/odd/src/main/")).css(".entries span > a"):
        address = entry.attributes["href"] or ""
        page = _get(filled, address)
        assert page.status_code == 200, address
        for raw in document(page).css("main .line a"):
            assert _get(filled, raw.attributes["href"] or "").status_code == 200


@pytest.mark.parametrize("path", ["page.html", quote(EVIL), "leads-out"])
def test_a_content_never_runs_in_a_browser(filled: Filled, path: str) -> None:
    """It is a download, in a sandbox, of the type that it says; a link's content is its target."""
    answer = _get(filled, f"/acme/odd/raw/main/{path}")
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert path != "leads-out" or answer.text == "/etc/passwd"
    assert _get(filled, f"/acme/odd/raw/main/{path}", "anonymous").content == answer.content


@pytest.mark.parametrize(
    "address",
    [
        "/src/main/%2e%2e/%2e%2e/config",
        "/raw/main/%2fetc%2fpasswd",
        "/src/--help/x",
        "/src/main%00/x",
        "/src/main/%00",
        "/src//x",
        "/raw/main/docs",
        "/raw/main",
        "/commits/HEAD~1",
        "/commits/--all",
        "/commits/branch/refs/heads/main",
        "/commits/branch/%00",
        "/commits/main/x",
        "/commits/" + "a" * 5000,
        "/branches/compare/main..nothing",
        "/branches/compare/--all..main",
        "/src%0a",
        "/commits%0a",
        "/branches/%0a",
    ],
)
def test_what_names_nothing_is_missing(filled: Filled, address: str) -> None:
    """A path out of the repository, an option or an expression of git names no file and no commit."""
    request = httpx.Request("GET", f"{filled.acme.host.url}/")
    request = httpx.Request("GET", request.url.copy_with(raw_path=f"/acme/widgets{address}".encode()))
    assert filled.acme("stranger").send(request).status_code == 404, address


# How much


def test_a_large_file_is_not_shown(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says so and leads to the content."""
    monkeypatch.setattr(source, "MOST_BYTES", 10)
    assert "The file is too large to be shown." in _main(filled, "/acme/widgets/src/main/bolt.py")
    monkeypatch.setattr(source, "MOST_BYTES", 1000)
    monkeypatch.setattr(source, "MOST_LINES", 4)
    assert "The file has too many lines to be shown." in _main(filled, "/acme/widgets/src/main/bolt.py")


def test_a_content_of_any_size_is_whole(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is too large for the memory comes in pieces, as a download in a sandbox, too."""
    monkeypatch.setattr("roadstead.git.blobs.INLINE", 10)
    script = filled.widgets.git("show", "main:start.sh")  # no other test reads it, so it is not kept
    answer = _get(filled, "/acme/widgets/raw/main/start.sh")
    assert (answer.text, answer.headers["content-length"]) == (script, str(len(script)))
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_a_large_diff_is_cut(filled: Filled, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond some files, lines, bytes or seconds the page says that there is more."""
    first = lines_of(filled.widgets, "rev-list", "--max-parents=0", "main")[0]
    address = f"/acme/widgets/commits/{first}"
    with monkeypatch.context() as patched:
        patched.setattr(commit_diffs, "MOST_FILES", 2)
        page = _get(filled, address)
        assert "8 files. The first 2 are shown;" in main_text(page)
        assert len(document(page).css(".changed")) == 2
    for limit, value in {"MOST_LINES": 3, "MOST_LINES_OF_FILE": 2, "_MOST_BYTES": 500}.items():
        with monkeypatch.context() as patched:
            patched.setattr(commit_diffs, limit, value)
            shown = _main(filled, address)
            assert "Not all lines are shown." in shown or "The lines are not shown" in shown, limit
    monkeypatch.setattr(commit_diffs, "_SECONDS", 0.01)
    monkeypatch.setattr(commit_diffs, "files_of", lambda *sides: asyncio.sleep(60))
    assert "The changes are not shown: it takes too long to find them." in _main(filled, address)

"""Comments on commits and approvals: who may, what is kept, and what is told."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from roadstead.domain.host import Host
from roadstead.storage.events import list_events
from tests.api.widgets import BELOW, Widgets, widgets
from tests.conftest import NewDatabase

OPEN = "/2.0/repositories/acme/open"


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Widgets]:
    with widgets(tmp_path_factory.mktemp("widgets"), new_database()) as made:
        yield made


def _say(acme: Widgets, text: str, *, who: str = "ann", at: str = "main", below: str = BELOW, **more: Any) -> Any:
    """Comment on a commit, and return the comment."""
    answer = acme.send[who]("POST", f"{below}/commit/{at}/comments", json={"content": {"raw": text}, **more})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == answer.json()["links"]["self"]["href"]
    return answer.json()


def _at(acme: Widgets, comment: Any) -> str:
    address: str = comment["links"]["self"]["href"]
    return address.removeprefix(acme.host.url)


def _listed(acme: Widgets, at: str, query: str = "") -> list[int]:
    page = acme.get(f"/commit/{at}/comments?pagelen=100{query}").json()
    assert page["size"] == len(page["values"])
    return [comment["id"] for comment in page["values"]]


# Comments


def test_a_comment_is_kept_and_listed(acme: Widgets) -> None:
    """With the shape of the cloud: the text and its HTML, the author, the commit, and nothing that it has not."""
    made = _say(acme, "**Well** done <b>")
    commit = acme.id("main")
    url = f"{acme.host.url}{BELOW}/commit/{commit}"
    assert made == acme.get(f"/commit/main/comments/{made['id']}").json()
    author = acme.send["ann"]("GET", "/2.0/user").json()
    assert made["user"].items() <= {**author, "links": made["user"]["links"]}.items()
    assert made == {
        "type": "commit_comment",
        "id": made["id"],
        "created_on": made["created_on"],
        "updated_on": made["created_on"],
        "content": {
            "type": "rendered",
            "raw": "**Well** done <b>",
            "markup": "markdown",
            "html": "<p><strong>Well</strong> done &lt;b&gt;</p>",
        },
        "user": made["user"],
        "deleted": False,
        "links": {
            "self": {"href": f"{url}/comments/{made['id']}"},
            "html": {"href": f"{acme.host.url}/acme/widgets/commits/{commit}#comment-{made['id']}"},
        },
        "commit": {
            "type": "commit",
            "hash": commit,
            "links": {"self": {"href": url}, "html": {"href": f"{acme.host.url}/acme/widgets/commits/{commit}"}},
        },
    }
    assert made["id"] in _listed(acme, commit[:8])


def test_a_comment_is_at_lines_of_a_file(acme: Widgets) -> None:
    """Of the old or the new version, of both, of several lines, or of none; a reply is where its parent is."""
    for inline, shown in (
        ({"path": "a", "to": 3}, {"path": "a", "from": None, "to": 3}),
        ({"path": "a", "from": 2}, {"path": "a", "from": 2, "to": None}),
        ({"path": "a"}, {"path": "a", "from": None, "to": None}),
        (
            {"path": "src/c d", "to": 9, "start_to": 4},
            {"path": "src/c d", "from": None, "to": 9, "start_from": None, "start_to": 4},
        ),
    ):
        made = _say(acme, "Here", inline=inline)
        assert made["inline"] == shown
        reply = _say(acme, "There", parent={"id": made["id"]})
        assert (reply["parent"], reply["inline"]) == ({"id": made["id"], "links": made["links"]}, shown)


@pytest.mark.each_database
def test_comments_are_filtered_and_sorted(acme: Widgets) -> None:
    """By what a comment has; the earliest comes first."""
    first, second = _say(acme, "Apples", at="topic"), _say(acme, "pears", at="topic", inline={"path": "b"})
    assert _listed(acme, "topic") == [first["id"], second["id"]]
    for query, found in (
        ("&sort=-created_on", [second, first]),
        ('&q=content.raw~"APPLE"', [first]),
        ('&q=inline.path="b"', [second]),
        ("&q=parent.id=null AND deleted=false", [first, second]),
        (f'&q=user.uuid="{first["user"]["uuid"]}"', [first, second]),
        ("&q=deleted=true", []),
    ):
        assert _listed(acme, "topic", query) == [comment["id"] for comment in found], query


def test_only_the_author_changes_a_comment(acme: Widgets) -> None:
    """Its text and the time of the change; an administrator deletes that of another, and strangers do nothing."""
    made = _say(acme, "Frist", who="ben", below=OPEN)
    new = {"content": {"raw": "First"}, "inline": {"path": "other"}}
    refused = acme.send["ann"]("PUT", _at(acme, made), json=new)
    assert (refused.status_code, refused.json()["error"]["message"]) == (403, "Only its author changes a comment.")
    answer = acme.send["ben"]("PUT", _at(acme, made), json=new)
    assert (answer.status_code, answer.headers["Location"]) == (201, made["links"]["self"]["href"])
    changed = answer.json()
    assert (changed["content"]["raw"], "inline" in changed) == ("First", False)
    assert changed["updated_on"] > changed["created_on"] == made["created_on"]
    by_ann = _say(acme, "Mine", below=OPEN)
    assert acme.send["ben"]("DELETE", _at(acme, by_ann)).status_code == 403
    assert acme.send["ann"]("DELETE", _at(acme, made)).status_code == 204
    assert acme.send["ben"]("GET", _at(acme, made)).status_code == 404
    assert acme.send["ann"]("GET", _at(acme, by_ann)).json() == by_ann


@pytest.mark.each_database
def test_a_deleted_comment_stays_while_there_is_a_reply(acme: Widgets) -> None:
    """Without its text; it goes with the last reply, and so do deleted ones above it."""
    first = _say(acme, "One", at="v1")
    second = _say(acme, "Two", at="v1", parent={"id": first["id"]})
    third = _say(acme, "Three", at="v1", parent={"id": second["id"]})
    for comment in (first, second):
        assert acme.send["ann"]("DELETE", _at(acme, comment)).status_code == 204
        left = acme.send["ann"]("GET", _at(acme, comment)).json()
        assert (left["deleted"], left["content"]["raw"], left["content"]["html"]) == (True, "", "")
    assert acme.send["ann"]("DELETE", _at(acme, first)).status_code == 204
    assert acme.send["ann"]("PUT", _at(acme, first), json={"content": {"raw": "Again"}}).status_code == 404
    assert _listed(acme, "v1", "&q=deleted=false") == [third["id"]]
    assert _listed(acme, "v1") == [first["id"], second["id"], third["id"]]
    assert acme.send["ann"]("DELETE", _at(acme, third)).status_code == 204
    assert _listed(acme, "v1") == []
    assert acme.send["ann"]("DELETE", _at(acme, third)).status_code == 404


def test_a_comment_is_told_with_its_change(acme: Widgets) -> None:
    """A new comment is an event of the repository; one that is refused is none."""
    before = _events(acme)
    made = _say(acme, "Told")
    acme.send["ann"]("POST", f"{BELOW}/commit/main/comments", json={"content": {"raw": " "}})
    new = _events(acme)[len(before) :]
    told = {"comment": made["id"], "commit": acme.id("main"), "content": "Told"}
    assert new == [("repo:commit_comment_created", told)]


def _events(acme: Widgets) -> list[tuple[str, Any]]:
    async def job(host: Host) -> list[tuple[str, Any]]:
        (repository,) = await host.store.database.read("SELECT id FROM repositories WHERE uuid = ?", acme.uuid)
        found = await list_events(host.store.database, repository[0])
        return [(event.key, event.payload) for event in found if "comment" in event.key]

    events: list[tuple[str, Any]] = acme.host.work(job)
    return events


_TEXT = {"raw": "Text"}


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"content": "required key not provided"}),
        ({"content": {}}, {"content": "required key not provided"}),
        ({"content": "Text"}, {"content": "of another type"}),
        ([], {"": "expected a dictionary"}),
        ({"content": {"raw": "  \n"}}, {"content": ["This field may not be blank."]}),
        ({"content": {"raw": "x\0"}}, {"content": ["It has a NUL character."]}),
        ({"content": {"raw": "x" * 65_537}}, {"content": ["At most 65536 characters are taken."]}),
        ({"content": _TEXT, "inline": {"path": ""}}, {"inline": ["This is no path of a file."]}),
        ({"content": _TEXT, "inline": {"path": "a", "to": 0}}, {"inline": ["A line is a number from 1 on."]}),
        ({"content": _TEXT, "inline": {"path": "a", "from": 2**31}}, {"inline": ["A line is a number from 1 on."]}),
        ({"content": _TEXT, "inline": {"path": "a", "from": "x"}}, {"inline.from": "of another type"}),
        ({"content": _TEXT, "parent": {}}, {"parent": "of another type"}),
    ],
)
def test_a_bad_comment_is_refused(acme: Widgets, body: Any, fields: Any) -> None:
    """The answer names the member, and nothing is kept."""
    before = _listed(acme, "main")
    answer = acme.send["ann"]("POST", f"{BELOW}/commit/main/comments", json=body)
    assert (answer.status_code, answer.json()["error"]["fields"]) == (400, fields)
    assert _listed(acme, "main") == before


@pytest.mark.parametrize("raw", [r"\ud800", r"\udcff x"])
def test_half_a_character_is_refused(acme: Widgets, raw: str) -> None:
    """What no database can keep is a 400."""
    body = f'{{"content": {{"raw": "{raw}"}}}}'
    answer = acme.send["ann"]("POST", f"{BELOW}/commit/main/comments", content=body.encode())
    assert answer.status_code == 400


def test_a_parent_is_on_the_same_commit(acme: Widgets) -> None:
    """One on another commit is a 400, one of another repository or none at all a 404 with its id."""
    elsewhere = [_say(acme, "There", at="v1"), _say(acme, "There", below=OPEN)]
    for parent, status in (
        (elsewhere[0]["id"], 400),
        (elsewhere[1]["id"], 404),
        *((id_, 404) for id_ in (10**15, 2**63, -(2**64))),
    ):
        body = {"content": _TEXT, "parent": {"id": parent}}
        answer = acme.send["ann"]("POST", f"{BELOW}/commit/main/comments", json=body)
        assert answer.status_code == status
    for target in (f"/commit/main/comments/{elsewhere[0]['id']}", "/commit/main/comments/1000000"):
        missing = acme.get(target)
        assert (missing.status_code, missing.json()["error"]["message"]) == (404, target.rpartition("/")[2])
    assert acme.get("/commit/none/comments").status_code == 404
    assert acme.get("/commit/main/comments/first").status_code == 404


# Approvals


def _approve(acme: Widgets, who: str, *, method: str = "POST", below: str = BELOW) -> httpx.Response:
    return acme.send[who](method, f"{below}/commit/topic/approve")


def _approvers(acme: Widgets, below: str = BELOW) -> list[str]:
    found = acme.send["ann"]("GET", f"{below}/commit/topic").json()["participants"]
    return [one["user"]["display_name"] for one in found]


def test_an_approval_is_shown_with_the_commit(acme: Widgets) -> None:
    """Once, as the participant that the approval answers, until it is withdrawn."""
    given = _approve(acme, "ann").json()
    assert given == _approve(acme, "ann").json()
    assert acme.get("/commit/topic").json()["participants"] == [given]
    assert {name: given[name] for name in ("type", "role", "approved", "state")} == {
        "type": "participant",
        "role": "PARTICIPANT",
        "approved": True,
        "state": "approved",
    }
    for _ in range(2):
        withdrawn = _approve(acme, "ann", method="DELETE")
        assert (withdrawn.status_code, withdrawn.content) == (204, b"")
    assert acme.get("/commit/topic").json()["participants"] == []


def test_reading_what_is_public_is_not_enough_to_approve(acme: Widgets) -> None:
    """A user without a grant may comment on commits of a public repository, and may not approve them."""
    refused = _approve(acme, "ben", below=OPEN)
    assert (refused.status_code, _approve(acme, "ben", method="DELETE", below=OPEN).status_code) == (403, 403)
    assert _approvers(acme, OPEN) == []
    assert (_approve(acme, "ann", below=OPEN).status_code, _approvers(acme, OPEN)) == (200, ["Ann Lee"])


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/commit/main/comments"),
        ("PUT", "/commit/main/comments/1"),
        ("DELETE", "/commit/main/comments/1"),
        ("POST", "/commit/main/approve"),
        ("DELETE", "/commit/main/approve"),
    ],
)
def test_strangers_write_nothing(acme: Widgets, method: str, target: str) -> None:
    """A private repository is like a missing one; without a credential even a public one takes nothing."""
    body = {"json": {"content": _TEXT}} if method in ("POST", "PUT") else {}
    assert acme.send["ben"](method, BELOW + target, **body).status_code == 404
    assert acme.send["anonymous"](method, OPEN + target, **body).status_code == 401


def test_an_app_comments_as_the_workspace(acme: Widgets) -> None:
    """The author is the account that it is installed on; the app alone changes what it wrote, and approves nothing."""
    app = acme.send["app"]
    made = app("POST", f"{BELOW}/commit/main/comments", json={"content": _TEXT}).json()
    assert (made["user"]["type"], made["user"]["username"]) == ("team", "acme")
    changed = app("PUT", _at(acme, made), json={"content": {"raw": "Other"}})
    assert changed.json()["content"]["raw"] == "Other"
    assert acme.send["ann"]("PUT", _at(acme, made), json={"content": _TEXT}).status_code == 403
    assert app("PUT", _at(acme, _say(acme, "By ann")), json={"content": _TEXT}).status_code == 403
    assert _approve(acme, "app").status_code == 403
    assert app("DELETE", _at(acme, made)).status_code == 204

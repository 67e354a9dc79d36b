"""Payloads of events, compared member by member with those that were captured from the cloud."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from roadstead.bitbucket.events import PAYLOADS
from roadstead.bitbucket.refs import events as pushes
from roadstead.domain.access.credentials import find_token
from roadstead.domain.host import Host
from roadstead.domain.people.users import create_user
from roadstead.domain.people.workspaces import create_workspace
from roadstead.domain.repositories.creation import create_repository, import_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.repository_transfer import transfer_repository
from roadstead.errors import GitFailed, HostBusy
from roadstead.events.catalogue import CATALOGUE
from tests.api.stocked import Stocked, stocked, workspace
from tests.live import AppClient, LiveHost, recording_app, sender
from tests.webhooks.payloads import (
    BRANCH,
    BRIEF,
    FORM,
    NEW_COMMIT,
    PROJECT,
    REPOSITORY,
    TAG,
    TARGET,
    TEAM,
    USER,
    WORKSPACE,
    same,
    told_by,
)

Told = Callable[[Callable[[], Any]], list[tuple[str, dict[str, Any]]]]
SLUG = "hears"


@pytest.fixture(scope="module")
def people(host: LiveHost) -> tuple[str, str]:
    return workspace(host, SLUG)


@pytest.fixture(scope="module")
def widgets(host: LiveHost, people: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Stocked:
    """Return a repository with a commit on its main branch."""
    made = stocked(host, tmp_path_factory.mktemp("widgets"), SLUG, people)
    made.work.commit("first")
    made.push("main")
    return made


@pytest.fixture
def told(host: LiveHost) -> Told:
    return partial(told_by, host)


def _one(told: list[tuple[str, dict[str, Any]]], key: str) -> dict[str, Any]:
    """Return the payload of the only event, which has that key, and expect who acts and where."""
    ((named, payload),) = told
    assert named == key
    assert CATALOGUE[key].fires
    same(payload["actor"], TEAM if payload["actor"]["type"] == "team" else USER)
    if "repository" in payload:
        _is_full(payload["repository"])
    return payload


def _is_full(repository: dict[str, Any]) -> None:
    same(repository, REPOSITORY)
    same(repository["owner"], TEAM)
    same(repository["workspace"], WORKSPACE)
    same(repository["project"], PROJECT)
    if repository["parent"] is not None:
        same(repository["parent"], BRIEF)


# Pushes

_FORMS: dict[str, tuple[set[str], set[str], bool]] = {
    "created": (BRANCH, {"commits", "html"}, True),
    "forward": (BRANCH, {"commits", "html", "diff"}, True),
    "forced": (BRANCH, {"commits", "html"}, True),
    "deleted": (BRANCH, set(), False),
    "lightweight": (TAG, {"commits"}, False),
    "annotated": (TAG, {"commits"}, False),
    "tag deleted": (TAG, set(), False),
}
"""By form: the members of the ref, the links of the change, and whether it lists commits."""


def _push(widgets: Stocked, form: str) -> None:
    """Make a change of that form; those before it in the table have been made."""
    work = widgets.work
    match form:
        case "created":
            work.git("checkout", "--quiet", "-b", "feature/one")
            for number in range(6):
                work.commit(f"commit {number}", file="feature")
            widgets.push("feature/one")
        case "forward":
            work.commit("one more", file="feature")
            widgets.push("feature/one")
        case "forced":
            work.git("reset", "--quiet", "--hard", "HEAD~2")
            work.commit("another way", file="feature")
            widgets.push("feature/one")
        case "deleted":
            widgets.push(":feature/one")
        case "lightweight":
            work.git("tag", "v1")
            widgets.push("v1")
        case "annotated":
            work.git("tag", "-a", "v2", "-m", "Second")
            widgets.push("v2")
        case "tag deleted":
            widgets.push(":v1")


@pytest.mark.parametrize("form", list(_FORMS))  # no sample of them: each change needs those before
def test_a_push_is_told_by_the_form_of_each_change(widgets: Stocked, told: Told, form: str) -> None:
    """Each form has the captured members, flags, links and commits, and its new commits are the latest five."""
    payload = _one(told(lambda: _push(widgets, form)), "repo:push")
    assert set(payload) == {"push", "repository", "actor"}
    assert payload["actor"]["nickname"] == f"{SLUG}owner"
    (change,) = payload["push"]["changes"]
    ref, links, lists = _FORMS[form]
    same({**change, "links": {}}, {*FORM, "links{}", *(["commits"] if lists else [])})
    assert set(change.get("links", {})) == links
    assert ("links" in change) == bool(links)
    created, closed = change["old"] is None, change["new"] is None
    assert (change["created"], change["closed"], change["forced"]) == (created, closed, form == "forced")
    assert (created, closed) == (form in ("created", "lightweight", "annotated"), form.endswith("deleted"))
    for one in (change["old"], change["new"]):
        if one is not None:
            same(one, ref)
            same(one["target"], TARGET)
            assert set(one["target"]["author"]) == {"type", "raw"}
    _expect_commits(widgets, form, change)


def _expect_commits(widgets: Stocked, form: str, change: dict[str, Any]) -> None:
    for commit in change.get("commits", []):
        same(commit, NEW_COMMIT)
    messages = [commit["message"] for commit in change.get("commits", [])]
    expected = {
        "created": [f"commit {number}\n" for number in (5, 4, 3, 2, 1)],
        "forward": ["one more\n"],
        "forced": ["another way\n"],
    }
    assert messages == expected.get(form, [])
    assert change["truncated"] == (form == "created")
    tag = change["new"] if form in ("lightweight", "annotated") else None
    if tag is not None:
        facts = [tag[name] for name in ("message", "date", "tagger")]
        assert facts == [None, None, None] if form == "lightweight" else facts[0] == "Second\n"
    if form == "forward":
        old, new = (change[side]["target"]["hash"] for side in ("old", "new"))
        at, page = widgets.url, f"{widgets.place.host.url}/{widgets.place.repository.full_name}"
        assert {name: link["href"] for name, link in change["links"].items()} == {
            "commits": f"{at}/commits?include={new}&exclude={old}",
            "html": f"{page}/branches/compare/{new}..{old}",
            "diff": f"{at}/diff/{new}..{old}",
        }


def test_an_author_with_an_account_is_told_as_a_user(host: LiveHost, widgets: Stocked, told: Told) -> None:
    """By the address of the commit, in the target and in the list; each parent has hash and links."""
    host.work(lambda opened: create_user(opened, "writer", email="writer@example.com"))
    author = "Writer <writer@example.com>"
    widgets.work.git("checkout", "--quiet", "-B", "written", "main")
    widgets.work.git("commit", "--quiet", "--allow-empty", f"--author={author}", "-m", "by a user")
    (change,) = _one(told(partial(widgets.push, "HEAD:refs/heads/written")), "repo:push")["push"]["changes"]
    for commit in (change["new"]["target"], *change["commits"]):
        assert set(commit["author"]) == {"type", "raw", "user"}
        assert (commit["author"]["type"], commit["author"]["raw"]) == ("author", author)
        same(commit["author"]["user"], USER)
        assert commit["author"]["user"]["nickname"] == "writer"
        for parent in commit["parents"]:
            same(parent, {"type", "hash", "links{self html}"})
    assert change["commits"][0]["parents"]


def test_changes_of_one_push_are_told_together(widgets: Stocked, told: Told) -> None:
    """A push of a branch, a tag and a note is one event, which does not tell of the note."""
    widgets.work.git("notes", "add", "-m", "noted", "main")
    push = partial(widgets.push, "main:refs/heads/spare", "main:refs/tags/v3", "refs/notes/commits")
    changes = _one(told(push), "repo:push")["push"]["changes"]
    assert {(change["new"]["type"], change["new"]["name"]) for change in changes} == {
        ("branch", "spare"),
        ("tag", "v3"),
    }
    assert [change.get("commits") for change in changes if change["new"]["type"] == "branch"] == [[]]


def test_a_large_push_is_told_in_part(widgets: Stocked, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too large is cut: first the commits of a change, then changes; and the payload says so."""
    widgets.work.git("checkout", "--quiet", "-B", "large", "main")
    widgets.work.commit("x" * 3000, file="large")
    monkeypatch.setattr(pushes, "MOST_BYTES", 34_000)
    refs = [f"large:refs/heads/l{number}" for number in range(9)]
    push = _one(told(partial(widgets.push, *refs)), "repo:push")["push"]
    assert push["truncated"] is True
    assert [change["truncated"] for change in push["changes"]] == [False, True]
    assert [len(change["commits"]) for change in push["changes"]] == [1, 0]
    monkeypatch.setattr(pushes, "MOST_BYTES", 1)
    nothing = _one(told(partial(widgets.push, "main:refs/heads/last")), "repo:push")["push"]
    assert nothing == {"changes": [], "truncated": True}


@pytest.mark.parametrize(
    "failure", [HostBusy("All places are taken."), GitFailed("git took too long."), TimeoutError()]
)
def test_a_push_is_told_without_its_commits_if_git_cannot_list_them(
    widgets: Stocked, told: Told, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    """A busy host, or a history that takes too long, costs a payload its commits, and never the event."""

    async def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr("roadstead.git.history.page", fail)
    widgets.work.commit(f"{failure!r}", file="unlisted")
    (change,) = _one(told(partial(widgets.push, "HEAD:refs/heads/unlisted")), "repo:push")["push"]["changes"]
    assert (change["commits"], change["truncated"]) == ([], True)


def test_a_tag_of_a_file_has_no_target(widgets: Stocked, told: Told) -> None:
    """A tag may name what is no commit, and then leads nowhere."""
    widgets.work.git("tag", "-f", "of-a-file", "main:file")
    (change,) = _one(told(partial(widgets.push, "of-a-file")), "repo:push")["push"]["changes"]
    assert (change["new"]["target"], "links" in change) == (None, False)


def test_an_app_acts_as_its_workspace(host: LiveHost, widgets: Stocked, told: Told) -> None:
    """What an app does is told as done by the account on which it is installed, as on the cloud."""
    with recording_app(scopes=["repository:write"]) as app:
        api = AppClient(host.url, host.install(app, SLUG))
        body = {"name": "by-app", "target": {"hash": "main"}}
        payload = _one(told(lambda: api("POST", f"{widgets.at}/refs/branches", json=body)), "repo:push")
    assert (payload["actor"]["type"], payload["actor"]["username"]) == ("team", SLUG)


# Repositories and projects


def test_what_happens_to_repositories_is_told(host: LiveHost, people: tuple[str, str], told: Told) -> None:
    """Created, renamed, forked and deleted: each has the full repository, also when that is gone."""
    send = sender(host, f"Bearer {people[0]}")
    at = f"/2.0/repositories/{SLUG}"
    created = _one(told(lambda: send("POST", f"{at}/gadget", json={})), "repo:created")
    assert set(created) == {"repository", "actor"}

    changed = _one(told(lambda: send("PUT", f"{at}/gadget", json={"name": "Gizmo"})), "repo:updated")
    assert set(changed) == {"repository", "actor", "changes"}
    assert changed["changes"] == {
        "name": {"new": "Gizmo", "old": "gadget"},
        "full_name": {"new": f"{SLUG}/gizmo", "old": f"{SLUG}/gadget"},
        "slug": {"new": "gizmo", "old": "gadget"},
        "links": {"new": {}, "old": {}},
    }
    described = _one(told(lambda: send("PUT", f"{at}/gizmo", json={"description": "New"})), "repo:updated")
    assert described["changes"] == {"description": {"new": "New", "old": ""}}

    (first, of_fork), (second, forked) = told(lambda: send("POST", f"{at}/gizmo/forks", json={"name": "copy"}))
    assert (first, second) == ("repo:created", "repo:fork")
    _is_full(forked["fork"])
    assert (forked["repository"]["name"], forked["fork"]["name"]) == ("Gizmo", "copy")
    assert of_fork["repository"] == forked["fork"]

    deleted = _one(told(lambda: send("DELETE", f"{at}/copy")), "repo:deleted")
    assert deleted["repository"]["full_name"] == f"{SLUG}/copy"
    assert deleted["repository"]["parent"]["full_name"] == f"{SLUG}/gizmo"


def test_a_transfer_is_told(host: LiveHost, people: tuple[str, str], told: Told) -> None:
    """It is told with the workspace from which the repository came, and the repository is that of its new place."""
    there = f"{SLUG}-there"

    async def job(opened: Host) -> None:
        owner = await find_token(opened, people[0])
        assert owner is not None
        await create_workspace(opened, there, name=None, owner=f"{SLUG}owner")
        made = await create_repository(opened, owner, SLUG, "goes", RepositoryChanges(is_private=True))
        await transfer_repository(opened, owner, made, there)

    _, (key, payload) = told(lambda: host.work(job))
    transferred = _one([(key, payload)], "repo:transfer")
    assert set(transferred) == {"repository", "previous_workspace", "actor"}
    assert transferred["repository"]["full_name"] == f"{there}/goes"
    same(transferred["previous_workspace"], WORKSPACE)
    assert transferred["previous_workspace"]["slug"] == SLUG
    moved = sender(host, f"Bearer {people[0]}")("GET", f"/2.0/repositories/{SLUG}/goes/refs?q=x")
    assert (moved.status_code, moved.headers["Location"]) == (
        301,
        f"{host.url}/2.0/repositories/{there}/goes/refs?q=x",
    )


def test_an_import_is_told(host: LiveHost, people: tuple[str, str], widgets: Stocked, told: Told) -> None:
    """A repository that is imported is told as imported, not as created."""

    async def job(opened: Host) -> None:
        owner = await find_token(opened, people[0])
        assert owner is not None
        await import_repository(opened, owner, SLUG, "brought", RepositoryChanges(), widgets.work.folder)

    assert set(_one(told(lambda: host.work(job)), "repo:imported")) == {"repository", "actor"}


def test_a_changed_project_is_told_without_a_repository(host: LiveHost, people: tuple[str, str], told: Told) -> None:
    """A project's event has the project and what has changed of it."""
    send = sender(host, f"Bearer {people[0]}")
    at = f"/2.0/workspaces/{SLUG}/projects/OPEN"
    payload = _one(told(lambda: send("PUT", at, json={"name": "Opened"})), "project:updated")
    assert set(payload) == {"project", "changes", "actor"}
    assert payload["changes"] == {"name": {"new": "Opened", "old": "Open"}}
    expected = send("GET", at).json()
    assert payload["project"] == expected


def test_a_comment_on_a_commit_is_told_as_it_was_written(widgets: Stocked, told: Told) -> None:
    """The event has the text that the comment had then, and the comment has the members of the API."""
    at = f"{widgets.at}/commit/main/comments"

    def write_and_change() -> None:
        made = widgets.send("POST", at, json={"content": {"raw": "*First*"}}).json()
        widgets.send("PUT", f"{at}/{made['id']}", json={"content": {"raw": "Second"}})

    payload = _one(told(write_and_change), "repo:commit_comment_created")
    assert set(payload) == {"comment", "commit", "repository", "actor"}
    same(payload["commit"], {"type", "hash", "links{self html}"})
    assert payload["comment"]["content"]["raw"] == "*First*"
    assert payload["comment"]["content"]["html"] == "<p><em>First</em></p>"
    shown = widgets.send("GET", f"{at}/{payload['comment']['id']}").json()
    assert set(payload["comment"]) == set(shown)
    same(payload["comment"]["user"], USER)
    same(payload["comment"]["commit"], {"type", "hash", "links{self html}"})


STATUS = {
    *("type", "key", "name", "description", "url", "state", "refname", "created_on", "updated_on", "commit"),
    *("repository", "links{self commit}"),
}


def test_statuses_are_told_as_they_were_given(widgets: Stocked, told: Told) -> None:
    """A new status is created, one with its key, or a change, updated; each event has the state of its moment."""
    at = f"{widgets.at}/commit/main/statuses/build"
    given = {"key": "unit", "url": "https://ci.example.com/1"}

    def build() -> None:
        widgets.send("POST", at, json={**given, "state": "INPROGRESS"})
        widgets.send("POST", at, json={**given, "state": "FAILED"})
        widgets.send("PUT", f"{at}/unit", json={"state": "SUCCESSFUL"})

    states = []
    for key, payload in told(build):
        _one([(key, payload)], key)
        assert set(payload) == {"commit_status", "repository", "actor"}
        same(payload["commit_status"], STATUS)
        same(payload["commit_status"]["commit"], {"type", "hash", "author", "date", "message", "links{self html}"})
        same(payload["commit_status"]["repository"], BRIEF)
        assert (payload["commit_status"]["type"], set(payload["commit_status"]["commit"]["author"])) == (
            "build",
            {"type", "raw"},
        )
        states.append((key.rpartition("_")[2], payload["commit_status"]["state"]))
    assert states == [("created", "INPROGRESS"), ("updated", "FAILED"), ("updated", "SUCCESSFUL")]


# Samples


def test_each_event_that_fires_has_a_sample(host: LiveHost, widgets: Stocked) -> None:
    """A sample is a payload about real objects, and nothing happens; what cannot fire yet has none."""

    async def samples(opened: Host) -> dict[str, Any]:
        repository = widgets.place.repository
        found = await opened.store.database.read("SELECT mainbranch FROM repositories WHERE id = ?", repository.id)
        now = msgspec.structs.replace(repository, mainbranch=found[0][0])
        return {key: await PAYLOADS.sample(opened, key, now) for key in CATALOGUE}

    widgets.send("POST", f"{widgets.at}/commit/main/comments", json={"content": {"raw": "Here"}})
    status = {"key": "x", "state": "FAILED", "url": "https://ci.example.com"}
    widgets.send("POST", f"{widgets.at}/commit/main/statuses/build", json=status)
    made: dict[str, Any] = host.work(samples)
    assert {key for key, sample in made.items() if sample} == {key for key, kind in CATALOGUE.items() if kind.fires}
    for key, sample in made.items():
        if sample:
            _one([(key, sample)], key)
    (change,) = made["repo:push"]["push"]["changes"]
    assert change["new"]["name"] == "main"


def test_what_is_gone_is_not_told(host: LiveHost, people: tuple[str, str], told: Told, tmp_path: Path) -> None:
    """Of a deleted repository nothing is told but that it is deleted."""
    made = stocked(host, tmp_path, SLUG, people)
    made.work.commit("first")

    def push_and_delete() -> None:
        made.push("main")
        made.send("DELETE", made.at)

    assert [(key, payload is None) for key, payload in told(push_and_delete)] == [
        ("repo:push", True),
        ("repo:deleted", False),
    ]

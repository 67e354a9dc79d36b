"""Statuses of commits: what may be given, what replaces what, and which are listed."""

import itertools
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users
from roadstead.domain.repositories import statuses
from tests.api.repositories import Made, repository
from tests.live import AppClient, LiveHost, recording_app, sender

Send = Callable[..., httpx.Response]
URL = "https://ci.example.com/builds/{repository.full_name}/7?x=1"
GIVEN = {"state": "INPROGRESS", "url": URL}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def made(host: LiveHost) -> Made:
    return repository(host, is_private=False)


@pytest.fixture(scope="module")
def at(made: Made) -> str:
    return f"{made.below}/commit/{made.commit}/statuses"


@pytest.fixture(scope="module")
def send(host: LiveHost) -> Send:
    return sender(host, f"Bearer {host.api_token()}")


@pytest.fixture
def key() -> str:
    """Return a key that no status has."""
    return f"ci/unit {next(_numbers)}"


def test_a_status_has_the_captured_members(host: LiveHost, made: Made, at: str, send: Send, key: str) -> None:
    """A new status is a 201 with `Location`; without a description it has an empty one; links have the whole id."""
    answer = send("POST", f"{at.replace(made.commit, made.commit[:7])}/build", json={**GIVEN, "key": key})
    status = answer.json()
    url = f"{host.url}{at}/build/{quote(key, safe='')}"
    assert (answer.status_code, answer.headers["Location"]) == (201, url)
    commit = f"{host.url}{made.below}/commit/{made.commit}"
    page = f"{host.url}/{made.repository.full_name}/commits/{made.commit}"
    assert set(status["repository"]) == {"type", "full_name", "links", "name", "uuid"}
    assert {name: status[name] for name in set(status) - {"repository", "created_on", "updated_on"}} == {
        "type": "build",
        "key": key,
        "name": key,
        "state": "INPROGRESS",
        "description": "",
        "url": URL,
        "refname": None,
        "commit": {
            "type": "commit",
            "hash": made.commit,
            "links": {"self": {"href": commit}, "html": {"href": page}},
        },
        "links": {"self": {"href": url}, "commit": {"href": commit}},
    }
    assert send("GET", url.removeprefix(host.url)).json() == status


def test_the_same_key_replaces_and_keeps_when_it_began(at: str, send: Send, key: str) -> None:
    """A second POST is a 200 with a new status at the same place; what it leaves out is as at first."""
    first = send("POST", f"{at}/build", json={**GIVEN, "key": key, "description": "Began", "refname": "main"}).json()
    answer = send("POST", f"{at}/build", json={**GIVEN, "key": key, "state": "SUCCESSFUL"})
    second = answer.json()
    assert answer.status_code == 200
    assert (second["state"], second["description"], second["refname"]) == ("SUCCESSFUL", "", None)
    assert second["created_on"] == first["created_on"] < second["updated_on"]
    assert [one["key"] for one in send("GET", f"{at}?pagelen=100").json()["values"]].count(key) == 1


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"state": "FAILED"}, {"state": "FAILED"}),
        ({"description": "42 tests", "name": "Unit"}, {"description": "42 tests", "name": "Unit"}),
        ({"refname": None, "description": None}, {"refname": None}),
        ({"key": "another", "type": "build"}, {}),
    ],
)
def test_a_status_is_changed_in_part(
    at: str, send: Send, key: str, changes: dict[str, Any], told: dict[str, Any]
) -> None:
    """What a PUT leaves out stays, and so does the key."""
    before = send("POST", f"{at}/build", json={**GIVEN, "key": key, "refname": "main", "description": "x"}).json()
    answer = send("PUT", f"{at}/build/{quote(key, safe='')}", json=changes)
    after = answer.json()
    assert answer.status_code == 200
    assert after == {**before, **told, "updated_on": after["updated_on"]}


def test_a_status_may_be_a_form(at: str, send: Send, key: str) -> None:
    """Older clients send forms."""
    assert send("POST", f"{at}/build", data={**GIVEN, "key": key}).status_code == 201


@pytest.mark.parametrize(
    ("changes", "field", "text"),
    [
        ({"key": None}, "key", "This field is required."),
        ({"state": None}, "state", "This field is required."),
        ({"url": ""}, "url", "This field is required."),
        ({"key": "x" * 48}, "key", "Ensure this value has at most 40 characters (it has 48)."),
        ({"name": "x" * 256}, "name", "Ensure this value has at most 255 characters (it has 256)."),
        ({"state": "DONE"}, "state", "Use one of SUCCESSFUL, FAILED, INPROGRESS, STOPPED."),
        ({"url": "/builds/1"}, "url", "Enter a valid URL."),
        ({"url": "https://ci/builds/1"}, "url", "Enter a valid URL."),
        ({"url": "javascript:alert(1)"}, "url", "Enter a valid URL."),
        ({"refname": "a\0"}, "refname", "It has a NUL character."),
    ],
)
def test_a_bad_status_is_refused(at: str, send: Send, key: str, changes: dict[str, Any], field: str, text: str) -> None:
    """A bad status is a 400 with the cloud's words where they are known, and nothing is kept."""
    answer = send("POST", f"{at}/build", json={**GIVEN, "key": key, **changes})
    error = answer.json()["error"]
    assert (answer.status_code, error["message"], error["fields"]) == (400, f"{field}: {text}", {field: [text]})
    assert send("GET", f"{at}/build/{quote(key, safe='')}").status_code == 404


def test_a_build_on_this_machine_is_linked(at: str, send: Send, key: str) -> None:
    """A URL of localhost or of an address is taken, as on the cloud."""
    for url in ("https://localhost:8080", "http://127.0.0.1/1", "http://[::1]:8080/x"):
        assert send("POST", f"{at}/build", json={**GIVEN, "key": key, "url": url}).status_code in (200, 201), url


def test_statuses_are_listed_by_ref_and_filter(host: LiveHost, send: Send) -> None:
    """Statuses come in the order of their creation; `refname` leaves out those of other refs, `q` and `sort` work."""
    made = repository(host)
    at = f"{made.below}/commit/main/statuses"
    for key, refname, state in (("a", "main", "FAILED"), ("b", None, "STOPPED"), ("c", "other", "FAILED")):
        send("POST", f"{at}/build", json={**GIVEN, "key": key, "refname": refname, "state": state})

    def keys(query: str) -> list[str]:
        return [one["key"] for one in send("GET", f"{at}{query}").json()["values"]]

    assert keys("") == ["a", "b", "c"]
    assert keys("?refname=main") == ["a", "b"]
    assert keys("?refname=none") == ["b"]
    assert keys('?q=state="FAILED"&sort=-created_on') == ["c", "a"]
    page = send("GET", f"{at}?pagelen=2").json()
    assert (page["size"], page["pagelen"], "next" in page, send("GET", at).json()["pagelen"]) == (3, 2, True, 30)


def test_what_is_not_there_is_a_404(made: Made, at: str, send: Send) -> None:
    """A missing commit, and a missing key, also one that no status can have."""
    missing = f"{made.below}/commit/{'0' * 40}/statuses"
    assert send("GET", missing).status_code == 404
    assert send("POST", f"{missing}/build", json={**GIVEN, "key": "x"}).status_code == 404
    for key in ("none", "x" * 100, "%00"):
        assert send("GET", f"{at}/build/{key}").status_code == 404
        assert send("PUT", f"{at}/build/{key}", json={"state": "FAILED"}).status_code == 404


def test_who_may_give_a_status(host: LiveHost, made: Made, at: str, key: str) -> None:
    """Everyone reads statuses of a public repository; an app with the scope gives them, and a stranger may not."""

    async def stranger(opened: Host) -> str:
        user = await users.create_user(opened, f"stranger-{next(_numbers)}")
        return (await credentials.create_api_token(opened, "test", None, user_id=user.id))[0]

    given = {**GIVEN, "key": key}
    assert sender(host, None)("GET", at).status_code == 200
    assert sender(host, None)("POST", f"{at}/build", json=given).status_code == 401
    assert sender(host, f"Bearer {host.work(stranger)}")("POST", f"{at}/build", json=given).status_code == 403
    for scopes, status in ((["account"], 403), (["repository"], 201)):
        with recording_app(scopes=scopes) as app:
            api = AppClient(host.url, host.install(app))
            assert api("POST", f"{at}/build", json=given).status_code == status


def test_a_commit_has_a_most_of_statuses(host: LiveHost, send: Send, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than the most is a 400; those that are there can still be replaced."""
    monkeypatch.setattr(statuses, "MOST_OF_COMMIT", 1)
    at = f"{repository(host).below}/commit/main/statuses/build"
    answers = [send("POST", at, json={**GIVEN, "key": key}).status_code for key in ("a", "b", "a")]
    assert answers == [201, 400, 200]

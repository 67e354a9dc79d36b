"""Application properties: what an app keeps beside repositories, commits and users, and who may read and change it."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from roadstead.domain import properties
from roadstead.domain.access import credentials
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.people import users
from roadstead.domain.repositories.changes import delete_repository
from roadstead.errors import WrongCredential
from roadstead.model import User, Viewer
from tests.api.repositories import Made, host_operator, repository
from tests.live import AppClient, LiveHost, RecordingApp, recording_app

MISSING = "0" * 40
PUBLIC = {"stars": 5, "_attributes": ["public"]}
PRIVATE = {"stars": 5, "nested": [{"a-b_C9": None}]}


@dataclass(frozen=True)
class Place:
    """Where an app keeps a property `rating`."""

    address: str
    key: str

    def of(self, name: str = "rating", *, app: str | None = None) -> str:
        return f"{self.address}/properties/{app or self.key}/{name}"


@pytest.fixture(scope="module")
def made(host: LiveHost) -> Made:
    return repository(host)


@pytest.fixture(scope="module")
def open_to_all(host: LiveHost) -> Made:
    return repository(host, is_private=False)


@pytest.fixture(scope="module")
def ann(host: LiveHost) -> tuple[User, str]:
    """Return a user who has no role anywhere, and a token of the user."""

    async def job(opened: Host) -> tuple[User, str]:
        user = await users.create_user(opened, "ann-of-properties")
        return user, (await credentials.create_api_token(opened, "test", None, user_id=user.id))[0]

    result: tuple[User, str] = host.work(job)
    return result


@pytest.fixture(params=["repository", "commit", "user"])
def place(request: pytest.FixtureRequest, api: AppClient, open_to_all: Made, ann: tuple[User, str]) -> Place:
    """Return each kind of place: everyone sees the repository."""
    addresses = {
        "repository": open_to_all.below,
        "commit": f"{open_to_all.below}/commit/{open_to_all.commit}",
        "user": f"/2.0/users/{ann[0].uuid}",
    }
    return Place(addresses[request.param], api.installation.app_key)


@pytest.fixture
def other(host: LiveHost) -> Iterator[AppClient]:
    """Yield another app in the same workspace."""
    with recording_app() as app:
        yield AppClient(host.url, host.install(app))


def _as(host: LiveHost, token: str, method: str, target: str, **request: Any) -> httpx.Response:
    return httpx.request(method, f"{host.url}{target}", headers={"Authorization": f"Bearer {token}"}, **request)


def test_a_property_is_kept_until_it_is_deleted(api: AppClient, place: Place) -> None:
    """What was put is read, replaced and deleted; each name, and each place, has its own value."""
    assert api("GET", place.of()).status_code == 404
    for value in (PRIVATE, PUBLIC, {}):
        assert (api("PUT", place.of(), json=value).status_code, api("GET", place.of()).json()) == (204, value)
    assert api("GET", place.of("another")).status_code == 404
    assert [api("DELETE", place.of()).status_code for _ in range(2)] == [204, 404]
    assert api("GET", place.of()).status_code == 404


def test_places_do_not_share_a_property(api: AppClient, made: Made, open_to_all: Made, ann: tuple[User, str]) -> None:
    """A repository, its commit, another repository and a user may each have one of the same name."""
    below = [made.below, f"{made.below}/commit/{made.commit}", open_to_all.below, f"/2.0/users/{ann[0].account_id}"]
    targets = [Place(address, api.installation.app_key).of() for address in below]
    for number, target in enumerate(targets):
        assert api("PUT", target, json={"number": number}).status_code == 204
    assert [api("GET", target).json()["number"] for target in targets] == [0, 1, 2, 3]


@pytest.mark.sample(2)
@pytest.mark.parametrize("name", ["main", "short", "whole"])
def test_a_commit_has_several_names(api: AppClient, made: Made, name: str) -> None:
    """A branch, the beginning of the id and the id name one commit, which must be there."""
    spelled = {"main": "main", "short": made.commit[:7], "whole": made.commit}[name]
    by_name, by_id = (
        Place(f"{made.below}/commit/{one}", api.installation.app_key).of() for one in (spelled, made.commit)
    )
    assert api("PUT", by_name, json={"named": name}).status_code == 204
    assert api("GET", by_id).json() == {"named": name}
    missing = by_id.replace(made.commit, MISSING)
    assert {api(method, missing, json={}).status_code for method in ("GET", "PUT", "DELETE")} == {404}


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "A property is a JSON object."),
        (b"", "A property is a JSON object."),
        (b'"text"', "A property is a JSON object."),
        (b'{"a b": 1}', "a b: a key must match"),
        (b'{"": 1}', "a key must match"),
        (b'{"list": [{"deep": [{"\xc3\xa4": 1}]}]}', "a key must match"),
        (b'{"_attributes": "public"}', "_attributes: expected a list"),
        (b'{"_attributes": ["secret"]}', "_attributes: expected a list"),
        (b'{"_attributes": [{}]}', "_attributes: expected a list"),
        (b'{"a": "' + b"x" * 32_761 + b'"}', "32,768 bytes"),
        (b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "levels"),
        (b'{"a": ' + b"[" * 15_000 + b"]" * 15_000 + b"}", "levels"),
        (b'{"a": 1', "JSON"),
    ],
)
def test_what_is_no_property_is_refused(api: AppClient, made: Made, body: bytes, said: str) -> None:
    """A 400 says what is wrong, and what was there stays."""
    target = Place(made.below, api.installation.app_key).of()
    api("PUT", target, json=PRIVATE)
    refused = api("PUT", target, content=body)
    assert (refused.status_code, said in refused.text) == (400, True), refused.text
    assert api("GET", target).json() == PRIVATE


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": "' + b"x" * 32_760 + b'"}',
        b'{"a": ' + b"[" * 98 + b"]" * 98 + b"}",
        b'{"a": 123456789012345678901234567890, "b": 1.5e300, "c": "\\u0000 \xf0\x9f\x8c\x8a", "d": [true, null]}',
    ],
)
def test_a_large_a_deep_and_an_odd_value_are_kept(api: AppClient, made: Made, body: bytes) -> None:
    """The limits belong to what is taken, and every JSON comes back as it was."""
    target = Place(made.below, api.installation.app_key).of()
    assert api("PUT", target, content=body).status_code == 204
    assert api("GET", target).json() == httpx.Response(200, content=body).json()


@pytest.mark.sample(2)
@pytest.mark.parametrize(("name", "status"), [("a-b_C9", 204), ("a" * 255, 204), ("a" * 256, 400), ("a%20b", 400)])
def test_a_name_has_the_documented_form(api: AppClient, made: Made, name: str, status: int) -> None:
    """Letters, digits, hyphens and underscores."""
    target = Place(made.below, api.installation.app_key).of(name)
    assert api("PUT", target, json={}).status_code == status


def test_only_the_app_writes_and_others_read_what_is_public(
    api: AppClient, host: LiveHost, other: AppClient, place: Place, ann: tuple[User, str]
) -> None:
    """Another app, the operator, a user and the exchanged token of the app itself: none of them changes anything."""
    exchanged = _exchanged(api)
    for value in (PRIVATE, PUBLIC):
        api("PUT", place.of(), json=value)
        for method in ("PUT", "DELETE"):
            strangers = [
                other(method, place.of(), json={}),
                *(_as(host, token, method, place.of(), json={}) for token in (host.api_token(), ann[1], exchanged)),
            ]
            assert {(one.status_code, one.json()["error"]["message"][:14]) for one in strangers} == {
                (403, "Access denied.")
            }
        read = 200 if value is PUBLIC else 404
        readers = [other("GET", place.of()), *(_as(host, one, "GET", place.of()) for one in (host.api_token(), ann[1]))]
        assert {one.status_code for one in readers} == {read}
        assert _as(host, exchanged, "GET", place.of()).json() == value
        assert api("GET", place.of()).json() == value
        assert httpx.get(f"{host.url}{place.of()}").status_code == 401
    assert api("PUT", place.of(app=other.installation.app_key), json={}).status_code == 403


def _exchanged(api: AppClient) -> str:
    target = "/site/oauth2/access_token"
    token: str = api("POST", target, data={"grant_type": "urn:bitbucket:oauth2:jwt"}).json()["access_token"]
    return token


def test_what_one_may_not_see_has_no_property(
    api: AppClient, host: LiveHost, made: Made, ann: tuple[User, str]
) -> None:
    """A public property of a private repository is for those who see the repository."""
    target = Place(made.below, api.installation.app_key).of()
    api("PUT", target, json=PUBLIC)
    for method in ("GET", "PUT", "DELETE"):
        missing = _as(host, ann[1], method, target.replace(made.repository.slug, "nope"), json={})
        hidden = _as(host, ann[1], method, target, json={})
        assert (hidden.status_code, hidden.text) == (missing.status_code, missing.text) == (404, missing.text)
    assert _as(host, host.api_token(), "GET", target).json() == PUBLIC


def test_an_app_without_a_scope_for_repositories_sees_none(host: LiveHost, open_to_all: Made, made: Made) -> None:
    """Its properties of users it keeps all the same."""
    with recording_app(scopes=["account"]) as app:
        api = AppClient(host.url, host.install(app))
        for address in (made.below, open_to_all.below, f"{made.below}/commit/main"):
            for method in ("GET", "PUT", "DELETE"):
                assert api(method, Place(address, app.key).of(), json={}).status_code == 403
        operator: User = host.work(Host.find_operator)
        assert api("PUT", Place(f"/2.0/users/{operator.uuid}", app.key).of(), json={}).status_code == 204


def test_each_installation_has_its_own(
    api: AppClient, host: LiveHost, connect_app: RecordingApp, open_to_all: Made, ann: tuple[User, str]
) -> None:
    """The same app in another workspace writes to no repository here, and to its own properties of a user."""
    elsewhere = AppClient(host.url, host.install(connect_app, "other-workspace"))
    of_repository = Place(open_to_all.below, connect_app.key).of()
    api("PUT", of_repository, json=PUBLIC)
    for method in ("PUT", "DELETE"):
        refused = elsewhere(method, of_repository, json={})
        assert (refused.status_code, "not installed" in refused.text) == (403, True)
    assert elsewhere("GET", of_repository).json() == PUBLIC
    of_user = Place(f"/2.0/users/{ann[0].uuid}", connect_app.key).of()
    api("PUT", of_user, json={"of": "first"})
    elsewhere("PUT", of_user, json={"of": "second", "_attributes": ["public"]})
    assert [one("GET", of_user).json()["of"] for one in (api, elsewhere)] == ["first", "second"]
    assert _as(host, ann[1], "GET", of_user).json()["of"] == "second"
    assert elsewhere("DELETE", of_user).status_code == 204
    assert api("GET", of_user).json()["of"] == "first"


def test_a_page_of_the_app_changes_what_is_not_read_only(api: AppClient, host: LiveHost, open_to_all: Made) -> None:
    """`AP.request` writes as the app does, and reads its private ones; the app itself changes read-only ones, too."""
    installed = api.installation
    target = Place(open_to_all.below, installed.app_key).of()

    def by_page(app_key: str, value: properties.Value | None) -> None:
        async def job(opened: Host) -> None:
            viewer = Viewer(installed.id, app_key, await opened.find_operator(), ("repository",))
            given = (opened, viewer, open_to_all.repository, "", installed.app_key, "rating")
            await (properties.delete_property(*given) if value is None else properties.put_property(*given, value))

        host.work(job)

    by_page(installed.app_key, {"by": "page"})
    assert api("GET", target).json() == {"by": "page"}
    with pytest.raises(WrongCredential, match="Only the app"):
        by_page("another", {})
    api("PUT", target, json={"_attributes": ["read_only"]})
    for value in ({"by": "page"}, None):
        with pytest.raises(WrongCredential, match="read-only"):
            by_page(installed.app_key, value)
    assert api("GET", target).json() == {"_attributes": ["read_only"]}
    assert api("PUT", target, json={}).status_code == 204
    by_page(installed.app_key, None)
    assert api("GET", target).status_code == 404


@pytest.mark.each_database
def test_properties_go_with_the_app_and_with_the_repository(host: LiveHost, connect_app: RecordingApp) -> None:
    """An app that is installed again finds nothing, and nothing is left of a repository that was deleted."""
    gone = repository(host)
    target = Place(gone.below, connect_app.key).of()
    for _ in range(2):
        api = AppClient(host.url, host.install(connect_app))
        assert api("GET", target).status_code == 404
        assert api("PUT", target, json={}).status_code == 204
        host.work(partial(installations.uninstall, installation_id=api.installation.id))
    api = AppClient(host.url, host.install(connect_app))
    assert api("PUT", target, json={}).status_code == 204

    async def delete(opened: Host) -> None:
        await delete_repository(opened, await host_operator(opened), gone.repository)

    host.work(delete)
    assert api("GET", target).status_code == 404


def test_of_many_writers_one_is_last(api: AppClient, host: LiveHost, ann: tuple[User, str]) -> None:
    """Several at once all succeed, and the value is that of one of them."""
    installed, key = api.installation, api.installation.app_key

    async def job(opened: Host) -> None:
        viewer = Viewer(installed.id, key, await opened.find_operator(), ("repository",))
        values = ({"number": number} for number in range(8))
        await asyncio.gather(
            *(properties.put_property(opened, viewer, ann[0], "", key, "raced", value) for value in values)
        )

    host.work(job)
    assert api("GET", Place(f"/2.0/users/{ann[0].uuid}", key).of("raced")).json()["number"] in range(8)

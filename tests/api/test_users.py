"""Users over HTTP: who sees which account, with which credential."""

import base64
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users
from roadstead.errors import Conflict, NotFound
from roadstead.model import User
from tests.live import AppClient, LiveHost, sender

Get = Callable[[str], httpx.Response]


@dataclass(frozen=True)
class People:
    """A user with an e-mail address, and the requests of each kind of credential."""

    url: str
    ann: User
    gets: dict[str, Get]

    @property
    def self_url(self) -> str:
        return f"{self.url}/2.0/users/{quote(self.ann.uuid, safe='')}"


async def _make(host: Host) -> tuple[User, dict[str, str]]:
    try:
        ann = await users.find_user(host, "ann")
    except NotFound:
        ann = await users.create_user(host, "ann", display_name="Ann Lee", email="Ann@Acme.example")
    limits = {"all": None, "account": "account", "email": "email", "repository": "repository:admin webhook"}
    tokens = {
        name: (await credentials.create_api_token(host, name, None, user_id=ann.id, scopes=scopes))[0]
        for name, scopes in limits.items()
    }
    tokens["operator"] = (await credentials.create_api_token(host, "operator", None))[0]
    return ann, tokens


def _basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


@pytest.fixture
def people(host: LiveHost, api: AppClient) -> People:
    ann, tokens = host.work(_make)
    headers = {name: f"Bearer {token}" for name, token in tokens.items()}
    headers["Basic with the user name"] = _basic("ann", tokens["all"])
    headers["Basic with an e-mail address"] = _basic("ANN@acme.example", tokens["all"])
    headers["Basic with another name"] = _basic("operator", tokens["all"])
    headers["Basic of the operator, with any name"] = _basic("x", tokens["operator"])
    headers["another token"] = "Bearer rst_guessed"
    gets: dict[str, Get] = {name: partial(sender(host, header), "GET") for name, header in headers.items()}
    gets["none"] = partial(sender(host, None), "GET")
    gets["app"] = partial(api, "GET")
    return People(host.url, ann, gets)


EXPECTED: dict[str, tuple[int, int, int, int]] = {
    "all": (200, 200, 200, 200),
    "account": (200, 403, 403, 200),
    "email": (403, 200, 200, 200),
    "repository": (403, 403, 403, 200),
    "Basic with the user name": (200, 200, 200, 200),
    "Basic with an e-mail address": (200, 200, 200, 200),
    "Basic with another name": (401, 401, 401, 401),
    "operator": (200, 200, 404, 200),
    "Basic of the operator, with any name": (200, 200, 404, 200),
    "another token": (401, 401, 401, 401),
    "none": (401, 401, 401, 401),
    "app": (200, 403, 403, 200),
}
"""The statuses by credential: of `/user`, the list of its addresses, Ann's address, and Ann's account."""


def test_every_credential_sees_what_it_may(people: People) -> None:
    """Each kind of credential at each operation; the app of this test has the scope `account`."""
    targets = (
        "/2.0/user",
        "/2.0/user/emails",
        "/2.0/user/emails/Ann@acme.example",
        f"/2.0/users/{people.ann.account_id}",
    )
    given = {name: tuple(get(target).status_code for target in targets) for name, get in people.gets.items()}
    assert given == EXPECTED


def test_a_user_has_the_shapes_of_the_cloud(people: People) -> None:
    """Everyone sees the same members in the same order; only the user sees `username` and two more."""
    uuid = quote(people.ann.uuid, safe="")
    public: dict[str, Any] = {
        "type": "user",
        "display_name": "Ann Lee",
        "uuid": people.ann.uuid,
        "account_id": people.ann.account_id,
        "nickname": "ann",
        "links": {
            "self": {"href": people.self_url},
            "avatar": {"href": f"{people.url}/account/Ann%20Lee/avatar/"},
            "html": {"href": f"{people.url}/{uuid}/"},
        },
        "created_on": people.ann.created_on.isoformat(timespec="microseconds"),
        "account_status": "active",
        "is_staff": False,
    }
    get = people.gets["all"]
    for name in (uuid, people.ann.account_id):
        for reader in ("all", "operator", "app"):
            assert list(people.gets[reader](f"/2.0/users/{name}").json().items()) == list(public.items())
    assert get("/2.0/user").json() == {**public, "username": "ann", "has_2fa_enabled": None, "location": None}
    assert get("/2.0/user?fields=nickname,links.self").json() == {
        "nickname": "ann",
        "links": {"self": {"href": people.self_url}},
    }
    picture = httpx.get(public["links"]["avatar"]["href"])
    assert (picture.headers["Content-Type"].partition(";")[0], ">AL<" in picture.text) == ("image/svg+xml", True)


def test_the_operator_is_the_actor_of_lifecycle_calls(people: People, host: LiveHost) -> None:
    """Apps meet the same account in their calls as in the API."""
    sender = host.work(Host.sender)
    operator = people.gets["operator"]("/2.0/user").json()
    assert (operator["uuid"], operator["account_id"]) == (sender.actor.uuid, sender.actor.account_id)
    assert (operator["username"], operator["display_name"]) == ("operator", "Operator")


def test_addresses_are_a_list(people: People) -> None:
    """The envelope, the item, its link, which is not encoded, and a filter."""
    get = people.gets["email"]
    item = {
        "type": "email",
        "links": {"self": {"href": f"{people.url}/2.0/user/emails/ann@acme.example"}},
        "email": "ann@acme.example",
        "is_primary": True,
        "is_confirmed": True,
    }
    assert get("/2.0/user/emails").json() == {"size": 1, "page": 1, "pagelen": 10, "values": [item]}
    assert get("/2.0/user/emails/ann@acme.example").json() == item
    assert get("/2.0/user/emails?q=is_primary%3Dfalse").json()["size"] == 0
    assert people.gets["operator"]("/2.0/user/emails").json()["size"] == 0


@pytest.mark.sample(3)
@pytest.mark.parametrize("selected", ["ann", "ann@acme.example", "%7B%7D", "1", "x%00y", "%F0%9F%92%A9", "a%2Fb"])
def test_a_user_is_found_by_uuid_or_account_id_alone(people: People, selected: str) -> None:
    """A user name or an address that another user tries is no name of an account, as on the cloud since 2019."""
    answer = people.gets["all"](f"/2.0/users/{selected}")
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("No user with identifier '")


def test_only_an_administrator_is_an_operator(people: People, host: LiveHost) -> None:
    """A user's token, and the operator's with a limit, open none of the host's own addresses that need an operator."""
    elsewhere = {"Host": "roadstead.example"}
    limited = host.work(lambda host: credentials.create_api_token(host, "x", None, scopes="account"))[0]
    tokens = {name: token for name, token in host.work(_make)[1].items() if name in ("all", "operator")}
    given = {
        name: httpx.get(f"{host.url}/-/audit", headers={**elsewhere, "Authorization": f"Bearer {token}"}).status_code
        for name, token in {**tokens, "limited": limited}.items()
    }
    assert given == {"all": 403, "operator": 200, "limited": 403}


def test_deactivation_ends_everything_at_once(host: LiveHost) -> None:
    """A user's tokens, session and unused sign-in link end before the command does, and no others can be made."""

    async def make(host: Host) -> tuple[User, str, str, str]:
        user = await users.create_user(host, "leaver")
        token, _ = await credentials.create_api_token(host, "x", None, user_id=user.id)
        used, unused = [await credentials.sign_in_link(host, user_id=user.id) for _ in range(2)]
        return user, token, used, unused

    user, token, used, unused = host.work(make)
    bearer = {"Authorization": f"Bearer {token}"}
    with httpx.Client() as browser:
        assert browser.get(used, follow_redirects=True).text.count("signed in as leaver") == 1
        assert browser.get(f"{host.url}/-/lab").status_code == 403
        assert httpx.get(f"{host.url}/2.0/user", headers=bearer).status_code == 200
        host.work(lambda host: users.deactivate_user(host, "leaver"))
        assert httpx.get(f"{host.url}/2.0/user", headers=bearer).status_code == 401
        assert browser.get(f"{host.url}/-/lab").status_code == 401
        assert browser.get(unused).status_code == 403
    for work in (
        lambda host: credentials.create_api_token(host, "x", None, user_id=user.id),
        lambda host: credentials.sign_in_link(host, user_id=user.id),
    ):
        with pytest.raises(Conflict, match="deactivated"):
            host.work(work)
    with pytest.raises(Conflict, match="operator"):
        host.work(lambda host: users.deactivate_user(host, "operator"))


def test_the_use_of_a_token_is_noted(host: LiveHost) -> None:
    """Its first use is in the list soon after the answer."""
    token, made = host.work(lambda host: credentials.create_api_token(host, "used", None))
    assert made.last_used_on is None
    assert httpx.get(f"{host.url}/2.0/user", headers={"Authorization": f"Bearer {token}"}).status_code == 200
    deadline = time.monotonic() + 10
    while True:
        (found,) = [one.token for one in host.work(credentials.list_api_tokens) if one.token.id == made.id]
        if found.last_used_on is not None or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    assert found.last_used_on is not None
    assert found.last_used_on >= found.created_on

"""OAuth consumers: the flows that work, and the attacks that do not."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from roadstead.domain.access import consumers, grants
from roadstead.domain.people.users import deactivate_user
from roadstead.domain.upkeep.audit import latest_entries
from tests.api.oauth import (
    AUTHORIZE,
    CALLBACK,
    CHALLENGE,
    PKCE,
    TOKEN,
    VERIFIER,
    Client,
    Person,
    account,
    new_client,
    new_people,
    outcome,
)
from tests.live import LiveHost, live_host


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHost]:
    """Yield a host with ann, who owns the workspace `acme`, ben and cleo."""
    with live_host(tmp_path_factory.mktemp("oauth")) as host:
        new_people(host, "ann", "ben", "cleo")
        yield host


@pytest.fixture(scope="module")
def client(served: LiveHost) -> Client:
    return new_client(served)


@pytest.fixture(scope="module")
def other(served: LiveHost) -> Client:
    return new_client(served)


@pytest.fixture(scope="module")
def ben(served: LiveHost) -> Person:
    return Person(served, "ben")


@pytest.mark.parametrize("pkce", [{}, PKCE], ids=["secret", "PKCE"])
def test_a_user_lets_a_consumer_in(served: LiveHost, client: Client, ben: Person, pkce: dict[str, str]) -> None:
    """The user sees who asks and for what; the code becomes tokens of this user, which can be refreshed."""
    page = ben.ask(client, state="a b&c", **pkce)
    assert page.status_code == 200
    for text in ("Give Widgets access?", "Push to repositories", "Read your account", CALLBACK, "(ben)"):
        assert text in page.text
    assert "https://app.example" in page.headers["Content-Security-Policy"].partition("form-action")[2]
    answer = ben.decide(client, state="a b&c", **pkce)
    told = outcome(answer)
    assert answer.headers["Location"].startswith(f"{CALLBACK}?")
    assert (told["state"], told["iss"], answer.headers["Cache-Control"]) == ("a b&c", served.url, "no-store")
    granted = client.redeem(told["code"], **({"code_verifier": VERIFIER} if pkce else {}))
    body = granted.json()
    assert (granted.status_code, granted.headers["Cache-Control"]) == (200, "no-store")
    assert {name: body[name] for name in ("token_type", "expires_in", "scopes")} == {
        "token_type": "bearer",
        "expires_in": 7200,
        "scopes": "account repository:write",
    }
    assert account(served, body["access_token"]).json()["nickname"] == "ben"
    renewed = client.refresh(body["refresh_token"]).json()
    assert renewed.keys() == body.keys()
    assert renewed["refresh_token"] != body["refresh_token"]
    assert account(served, renewed["access_token"]).json()["nickname"] == "ben"


def test_client_credentials_are_the_owners(served: LiveHost, client: Client) -> None:
    """Without a user the token is of the consumer's owner, who is the owner of the workspace."""
    body = client.post(grant_type="client_credentials").json()
    assert (body["state"], body["scopes"]) == ("client_credentials", "account repository:write")
    assert account(served, body["access_token"]).json()["nickname"] == "ann"
    assert "refresh_token" in body
    narrow = client.post(grant_type="client_credentials", scope="repository").json()
    assert narrow["scopes"] == "repository"
    assert account(served, narrow["access_token"]).status_code == 403


def test_the_ways_in_which_clients_send_it(served: LiveHost, client: Client) -> None:
    """Key and secret come as Basic or in the form, and `grant_type` in the form or in the address."""
    key, secret = client.basic
    form = {"grant_type": "client_credentials", "client_id": key, "client_secret": secret}
    url = f"{served.url}{TOKEN}"
    assert httpx.post(url, data=form).status_code == 200
    assert httpx.post(url, data={"client_id": key, "grant_type": "client_credentials"}, auth=client.basic).is_success
    assert httpx.post(f"{url}?grant_type=client_credentials", auth=client.basic).status_code == 200


@pytest.mark.parametrize("below", ["", "/", "/deep/er", "?from=menu", "/x?y=z"])
def test_an_answer_goes_to_the_callback_or_below(client: Client, ben: Person, below: str) -> None:
    """A `redirect_uri` below the callback is taken, and is the one that the code needs."""
    target = f"{CALLBACK}{below}"
    answer = ben.decide(client, redirect_uri=target)
    assert answer.headers["Location"].startswith(f"{target}{'&' if '?' in target else '?'}code=")
    assert client.redeem(_code(answer), redirect_uri=target).status_code == 200


def _code(answer: httpx.Response) -> str:
    return str(httpx.URL(answer.headers["Location"]).params["code"])


# Attacks on the address of the answer


@pytest.mark.sample(9)
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "0" * 18},
        {"client_id": ["{key}", "{key}"]},
        {"redirect_uri": [CALLBACK, "https://evil.example/"]},
        {"redirect_uri": ["https://evil.example/", CALLBACK]},
        {"redirect_uri": ""},
        {"redirect_uri": "/callback"},
        {"redirect_uri": "//app.example/callback"},
        {"redirect_uri": "javascript:alert(1)//app.example/callback"},
        {"redirect_uri": "http://app.example/callback"},
        {"redirect_uri": "https://app.example:8443/callback"},
        {"redirect_uri": "https://evil.example/callback"},
        {"redirect_uri": "https://app.example.evil.example/callback"},
        {"redirect_uri": "https://app.example@evil.example/callback"},
        {"redirect_uri": "https://evil@app.example/callback"},
        {"redirect_uri": "https://evil.example\\@app.example/callback"},
        {"redirect_uri": "https://app.example/"},
        {"redirect_uri": "https://app.example/callback-of-another"},
        {"redirect_uri": "https://app.example/callback/../open"},
        {"redirect_uri": "https://app.example/callback/%2e%2E/open"},
        {"redirect_uri": "https://app.example/callback/..%2fopen"},
        {"redirect_uri": "https://app.example/callback/..%5copen"},
        {"redirect_uri": f"{CALLBACK}#fragment"},
        {"redirect_uri": f"{CALLBACK}?code=mine"},
        {"redirect_uri": f"{CALLBACK}?a=b&STATE=mine"},
        {"redirect_uri": f"{CALLBACK}\r\nSet-Cookie: a=b"},
        {"redirect_uri": f"{CALLBACK}/\u2025/open"},
    ],
    ids=str,
)
def test_the_browser_is_sent_to_no_other_address(client: Client, ben: Person, changes: dict[str, Any]) -> None:
    """Neither a code nor an error goes to an address that is not the consumer's: the user sees a page."""
    if isinstance(changes.get("client_id"), list):
        changes = {"client_id": [client.consumer.key] * 2}
    for answer in (ben.ask(client, **changes), ben.decide(client, **changes), ben.decide(client, "deny", **changes)):
        assert answer.status_code in (400, 404)
        assert "Location" not in answer.headers


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": ["code", "token"]}, "invalid_request"),
        ({"scope": "webhook"}, "invalid_scope"),
        ({"scope": "account repository:admin"}, "invalid_scope"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"code_challenge": CHALLENGE}, "invalid_request"),
        ({"code_challenge": VERIFIER, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": CHALLENGE, "code_challenge_method": "s256"}, "invalid_request"),
        ({"code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": "", "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": CHALLENGE[1:], "code_challenge_method": "S256"}, "invalid_request"),
        ({"code_challenge": [CHALLENGE, "x" * 43], "code_challenge_method": "S256"}, "invalid_request"),
    ],
    ids=str,
)
def test_a_request_that_asks_for_too_much_is_told_so(
    client: Client, ben: Person, changes: dict[str, Any], error: str
) -> None:
    """The consumer gets the error with its state, and no code, whether or not the user would consent."""
    for answer in (ben.ask(client, state="s", **changes), ben.decide(client, state="s", **changes)):
        told = outcome(answer)
        assert (told["error"], told["state"]) == (error, "s")
        assert "code" not in told


def test_a_user_may_refuse(client: Client, ben: Person) -> None:
    """The consumer is told, with its state."""
    told = outcome(ben.decide(client, "deny", state="s"))
    assert (told["error"], told["state"], "code" in told) == ("access_denied", "s", False)
    assert "code" not in outcome(ben.decide(client, "", state="s"))


# Attacks on the consent


def test_no_one_else_can_consent(served: LiveHost, client: Client, ben: Person) -> None:
    """A form of another site or of another user, a link, and a frame give no consent."""
    ann = Person(served, "ann")
    params = {"client_id": client.consumer.key, "response_type": "code"}
    for form in ({}, {"csrf": ""}, {"csrf": "0" * 64}, {"csrf": ann.csrf()}):
        answer = ben.send("POST", AUTHORIZE, params=params, data={"decision": "allow", **form})
        assert (answer.status_code, "Location" in answer.headers) == (403, False)
    for visitor in (httpx.get, httpx.post):
        answer = visitor(f"{served.url}{AUTHORIZE}", params=params)
        assert (answer.status_code, "Location" in answer.headers) == (401, False)
    page = ben.send("GET", AUTHORIZE, params={**params, "decision": "allow", "csrf": ben.csrf()})
    assert page.status_code == 200
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


# Attacks on the token endpoint

INVALID_CODE = {"error": "invalid_grant", "error_description": "The specified code is not valid."}
INVALID_CLIENT = {"error": "unauthorized_client", "error_description": "Invalid OAuth client credentials"}


Attack = Callable[[Client, Client, Person], httpx.Response]


def _replay(client: Client, other: Client, ben: Person) -> httpx.Response:
    code = ben.code(client)
    assert client.redeem(code).status_code == 200
    return client.redeem(code)


def _reuse(client: Client, other: Client, ben: Person) -> httpx.Response:
    first = client.redeem(ben.code(client)).json()["refresh_token"]
    assert client.refresh(first).status_code == 200
    return client.refresh(first)


def _tokens(client: Client, ben: Person) -> dict[str, str]:
    tokens: dict[str, str] = client.redeem(ben.code(client)).json()
    return tokens


ATTACKS: dict[str, tuple[str, Attack]] = {
    "a code twice": ("invalid_grant", _replay),
    "a code of another consumer": ("invalid_grant", lambda mine, theirs, ben: theirs.redeem(ben.code(mine))),
    "a made-up code": ("invalid_grant", lambda mine, _, __: mine.redeem("x" * 43)),
    "an empty code": ("invalid_grant", lambda mine, _, __: mine.redeem("")),
    "no code": ("invalid_request", lambda mine, _, __: mine.post(grant_type="authorization_code")),
    "a refresh token as a code": (
        "invalid_grant",
        lambda mine, _, ben: mine.redeem(_tokens(mine, ben)["refresh_token"]),
    ),
    "an access token as a code": (
        "invalid_grant",
        lambda mine, _, ben: mine.redeem(_tokens(mine, ben)["access_token"]),
    ),
    "another address": (
        "invalid_grant",
        lambda mine, _, ben: mine.redeem(ben.code(mine, redirect_uri=f"{CALLBACK}/a"), redirect_uri=f"{CALLBACK}/b"),
    ),
    "no address, but one before": (
        "invalid_grant",
        lambda mine, _, ben: mine.redeem(ben.code(mine, redirect_uri=CALLBACK)),
    ),
    "an address, but none before": (
        "invalid_grant",
        lambda mine, _, ben: mine.redeem(ben.code(mine), redirect_uri=f"{CALLBACK}/a"),
    ),
    "no verifier": ("invalid_grant", lambda mine, _, ben: mine.redeem(ben.code(mine, **PKCE))),
    "a wrong verifier": (
        "invalid_grant",
        lambda mine, _, ben: mine.redeem(ben.code(mine, **PKCE), code_verifier="w" * 43),
    ),
    "the challenge as verifier": (
        "invalid_grant",
        lambda mine, _, ben: mine.redeem(ben.code(mine, **PKCE), code_verifier=CHALLENGE),
    ),
    "a verifier without a challenge": (
        "invalid_grant",
        lambda mine, _, ben: mine.redeem(ben.code(mine), code_verifier=VERIFIER),
    ),
    "an empty verifier without a challenge": (
        "invalid_grant",
        lambda mine, _, ben: mine.redeem(ben.code(mine), code_verifier=""),
    ),
    "a refresh token twice": ("invalid_grant", _reuse),
    "a refresh token of another consumer": (
        "invalid_grant",
        lambda mine, theirs, ben: theirs.refresh(_tokens(mine, ben)["refresh_token"]),
    ),
    "an access token as refresh token": (
        "invalid_grant",
        lambda mine, _, ben: mine.refresh(_tokens(mine, ben)["access_token"]),
    ),
    "a code as refresh token": ("invalid_grant", lambda mine, _, ben: mine.refresh(ben.code(mine))),
    "more scopes when refreshing": (
        "invalid_scope",
        lambda mine, _, ben: mine.refresh(
            mine.redeem(ben.code(mine, scope="account")).json()["refresh_token"], scope="account repository:write"
        ),
    ),
    "more scopes than the consumer has": (
        "invalid_scope",
        lambda mine, _, __: mine.post(grant_type="client_credentials", scope="repository:admin"),
    ),
    "a password": (
        "unsupported_grant_type",
        lambda mine, _, __: mine.post(grant_type="password", username="ben", password="x"),
    ),
    "no grant type": ("unsupported_grant_type", lambda mine, _, __: mine.post()),
    "the grant of apps": (
        "unsupported_grant_type",
        lambda mine, _, __: mine.post(grant_type="urn:bitbucket:oauth2:jwt"),
    ),
    "another consumer's key in the form": (
        "invalid_request",
        lambda mine, theirs, ben: mine.redeem(ben.code(theirs), client_id=theirs.consumer.key),
    ),
    "another secret in the form": (
        "invalid_request",
        lambda mine, _, ben: mine.redeem(ben.code(mine), client_secret="x"),
    ),
    "another consumer's secret": (
        "unauthorized_client",
        lambda mine, theirs, ben: mine.post(
            auth=(mine.consumer.key, theirs.secret), grant_type="authorization_code", code=ben.code(mine)
        ),
    ),
    "no secret": (
        "unauthorized_client",
        lambda mine, _, __: mine.post(auth=(mine.consumer.key, ""), grant_type="client_credentials"),
    ),
    "a made-up key": (
        "unauthorized_client",
        lambda mine, _, __: mine.post(auth=("0" * 18, mine.secret), grant_type="client_credentials"),
    ),
    "a key in the form without a secret": (
        "unauthorized_client",
        lambda mine, _, __: httpx.post(f"{mine.host.url}{TOKEN}", data={"client_id": mine.consumer.key}),
    ),
    "key and secret in the address": (
        "invalid_client",
        lambda mine, _, __: httpx.post(
            f"{mine.host.url}{TOKEN}",
            params={"client_id": mine.consumer.key, "client_secret": mine.secret},
            data={"grant_type": "client_credentials"},
        ),
    ),
}


@pytest.mark.sample(10)
@pytest.mark.parametrize("attack", ATTACKS)
def test_the_token_endpoint_refuses(client: Client, other: Client, ben: Person, attack: str) -> None:
    """Each is the error that OAuth defines, and gives no token."""
    error, send = ATTACKS[attack]
    answer = send(client, other, ben)
    assert answer.status_code == (401 if error == "invalid_client" else 400)
    assert (answer.json()["error"], answer.json().keys()) == (error, {"error", "error_description"})


def test_the_bodies_are_those_of_the_cloud(client: Client) -> None:
    """Clients match these two by their text."""
    assert client.redeem("x").json() == INVALID_CODE
    assert client.post(auth=(client.consumer.key, "x"), grant_type="client_credentials").json() == INVALID_CLIENT


def test_a_code_survives_those_who_may_not_use_it(client: Client, other: Client, ben: Person) -> None:
    """A thief who cannot use it does not use it up, and its consumer gets the tokens."""
    code = ben.code(client, redirect_uri=CALLBACK, **PKCE)
    assert other.redeem(code, redirect_uri=CALLBACK, code_verifier=VERIFIER).status_code == 400
    assert client.redeem(code, redirect_uri=CALLBACK, code_verifier="w" * 43).status_code == 400
    assert client.redeem(code, redirect_uri=CALLBACK, code_verifier=VERIFIER).status_code == 200


@pytest.mark.parametrize("kind", ["code", "refresh token"])
def test_a_second_use_ends_everything(served: LiveHost, client: Client, ben: Person, kind: str) -> None:
    """Two parties have the code or the token, so all tokens of this consent end, and those of others do not."""
    untouched = _tokens(client, ben)["access_token"]
    code = ben.code(client)
    first = client.redeem(code).json()
    second = client.refresh(first["refresh_token"]).json()
    assert [account(served, one["access_token"]).status_code for one in (first, second)] == [200, 200]
    again = client.redeem(code) if kind == "code" else client.refresh(first["refresh_token"])
    assert again.json()["error"] == "invalid_grant"
    assert [account(served, one["access_token"]).status_code for one in (first, second)] == [401, 401]
    assert client.refresh(second["refresh_token"]).json()["error"] == "invalid_grant"
    assert account(served, untouched).status_code == 200
    newest = served.work(lambda host: latest_entries(host, 1))[0]
    assert (newest.action, newest.actor) == (
        "OAuth access ended, because a code or token came twice",
        f"consumer {client.consumer.key}",
    )


def test_no_part_of_it_is_another_credential(served: LiveHost, client: Client, ben: Person) -> None:
    """Code, refresh token and secret open nothing, and an operator's consent does not open operators' addresses."""
    tokens = _tokens(client, ben)
    for wrong in (ben.code(client), tokens["refresh_token"], client.secret):
        assert account(served, wrong).status_code == 401
    operator = Person(served, "operator")
    token = client.redeem(operator.code(client)).json()["access_token"]
    assert account(served, token).json()["nickname"] == "operator"
    foreign = {"Authorization": f"Bearer {token}", "Origin": "https://evil.example"}
    assert httpx.get(f"{served.url}/-/audit", headers=foreign).status_code == 403
    signed_in = httpx.get(f"{served.url}/-/lab", cookies={"roadstead_session": tokens["access_token"]})
    assert signed_in.status_code == 401


def test_a_token_does_no_more_than_was_granted(served: LiveHost, client: Client, ben: Person) -> None:
    """The scopes are those that the user saw, not all of the consumer."""
    token = client.redeem(ben.code(client, scope="repository")).json()
    assert token["scopes"] == "repository"
    assert account(served, token["access_token"]).status_code == 403


def test_a_token_changes_no_permission(served: LiveHost) -> None:
    """What the cloud keeps to users' own tokens is refused, although its user may do it and it has the scope."""
    client = new_client(served, scopes="project:admin project")
    token = client.post(grant_type="client_credentials").json()["access_token"]
    projects, headers = f"{served.url}/2.0/workspaces/acme/projects", {"Authorization": f"Bearer {token}"}
    assert httpx.post(projects, json={"key": "ACME", "name": "Acme"}, headers=headers).status_code == 201
    granted = f"{projects}/ACME/permissions-config/users/%7B{'0' * 8}-0000-4000-8000-{'0' * 12}%7D"
    refused = httpx.put(granted, json={"permission": "read"}, headers=headers)
    assert refused.status_code == 403
    assert refused.json()["error"]["message"].endswith("authentication types: apitoken")


def test_what_ends_with_the_user_and_with_the_consumer(served: LiveHost) -> None:
    """A deactivated user's and a deleted consumer's tokens end before the answer, and no others are issued."""
    client, gone, cleo, ben = new_client(served), new_client(served), Person(served, "cleo"), Person(served, "ben")
    hers, code, his = _tokens(client, cleo), cleo.code(client), _tokens(gone, ben)
    served.work(lambda host: deactivate_user(host, "cleo"))
    assert account(served, hers["access_token"]).status_code == 401
    assert client.refresh(hers["refresh_token"]).json()["error"] == "invalid_grant"
    assert client.redeem(code).json()["error"] == "invalid_grant"
    assert cleo.ask(client).status_code == 401
    served.work(lambda host: consumers.delete_consumer(host, "acme", gone.consumer.key))
    assert account(served, his["access_token"]).status_code == 401
    assert gone.refresh(his["refresh_token"]).json()["error"] == "unauthorized_client"
    assert ben.ask(gone).status_code == 404
    assert account(served, _tokens(client, ben)["access_token"]).status_code == 200


def test_guessing_a_secret_is_slowed(served: LiveHost, ben: Person) -> None:
    """After ten wrong secrets of a consumer from an address, others have to wait; the right one works, so that no one
    locks a consumer out, and the audit log has one entry.
    """
    guessed, spared = new_client(served), new_client(served)
    wrong = (guessed.consumer.key, "x")
    answers = [guessed.post(auth=wrong, grant_type="client_credentials") for _ in range(12)]
    assert [one.status_code for one in answers] == [400] * 10 + [429] * 2
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 300
    assert [one.post(grant_type="client_credentials").status_code for one in (guessed, spared)] == [200] * 2
    told = [one.action for one in served.work(lambda host: latest_entries(host, 10))]
    assert told.count("too many wrong consumer secrets") == 1


def test_an_expired_token_says_how_to_go_on(
    served: LiveHost, client: Client, ben: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Clients look for this text, and then refresh."""
    monkeypatch.setitem(grants._LIFETIMES, "access", timedelta(0))
    tokens = _tokens(client, ben)
    answer = account(served, tokens["access_token"])
    assert answer.status_code == 401
    assert answer.json()["error"]["message"].startswith("Access token expired. Use your refresh token")
    assert client.refresh(tokens["refresh_token"]).status_code == 200


# A client that others wrote


def test_authlib_gets_tokens_and_refreshes_them(served: LiveHost, ben: Person) -> None:
    """Authlib's client, configured as for the cloud, makes its request with PKCE, reads the answer, asks the API, and
    refreshes an expired token by itself; the host sees only what this client sends.
    """
    authlib = pytest.importorskip("authlib.integrations.requests_client")
    client = new_client(served)
    told: list[dict[str, Any]] = []
    with authlib.OAuth2Session(
        *client.basic,
        redirect_uri=f"{CALLBACK}/authlib",
        scope="account",
        code_challenge_method="S256",
        token_endpoint=f"{served.url}{TOKEN}",
        update_token=lambda token, **_: told.append(token),
    ) as session:
        url, state = session.create_authorization_url(f"{served.url}{AUTHORIZE}", code_verifier=VERIFIER)
        allowed = ben.send("POST", url.removeprefix(served.url), data={"csrf": ben.csrf(), "decision": "allow"})
        answer = allowed.headers["Location"]
        first = dict(session.fetch_token(authorization_response=answer, state=state, code_verifier=VERIFIER))
        assert session.get(f"{served.url}/2.0/user").json()["nickname"] == "ben"
        session.token = {**first, "expires_at": 1}
        assert session.get(f"{served.url}/2.0/user").json()["nickname"] == "ben"
        assert [one["access_token"] for one in told] == [session.token["access_token"]] != [first["access_token"]]
        with pytest.raises(authlib.OAuthError, match="invalid_grant"):
            session.refresh_token(refresh_token=first["refresh_token"])

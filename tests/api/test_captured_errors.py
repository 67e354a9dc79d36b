"""The refusals of people, workspaces and projects whose texts are captured: each is answered to the word."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from tests.live import LiveHost, sender

PROJECTS = "/2.0/workspaces/captured/projects"
TAKEN = {"key": "TAKEN", "name": "Taken"}
CASES: list[tuple[str, str, Any, int, dict[str, Any]]] = [
    ("GET", "/2.0/workspaces/nowhere", None, 404, {"message": "No workspace with identifier 'nowhere'."}),
    ("GET", "/2.0/workspaces/nowhere/projects/P", None, 404, {"message": "No workspace with identifier 'nowhere'."}),
    (
        "GET",
        "/2.0/workspaces",
        None,
        410,
        {
            "message": "CHANGE-2770 - Functionality has been deprecated",
            "detail": "Please read the changelog entry for more details.",
            "data": {"announcement_url": "https://developer.atlassian.com/cloud/bitbucket/changelog#CHANGE-2770"},
        },
    ),
    (
        "POST",
        PROJECTS,
        TAKEN,
        400,
        {"message": "Bad request", "fields": {"__all__": ["Project with this Owner and Key already exists."]}},
    ),
    (
        "GET",
        "/2.0/workspaces/captured/no/such/thing",
        None,
        404,
        {"message": "Resource not found", "detail": "There is no API hosted at this URL"},
    ),
    ("POST", PROJECTS, {"key": "K"}, 400, {"message": "Bad request", "fields": {"name": "required key not provided"}}),
    ("POST", PROJECTS, [], 400, {"message": "Bad request", "fields": {"": "expected a dictionary"}}),
    ("GET", f"{PROJECTS}?pagelen=101", None, 400, {"message": "Invalid pagelen"}),
    ("GET", "/2.0/user/workspaces?pagelen=101", None, 400, {"message": "Invalid pagelen"}),
]


NO_GOOD = "Token is invalid, expired, or not supported for this endpoint."
LINKERS = "/2.0/addon/linkers"
OAUTH, BASIC = 'OAuth realm="Bitbucket.org HTTP"', 'Basic realm="Bitbucket.org HTTP"'
JWT = 'JWT realm="Bitbucket"'
CREDENTIALS = [
    ("/2.0/user", "Bearer nothing", OAUTH, NO_GOOD),
    ("/2.0/workspaces/captured", "bearer nothing", OAUTH, NO_GOOD),
    ("/2.0/user", "Basic Y2FwdG9yOnh4eA==", BASIC, NO_GOOD),
    ("/2.0/user", None, OAUTH, "Authentication is required."),
    ("/2.0/user", "JWT nothing", JWT, "The token is not valid."),
    (LINKERS, None, JWT, "Authentication is required."),
    (LINKERS, "Bearer nothing", JWT, NO_GOOD),
]


async def _make(host: Host) -> str:
    user = await users.create_user(host, "captor")
    await workspaces.create_workspace(host, "captured", name=None, owner="captor")
    return (await credentials.create_api_token(host, "test", None, user_id=user.id))[0]


@pytest.fixture(scope="module")
def send(host: LiveHost) -> Callable[..., httpx.Response]:
    send = sender(host, f"Bearer {host.work(_make)}")
    assert send("POST", PROJECTS, json=TAKEN).status_code == 201
    return send


@pytest.mark.parametrize(("method", "target", "body", "status", "error"), CASES)
def test_captured_refusals_are_answered_to_the_word(
    send: Callable[..., httpx.Response], method: str, target: str, body: Any, status: int, error: dict[str, Any]
) -> None:
    """Status, message, and the members beside it that the cloud has."""
    answer = send(method, target, **({} if body is None else {"json": body}))
    found = answer.json()["error"]
    assert (answer.status_code, {name: found.get(name) for name in error}) == (status, error)


@pytest.mark.parametrize(("target", "authorization", "challenge", "message"), CREDENTIALS)
def test_a_refused_credential_has_the_challenge_of_its_scheme(
    host: LiveHost, target: str, authorization: str | None, challenge: str, message: str
) -> None:
    """The cloud's scheme and realm for what was sent, and its words for a token that is not good."""
    answer = sender(host, authorization)("GET", target)
    assert (answer.status_code, answer.headers.get_list("WWW-Authenticate")) == (401, [challenge])
    assert answer.json()["error"]["message"] == message


def test_every_answer_to_a_recognised_credential_describes_it(send: Callable[..., httpx.Response]) -> None:
    """Its kind and scopes, also where the operation needs no scope; without one, no accepted scope is named."""
    needs_one, needs_none = send("GET", "/2.0/user"), send("GET", "/2.0/workspaces/captured")
    for name in ("X-Credential-Type", "X-OAuth-Scopes"):
        assert needs_one.headers[name] == needs_none.headers[name]
    assert [one.headers.get("X-Accepted-OAuth-Scopes") for one in (needs_one, needs_none)] == ["account", None]

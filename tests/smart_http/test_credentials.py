"""Who may clone and push: every kind of credential, in every form in which git sends it."""

import base64
from collections.abc import Callable
from datetime import timedelta

import httpx
import pytest

from roadstead.domain.access.access_tokens import create_access_token
from roadstead.domain.access.credentials import create_api_token, exchange, find_token
from roadstead.domain.host import Host
from roadstead.domain.people.users import create_user, deactivate_user
from roadstead.domain.people.workspaces import create_workspace
from tests.live import AppClient, RecordingApp
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work

READ, WRITE = "git-upload-pack", "git-receive-pack"


def _ask(place: Place, service: str, authorization: str | None = None) -> httpx.Response:
    headers = {} if authorization is None else {"Authorization": authorization}
    return place.get(f"{place.path}/info/refs?service={service}", headers=headers)


def _basic(user: str, token: str) -> str:
    return f"Basic {base64.b64encode(f'{user}:{token}'.encode()).decode()}"


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("form", "status"),
    [
        (lambda token: _basic("x-token-auth", token), 200),
        (lambda token: _basic("x-bitbucket-api-token-auth", token), 200),
        (lambda token: _basic("ann-git", token), 200),
        (lambda token: _basic("ann@git.example", token), 200),
        (lambda token: f"Bearer {token}", 200),
        (lambda token: f"bearer {token}", 200),
        (lambda token: _basic("ben-git", token), 401),
        (lambda token: _basic("", token), 401),
        (lambda token: _basic("x-token-auth", token[:-1]), 401),
        (lambda token: _basic(token, "x-oauth-basic"), 401),
        (lambda token: f"Token {token}", 401),
        (lambda token: "Basic ?", 401),
        (lambda token: "", 401),
    ],
)
def test_a_users_token_is_sent_in_many_forms(place: Place, form: Callable[[str], str], status: int) -> None:
    """With the user's name or address, or a name for all; with another's name it is refused, as for the API."""
    for service in (READ, WRITE):
        answer = _ask(place, service, form(place.ann))
        assert answer.status_code == status
        assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("scopes", "read", "write"),
    [
        ("account", 403, 403),
        ("repository", 200, 403),
        ("repository:write", 200, 200),
        ("read:repository:bitbucket", 200, 403),
        ("write:repository:bitbucket", 403, 200),
        ("pullrequest", 200, 403),
        ("pullrequest:write", 200, 200),
    ],
)
def test_a_token_reaches_as_far_as_its_scopes(place: Place, scopes: str, read: int, write: int) -> None:
    """What a scope implies is as in the API; a refusal is the cloud's, as a text."""

    async def job(host: Host) -> str:
        ann = await find_token(host, place.ann)
        assert ann is not None
        assert ann.user is not None
        return (await create_api_token(host, "scoped", None, user_id=ann.user.id, scopes=scopes))[0]

    token: str = place.host.work(job)
    for service, status in ((READ, read), (WRITE, write)):
        answer = _ask(place, service, f"Bearer {token}")
        assert answer.status_code == status, service
        assert status == 200 or answer.text.startswith("Your credentials lack one or more required privilege scopes.")


@pytest.mark.sample(2)
@pytest.mark.parametrize("part", ["workspace", "repository", "another repository"])
def test_an_access_token_is_of_a_place(place: Place, public_place: Place, part: str) -> None:
    """It may do there what its scopes say, and nothing elsewhere, where it is like a stranger."""
    scope = "repository:write"
    slug = {"workspace": None, "repository": place.repository.slug}.get(part, public_place.repository.slug)

    async def job(host: Host) -> str:
        workspace = place.repository.workspace.slug
        if slug is None:
            return (await create_access_token(host, "ci", workspace, None, scopes=scope, lifetime=None))[0]
        return (await create_access_token(host, "ci", workspace, None, repository=slug, scopes=scope, lifetime=None))[0]

    token: str = place.host.work(job)
    wanted = 404 if part == "another repository" else 200
    for form in (_basic("x-token-auth", token), f"Bearer {token}"):
        assert [_ask(place, service, form).status_code for service in (READ, WRITE)] == [wanted, wanted]


def test_an_app_clones_and_pushes_within_its_scopes(place: Place, connect_app: RecordingApp, work: Work) -> None:
    """With its JWT for a request, and with the token exchanged for it; the event names the installation."""
    connect_app.descriptor["scopes"] = ["repository:write"]
    installation = place.host.install(connect_app, place.repository.workspace.slug)
    target = f"{place.path}/info/refs?service={WRITE}"
    jwt = AppClient(place.host.url, installation).token("GET", target)
    assert _ask(place, WRITE, f"JWT {jwt}").status_code == 200
    assert _ask(place, READ, f"JWT {jwt}").status_code == 401, "it is of another request"

    async def job(host: Host) -> str:
        return (await exchange(host, installation.id, scopes=(), repository=None))[0]

    token: str = place.host.work(job)
    work.git("push", place.url(token), "main")
    assert [event.installation_id for event in place.events()] == [installation.id]
    assert place.is_whole()


def test_without_a_credential_a_private_and_a_missing_repository_are_alike(place: Place) -> None:
    """Both ask for one, with the same answer: git sends it only when it is asked to, and a stranger learns nothing."""
    missing = f"/{place.repository.workspace.slug}/no-such.git/info/refs?service={READ}"
    nowhere = f"/no-such/no-such.git/info/refs?service={READ}"
    answers = [_ask(place, READ), place.get(missing), place.get(nowhere)]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.headers["www-authenticate"] for answer in answers} == {'Basic realm="Roadstead"'}
    assert len({(answer.text, answer.headers["content-type"]) for answer in answers}) == 1


def test_with_a_credential_a_private_and_a_missing_repository_are_alike(place: Place) -> None:
    """Both are not there for a user who may not see them, with one answer in the cloud's words."""
    missing = f"/{place.repository.workspace.slug}/no-such.git/info/refs?service={READ}"
    nowhere = f"/no-such/no-such.git/info/refs?service={READ}"
    bens = {"Authorization": f"Bearer {place.ben}"}
    answers = [
        _ask(place, READ, f"Bearer {place.ben}"),
        *(place.get(path, headers=bens) for path in (missing, nowhere)),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({(answer.text, answer.headers["content-type"]) for answer in answers}) == 1
    assert answers[0].text.startswith("You may not have access to this repository or it no longer exists")


def test_a_public_repository_is_read_by_all_and_written_by_few(public_place: Place) -> None:
    """A stranger who pushes is asked for a credential, and a user without the privilege learns that it is missing."""
    assert _ask(public_place, READ).status_code == 200
    assert _ask(public_place, WRITE).status_code == 401
    assert _ask(public_place, READ, f"Bearer {public_place.ben}").status_code == 200
    refused = _ask(public_place, WRITE, f"Bearer {public_place.ben}")
    assert (refused.status_code, refused.headers["content-type"]) == (403, "text/plain; charset=utf-8")
    assert "write access" in refused.text


def test_git_prints_why(place: Place, public_place: Place, work: Work) -> None:
    """The text of a refusal is what git's user reads."""
    assert "remote: You may not have access" in work.git("push", place.url(place.ben), "main", code=128)
    assert "remote: Access denied." in work.git("push", public_place.url(public_place.ben), "main", code=128)
    wrong = place.url("rst_wrong")
    assert "Authentication failed" in work.git("push", wrong, "main", code=128)
    assert place.refs() == public_place.refs() == {}


def test_a_deactivated_user_is_refused_at_once(place: Place, work: Work) -> None:
    """All tokens of the user have ended, also for the request that would have followed a clone."""
    slug = "leavers"

    async def job(host: Host) -> str:
        leaver = await create_user(host, "leaver-git")
        await create_workspace(host, slug, name="Leavers", owner="leaver-git")
        return (await create_api_token(host, "git", timedelta(days=1), user_id=leaver.id))[0]

    token: str = place.host.work(job)
    path = f"/{slug}/none.git/info/refs?service={READ}"
    assert place.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 404
    place.host.work(lambda host: deactivate_user(host, "leaver-git"))
    assert place.get(path, headers={"Authorization": f"Bearer {token}"}).status_code == 401

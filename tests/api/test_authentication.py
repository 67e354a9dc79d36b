"""Kinds of credentials, and what each permits. Forged tokens are in `test_token_attacks.py`."""

import base64
from typing import Any

import httpx
import pytest

from roadstead.connect import encode, query_string_hash
from roadstead.domain.apps import installations
from tests.live import AppClient, LiveHost, RecordingApp

LINKERS = "/2.0/addon/linkers"
VALUES = "/2.0/addon/linkers/tickets/values"
JWT_ONLY = {
    "type": "error",
    "error": {"message": "This API is only accessible with the following authentication types: jwt"},
}


def test_a_foreign_secret_is_refused_without_telling_more(api: AppClient) -> None:
    """Unless the signature is valid, the answer says nothing of the claims."""
    token = api.token("GET", LINKERS, secret="x" * 43, exp=0)
    answer = api("GET", LINKERS, token=token)
    assert answer.status_code == 401
    assert "exp" not in answer.json()["error"]["detail"]
    assert api.installation.shared_secret not in answer.text


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "JWT",
        "JWT x",
        "JWT a.b.c",
        "JWT ..",
        "JWT " + "a" * 100_000,
        "JWT eyJhbGciOiJIUzI1NiJ9.W10.AAAA",
        "Bearer nothing",
        "Bearer a.b.c",
        "Basic " + base64.b64encode(b"user:password").decode(),
        "Basic !!!",
        "Negotiate abc",
        "JWT \xff\xfe",
    ],
)
def test_anything_else_is_not_authenticated(host: LiveHost, authorization: str | None) -> None:
    """No credential or a broken one is a 401 with a reason, never a traceback."""
    headers = [] if authorization is None else [(b"authorization", authorization.encode("latin-1"))]
    answer = httpx.get(f"{host.url}{LINKERS}", headers=headers)
    assert answer.status_code in (401, 431), answer.text
    if answer.status_code == 401:
        assert answer.json()["error"]["detail"]
        assert answer.headers["WWW-Authenticate"]


def test_another_kind_of_valid_credential_is_forbidden_in_the_words_of_the_cloud(
    api: AppClient, host: LiveHost
) -> None:
    """An operator's token, and a token that the app itself was given, are valid but not JWTs: the exact 403."""
    operator = host.api_token()
    exchanged = _exchange(api).json()["access_token"]
    basic = base64.b64encode(f"operator:{operator}".encode()).decode()
    for authorization in (f"Bearer {operator}", f"Bearer {exchanged}", f"Basic {basic}"):
        for method, target in (("GET", LINKERS), ("DELETE", "/2.0/addon"), ("PUT", VALUES)):
            answer = httpx.request(method, f"{host.url}{target}", headers={"Authorization": authorization})
            assert (answer.status_code, answer.json()) == (403, JWT_ONLY)
    assert api("GET", LINKERS).status_code == 200


def _exchange(api: AppClient, *, token: str | None = None, **form: Any) -> httpx.Response:
    target = "/site/oauth2/access_token"
    data = {"grant_type": "urn:bitbucket:oauth2:jwt", **form}
    return api("POST", target, token=token or api.token("POST", target), data=data)


def test_a_jwt_is_exchanged_for_a_token_of_the_account(api: AppClient, host: LiveHost) -> None:
    """The Bearer token belongs to the workspace that the app is installed in, for an hour, with the app's scopes."""
    answer = _exchange(api)
    body = answer.json()
    assert answer.status_code == 200
    assert (body["token_type"], body["expires_in"], body["scopes"]) == ("bearer", 3600, "account repository")
    assert answer.headers["Cache-Control"] == "no-store"
    user = httpx.get(f"{host.url}/2.0/user", headers={"Authorization": f"Bearer {body['access_token']}"})
    assert user.status_code == 200
    assert (user.json()["type"], user.json()["username"]) == ("team", "local")


def test_the_exchange_narrows_scopes_and_repository(api: AppClient) -> None:
    """A subset of the scopes, implied ones included, may be asked for; more may not."""
    assert _exchange(api, scope="repository").json()["scopes"] == "repository"
    assert _exchange(api, bitbucket_repository="{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}").status_code == 200
    refused = _exchange(api, scope="repository:write")
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_scope")
    assert _exchange(api, bitbucket_repository="nothing").json()["error"] == "invalid_request"


def test_the_exchange_is_tolerant_where_real_clients_need_it(api: AppClient) -> None:
    """No qsh, a qsh over GET, and a multipart body are in use."""
    target = "/site/oauth2/access_token"
    for qsh in (None, query_string_hash("GET", target, "")):
        assert _exchange(api, token=api.token("POST", target, qsh=qsh)).status_code == 200
    fields = {"grant_type": (None, "urn:bitbucket:oauth2:jwt"), "scope": (None, "account")}
    assert api("POST", target, files=fields).json()["scopes"] == "account"


def test_a_narrowed_token_can_do_less(api: AppClient, host: LiveHost) -> None:
    """Without the scope `account` the account is not shown; a token for one repository sees no workspace."""

    def status(target: str, **form: str) -> int:
        bearer = {"Authorization": f"Bearer {_exchange(api, **form).json()['access_token']}"}
        return httpx.get(f"{host.url}{target}", headers=bearer).status_code

    repository = "{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}"
    assert [status("/2.0/user", scope=scope) for scope in ("account", "repository")] == [200, 403]
    assert status("/2.0/user") == 200
    assert status("/2.0/workspaces/local") == 200
    assert status("/2.0/workspaces/local", bitbucket_repository=repository) == 404


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "unsupported_grant_type"),
    ],
)
def test_other_grants_are_refused(api: AppClient, form: dict[str, str], error: str) -> None:
    """Errors of the exchange are in the style of OAuth."""
    answer = _exchange(api, **form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.sample(2)
@pytest.mark.parametrize("blank", ["", " ", ",", "\t"])
@pytest.mark.parametrize(("name", "error"), [("scope", "invalid_scope"), ("bitbucket_repository", "invalid_request")])
def test_a_blank_field_is_not_left_out(api: AppClient, name: str, error: str, blank: str) -> None:
    """A field that narrows the token to nothing is refused: treated as absent, it would give the token all scopes."""
    answer = _exchange(api, **{name: blank})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "sent",
    [
        {"json": {"scope": ["account"]}},
        {"json": {"scope": None}},
        {"json": {"bitbucket_repository": {}}},
        {"files": [("scope", (None, "account")), ("scope", (None, "repository"))]},
        {"files": [("scope", ("scope.txt", "account"))]},
    ],
)
def test_a_field_that_cannot_be_read_is_not_left_out(api: AppClient, sent: dict[str, Any]) -> None:
    """A field that should narrow the token is refused if it is not a text, as the token would have all scopes."""
    target = "/site/oauth2/access_token"
    grant = "urn:bitbucket:oauth2:jwt"
    if "json" in sent:
        sent = {"json": {"grant_type": grant, **sent["json"]}}
    else:
        sent = {"files": [("grant_type", (None, grant)), *sent["files"]]}
    answer = api("POST", target, **sent)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_the_exchange_needs_a_valid_jwt(api: AppClient, host: LiveHost) -> None:
    """A forged or missing token is `invalid_client`."""
    form = {"grant_type": "urn:bitbucket:oauth2:jwt"}
    forged = encode({"sub": api.installation.client_key, "exp": 4102444800}, "x" * 40)
    for headers in ({}, {"Authorization": f"JWT {forged}"}, {"Authorization": f"Bearer {forged}"}):
        answer = httpx.post(f"{host.url}/site/oauth2/access_token", data=form, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.each_database
def test_tokens_end_with_the_installation(api: AppClient, host: LiveHost) -> None:
    """After the app has deleted itself, neither its JWT nor its Bearer tokens are accepted."""
    token = _exchange(api).json()["access_token"]
    assert api("DELETE", "/2.0/addon").status_code == 204
    assert api("GET", LINKERS).status_code == 401
    assert httpx.get(f"{host.url}/2.0/user", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert _exchange(api).status_code == 401


@pytest.mark.each_database
def test_a_removal_by_another_process_takes_effect_at_once(api: AppClient, host: LiveHost) -> None:
    """The host drops its cached installation when another process changes the database."""
    assert api("GET", LINKERS).status_code == 200
    host.work(lambda opened: installations.uninstall(opened, api.installation.id))
    assert api("GET", LINKERS).status_code == 401


def test_an_app_sees_its_own_workspace_only(api: AppClient, host: LiveHost, connect_app: RecordingApp) -> None:
    """Another workspace is a 404, as if it did not exist, by UUID and by name."""
    other = host.install(connect_app, "other").workspace
    own = api("GET", "/2.0/workspaces/local").json()
    uuid = own["uuid"].replace("{", "%7B").replace("}", "%7D")
    assert own["slug"] == "local"
    assert api("GET", f"/2.0/workspaces/{uuid}").json() == own
    for name in ("other", other.uuid.replace("{", "%7B").replace("}", "%7D"), "nowhere"):
        assert api("GET", f"/2.0/workspaces/{name}").status_code == 404

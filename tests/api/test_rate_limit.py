"""Apps beyond the rate limit that the operator has set."""

from collections.abc import Iterator

import httpx
import pytest

from tests.live import AppClient, LiveHost, RecordingApp, live_host

LINKERS = "/2.0/addon/linkers"


@pytest.fixture
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHost]:
    with live_host(tmp_path_factory.mktemp("limited"), rate_limit=3) as running:
        yield running


def test_an_app_over_its_limit_gets_the_429_of_the_cloud(limited: LiveHost, connect_app: RecordingApp) -> None:
    """The body has the cloud's message and the answer says when to continue; another installation is not affected."""
    api = AppClient(limited.url, limited.install(connect_app))
    assert [api("GET", LINKERS).status_code for _ in range(3)] == [200] * 3
    refused = api("POST", f"{LINKERS}/tickets/values", json={"value": "BB"})
    assert refused.status_code == 429
    assert refused.json()["type"] == "error"
    assert refused.json()["error"]["message"] == "Rate limit for this resource has been exceeded"
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    elsewhere = AppClient(limited.url, limited.install(connect_app, "elsewhere"))
    assert elsewhere("GET", f"{LINKERS}/tickets/values").json()["size"] == 0


def test_whatever_the_app_proves_itself_with_counts(limited: LiveHost, connect_app: RecordingApp) -> None:
    """The exchange of its token, requests with the result, and those that end in a 4xx share one limit."""
    api = AppClient(limited.url, limited.install(connect_app))
    path = "/site/oauth2/access_token"
    form = {"grant_type": "urn:bitbucket:oauth2:jwt"}
    token = api("POST", path, data=form).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.get(f"{limited.url}/2.0/user", headers=bearer).status_code == 200
    assert api("GET", f"{LINKERS}/ghost").status_code == 404
    assert httpx.get(f"{limited.url}/2.0/user", headers=bearer).status_code == 429
    assert api("POST", path, data=form).status_code == 429


def test_nobody_else_counts(limited: LiveHost, connect_app: RecordingApp) -> None:
    """A caller that fails to prove to be the app cannot use up its limit, and the operator has none."""
    api = AppClient(limited.url, limited.install(connect_app))
    forged = api.token("GET", LINKERS, secret="a" * 43)
    assert [api("GET", LINKERS, token=forged).status_code for _ in range(5)] == [401] * 5
    operator = {"Authorization": f"Bearer {limited.api_token()}"}
    assert {httpx.get(f"{limited.url}/2.0/user", headers=operator).status_code for _ in range(5)} == {200}
    assert [api("GET", LINKERS).status_code for _ in range(4)] == [200, 200, 200, 429]

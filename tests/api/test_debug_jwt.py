"""Why a call was refused: from its record, from pasted text, and at the command line."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.connect import encode
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.traffic.answered import Answered
from roadstead.domain.traffic.records import MOST_JUDGED, Records
from roadstead.model import UNIDENTIFIED, Installation
from roadstead.storage.moments import to_text
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app
from tests.token_mistakes import MISTAKES, PATH, TARGET, Mistake, hashed


def _newest(http: httpx.Client, host: LiveHost) -> int:
    """Return the id of the last recorded call to the host."""
    query = {"pagelen": "1", "q": 'direction = "in"'}
    found: int = http.get(f"{host.url}/-/requests", params=query).json()["values"][0]["id"]
    return found


def _diagnosis(http: httpx.Client, host: LiveHost) -> dict[str, Any]:
    """Return the diagnosis of the last recorded call to the host."""
    details = http.get(f"{host.url}/-/requests/{_newest(http, host)}").json()
    found: dict[str, Any] = details["diagnosis"]
    assert (details["url"].partition("?")[0], details["status"]) == (PATH, 401)
    return found


@pytest.fixture(scope="module", name="http")
def one_client() -> Iterator[httpx.Client]:
    """Yield one client for all tests: making one takes longer than most of them."""
    with httpx.Client() as client:
        yield client


@pytest.mark.sample(7)
@pytest.mark.parametrize(("mistake", "check", "words"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_refused_call_is_explained_from_its_record(
    http: httpx.Client, host: LiveHost, api: AppClient, mistake: Mistake, check: str, words: str
) -> None:
    """The API refuses the token, and its record tells the cause and what to do, although the token is not kept."""
    answer = http.get(f"{host.url}{TARGET}", headers=mistake(api))
    assert answer.status_code == 401
    found = _diagnosis(http, host)
    assert found["cause"]["check"] == check, found["cause"]
    assert words.lower() in found["cause"]["finding"].lower()
    assert found["cause"]["fix"]
    assert api.installation.shared_secret not in json.dumps(found)


def test_right_call_is_not_explained(http: httpx.Client, host: LiveHost, api: AppClient) -> None:
    """An accepted call has no diagnosis."""
    assert api("GET", TARGET).status_code == 200
    assert http.get(f"{host.url}/-/requests/{_newest(http, host)}").json()["diagnosis"] is None


def test_both_requests_behind_the_hashes_are_shown(http: httpx.Client, host: LiveHost, api: AppClient) -> None:
    """The diagnosis has the host's canonical request, the token's, and the place where they differ."""
    http.get(f"{host.url}{TARGET}", headers=hashed(f"GET&{PATH}&")(api))
    found = _diagnosis(http, host)
    ours = f"GET&{PATH}&page=1&q=key%20~%20%22a%2Fb%22"
    assert (found["canonical_request"], found["hashed"]) == (ours, f"GET&{PATH}&")
    assert found["difference"] == len(f"GET&{PATH}&")


def test_secret_of_an_earlier_installation_is_recognised(
    http: httpx.Client, host: LiveHost, connect_app: RecordingApp
) -> None:
    """The host recognises an app that has not stored the secret of its second `installed` call."""
    first = AppClient(host.url, host.install(connect_app))
    host.install(connect_app)
    assert first("GET", PATH).status_code == 401
    cause = _diagnosis(http, host)["cause"]
    assert (cause["check"], "an earlier installation" in cause["finding"]) == ("signature", True)


def test_secret_of_another_workspace_is_recognised(
    http: httpx.Client, host: LiveHost, connect_app: RecordingApp
) -> None:
    """The host recognises an app that uses one secret for all its installations."""
    here, there = host.install(connect_app), host.install(connect_app, "elsewhere")
    api = AppClient(host.url, here)
    assert api("GET", PATH, token=api.token("GET", PATH, secret=there.shared_secret)).status_code == 401
    assert "in workspace elsewhere" in _diagnosis(http, host)["cause"]["finding"]


def test_call_of_an_uninstalled_app_is_recognised(http: httpx.Client, host: LiveHost, api: AppClient) -> None:
    """The diagnosis says that the app was uninstalled, and from which workspace."""
    host.work(lambda opened: installations.uninstall(opened, api.installation.id))
    assert api("GET", PATH).status_code == 401
    assert "uninstalled from workspace local" in _diagnosis(http, host)["cause"]["finding"]


def test_token_in_the_query_is_recognised(http: httpx.Client, host: LiveHost, api: AppClient) -> None:
    """The API reads only the header."""
    assert http.get(f"{host.url}{PATH}?jwt={api.token('GET', PATH)}").status_code == 401
    cause = _diagnosis(http, host)["cause"]
    assert (cause["check"], "in the query" in cause["finding"]) == ("scheme", True)


def test_record_tells_of_the_time_of_the_call(http: httpx.Client, host: LiveHost, api: AppClient) -> None:
    """A token that has expired since was valid when it was sent."""
    api("GET", PATH, token=api.token("GET", PATH, exp=int(time.time()) - 3600, iss="other"))
    assert _diagnosis(http, host)["cause"]["check"] == "exp"
    newest, earlier = _newest(http, host), datetime.now(UTC) - timedelta(hours=2)

    async def record_earlier(opened: Host) -> None:
        async with opened.store.database.transaction() as tx:
            await tx.run("UPDATE requests SET time = ? WHERE id = ?", to_text(earlier), newest)

    host.work(record_earlier)
    assert _diagnosis(http, host)["cause"]["check"] == "iss"


def _reinstalled(host: LiveHost, app: RecordingApp) -> None:
    host.install(app)


def _uninstalled(host: LiveHost, app: RecordingApp) -> None:
    async def work(opened: Host) -> None:
        await installations.uninstall(opened, (await installations.get_app(opened, app.key, None)).id)

    host.work(work)


Change = Callable[[LiveHost, RecordingApp], None]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("before", "claims", "cause", "changes"),
    [
        ([], {"qsh": "0" * 64}, "qsh", [_reinstalled, _reinstalled, _uninstalled]),
        ([], {"exp": 1}, "exp", [_reinstalled, _reinstalled, _uninstalled]),
        ([_reinstalled], {}, "signature", [_reinstalled, _uninstalled]),
        ([_uninstalled], {}, "sub", [_reinstalled, _reinstalled]),
    ],
    ids=["a wrong qsh", "expired", "the secret of the installation before", "uninstalled"],
)
def test_cause_stays_what_it_was_at_the_call(
    http: httpx.Client,
    host: LiveHost,
    connect_app: RecordingApp,
    before: list[Change],
    claims: dict[str, Any],
    cause: str,
    changes: list[Change],
) -> None:
    """Later changes of the installation do not change the verdicts of a recorded call."""
    api = AppClient(host.url, host.install(connect_app))
    for change in before:
        change(host, connect_app)
    assert api("GET", PATH, token=api.token("GET", PATH, **claims)).status_code == 401
    newest = _newest(http, host)

    def look() -> Any:
        return http.get(f"{host.url}/-/requests/{newest}").json()["diagnosis"]

    first = look()
    assert first["cause"]["check"] == cause
    for change in changes:
        change(host, connect_app)
        assert look() == first


def test_only_refused_tokens_are_judged_at_the_call_and_not_endlessly_many(host: LiveHost, api: AppClient) -> None:
    """Recording an accepted call, or one without a token, stays cheap; of many refusals, most are judged when they are
    viewed.
    """
    refused = [_received(401, f"JWT {api.token('GET', '/other')}")] * (MOST_JUDGED + 1)
    cheap = [_received(200, f"JWT {api.token('GET', PATH)}"), _received(401, "Bearer x"), _received(401, None)]

    async def judged(opened: Host) -> list[bool]:
        records = Records(opened.store, time.time())
        return [(await records.of_received(call)).evidence is not None for call in (*cheap, *refused)]

    assert host.work(judged) == [False] * len(cheap) + [True] * MOST_JUDGED + [False]


def _received(status: int, authorization: str | None) -> Answered:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    return Answered(0.0, 0.0, "GET", PATH.encode(), b"", headers, b"", UNIDENTIFIED, status, [], b"", 0, "id")


def _pasted(http: httpx.Client, host: LiveHost, **body: object) -> httpx.Response:
    return http.post(f"{host.url}/-/debug-jwt", json=body)


def test_pasted_token_is_explained(http: httpx.Client, host: LiveHost, api: AppClient) -> None:
    """A pasted token is explained for the request that it was meant for, given by path or by address."""
    token = api.token("GET", TARGET)
    for url in (TARGET, f"{host.url}{TARGET}", f"{TARGET}#here"):
        assert _pasted(http, host, token=token, method="get", url=url).json()["cause"] is None
    answer = _pasted(http, host, token=f"Authorization: JWT {token}", method="POST", url=TARGET)
    assert answer.headers["Cache-Control"] == "no-store"
    found = answer.json()
    assert found["cause"]["finding"] == "You signed GET, the request was POST."
    assert found["claims"]["iss"] == api.installation.app_key
    assert [check["verdict"] for check in found["checks"]].count("fails") == 1


def test_tokens_need_no_qsh_where_they_are_exchanged(http: httpx.Client, host: LiveHost, api: AppClient) -> None:
    """The debugger, like the token endpoint, requires no qsh there."""
    found = _pasted(http, host, token=api.token("POST", PATH, qsh=None), method="POST", url="/site/oauth2/access_token")
    assert found.json()["cause"] is None


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"token": "x", "method": "GET"},
        {"token": 7, "method": "GET", "url": "/"},
        {"token": "x", "method": "G T", "url": "/"},
        {"token": "x", "method": "GET", "url": "no path"},
        {"token": "x" * 30_000, "method": "GET", "url": "/"},
    ],
)
def test_what_cannot_be_examined_is_refused(http: httpx.Client, host: LiveHost, body: dict[str, object]) -> None:
    """The refusal says what to send instead."""
    answer = _pasted(http, host, **body)
    assert answer.status_code == 400
    assert answer.json()["error"]["detail"]


def test_debugger_is_for_operators(http: httpx.Client, host: LiveHost, api: AppClient) -> None:
    """The debugger is refused to others, because it tells whether a secret of any app fits."""
    headers = {"Host": "evil.example", "Authorization": f"JWT {api.token('POST', '/-/debug-jwt')}"}
    assert http.post(f"{host.url}/-/debug-jwt", headers=headers, json={}).status_code == 403


def test_what_is_pasted_is_not_stored(http: httpx.Client, tmp_path: Path) -> None:
    """No trace of the token is in any file."""
    with live_host(tmp_path) as host, recording_app() as app:
        installation: Installation = host.install(app)
        token = encode({"iss": app.key, "sub": installation.client_key, "planted": "claim"}, "y" * 40)
        assert _pasted(http, host, token=token, method="GET", url=PATH).json()["claims"]["planted"] == "claim"
    everything = b"".join(file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())
    assert token.split(".")[1].encode() not in everything

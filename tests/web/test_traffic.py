"""The last requests as they come in: the list, its filter, and that their content is only text."""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from roadstead.connect import encode
from roadstead.web.bodies import pretty
from tests.live import AppClient, LiveHost, RecordingApp
from tests.web.attributes import attribute
from tests.web.reading import document, main_text, texts

LINKERS = "/2.0/addon/linkers"
VALUES = "/2.0/addon/linkers/tickets/values"
EVIL = "\"'><evil/onclick=x>&amp;{{7*7}}{%x%}"


@pytest.fixture
def app(watched: LiveHost, connect_app: RecordingApp) -> AppClient:
    """Return an app that has made three calls, one of them refused."""
    api = AppClient(watched.url, watched.install(connect_app))
    api("GET", f"{LINKERS}?page=1")
    api("POST", VALUES, json={"value": "BB"}, headers={"X-Note": "hello"})
    api("GET", LINKERS, token=api.token("PUT", LINKERS))
    return api


def _requests(page: httpx.Response) -> list[str]:
    return texts(page, "tbody a[data-call] code")


def test_calls_are_listed_newest_first(operator: httpx.Client, app: AppClient) -> None:
    """With the app, the request, its outcome and duration, and for a refusal a link to its cause."""
    page = operator.get("/-/traffic")
    assert _requests(page)[:3] == [f"GET {LINKERS}", f"POST {VALUES}", f"GET {LINKERS}?page=1"]
    newest = texts(page, "tbody tr")[0]
    assert newest.startswith(f"401 Why? GET {LINKERS} from {app.installation.app_key} ")
    assert newest.endswith(" ms now")
    why = operator.get(attribute(page, "tbody a[href^='/-/jwt']", "href"))
    assert "You signed PUT, the request was GET." in main_text(why)


FILTERS = [
    ("direction=out", 2),
    ("direction=in", 3),
    ("method=POST&direction=in", 1),
    ("status=refused", 1),
    ("status=good", 4),
    ("status=4xx", 1),
    ("status=5xx", 0),
    ("status=none", 0),
    ("path=TICKETS", 1),
    ("app=nobody", 0),
    ("app=+&path=+&direction=nonsense&method=nonsense&status=nonsense&before=nonsense", 5),
]


def test_a_host_without_calls_says_what_comes_next(operator: httpx.Client, connect_app: RecordingApp) -> None:
    """Nothing was filtered, so the page does not mention a filter."""
    page = operator.get("/-/traffic")
    assert "No calls yet." in main_text(page)
    assert attribute(page, "#calls a", "href") == "/-/install"
    filtered = operator.get("/-/traffic?method=PUT")
    assert "No call matches. Show all calls" in main_text(filtered)


def test_calls_are_filtered(operator: httpx.Client, app: AppClient) -> None:
    """By direction, method, status, address and app; invalid values are ignored."""
    pages = [operator.get(f"/-/traffic?{query}") for query, _ in FILTERS]
    assert {page.status_code for page in pages} == {200}
    found = [len(_requests(page)) for page in pages]
    assert list(zip((query for query, _ in FILTERS), found, strict=True)) == FILTERS


def test_calls_of_one_app_are_found(operator: httpx.Client, app: AppClient, watched: LiveHost) -> None:
    """And no other app's."""
    httpx.get(f"{watched.url}{LINKERS}")
    assert len(_requests(operator.get(f"/-/traffic?app={app.installation.app_key}"))) == 5


def test_older_calls_are_a_page_further(operator: httpx.Client, app: AppClient) -> None:
    """Fifty at a time, with the filter."""
    for page in range(60):
        app("GET", f"{LINKERS}?page={page + 1}")
    first = operator.get("/-/traffic?path=page")
    older = operator.get(attribute(first, "#older", "href"))
    assert [len(_requests(first)), len(_requests(older))] == [50, 11]
    assert set(_requests(older)) <= {f"GET {LINKERS}?page={number}" for number in range(1, 12)}
    assert document(older).css("#older") == []


def test_list_keeps_itself_up_to_date(operator: httpx.Client, app: AppClient) -> None:
    """Nothing is sent while there is nothing new, and the update itself is not recorded."""
    asking = {"HX-Request": "true"}
    watched = attribute(operator.get("/-/traffic"), "#calls", "hx-get")
    assert [operator.get(watched, headers=asking).status_code for _ in range(3)] == [204, 204, 204]
    app("GET", f"{LINKERS}?page=7")
    assert _requests(operator.get(watched, headers=asking))[0] == f"GET {LINKERS}?page=7"


def _call(operator: httpx.Client, query: str) -> httpx.Response:
    """Return the page of the newest call that the list shows for a query."""
    return operator.get(attribute(operator.get(f"/-/traffic?{query}"), "tbody a[data-call]", "href"))


def test_call_is_shown_with_all_that_is_kept(operator: httpx.Client, app: AppClient) -> None:
    """Headers and bodies of both sides, without the secret parts."""
    text = main_text(_call(operator, "method=POST&direction=in"))
    for shown in (
        "from an app to this host",
        "201 after",
        "x-note: hello",
        '{"value":"BB"}',
        "location: http",
        ".(hidden)",
    ):
        assert shown in text
    sent = main_text(_call(operator, "path=/installed"))
    assert '"sharedSecret": "(hidden)"' in sent
    assert app.installation.shared_secret not in sent


def test_json_is_written_as_people_read_it(operator: httpx.Client, app: AppClient) -> None:
    """A member on each line, its numbers and escapes unchanged; the body as it was sent is a click away."""
    sent = '{"value":"no value","n":1.10,"u":"\\u00e9","value":"é é"}'
    app("POST", VALUES, content=sent, headers={"Content-Type": "application/json"})
    page = _call(operator, "status=4xx&method=POST")
    request = document(page).css(".message")[0]
    _, body, raw = [node.text() for node in request.css("pre")]
    assert body == '{\n  "value": "no value",\n  "n": 1.10,\n  "u": "\\u00e9",\n  "value": "é é"\n}'
    assert raw == sent


@pytest.mark.parametrize("body", ["", "value=BB", '{"cut off": ', "[" * 50, "[1, 2", '{"a": ' * 5_000])
def test_what_is_no_json_is_shown_as_it_is(body: str) -> None:
    """Also text that begins like JSON."""
    assert pretty(body) == body


def test_a_call_stands_beside_the_list(operator: httpx.Client, app: AppClient) -> None:
    """At the list's own address, which has the filter and the chosen call; htmx gets only the call."""
    listed = operator.get("/-/traffic?status=refused")
    number = attribute(listed, "tbody a[data-call]", "data-call")
    page = operator.get(f"/-/traffic?status=refused&call={number}")
    assert _requests(page) == _requests(listed)
    assert attribute(page, "tbody [aria-current]", "data-call") == number
    assert f"GET {LINKERS}" in texts(page, "#pane h2")
    part = operator.get(f"/-/traffic/{number}", headers={"HX-Request": "true"})
    assert "<title" not in part.text
    assert texts(part, "html")[0] == texts(page, "#pane")[0]
    for nonsense in ("7777", "x", "9" * 40):
        assert texts(operator.get(f"/-/traffic?call={nonsense}"), "#pane") == [""]


def test_a_token_is_decoded_where_the_call_is(operator: httpx.Client, app: AppClient) -> None:
    """Claims, times as dates and relative to the call, and for a refusal its cause; no signature."""
    page = _call(operator, "status=refused")
    claims = texts(page, ".claims")[0]
    assert f'iss "{app.installation.app_key}"' in claims
    assert re.search(r"exp \d{10} \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, 3 min after the call", claims)
    assert "You signed PUT, the request was GET." in texts(page, ".error")[0]
    assert texts(_call(operator, "direction=out"), ".claims") == []


def test_call_that_is_gone_is_not_found(operator: httpx.Client) -> None:
    """A number in any spelling is a 404."""
    for target in ("/-/traffic/7", f"/-/traffic/{10**40}", "/-/jwt?request=7", "/-/jwt?request=-1"):
        assert operator.get(target).status_code == 404


def _curl(operator: httpx.Client, query: str) -> str:
    return document(_call(operator, query)).css("pre")[-1].text()


@pytest.mark.slow
def test_command_sends_the_request_again(operator: httpx.Client, app: AppClient, watched: LiveHost) -> None:
    """Copied into a shell, it is signed anew, and answered as the request was."""
    if shutil.which("curl") is None:
        pytest.skip("`curl` is not on the PATH")
    command = _curl(operator, "path=page%3D1")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {"PATH": path, "ROADSTEAD_DATA": str(watched.settings.data), "HOME": "/"}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=True)
    assert done.stdout == app("GET", f"{LINKERS}?page=1").content


def test_command_holds_what_was_sent_as_it_was(operator: httpx.Client, watched: LiveHost, tmp_path: Path) -> None:
    """A stranger's quotes, dollars and backquotes reach curl as text, and run nothing."""
    nasty = "';\"$(touch ran)`touch ran`\\"
    token = encode({"iss": nasty, "sub": nasty, "exp": 0}, "x" * 40)
    headers = {"Authorization": f"JWT {token}", "X-Nasty": nasty}
    httpx.put(f"{watched.url}{VALUES}", headers=headers, content=nasty)
    command = _curl(operator, "method=PUT")
    (tmp_path / "bin").mkdir()
    for program in ("curl", "roadstead"):
        stub = tmp_path / "bin" / program
        stub.write_text("#!/bin/sh\nprintf '%s\\n' \"$@\"\n")
        stub.chmod(0o755)
    environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=True, cwd=tmp_path)
    lines = done.stdout.decode().splitlines()
    assert lines[:4] == ["-X", "PUT", f"{watched.url}{VALUES}", "-H"]
    assert f"x-nasty: {nasty}" in lines
    assert lines[lines.index("token") + 1] == nasty
    assert not (tmp_path / "ran").exists()


def test_command_has_a_place_for_other_credentials(operator: httpx.Client, app: AppClient, watched: LiveHost) -> None:
    """For a Bearer token, and for the host's own calls, the command has only a placeholder."""
    httpx.get(f"{watched.url}/2.0/user", headers={"Authorization": f"Bearer {watched.api_token()}"})
    assert "-H 'Authorization: Bearer TOKEN'" in _curl(operator, "path=/2.0/user")
    assert "-H 'Authorization: JWT TOKEN'" in _curl_of_signed_call(operator, app, watched)


def _curl_of_signed_call(operator: httpx.Client, app: AppClient, watched: LiveHost) -> str:
    """Return the command of the host's `uninstalled` call."""
    app("DELETE", "/2.0/addon")
    deadline = time.monotonic() + 10
    while not (found := _requests(operator.get("/-/traffic?path=/uninstalled"))) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found
    return _curl(operator, "path=/uninstalled")


def test_what_was_sent_is_only_text(operator: httpx.Client, app: AppClient, watched: LiveHost) -> None:
    """Markup in every header, in the path, in the body, in every claim, and in the claimed app."""
    token = encode({"iss": EVIL, "sub": EVIL, "aud": [EVIL], "exp": EVIL, "qsh": EVIL, EVIL: {EVIL: EVIL}}, "x" * 40)
    headers = {"Authorization": f"JWT {token}", "X-Evil": EVIL, "User-Agent": EVIL, "Content-Type": EVIL}
    app("POST", f"/2.0/{EVIL}?q={EVIL}", headers=headers, content=EVIL)
    app("POST", VALUES, json={"value": EVIL})
    app("GET", f"{LINKERS}?q={EVIL}", token=token, headers={"X-Evil": EVIL})
    refused = operator.get("/-/traffic?status=refused")
    pages = {
        operator.get("/-/traffic"): 2,
        operator.get("/-/traffic", params={"app": EVIL}): 1,
        _call(operator, "path=/2.0/%22"): 10,
        _call(operator, "method=POST&status=4xx"): 2,
        _call(operator, "status=refused"): 3,
        operator.get(attribute(refused, "a[id^=why]", "href")): 8,
    }
    for page, at_least in pages.items():
        assert page.status_code == 200
        assert document(page).css("evil, [onclick]") == []
        assert main_text(page).count("<evil/onclick=x>&amp;{{7*7}}") >= at_least, page.url


@pytest.mark.parametrize("field", ["app", "path"])
def test_what_is_looked_for_is_only_text(operator: httpx.Client, field: str) -> None:
    """Nor does the filter that comes back in the form contain any markup."""
    page = operator.get("/-/traffic", params={field: EVIL})
    assert document(page).css("evil, [onclick]") == []
    assert attribute(page, f"#{field}", "value") == EVIL

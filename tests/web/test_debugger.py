"""The JWT debugger: for a refused call, and for a pasted token."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from roadstead.connect import encode
from roadstead.connect.presented import present_token
from roadstead.web.tokens import decoded
from tests.live import AppClient, LiveHost, RecordingApp
from tests.web.attributes import attribute
from tests.web.reading import document, fields, main_text, submit, texts

LINKERS = "/2.0/addon/linkers"


@pytest.fixture
def app(watched: LiveHost, connect_app: RecordingApp) -> AppClient:
    return AppClient(watched.url, watched.install(connect_app))


def _paste(operator: httpx.Client, token: str, method: str = "GET", url: str = LINKERS) -> httpx.Response:
    return submit(operator, operator.get("/-/jwt"), "/-/jwt", token=token, method=method, url=url)


def test_refused_call_is_one_click_away(operator: httpx.Client, app: AppClient) -> None:
    """Links from the list, from the call's page, and from the debugger itself; the cause comes first."""
    app("GET", f"{LINKERS}?page=2", token=app.token("GET", LINKERS))
    (line,) = [link for link in document(operator.get("/-/traffic")).css("tbody a") if link.text() == "Why?"]
    (refusal,) = document(operator.get("/-/jwt")).css("main ul a")
    assert line.attributes["href"] == refusal.attributes["href"]
    page = operator.get(str(line.attributes["href"]))
    assert texts(page, "#cause")[0].startswith("The query is left out. qsh must be")
    assert texts(page, "#cause ~ table tbody tr")[-1].startswith("qsh fails The query is left out.")
    assert texts(page, "mark") == ["p", "(ends here)"]
    assert texts(page, "select option[selected]") == ["GET"]


def test_pasted_token_is_explained(operator: httpx.Client, app: AppClient) -> None:
    """Header and claims are decoded, each check has its verdict, and the token is not stored."""
    token = app.token("GET", LINKERS, exp=180)
    page = _paste(operator, f"Authorization: JWT {token}")
    assert texts(page, "#cause")[0].startswith("exp is 180, which is a lifetime and not a moment.")
    assert texts(page, "tbody .badge") == ["passes"] * 5 + ["fails"] + ["passes"] * 3
    assert f'iss "{app.installation.app_key}"' in main_text(page)
    assert token.split(".")[1] not in operator.get("/-/jwt").text + operator.get("/-/traffic").text


def test_right_token_is_called_good(operator: httpx.Client, app: AppClient) -> None:
    """For exactly the request that it was made for."""
    page = _paste(operator, app.token("POST", f"{LINKERS}/tickets/values"), "POST", f"{LINKERS}/tickets/values")
    assert texts(page, "#cause") == ["The token is valid for this request."]


@pytest.mark.parametrize(
    ("token", "url", "words"),
    [
        ("", LINKERS, "There is no token."),
        ("nonsense", LINKERS, "three base64url segments"),
        ("x", "no path", "not a path as a client sends it"),
        ("x" * 30_000, LINKERS, "At most 20000 characters"),
    ],
)
def test_what_makes_no_sense_is_said_so(browser: httpx.Client, token: str, url: str, words: str) -> None:
    """The error is in words, beside its field, with the form as it was filled in."""
    page = _paste(browser, token, url=url)
    assert words in main_text(page)
    assert attribute(page, "#url", "value") == url
    assert fields(page, "/-/jwt")["token"] == token
    wrong = [node.attributes["id"] for node in document(page).css("form [aria-invalid]")]
    assert wrong == {"no path": ["url"]}.get(url, ["token"] if "At most" in words else [])


def test_htmx_gets_the_verdict_alone(operator: httpx.Client, app: AppClient) -> None:
    """During typing, the answer is only the part to replace, also for input that cannot be examined."""
    sent = {**fields(operator.get("/-/jwt"), "/-/jwt"), "method": "GET", "token": app.token("GET", LINKERS)}
    part = operator.post("/-/jwt", data=sent, headers={"HX-Request": "true"})
    assert "<title" not in part.text
    assert texts(part, "#cause") == ["The token is valid for this request."]
    part = operator.post("/-/jwt", data={**sent, "url": "no path"}, headers={"HX-Request": "true"})
    assert (part.status_code, "not a path as a client sends it" in part.text) == (200, True)


def test_the_token_of_a_call_is_shown_without_its_signature(operator: httpx.Client, app: AppClient) -> None:
    """Its segments are beside their content."""
    token = app.token("PUT", LINKERS)
    app("GET", LINKERS, token=token)
    page = operator.get(attribute(operator.get("/-/jwt"), ".log a", "href"))
    header, claims, signature = token.split(".")
    assert texts(page, ".token span") == [header, claims, "(hidden)"]
    assert signature not in page.text


@pytest.mark.parametrize(
    ("value", "date"),
    [
        (1_800_000_000, "2027-01-15 08:00:00 UTC, 5 min after the call"),
        (1_800_000_000.5, "2027-01-15 08:00:00 UTC, 5 min after the call"),
        (1e300, ""),
        (-(10**18), ""),
        (True, ""),
        ("1800000000", ""),
    ],
)
def test_times_are_dates_where_they_can_be(value: object, date: str) -> None:
    """Any content of the claim is shown unchanged."""
    presented = present_token(encode({"exp": value}, "x" * 40), scheme="JWT")
    token = decoded(presented, datetime(2027, 1, 15, 7, 55, tzinfo=UTC), of_call=True)
    assert token is not None
    assert [(one.value, one.date) for one in token.claims] == [(json.dumps(value), date)]


def test_call_of_ours_is_not_examined(operator: httpx.Client, app: AppClient) -> None:
    """Its token was the host's own."""
    ours = attribute(operator.get("/-/traffic?direction=out"), "tbody a[data-call]", "href")
    page = operator.get(f"/-/jwt?request={str(ours).rpartition('/')[2]}")
    assert (page.status_code, "This call went from this host to an app." in main_text(page)) == (404, True)


def test_debugger_and_record_are_for_the_operator(watched: LiveHost) -> None:
    """Every other visitor is asked to sign in, and a form from another site is refused."""
    for target in ("/-/traffic", "/-/traffic/1", "/-/jwt"):
        assert httpx.get(f"{watched.url}{target}").status_code == 401


def test_form_from_elsewhere_is_refused(operator: httpx.Client) -> None:
    """Another site cannot have a token examined with the operator's cookie."""
    assert operator.post("/-/jwt", data={"token": "x", "method": "GET", "url": "/"}).status_code == 403

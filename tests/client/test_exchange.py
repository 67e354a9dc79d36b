"""Signing and repeating, without a network: outcomes go in, requests and pauses come out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.client import (
    AddonClient,
    ClientError,
    ConnectionFailed,
    LinkerValue,
    NotFound,
    UnexpectedResponse,
)
from roadstead.client.exchange import PAUSES, Credentials, Exchange, Outcome
from roadstead.client.operations import Operation, Operations
from roadstead.connect.jwt import read, verify
from roadstead.connect.qsh import canonical_request

NOW = 1_700_000_000.5
SECRET = "never to be shown anywhere"
CREDENTIALS = Credentials("test-app", "connection:1", SECRET)
HOST = Operations("http://host.example", None)

GET = HOST.value("tickets", 5)
PUT = HOST.replace_values("tickets", ["BB"])
POST = HOST.add_value("tickets", "BB")
DELETE = HOST.delete_value("tickets", 5)
UNINSTALL = HOST.uninstall()

NO_CONNECTION = httpx.ConnectError("refused")
NO_CONNECTION_IN_TIME = httpx.ConnectTimeout("too slow")
BROKEN = httpx.ReadError("reset")
CUT_OFF = httpx.RemoteProtocolError("no answer")
TOO_SLOW = httpx.ReadTimeout("")
UNREADABLE = httpx.DecodingError("not gzip")


def answer(status: int, retry_after: str | None = None) -> httpx.Response:
    headers = {} if retry_after is None else {b"Retry-After": retry_after.encode()}
    return httpx.Response(status, headers=headers, json={"error": {"message": "No."}}, request=GET_REQUEST)


GET_REQUEST = httpx.Request("GET", "http://host.example/")
VALUE = httpx.Response(200, json={"id": 5, "value": "BB"}, request=GET_REQUEST)
CREATED = httpx.Response(201, json={"id": 5, "value": "BB"}, request=GET_REQUEST)
DONE = httpx.Response(204, request=GET_REQUEST)


def pauses(operation: Operation[Any], outcomes: Sequence[Outcome]) -> list[float | None]:
    """Return the pause after each outcome; the last may be None, when the exchange is over."""
    exchange = Exchange(operation, CREDENTIALS)
    return [exchange.pause_after(outcome, NOW) for outcome in outcomes]


def in_seconds(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(NOW) + seconds, UTC), usegmt=True)


TRIED_AGAIN: list[tuple[Operation[Any], Outcome, float | None]] = [
    *((operation, NO_CONNECTION, 0.1) for operation in (GET, PUT, POST, DELETE, UNINSTALL)),
    *((operation, NO_CONNECTION_IN_TIME, 0.1) for operation in (GET, PUT, POST, DELETE, UNINSTALL)),
    *((GET, outcome, 0.1) for outcome in (BROKEN, CUT_OFF, TOO_SLOW, answer(502), answer(503), answer(504))),
    *((PUT, outcome, 0.1) for outcome in (BROKEN, CUT_OFF, TOO_SLOW, answer(502), answer(503), answer(504))),
    *((DELETE, outcome, 0.1) for outcome in (BROKEN, CUT_OFF, TOO_SLOW, answer(502), answer(503), answer(504))),
    *((POST, outcome, None) for outcome in (BROKEN, CUT_OFF, TOO_SLOW, answer(502), answer(503), answer(504))),
    (POST, answer(429, "1"), None),
    (POST, answer(503, "1"), None),
    (GET, UNREADABLE, None),
    (GET, VALUE, None),
    (PUT, DONE, None),
    *((GET, answer(status), None) for status in (301, 400, 401, 403, 404, 409, 410, 500, 501)),
    (GET, answer(429), None),
    (GET, answer(429, "7"), 7.0),
    (GET, answer(503, "7"), 7.0),
    (GET, answer(503, "0"), 0.0),
    (GET, answer(503, "30"), 30.0),
    (GET, answer(503, "31"), None),
    (GET, answer(503, "99999999999999999999"), 0.1),
    (GET, answer(503, in_seconds(20)), 19.5),
    (GET, answer(503, in_seconds(-20)), 0.0),
    (GET, answer(503, in_seconds(3600)), None),
    *((GET, answer(503, text), 0.1) for text in ("", "-1", "1.5", "+1", "1_0", "soon", "nan", "inf", "\u00b2")),
]


@pytest.mark.sample(20)
@pytest.mark.parametrize(("operation", "outcome", "pause"), TRIED_AGAIN)
def test_only_what_is_safe_is_tried_again(operation: Operation[Any], outcome: Outcome, pause: float | None) -> None:
    """The first outcome decides whether there is a second attempt, and after how many seconds."""
    assert pauses(operation, [outcome]) == [pause]


@pytest.mark.parametrize("outcome", [NO_CONNECTION, BROKEN, answer(503), answer(503, "0"), answer(429, "1")])
def test_attempts_are_bounded(outcome: Outcome) -> None:
    """After any outcome, and for any `Retry-After`, there are four attempts and no fifth."""
    *waits, last = pauses(GET, [outcome] * (len(PAUSES) + 1))

    assert None not in waits
    assert last is None


RESULTS: list[tuple[Operation[Any], list[Outcome], Any]] = [
    (GET, [answer(503), BROKEN, VALUE], LinkerValue(5, "BB")),
    (POST, [NO_CONNECTION, CREATED], LinkerValue(5, "BB")),
    (PUT, [TOO_SLOW, answer(502), DONE], None),
    (DELETE, [DONE], None),
    (DELETE, [BROKEN, answer(404)], None),
    (DELETE, [answer(504), answer(503), answer(404)], None),
]


@pytest.mark.parametrize(("operation", "outcomes", "result"), RESULTS)
def test_a_later_attempt_may_succeed(operation: Operation[Any], outcomes: list[Outcome], result: Any) -> None:
    """A later attempt may also succeed when a deletion finds nothing, because an attempt whose answer was lost did the
    work.
    """
    assert result_of(operation, outcomes) == result


FAILURES: list[tuple[Operation[Any], list[Outcome], type[ClientError], str]] = [
    (DELETE, [answer(404)], NotFound, "^404: No."),
    (DELETE, [NO_CONNECTION, answer(404)], NotFound, "^404: No."),
    (DELETE, [answer(503), answer(404)], NotFound, "^404: No."),
    (GET, [BROKEN, answer(404)], NotFound, "^404: No."),
    (UNINSTALL, [BROKEN, answer(401)], ClientError, "^401: No."),
    (POST, [NO_CONNECTION] * 4, ConnectionFailed, "^POST http://host.example/.* could not be sent: refused"),
    (GET, [NO_CONNECTION] * 4, ConnectionFailed, "^GET http://host.example/.* could not be sent: refused"),
    (POST, [TOO_SLOW], ConnectionFailed, "got no answer, but may have been done: ReadTimeout"),
    (PUT, [BROKEN, *[NO_CONNECTION] * 3], ConnectionFailed, "got no answer, but may have been done: refused"),
    (GET, [UNREADABLE], UnexpectedResponse, "cannot be read: not gzip"),
]


@pytest.mark.parametrize(("operation", "outcomes", "kind", "message"), FAILURES)
def test_the_last_attempt_decides_the_error(
    operation: Operation[Any], outcomes: list[Outcome], kind: type[ClientError], message: str
) -> None:
    """After a lost answer, the error says whether the operation may have been done."""
    with pytest.raises(kind, match=message) as raised:
        result_of(operation, outcomes)

    if isinstance(raised.value, ConnectionFailed):
        assert raised.value.may_have_been_done == ("may have been done" in message)


def result_of(operation: Operation[Any], outcomes: list[Outcome]) -> Any:
    exchange = Exchange(operation, CREDENTIALS)
    for outcome in outcomes[:-1]:
        assert exchange.pause_after(outcome, NOW) is not None
    assert exchange.pause_after(outcomes[-1], NOW) is None
    return exchange.result(outcomes[-1])


@pytest.mark.parametrize(
    "operation", [GET, PUT, POST, DELETE, UNINSTALL, HOST.linkers(), HOST.access_token(None, None)]
)
def test_a_request_is_signed_for_itself_and_for_three_minutes(operation: Operation[Any]) -> None:
    """The claims are those that Bitbucket documents for calls from an app to the host."""
    request = Exchange(operation, CREDENTIALS).request(NOW)

    assert claims_of(request, request.url.raw_path.decode()) == {
        "iss": "test-app",
        "sub": "connection:1",
        "iat": 1_700_000_000,
        "exp": 1_700_000_180,
    }


def test_every_attempt_is_signed_anew() -> None:
    """An attempt after a long pause does not carry the token of the first."""
    exchange = Exchange(GET, CREDENTIALS)

    assert exchange.request(NOW).headers["Authorization"] != exchange.request(NOW + 30).headers["Authorization"]


def test_the_path_of_a_base_url_is_not_signed() -> None:
    """The hash covers the path relative to the base URL, for a host below a path as for any other."""
    below = Operations("http://host.example/bitbucket/", None)

    request = Exchange(below.linkers(), CREDENTIALS).request(NOW)

    assert request.url == "http://host.example/bitbucket/2.0/addon/linkers?pagelen=100"
    assert claims_of(request, "/2.0/addon/linkers?pagelen=100")["iss"] == "test-app"


@pytest.mark.parametrize(
    ("link", "followed"),
    [
        ("http://host.example/bitbucket/2.0/addon/linkers?page=2", True),
        ("http://HOST.example:80/bitbucket/2.0/addon/linkers?page=2", True),
        ("http://host.example/2.0/addon/linkers?page=2", False),
        ("http://host.example/bitbucketeer/2.0/addon/linkers?page=2", False),
        ("http://host.example/bitbucket/../2.0/addon/linkers?page=2", False),
    ],
)
def test_a_next_link_must_lie_below_the_base_url(link: str, followed: bool) -> None:
    """Two hosts below different paths of one origin do not get each other's tokens."""
    operation = Operations("http://host.example/bitbucket", None).linkers()
    page = httpx.Response(200, json={"values": [], "next": link}, request=GET_REQUEST)

    if not followed:
        with pytest.raises(UnexpectedResponse, match=r"not below http://host\.example/bitbucket"):
            operation.parse(page)
        return
    following = operation.parse(page).following
    assert following is not None
    assert following.url == "http://host.example/bitbucket/2.0/addon/linkers?page=2"
    claims_of(Exchange(following, CREDENTIALS).request(NOW), "/2.0/addon/linkers?page=2")


def test_an_access_token_is_asked_for_at_the_site() -> None:
    """Where API and site are two hosts, as on Bitbucket Cloud, the token endpoint is the site's."""
    cloud = Operations("https://api.bitbucket.org", "https://bitbucket.org")

    assert cloud.access_token(None, None).url == "https://bitbucket.org/site/oauth2/access_token"
    assert cloud.linkers().url == "https://api.bitbucket.org/2.0/addon/linkers?pagelen=100"


@given(key=st.text(min_size=1, max_size=200), q=st.text(max_size=200), sort=st.text(max_size=20))
def test_any_key_and_any_query_is_signed_as_it_is_sent(key: str, q: str, sort: str) -> None:
    """The request on the wire has a matching hash, and decodes to the caller's arguments."""
    request = Exchange(HOST.values(key, q, sort), CREDENTIALS).request(NOW)

    target = request.url.raw_path.decode("ascii")
    claims_of(request, target)
    assert [unquote(segment) for segment in target.partition("?")[0].split("/")] == [
        "", "2.0", "addon", "linkers", key, "values",
    ]  # fmt: skip
    assert dict(httpx.QueryParams(target.partition("?")[2])) == {"pagelen": "100", "q": q, "sort": sort}


def claims_of(request: httpx.Request, target: str) -> dict[str, object]:
    """Return the verified claims except `qsh`, when the request is signed for `target`."""
    path, _, query = target.partition("?")
    token = read(request.headers["Authorization"].removeprefix("JWT "))
    claims = verify(token, shared_secret=SECRET, now=NOW, canonical=canonical_request(request.method, path, query))
    return {name: value for name, value in claims.items() if name != "qsh"}


def test_the_secret_is_never_shown() -> None:
    """No representation shows the secret, and no error made from an outcome."""
    with AddonClient(
        "http://host.example", app_key="test-app", client_key="connection:1", shared_secret=SECRET
    ) as addon:
        shown = [repr(addon), repr(CREDENTIALS), str(vars(addon))]
    for operation, outcomes, *_ in FAILURES:
        with pytest.raises(ClientError) as raised:
            result_of(operation, outcomes)
        shown += [str(raised.value), repr(raised.value), repr(vars(raised.value))]

    assert "http://host.example" in shown[0]
    assert not [text for text in shown if SECRET in text or "JWT " in text]

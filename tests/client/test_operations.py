"""The request of each operation over real HTTP, and its result."""

import inspect
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, unquote

import pytest

from roadstead import client
from roadstead.client import AccessToken, AddonClient, AsyncAddonClient, Linker, LinkerValue
from tests.client.conftest import Call
from tests.client.loopback_host import Answer, LoopbackHost, refusal

LINKER = Linker(key="tickets", regex=r"((?K)-\d+)", url=r"/\1", type="href")
VALUES = "/2.0/addon/linkers/tickets/values"
GRANT = "grant_type=urn%3Abitbucket%3Aoauth2%3Ajwt"

OPERATIONS: list[tuple[str, tuple[Any, ...], str, bytes, Any]] = [
    (
        "linkers",
        (),
        "GET /2.0/addon/linkers?pagelen=100",
        b"",
        [LINKER, Linker("rfc", LINKER.regex, LINKER.url)],
    ),
    ("linker", ("tickets",), "GET /2.0/addon/linkers/tickets", b"", LINKER),
    (
        "values",
        ("tickets",),
        f"GET {VALUES}?pagelen=100",
        b"",
        [LinkerValue(71, "BB"), LinkerValue(72, "OPS")],
    ),
    ("value", ("tickets", 72), f"GET {VALUES}/72", b"", LinkerValue(72, "OPS")),
    ("add_value", ("tickets", "SE"), f"POST {VALUES}", b'{"value":"SE"}', LinkerValue(1, "SE")),
    ("replace_values", ("tickets", ["A", "B"]), f"PUT {VALUES}", b'{"values":["A","B"]}', None),
    ("delete_values", ("tickets",), f"DELETE {VALUES}", b"", None),
    ("delete_value", ("tickets", 71), f"DELETE {VALUES}/71", b"", None),
    ("update", (), "PUT /2.0/addon", b"{}", None),
    ("update", ({"key": "k"},), "PUT /2.0/addon", b'{"descriptor":{"key":"k"}}', None),
    ("update", (None, "http://a/d"), "PUT /2.0/addon", b'{"descriptor_url":"http://a/d"}', None),
    ("uninstall", (), "DELETE /2.0/addon", b"", None),
    (
        "access_token",
        (),
        "POST /site/oauth2/access_token",
        GRANT.encode(),
        AccessToken("let-me-in", ("repository",), 3600),
    ),
    (
        "access_token",
        (["repository", "webhook"], "{0-1}"),
        "POST /site/oauth2/access_token",
        f"{GRANT}&scope=repository%20webhook&bitbucket_repository=%7B0-1%7D".encode(),
        AccessToken("let-me-in", ("repository",), 3600),
    ),
]


@pytest.mark.sample(9)
@pytest.mark.parametrize(("operation", "args", "request_line", "body", "result"), OPERATIONS)
def test_an_operation_sends_its_request_and_returns_what_the_answer_says(
    *,
    loopback: LoopbackHost,
    call_at: Callable[..., Call],
    operation: str,
    args: tuple[Any, ...],
    request_line: str,
    body: bytes,
    result: Any,
) -> None:
    """Method, target and body are the documented ones; the host checks the signature, so it holds."""
    loopback.values["tickets"] = {71: "BB", 72: "OPS"}

    assert call_at(loopback.base_url)(operation, *args) == result

    (received,) = loopback.requests
    assert f"{received.method} {received.target}" == request_line
    assert received.body == body


def test_both_clients_offer_the_same_operations() -> None:
    """No operation, and no parameter, is only in one client."""

    def operations(client: type[Any]) -> dict[str, list[str]]:
        return {
            name: list(inspect.signature(member).parameters)
            for name, member in vars(client).items()
            if not name.startswith("_")
        }

    assert operations(AddonClient) == operations(AsyncAddonClient)
    assert list(inspect.signature(AddonClient).parameters) == list(inspect.signature(AsyncAddonClient).parameters)


def test_values_can_be_any_iterable(loopback: LoopbackHost, call: Call) -> None:
    """A generator is sent like a list."""
    call("replace_values", "tickets", (value for value in ["A", "B"]))

    assert list(loopback.values["tickets"].values()) == ["A", "B"]


@pytest.mark.sample(4)
@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5])
def test_a_list_is_followed_to_its_end(loopback: LoopbackHost, call: Call, length: int) -> None:
    """Every item comes once and in order, with a full, short or only last page."""
    loopback.page_length = 2
    loopback.values["tickets"] = {id_: f"V{id_}" for id_ in range(length)}

    found = call("values", "tickets", q='value ~ "a b+c"', sort="-value")

    assert [value.id for value in found] == list(range(length))
    for received in loopback.requests:
        query = parse_qs(received.target.partition("?")[2])
        assert (query["q"], query["sort"], query["pagelen"]) == (['value ~ "a b+c"'], ["-value"], ["100"])


def test_a_next_link_is_requested_as_it_was_given(loopback: LoopbackHost, call: Call) -> None:
    """Unusual escapes, order and empty parameters reach the host unchanged, and the signature covers them."""
    target = "/2.0/addon/linkers/%74ickets/values?after=%7e%2B+a,b*'()&&page&b=2&a=1&a=%c3%bc&c=;"
    loopback.script += [
        Answer(200, {"values": [], "next": f"{loopback.base_url}{target}"}),
        Answer(200, {"values": []}),
    ]

    assert call("values", "tickets") == []
    assert loopback.requests[1].target == target


def test_pages_are_read_as_they_are_consumed(loopback: LoopbackHost) -> None:
    """Looking at the first value of a long list costs one request."""
    loopback.page_length = 1
    loopback.values["tickets"] = dict.fromkeys(range(1000), "V")

    with AddonClient(
        loopback.base_url,
        app_key="test-app",
        client_key="connection:1",
        shared_secret=loopback.secrets["connection:1"],
    ) as addon:
        assert next(addon.values("tickets")).id == 0

    assert len(loopback.requests) == 1


@pytest.mark.sample(11)
@pytest.mark.parametrize(
    "key",
    [
        "a/b",
        "a b",
        "a%2Fb",
        "ä€😀",
        "?",
        "#",
        "&",
        "a&b=c",
        ".",
        "..",
        "...",
        "%",
        "+",
        "~",
        "'()*!;,=:@$",
        "\x00\n",
        '"<>\\^`{|}',
    ],
)
def test_any_linker_key_arrives_as_it_is(loopback: LoopbackHost, call: Call, key: str) -> None:
    """Keys with a meaning in a URL are neither cut, resolved nor mixed up, and the signature is valid."""
    loopback.values[key] = {5: "BB"}

    assert call("linker", key).key == key
    assert call("value", key, 5) == LinkerValue(5, "BB")
    assert [unquote(r.target.split("/")[4]) for r in loopback.requests] == [key, key]


REFUSALS: list[tuple[Answer, type[client.ApiError], str, str, dict[str, list[str]]]] = [
    (
        refusal(400, "Bad.", "Do so.", {"value": ["No."]}),
        client.BadRequest,
        "Bad.",
        "Do so.",
        {"value": ["No."]},
    ),
    (refusal(401, "Who?"), client.Unauthorized, "Who?", "", {}),
    (refusal(403, "Only jwt."), client.Forbidden, "Only jwt.", "", {}),
    (refusal(404, "No linker."), client.NotFound, "No linker.", "", {}),
    (refusal(409, "Taken."), client.Conflict, "Taken.", "", {}),
    (refusal(429, "Slower."), client.TooManyRequests, "Slower.", "", {}),
    (refusal(500, "Oops."), client.ServerError, "Oops.", "", {}),
    (refusal(410, "CHANGE-1770", "Gone."), client.ApiError, "CHANGE-1770", "Gone.", {}),
    (Answer(400, {"error": "invalid_grant", "error_description": "Old."}), client.BadRequest, "Old.", "", {}),
    (Answer(400, {"error": "invalid_grant"}), client.BadRequest, "invalid_grant", "", {}),
    (Answer(400, {"error": {"message": "m", "detail": 7, "fields": []}}), client.BadRequest, "m", "", {}),
    (
        Answer(400, {"error": {"message": "m", "fields": {"a": "b"}}}),
        client.BadRequest,
        "m",
        "",
        {"a": ["b"]},
    ),
    (Answer(400, {"error": {"detail": "d"}}), client.BadRequest, "Bad Request", "", {}),
    (Answer(500, b"<html>oops</html>"), client.ServerError, "Internal Server Error", "", {}),
    (Answer(404, b"\xff\xfe"), client.NotFound, "Not Found", "", {}),
    (Answer(404, b""), client.NotFound, "Not Found", "", {}),
    (Answer(499, b""), client.ApiError, "The host gave no reason.", "", {}),
    (Answer(404, b"[" * 100_000), client.NotFound, "Not Found", "", {}),
]


@pytest.mark.sample(6)
@pytest.mark.parametrize(("answer", "kind", "message", "detail", "fields"), REFUSALS)
def test_a_refusal_is_an_error_that_carries_what_the_api_said(
    *,
    loopback: LoopbackHost,
    call: Call,
    answer: Answer,
    kind: type[client.ApiError],
    message: str,
    detail: str,
    fields: dict[str, list[str]],
) -> None:
    """The class follows the status; the rest follows the body, in any form."""
    loopback.script.append(answer)

    with pytest.raises(client.ApiError) as raised:
        call("linker", "tickets")

    error = raised.value
    assert type(error) is kind
    assert (error.status, error.message, error.detail, error.fields) == (
        answer.status,
        message,
        detail,
        fields,
    )
    assert str(error) == f"{answer.status}: {message} {detail}".rstrip()


def test_errors_of_the_host_reach_the_caller(loopback: LoopbackHost, call: Call) -> None:
    """A value twice is a conflict; an unknown linker and an unknown value are not found."""
    call("add_value", "tickets", "BB")

    with pytest.raises(client.Conflict, match="already has the value 'BB'") as raised:
        call("add_value", "tickets", "BB")
    assert raised.value.fields == {"value": ["Taken."]}
    with pytest.raises(client.NotFound, match="no linker 'nope'"):
        call("values", "nope")
    with pytest.raises(client.NotFound, match="no linker value 99"):
        call("delete_value", "tickets", 99)


@pytest.mark.parametrize(
    ("settings"), [{"shared_secret": "another"}, {"app_key": "another-app"}], ids=["secret", "app key"]
)
def test_wrong_credentials_are_unauthorized(
    loopback: LoopbackHost, call_at: Callable[..., Call], settings: dict[str, str]
) -> None:
    """The error has the host's reason."""
    with pytest.raises(client.Unauthorized) as raised:
        call_at(loopback.base_url, **settings)("linkers")

    assert raised.value.detail


DEEP = b'{"values": [], "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

NOT_PROMISED: list[tuple[str, Answer]] = [
    ("linkers", Answer(200, b"")),
    ("linkers", Answer(200, b"<html>Sign in to this network</html>")),
    ("linkers", Answer(200, b"\xff\xfe\x00")),
    ("linkers", Answer(200, b'{"values": [')),
    ("linkers", Answer(200, [])),
    ("linkers", Answer(200, {"values": {}})),
    ("linkers", Answer(200, {"size": 0})),
    ("linkers", Answer(200, {"values": [{"key": "tickets"}]})),
    ("linkers", Answer(200, {"values": [], "next": 2})),
    ("linkers", Answer(200, DEEP)),
    ("linkers", Answer(204)),
    ("linkers", Answer(200, b"not gzip", {"Content-Encoding": "gzip"})),
    ("linkers", Answer(301, b"", {"Location": "/2.0/addon/linkers/"})),
    ("linkers", Answer(302, b"", {"Location": "https://elsewhere.example/"})),
    ("linker", Answer(200, {"key": 1, "regex": "r", "url": "u"})),
    ("linker", Answer(200, None)),
    ("value", Answer(200, {"id": "5", "value": "BB"})),
    ("value", Answer(200, {"id": 5.5, "value": "BB"})),
    ("value", Answer(200, {"id": 5, "value": None})),
    ("add_value", Answer(200, {"id": 5, "value": "BB"})),
    ("add_value", Answer(201, b"created")),
    ("replace_values", Answer(200, b"<html>Sign in to this network</html>")),
    ("delete_value", Answer(202)),
    ("uninstall", Answer(303, b"", {"Location": "/"})),
    ("access_token", Answer(200, {"token_type": "bearer"})),
]
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "linker": ("tickets",),
    "value": ("tickets", 5),
    "add_value": ("tickets", "BB"),
    "replace_values": ("tickets", ["BB"]),
    "delete_value": ("tickets", 5),
}


@pytest.mark.sample(6)
@pytest.mark.parametrize(("operation", "answer"), NOT_PROMISED)
def test_an_answer_that_the_api_does_not_promise_is_an_error(
    loopback: LoopbackHost, call: Call, operation: str, answer: Answer
) -> None:
    """It is neither success nor an exception of some library, and it is not requested again."""
    loopback.script.append(answer)

    with pytest.raises(client.UnexpectedResponse, match=r"^(GET|POST|PUT|DELETE) http://127\.0\.0\.1:"):
        call(operation, *ARGUMENTS.get(operation, ()))

    assert len(loopback.requests) == 1


def test_members_that_we_do_not_know_are_ignored(loopback: LoopbackHost, call: Call) -> None:
    """A later version of the API may have more members."""
    value = {"type": "linker_value", "id": 5, "value": "BB", "owner": {"a": [1]}, "links": {}}
    loopback.script.append(Answer(200, {"values": [value], "size": None, "next": None, "colour": "red"}))

    assert call("values", "tickets") == [LinkerValue(5, "BB")]


FOREIGN_LINKS = [
    "https://elsewhere.example/2.0/addon/linkers?page=2",
    "http://localhost:{port}/2.0/addon/linkers?page=2",
    "https://127.0.0.1:{port}/2.0/addon/linkers?page=2",
    "http://127.0.0.1:1/2.0/addon/linkers?page=2",
    "http://127.0.0.1/2.0/addon/linkers?page=2",
    "http://user:pass@127.0.0.1:{port}/2.0/addon/linkers?page=2",
    "http://127.0.0.1:{port}@elsewhere.example/2.0/addon/linkers",
    "//elsewhere.example/2.0/addon/linkers?page=2",
    "/2.0/addon/linkers?page=2",
    "?page=2",
    "",
    "file:///etc/passwd",
    "http://[/",
    "http://127.0.0.1:{port}:80/",
    "http://xn--\udc80/",
    "http://127.0.0.1:{port}\n/2.0",
]


@pytest.mark.sample(10)
@pytest.mark.parametrize("link", FOREIGN_LINKS)
def test_a_next_link_to_another_place_is_refused(loopback: LoopbackHost, call: Call, link: str) -> None:
    """A token is valid for any receiver, so only the host itself gets one; the error names the link."""
    link = link.replace("{port}", loopback.base_url.rpartition(":")[2])
    body = json.dumps({"values": [{"id": 1, "value": "A"}], "next": link}).encode()
    loopback.script.append(Answer(200, body))

    with pytest.raises(client.UnexpectedResponse):
        call("values", "tickets")

    assert len(loopback.requests) == 1


def test_a_page_that_names_itself_as_the_next_is_refused(loopback: LoopbackHost, call: Call) -> None:
    """A host that repeats a page does not keep the caller busy for ever."""
    loopback.script += [Answer(200, {"values": [], "next": f"{loopback.base_url}/2.0/p?page=2"})] * 2

    with pytest.raises(client.UnexpectedResponse, match="names itself"):
        call("linkers")


MISTAKES: list[tuple[str, tuple[Any, ...], type[Exception], str]] = [
    ("linker", ("",), ValueError, "must not be empty"),
    ("values", ("",), ValueError, "must not be empty"),
    ("delete_values", ("",), ValueError, "must not be empty"),
    ("linker", ("\udc80",), ValueError, "surrogate"),
    ("linker", ("x" * 70_000,), ValueError, "too long"),
    ("value", ("tickets", ""), TypeError, "integer"),
    ("delete_value", ("tickets", ""), TypeError, "integer"),
    ("delete_value", ("tickets", None), TypeError, "integer"),
    ("delete_value", ("tickets", "../values"), TypeError, "integer"),
    ("replace_values", ("tickets", "BB"), TypeError, "a list"),
    ("add_value", ("tickets", "\udc80"), ValueError, "surrogate"),
    ("update", ({}, "http://a/"), ValueError, "not both"),
    ("access_token", ("repository",), TypeError, "a list"),
    ("access_token", ([],), ValueError, "No scope"),
]


@pytest.mark.sample(10)
@pytest.mark.parametrize(("operation", "args", "error", "message"), MISTAKES)
def test_a_mistake_of_the_caller_is_told_before_anything_is_sent(
    *,
    loopback: LoopbackHost,
    call: Call,
    operation: str,
    args: tuple[Any, ...],
    error: type[Exception],
    message: str,
) -> None:
    """In particular, deleting one value with a broken id never becomes deleting all of them."""
    with pytest.raises(error, match=message):
        call(operation, *args)

    assert loopback.requests == []


@pytest.mark.sample(8)
@pytest.mark.parametrize(
    ("base_url", "message"),
    [
        ("", "absolute"),
        ("localhost:7990", "absolute"),
        ("/2.0", "absolute"),
        ("ftp://host", "absolute"),
        ("http://", "absolute"),
        ("http://a\nb", "absolute"),
        ("http://user:hidden@host", "must not contain a user"),
        ("http://host?x=1", "must not contain a user"),
        ("http://host#x", "must not contain a user"),
        ("http://host/2.0", "without /2.0"),
        ("http://host/2.0/", "without /2.0"),
    ],
)
def test_a_base_url_that_cannot_work_is_refused_at_once(
    call_at: Callable[..., Call], base_url: str, message: str
) -> None:
    """The message names the parameter, and never shows a password in the URL."""
    with pytest.raises(ValueError, match=rf"^base_url .*{message}") as raised:
        call_at(base_url)("linkers")

    assert "hidden" not in str(raised.value)


@pytest.mark.sample(6)
@pytest.mark.parametrize("name", ["app_key", "client_key", "shared_secret"])
@pytest.mark.parametrize("value", ["", "a\nb", "a\udc80"])
def test_credentials_must_be_there(call_at: Callable[..., Call], name: str, value: str) -> None:
    """An installation without a secret is noticed when the client is made, not by a refused request."""
    with pytest.raises(ValueError, match="without control characters"):
        call_at("http://localhost:7990", **{name: value})("linkers")


def test_a_trailing_slash_of_the_base_url_does_not_count(loopback: LoopbackHost, call_at: Callable[..., Call]) -> None:
    """`http://host` and `http://host/` are the same host, also for the next page."""
    loopback.page_length = 1

    assert len(call_at(f"{loopback.base_url}/")("linkers")) == 2
    assert loopback.requests[0].target == "/2.0/addon/linkers?pagelen=100"

"""The eight linker operations, over real HTTP with a signed token, as an app meets them."""

from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.live import AppClient, LiveHost, RecordingApp, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


def _error(answer: httpx.Response) -> dict[str, Any]:
    body = answer.json()
    assert body["type"] == "error"
    assert set(body) == {"type", "error"}
    error: dict[str, Any] = body["error"]
    assert error["message"]
    return error


def _stored(api: AppClient, target: str = VALUES) -> list[str]:
    """Return all values, by following `next` as given."""
    found: list[str] = []
    page = api("GET", f"{target}?pagelen=100").json()
    while True:
        found += [value["value"] for value in page["values"]]
        if "next" not in page:
            return found
        parts = urlsplit(page["next"])
        page = api("GET", f"{parts.path}?{parts.query}").json()


def test_linkers_are_listed_as_the_descriptor_declares_them(api: AppClient, host: LiveHost) -> None:
    """The page of linkers has the descriptor's order, and links that point at this host."""
    body = api("GET", "/2.0/addon/linkers").json()
    assert {name: body[name] for name in ("size", "page", "pagelen")} == {"size": 2, "page": 1, "pagelen": 10}
    assert "next" not in body
    assert "previous" not in body
    assert body["values"][0] == {
        "type": "href",
        "key": "tickets",
        "regex": r"((?K)-\d+)",
        "url": r"/browse/\1",
        "links": {
            "self": {"href": f"{host.url}/2.0/addon/linkers/tickets"},
            "values": {"href": f"{host.url}/2.0/addon/linkers/tickets/values"},
        },
    }
    assert [linker["key"] for linker in body["values"]] == ["tickets", "any-ref"]


def test_one_linker_is_the_one_of_the_list(api: AppClient) -> None:
    """The same object is in the list and at its own address; another key is a 404."""
    listed = api("GET", "/2.0/addon/linkers").json()["values"]
    assert [api("GET", f"/2.0/addon/linkers/{linker['key']}").json() for linker in listed] == listed
    assert _error(api("GET", "/2.0/addon/linkers/nothing"))["message"] == "There is no linker 'nothing'."


@pytest.mark.each_database
def test_the_list_of_linkers_can_be_filtered_sorted_and_cut(api: AppClient) -> None:
    """`q`, `sort`, `pagelen` and `fields` work on linkers too."""
    answer = api("GET", "/2.0/addon/linkers?sort=key&pagelen=1&fields=values.key,next,size").json()
    assert answer["values"] == [{"key": "any-ref"}]
    assert answer["size"] == 2
    assert "sort=key" in answer["next"]
    assert "fields=values.key,next,size" in answer["next"]
    assert api("GET", "/2.0/addon/linkers?q=key~%22REF%22&fields=values.key").json() == {"values": [{"key": "any-ref"}]}


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("/2.0/addon/linkers", ("key", "regex", "url", "type")),
        (VALUES, ("id", "value", "type")),
    ],
)
def test_a_list_is_sorted_by_whatever_it_is_filtered_by(api: AppClient, address: str, fields: tuple[str, ...]) -> None:
    """Each field that can be filtered can be sorted by, in both directions, and no other."""
    api("PUT", VALUES, json=["OPS", "bb"])
    for field in fields:
        assert api("GET", f"{address}?q={field}+!=+null").json()["size"] == 2
        up, down = (api("GET", f"{address}?sort={sign}{field}").json()["values"] for sign in ("", "-"))
        assert [one[field] for one in up] == sorted(one[field] for one in down)
        assert [one[field] for one in up] == [one[field] for one in reversed(down)]
    assert api("GET", f"{address}?sort=links").status_code == 400


def test_a_value_is_added_read_and_deleted(api: AppClient, host: LiveHost) -> None:
    """One value: 201 with its address, 200 there, 204 on removal, 404 afterwards."""
    added = api("POST", VALUES, json={"value": "BB"})
    value = added.json()
    assert added.status_code == 201
    assert isinstance(value["id"], int)
    assert value == {
        "type": "linker_value",
        "id": value["id"],
        "value": "BB",
        "links": {"self": {"href": f"{host.url}{VALUES}/{value['id']}"}},
    }
    assert added.headers["Location"] == value["links"]["self"]["href"]
    assert api("GET", f"{VALUES}/{value['id']}").json() == value
    gone = api("DELETE", f"{VALUES}/{value['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert gone.headers["Content-Type"].startswith("text/html")
    assert [api(method, f"{VALUES}/{value['id']}").status_code for method in ("GET", "DELETE")] == [404, 404]


def test_a_value_can_be_sent_as_a_form(api: AppClient) -> None:
    """Flat bodies may be form-encoded."""
    assert api("POST", VALUES, data={"value": "FORM-1"}).json()["value"] == "FORM-1"


def test_a_value_that_is_there_is_a_conflict(api: AppClient) -> None:
    """Adding the same value again is 409 and changes nothing; case makes another value."""
    assert api("POST", VALUES, json={"value": "BB"}).status_code == 201
    again = api("POST", VALUES, json={"value": "BB"})
    assert again.status_code == 409
    assert _error(again)["fields"] == {"value": ["Already exists."]}
    assert api("POST", VALUES, json={"value": "bb"}).status_code == 201
    assert _stored(api) == ["BB", "bb"]


@pytest.mark.sample(2)
@pytest.mark.parametrize("value", ["BB", "a", "9", "_", "-", "Ünï-köde_9", "x" * 255, "東京"])
def test_every_word_with_hyphens_is_a_value(api: AppClient, value: str) -> None:
    """Letters and digits of any script, underscore and hyphen, up to 255 characters."""
    assert api("POST", VALUES, json={"value": value}).json()["value"] == value
    assert _stored(api) == [value]


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    "body",
    [
        {"value": ""},
        {"value": "a b"},
        {"value": "BB\n"},
        {"value": "a.b"},
        {"value": "BB\u0000"},
        {"value": "\u200bBB"},
        {"value": "x" * 256},
        {"value": 12},
        {"value": None},
        {"value": ["BB"]},
        {"value": {"value": "BB"}},
        {"valu": "BB"},
        {},
        [],
        "BB",
        None,
        True,
    ],
)
def test_other_values_are_refused_and_nothing_is_changed(api: AppClient, body: object) -> None:
    """A value that is not a full match, or a body of another shape, is a 400 that says why."""
    answer = api("POST", VALUES, json=body)
    assert answer.status_code == 400
    assert "value" in _error(answer)["fields"]
    assert _stored(api) == []


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "body",
    [
        {"values": ["BB", "OPS"]},
        {"values": [{"value": "BB"}, {"value": "OPS"}]},
        ["BB", "OPS"],
        [{"value": "BB"}, "OPS"],
    ],
)
def test_all_values_are_replaced_whatever_the_form_of_the_list(api: AppClient, body: object) -> None:
    """Every accepted form of the whole set gives the same set."""
    answer = api("PUT", VALUES, json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["Content-Type"].startswith("text/html")
    assert _stored(api) == ["BB", "OPS"]


def test_values_that_stay_keep_their_ids(api: AppClient) -> None:
    """A bulk replacement is a set difference: a value in both sets is the same object as before."""
    api("PUT", VALUES, json=["A", "B", "C"])
    before = {value["value"]: value["id"] for value in api("GET", VALUES).json()["values"]}
    api("PUT", VALUES, json=["C", "D", "A"])
    after = {value["value"]: value["id"] for value in api("GET", VALUES).json()["values"]}
    assert set(after) == {"A", "C", "D"}
    assert {name: after[name] for name in "AC"} == {name: before[name] for name in "AC"}
    assert after["D"] not in before.values()


def test_an_empty_list_removes_all(api: AppClient) -> None:
    """The set becomes exactly what was sent, also when that is empty."""
    api("PUT", VALUES, json=["A", "B"])
    assert api("PUT", VALUES, json={"values": []}).status_code == 204
    assert api("GET", VALUES).json() == {"size": 0, "page": 1, "pagelen": 10, "values": []}


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    ("body", "offender"),
    [
        (["OK", "not ok"], "'not ok'"),
        (["OK", ""], "''"),
        (["OK", "a+b"], "'a+b'"),
        (["OK", "x" * 256], "256 characters"),
        (["OK", 7], "7"),
        (["OK", None], "None"),
        (["OK", ["BB"]], "['BB']"),
        (["OK", {"name": "BB"}], "{'name': 'BB'}"),
        (["OK", "DUP", "DUP"], "'DUP'"),
        ({"values": "BB"}, "list"),
        ({"value": ["BB"]}, "list"),
        ({}, "list"),
        (None, "list"),
        ("BB", "list"),
    ],
)
def test_a_set_with_an_offender_is_refused_whole(api: AppClient, body: object, offender: str) -> None:
    """One bad value refuses the whole set; the answer names the offenders and nothing changes."""
    api("PUT", VALUES, json=["BEFORE"])
    answer = api("PUT", VALUES, json=body)
    assert answer.status_code == 400
    assert offender in str(_error(answer)["fields"]["values"])
    assert _stored(api) == ["BEFORE"]


def test_all_values_are_deleted(api: AppClient) -> None:
    """DELETE on the list empties it, and also succeeds on an empty one."""
    api("PUT", VALUES, json=["A", "B"])
    assert [api("DELETE", VALUES).status_code for _ in range(2)] == [204, 204]
    assert _stored(api) == []


@pytest.mark.parametrize(("method", "body"), [("POST", {"value": "BB"}), ("PUT", ["BB"])])
def test_a_linker_without_a_place_for_values_takes_none(api: AppClient, method: str, body: object) -> None:
    """A linker whose regex has no (?K) accepts no value: 400."""
    answer = api(method, "/2.0/addon/linkers/any-ref/values", json=body)
    assert answer.status_code == 400
    assert "(?K)" in _error(answer)["detail"]


@pytest.mark.sample(2)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_values_of_an_unknown_linker_are_not_found(api: AppClient, method: str) -> None:
    """Every operation on a linker that the descriptor does not declare is a 404."""
    answer = api(method, "/2.0/addon/linkers/other/values", json={"value": "BB", "values": ["BB"]})
    assert (answer.status_code, _error(answer)["message"]) == (404, "There is no linker 'other'.")


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    "value_id", ["%EF%BC%91", "+1", "1_0", "-1", "01", "1.0", "0x1", "%201", "1%00", "9" * 30, "BB", "1e1", "%D9%A1"]
)
def test_only_decimal_digits_are_an_id(api: AppClient, value_id: str) -> None:
    """Other forms that `int()` accepts are not an id: 404, as for any other missing value."""
    api("PUT", VALUES, json=[f"V{number}" for number in range(30)])
    for method in ("GET", "DELETE"):
        answer = api(method, f"{VALUES}/{value_id}")
        assert answer.status_code == 404, answer.text
        _error(answer)
    assert len(_stored(api)) == 30


def test_values_belong_to_their_linker_and_installation(api: AppClient, host: LiveHost) -> None:
    """A value is not found through another linker, another app, or another workspace."""
    value_id = api("POST", VALUES, json={"value": "BB"}).json()["id"]
    assert api("GET", f"/2.0/addon/linkers/any-ref/values/{value_id}").status_code == 404
    with recording_app() as other_app:
        other = AppClient(host.url, host.install(other_app))
        assert other("GET", f"{VALUES}/{value_id}").status_code == 404
        assert other("DELETE", f"{VALUES}/{value_id}").status_code == 404
        assert other("DELETE", VALUES).status_code == 204
        assert other("POST", VALUES, json={"value": "BB"}).status_code == 201
    assert _stored(api) == ["BB"]


@pytest.mark.each_database
def test_pages_follow_each_other(api: AppClient, host: LiveHost) -> None:
    """Following `next` gives every value once, in order; `previous` leads back over the same pages."""
    names = [f"V{number:03}" for number in range(25)]
    api("PUT", VALUES, json=names)
    pages = [api("GET", f"{VALUES}?pagelen=10").json()]
    while "next" in pages[-1]:
        assert pages[-1]["next"].startswith(f"{host.url}{VALUES}?")
        pages.append(api("GET", pages[-1]["next"].removeprefix(host.url)).json())
    assert [value["value"] for page in pages for value in page["values"]] == names
    assert [(page["page"], page["size"], page["pagelen"]) for page in pages] == [(n, 25, 10) for n in (1, 2, 3)]
    assert "previous" not in pages[0]
    back = pages[-1]
    for expected in (pages[1], pages[0]):
        back = api("GET", back["previous"].removeprefix(host.url)).json()
        assert back["values"] == expected["values"]
        assert back["page"] == expected["page"]


@pytest.mark.sample(3)
@pytest.mark.parametrize("sort", ["", "&sort=id", "&sort=-id", "&sort=value", "&sort=-value"])
@pytest.mark.parametrize("filtered", ["", "&q=value~%221%22"])
def test_numbered_pages_and_links_agree(api: AppClient, host: LiveHost, sort: str, filtered: str) -> None:
    """A page by its number is the page that the links lead to, in every order and with a filter."""
    api("PUT", VALUES, json=[f"V{number * 7 % 23}" for number in range(23)])
    query = f"pagelen=4{sort}{filtered}"
    first = page = api("GET", f"{VALUES}?{query}").json()
    number = 1
    while "next" in page:
        number += 1
        page = api("GET", page["next"].removeprefix(host.url)).json()
        by_number = api("GET", f"{VALUES}?{query}&page={number}").json()
        assert by_number["values"] == page["values"]
        assert by_number["size"] == first["size"]
        assert ("next" in by_number) == ("next" in page)
    assert number == -(-first["size"] // 4)


@pytest.mark.each_database
def test_values_can_be_filtered_and_sorted(api: AppClient) -> None:
    """`q` and `sort` on values, and `fields` on the page."""
    api("PUT", VALUES, json=["OPS", "bb", "CORE", "BB2"])

    def found(query: str) -> list[str]:
        return [value["value"] for value in api("GET", f"{VALUES}?{query}").json()["values"]]

    assert found("sort=value") == ["BB2", "CORE", "OPS", "bb"]
    assert found("sort=-id") == ["BB2", "CORE", "bb", "OPS"]
    assert found("sort=type") == found("sort=-type") == ["OPS", "bb", "CORE", "BB2"]
    assert found("q=value+~+%22bb%22") == ["bb", "BB2"]
    assert found("q=value%3D%22OPS%22+OR+value%3D%22CORE%22&sort=-value") == ["OPS", "CORE"]
    assert found("q=type%3D%22linker_value%22+AND+value+IN+(%22bb%22)") == ["bb"]
    assert api("GET", f"{VALUES}?fields=size").json() == {"size": 4}
    assert found("page=9") == []


@pytest.mark.sample(5)
@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=-1",
        "page=x",
        "page=%D9%A1",
        "page=1_0",
        "page=",
        "page=99999999999999999999",
        "pagelen=0",
        "pagelen=101",
        "pagelen=500",
        "pagelen=ten",
        "q=value",
        "q=nothing%3D1",
        "q=%00",
        "sort=nothing",
        "sort=id,value",
        "fields=" + "a," * 200,
    ],
)
def test_bad_parameters_are_refused(api: AppClient, query: str) -> None:
    """A parameter out of range or unreadable is a 400 that names it."""
    api("PUT", VALUES, json=["A"])
    answer = api("GET", f"{VALUES}?{query}")
    assert answer.status_code == 400, answer.text
    _error(answer)


CURSORS = ["cursor_after=zzz", "cursor_after=bnVsbA", "cursor_after=WzFd&sort=value", "cursor_before=%F0%9F%92%A9"]


@pytest.mark.sample(2)
@pytest.mark.parametrize("query", CURSORS)
def test_places_that_no_link_led_to_are_refused(api: AppClient, query: str) -> None:
    """Forged cursors, or cursors of another order, reach no statement."""
    api("PUT", VALUES, json=["A"])
    answer = api("GET", f"{VALUES}?{query}")
    assert answer.status_code == 400, answer.text
    _error(answer)


def test_a_trailing_slash_is_the_same_address(api: AppClient) -> None:
    """Both spellings are served, and neither redirects."""
    assert api("POST", f"{VALUES}/", json={"value": "BB"}).status_code == 201
    value_id = api("GET", f"{VALUES}/").json()["values"][0]["id"]
    assert api("GET", f"{VALUES}/{value_id}/").status_code == 200
    assert api("GET", "/2.0/addon/linkers/").status_code == 200
    assert api("GET", "/2.0/addon/linkers/tickets/").status_code == 200
    assert api("DELETE", f"{VALUES}/{value_id}/").status_code == 204


def test_head_is_get_without_the_body(api: AppClient) -> None:
    """HEAD has the headers that GET would have."""
    answer, full = api("HEAD", "/2.0/addon/linkers"), api("GET", "/2.0/addon/linkers")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Length"] == full.headers["Content-Length"]


ALLOWED = {
    "/2.0/addon": "DELETE, OPTIONS, PUT",
    "/2.0/addon/linkers": "GET, HEAD, OPTIONS",
    "/2.0/addon/linkers/tickets": "GET, HEAD, OPTIONS",
    VALUES: "DELETE, GET, HEAD, OPTIONS, POST, PUT",
    f"{VALUES}/1": "DELETE, GET, HEAD, OPTIONS",
}


METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "TRACE")
REFUSED = [(method, *place) for place in ALLOWED.items() for method in METHODS if method not in place[1].split(", ")]


@pytest.mark.parametrize(("method", "target", "allow"), REFUSED)
def test_other_methods_are_refused_with_what_is_allowed(host: LiveHost, method: str, target: str, allow: str) -> None:
    """405 has `Allow`, with or without a credential; there is no PUT on a single value."""
    answer = httpx.request(method, f"{host.url}{target}")
    assert (answer.status_code, answer.headers["Allow"]) == (405, allow)
    assert allow in _error(answer)["detail"]


@pytest.mark.parametrize(("target", "allow"), ALLOWED.items())
def test_options_answers_browsers(host: LiveHost, target: str, allow: str) -> None:
    """A preflight request needs no credential and gets the documented CORS headers."""
    answer = httpx.options(f"{host.url}{target}", headers={"Origin": "https://app.example.com"})
    assert (answer.status_code, answer.headers["Allow"]) == (204, allow)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Max-Age"] == "86400"


def test_every_answer_can_be_read_by_a_browser(api: AppClient, host: LiveHost) -> None:
    """Success and refusal alike allow any origin."""
    answers = [
        api("GET", "/2.0/addon/linkers"),
        api("DELETE", VALUES),
        httpx.get(f"{host.url}/2.0/addon/linkers"),
    ]
    assert [answer.headers["Access-Control-Allow-Origin"] for answer in answers] == ["*"] * 3


def test_what_is_not_there_is_a_404_in_the_same_shape(host: LiveHost) -> None:
    """Unknown addresses answer with Bitbucket's error body, too."""
    for target in (
        "/2.0",
        "/2.0/addon/other",
        "/2.0/addon/linkers/a/b/c/d",
        "/1.0/user",
        "//2.0/addon",
        "/2.0//addon",
    ):
        answer = httpx.get(f"{host.url}{target}")
        assert answer.status_code == 404, target
        _error(answer)


def test_a_repeated_installation_keeps_values(api: AppClient, host: LiveHost, connect_app: RecordingApp) -> None:
    """Installing again keeps the values that the app stored."""
    api("PUT", VALUES, json=["A", "B"])
    again = AppClient(host.url, host.install(connect_app))
    assert _stored(again) == ["A", "B"]


def test_an_encoded_slash_belongs_to_a_key(host: LiveHost) -> None:
    """The links of a linker whose key has a slash lead to it; and such a slash leads nowhere else."""
    tickets = {"regex": r"((?K)-\d+)", "url": r"/\1", "type": "href"}
    with recording_app(modules={"linkers": [{"key": key, **tickets} for key in ("team/tickets", "tickets")]}) as app:
        api = AppClient(host.url, host.install(app))
        links = [linker["links"]["values"]["href"] for linker in api("GET", "/2.0/addon/linkers").json()["values"]]
        assert links == [f"{host.url}/2.0/addon/linkers/{key}/values" for key in ("team%2Ftickets", "tickets")]
        made = api("POST", links[0].removeprefix(host.url), json={"value": "BB"})
        assert made.headers["Location"].startswith(f"{links[0]}/")
        assert api("GET", made.headers["Location"].removeprefix(host.url)).json()["value"] == "BB"
        assert api("GET", "/2.0/addon/linkers/team%2ftickets/").json()["key"] == "team/tickets"
        for path in (
            "/2.0/addon/linkers/team/tickets",
            "/2.0/addon/linkers/tickets%2Fvalues",
            "/2.0/addon%2Flinkers",
            "/2.0%2Faddon",
        ):
            assert api("GET", path).status_code == 404, path
        assert httpx.get(f"{host.url}/-%2Fhealth%2Flive").status_code == 404
        assert httpx.get(f"{host.url}/-/health%2Flive").status_code == 404

"""`POST /-/linkify`: linkers of a workspace over any text."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.app import Parts
from roadstead.control import linkify
from roadstead.domain.linking.workspaces import WorkspaceLinkers
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


def _linkify(host: LiveHost, body: object, **headers: str) -> httpx.Response:
    return httpx.post(f"{host.url}/-/linkify", json=body, headers=headers)


@pytest.fixture
def linked(host: LiveHost, connect_app: RecordingApp) -> RecordingApp:
    """Return an app alone in its workspace `linked`, with the value BB."""
    workspace = f"linked-{connect_app.key}"
    AppClient(host.url, host.install(connect_app, workspace))("PUT", VALUES, json=["BB"])
    return connect_app


def test_links_are_found_with_their_places(host: LiveHost, linked: RecordingApp) -> None:
    """Offsets are in characters of the text that was sent; only stored values are linked."""
    text = "🚢 fixes BB-12, not OPS-3; REF#7"
    body = _linkify(host, {"text": text, "workspace": f"linked-{linked.key}", "format": "json"}).json()
    assert [(text[link["start"] : link["end"]], link["url"]) for link in body["links"]] == [
        ("BB-12", f"{linked.base_url}/browse/BB-12"),
        ("REF#7", "https://refs.example.com/7"),
    ]
    assert [(link["linker"], link["app"]) for link in body["links"]] == [
        ("tickets", linked.key),
        ("any-ref", linked.key),
    ]
    assert (body["text"], body["unfinished"], "rendered" in body) == (text, [], False)


@pytest.mark.each_database
def test_a_change_of_values_is_in_force_at_once(host: LiveHost, connect_app: RecordingApp) -> None:
    """The next text sees what an app stores or deletes, also when another process did it."""
    workspace = f"linked-{connect_app.key}"
    api = AppClient(host.url, host.install(connect_app, workspace))

    def found() -> list[str]:
        body = {"text": "A-1 B-1", "workspace": workspace, "format": "json"}
        return [link["text"] for link in _linkify(host, body).json()["links"]]

    assert found() == ["A-1", "B-1"]
    value = api("POST", VALUES, json={"value": "A"}).json()["id"]
    assert found() == ["A-1"]
    api("PUT", VALUES, json=["B"])
    assert found() == ["B-1"]
    connect_app.descriptor["modules"] = {"linkers": []}
    host.install(connect_app, workspace)
    assert found() == []
    assert isinstance(value, int)


def test_the_text_is_rendered_as_asked(host: LiveHost, linked: RecordingApp) -> None:
    """HTML is the default, escaped, with the attributes that Bitbucket gives to links."""
    workspace = f"linked-{linked.key}"
    html = _linkify(host, {"text": "<b> BB-1", "workspace": workspace}).json()["rendered"]
    assert html.startswith('&lt;b&gt; <a href="')
    assert 'data-module-key="tickets"' in html
    for form, shown in (("markdown", "[BB-1]("), ("terminal", "\x1b]8;;http")):
        assert shown in _linkify(host, {"text": "BB-1", "workspace": workspace, "format": form}).json()["rendered"]


@pytest.mark.parametrize("before", ["", "<p>nothing here</p>" * 1_000])
def test_rendered_html_is_linked_and_made_safe(host: LiveHost, linked: RecordingApp, before: str) -> None:
    """With `"input": "html"` the texts of the HTML are linked, whether it is short or long; links have no offsets."""
    html = f"{before}<p onclick=x>BB-1 &amp; <code>BB-2</code><script>x</script></p>"
    asked = {"text": html, "workspace": f"linked-{linked.key}", "input": "html"}
    body = _linkify(host, asked).json()
    url = f"{linked.base_url}/browse/BB-1"
    assert body["links"] == [{"text": "BB-1", "url": url, "linker": "tickets", "app": linked.key}]
    assert body["rendered"].startswith(f'{before}<p><a href="{url}" rel="nofollow"')
    assert body["rendered"].endswith("BB-1</a> &amp; <code>BB-2</code></p>")
    assert (body["text"], body["unfinished"]) == (html, [])
    rendered = body.pop("rendered")
    assert rendered
    assert _linkify(host, {**asked, "format": "json"}).json() == body


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    "asked", [{"input": "markdown"}, {"format": "markdown"}, {"input": "markdown", "format": "markdown"}]
)
def test_markdown_is_read_as_markdown(host: LiveHost, linked: RecordingApp, asked: dict[str, str]) -> None:
    """Markdown input or output is linked only in its texts; offsets are those of the document."""
    text = "# BB-1\n\nsee [BB-2](https://x.example/y) and `BB-3`\n"
    body = _linkify(host, {"text": text, "workspace": f"linked-{linked.key}", "explain": True, **asked}).json()
    assert body["rendered"] == text.replace("BB-1", f"[BB-1]({linked.base_url}/browse/BB-1)")
    assert [(link["start"], link["end"], link["text"]) for link in body["links"]] == [(2, 6, "BB-1")]
    candidates = body["explanation"]["candidates"]
    assert [(one["text"], one["url"] is not None) for one in candidates if one["linker"] == "tickets"] == [
        ("BB-1", True),
        ("BB-2", False),
        ("BB-3", False),
    ]
    as_data = {"text": text, "workspace": f"linked-{linked.key}", "input": "markdown", "format": "json"}
    assert _linkify(host, as_data).json() == {name: body[name] for name in ("text", "links", "unfinished")}


def test_a_long_text_is_linked_to_its_end(host: LiveHost, linked: RecordingApp) -> None:
    """A text that is linked in a thread gives the same links."""
    text = "nothing here\n" * 5_000 + "BB-99"
    body = _linkify(host, {"text": text, "workspace": f"linked-{linked.key}", "format": "json"}).json()
    assert [link["text"] for link in body["links"]] == ["BB-99"]


def test_a_text_beyond_the_limit_is_linked_as_far_as_it_goes(host: LiveHost, linked: RecordingApp) -> None:
    """The answer has the links of the beginning and says why there are no more."""
    text = "BB-1 " + "x " * 500_000 + "BB-2"
    body = _linkify(host, {"text": text, "workspace": f"linked-{linked.key}", "format": "json"}).json()
    assert [link["text"] for link in body["links"]] == ["BB-1"]
    assert body["unfinished"] == [
        {"linker": None, "app": None, "reason": "Only the first 999999 characters were read."}
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"text": 7},
        {"text": None},
        {"text": "x", "workspace": 7},
        {"text": "x", "format": "pdf"},
        {"text": "x", "format": ["html"]},
        {"text": "x", "input": "asciidoc"},
        {"text": "x", "input": "markdown", "format": "html"},
        {"text": "x", "input": ["html"]},
        {"text": "x", "input": None},
        {"text": "x", "input": "html", "format": "terminal"},
        {"text": "x", "input": "html", "format": "markdown"},
        {"text": "x" * 1_000_001, "input": "html"},
    ],
)
def test_other_bodies_are_refused(host: LiveHost, body: Any) -> None:
    """A body of another shape is a 400 with a reason."""
    answer = _linkify(host, body)
    assert (answer.status_code, answer.json()["type"]) == (400, "error")


def test_a_lone_surrogate_is_no_text(host: LiveHost) -> None:
    """JSON can spell half a character, which cannot be sent back: it is refused."""
    answer = httpx.post(
        f"{host.url}/-/linkify", content=b'{"text": "\\ud800"}', headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400


def test_an_unknown_workspace_is_not_found(host: LiveHost) -> None:
    """A name without installations is a 404."""
    assert _linkify(host, {"text": "x", "workspace": "nowhere"}).status_code == 404


def test_a_foreign_name_needs_a_credential(host: LiveHost, linked: RecordingApp) -> None:
    """A page elsewhere that makes its own name resolve to this machine learns nothing."""
    body = {"text": "x", "workspace": f"linked-{linked.key}"}
    assert _linkify(host, body, Host="evil.example").status_code == 401
    assert _linkify(host, body, Host="evil.example", Authorization=f"Bearer {host.api_token()}").status_code == 200


def test_a_host_that_others_reach_asks_who_is_calling(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A host that listens on other addresses requires a credential."""
    with live_host(tmp_path_factory.mktemp("open"), host="0.0.0.0") as open_host, recording_app():
        assert _linkify(open_host, {"text": "x"}).status_code == 401
        bearer = f"Bearer {open_host.api_token()}"
        assert _linkify(open_host, {"text": "x"}, Authorization=bearer).status_code == 404


def test_linker_that_keeps_running_out_of_time_is_parked(host: LiveHost, connect_app: RecordingApp) -> None:
    """It costs no more time, texts and the list of linkers report it, and the linker beside it still links."""
    connect_app.descriptor["modules"] = {
        "linkers": [
            {"key": "slow", "regex": "(.*)=(.*)=(.*)=(.*);(?!-)", "url": "/slow", "type": "href"},
            {"key": "fast", "regex": "OK-1", "url": "/ok", "type": "href"},
        ]
    }
    workspace = f"parked-{connect_app.key}"
    host.install(connect_app, workspace)
    text = {"text": "=" * 3_000 + ";-OK-1", "workspace": workspace}
    answers = [_linkify(host, text).json() for _ in range(6)]
    assert [[link["text"] for link in answer["links"]] for answer in answers] == [["OK-1"]] * 6
    reasons = [[limit["reason"] for limit in answer["unfinished"]] for answer in answers]
    assert reasons[:5] == [["It took longer than 20 ms."]] * 5
    assert reasons[5][0].startswith("It is parked: ")
    slow, fast = httpx.get(f"{host.url}/-/linkers", params={"workspace": workspace}).json()["values"]
    assert (slow["out_of_time"], slow["hostile"], slow["engine"], slow["links"]) == (5, True, "bounded", 0)
    assert slow["witness"] == {"before": "", "pump": "a", "after": "!"}
    assert fast["witness"] is None
    assert slow["parked_until"] is not None
    assert (fast["links"], fast["out_of_time"], fast["parked_until"]) == (6, 0, None)


def test_list_of_linkers_is_a_list_like_others(host: LiveHost, linked: RecordingApp) -> None:
    """It is filtered, sorted, paged and cut to fields; a workspace that does not exist is not found."""
    workspace = f"linked-{linked.key}"

    def get(**query: str) -> Any:
        return httpx.get(f"{host.url}/-/linkers", params={"workspace": workspace, **query}).json()

    found = get()["values"]
    assert [(one["app"], one["linker"], one["value_count"]) for one in found] == [
        (linked.key, "tickets", 1),
        (linked.key, "any-ref", 0),
    ]
    assert [one["linker"] for one in get(q='linker ~ "ref"')["values"]] == ["any-ref"]
    assert get(sort="linker", pagelen="1", fields="values.linker,next")["values"] == [{"linker": "any-ref"}]
    assert "page=2" in get(pagelen="1")["next"]
    assert httpx.get(f"{host.url}/-/linkers?workspace=nowhere").status_code == 404
    assert httpx.get(f"{host.url}/-/linkers?q=nonsense").status_code == 400


def test_list_of_linkers_is_for_operators(host: LiveHost, connect_app: RecordingApp) -> None:
    """A caller by another name needs an API token; an app may not see what other apps declare."""
    app = AppClient(host.url, host.install(connect_app))

    def status(**headers: str) -> int:
        return httpx.get(f"{host.url}/-/linkers", headers={"Host": "evil.example", **headers}).status_code

    assert status() == 401
    assert status(Authorization=f"JWT {app.token('GET', '/-/linkers')}") == 403
    assert status(Authorization=f"Bearer {host.api_token()}") == 200


def test_explanation_on_request(host: LiveHost, linked: RecordingApp) -> None:
    """The answer says why each candidate is a link or not; not for HTML, and only for `true`."""
    ask = {"text": "BB-1 ZZ-9", "workspace": f"linked-{linked.key}", "format": "json"}
    answer = _linkify(host, {**ask, "explain": True}).json()
    assert answer["links"] == _linkify(host, ask).json()["links"]
    assert [(one["text"], one["linker"], one["reason"]) for one in answer["explanation"]["candidates"]] == [
        ("BB-1", "tickets", "Its pattern matches, and 'BB' is stored."),
        ("ZZ-9", "tickets", "The value 'ZZ' is not among the 1 stored for the linker."),
    ]
    assert [one["linker"] for one in answer["explanation"]["linkers"]] == ["tickets", "any-ref"]
    for wrong in ({"explain": "yes"}, {"explain": True, "input": "html"}):
        assert _linkify(host, {**ask, **wrong}).status_code == 400


LONG = "x" * (linkify.SHORT_TEXT + 1)


def test_long_texts_of_one_caller_hold_up_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each app has one long text linked at a time, in any workspace, and others that wait, beyond which it gets a 429.

    Meanwhile another app's text is linked, and an unsigned one, whose caller is the workspace.
    """
    begun: list[str] = []
    may_end = threading.Event()
    make = linkify._linkify

    def held(compiled: Any, asked: Any) -> Any:
        begun.append(asked.text[0])
        if asked.text[0] == "g":
            may_end.wait(30)
        return make(compiled, asked)

    monkeypatch.setattr(linkify, "_linkify", held)
    narrow = Parts(linkers=partial(WorkspaceLinkers, most_waiting=2))
    with (
        live_host(tmp_path, narrow, base_url="https://roadstead.example") as host,
        recording_app() as one,
        recording_app() as other,
        ThreadPoolExecutor(4) as threads,
    ):
        greedy = AppClient(host.url, host.install(one, "one"))
        modest = AppClient(host.url, host.install(other, "other"))
        operator = {"Authorization": f"Bearer {host.api_token()}"}

        def ask(number: int) -> httpx.Response:
            body = {"text": f"g{LONG}", "workspace": ("one", "other")[number % 2]}
            return greedy("POST", "/-/linkify", json=body)

        asked = [threads.submit(ask, number) for number in range(4)]
        try:
            refused = next(as_completed(asked, timeout=30)).result()
            assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
            assert modest("POST", "/-/linkify", json={"text": f"m{LONG}", "workspace": "one"}).status_code == 200
            assert _linkify(host, {"text": f"o{LONG}", "workspace": "one"}, **operator).status_code == 200
            assert begun == ["g", "m", "o"]
        finally:
            may_end.set()
        assert sorted(each.result().status_code for each in asked) == [200, 200, 200, 429]


def test_a_text_waits_for_its_turn_so_long_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While others have all threads, a text waits for a limited time, and is then refused with `Retry-After`."""
    may_end = threading.Event()
    make = linkify._linkify

    def held(compiled: Any, asked: Any) -> Any:
        may_end.wait(30)
        return make(compiled, asked)

    monkeypatch.setattr(linkify, "_linkify", held)
    impatient = Parts(linkers=partial(WorkspaceLinkers, wait_seconds=0.2))
    with (
        live_host(tmp_path, impatient) as host,
        recording_app() as app,
        ThreadPoolExecutor(3) as threads,
    ):
        for workspace in ("a", "b", "c"):
            host.install(app, workspace)
        asked = [threads.submit(_linkify, host, {"text": LONG, "workspace": name}) for name in ("a", "b", "c")]
        try:
            refused = next(as_completed(asked, timeout=30)).result()
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        finally:
            may_end.set()
        assert sorted(each.result().status_code for each in asked) == [200, 200, 503]

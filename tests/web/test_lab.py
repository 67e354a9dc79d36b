"""The lab: the links of linkers in a text and why, for a workspace or for a pattern that is being written."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from roadstead.domain.access import credentials
from roadstead.domain.linking import linkers
from roadstead.git.local_commits import make_repository
from roadstead.linkify import Linker, compile_linkers, explain
from roadstead.web.stretches import pieces_of, stretches_of
from tests.live import LiveHost, RecordingApp, live_host, recording_app
from tests.web.attributes import attribute
from tests.web.reading import document, fields, main_text, submit, texts

PAGE, COMMITS = "/-/lab", "/-/lab/commits"
PATTERN = {"how": "pattern", "regex": r"((?K)-\d+)", "url": r"/browse/\1", "values": "BB, OPS"}


def _try(browser: httpx.Client, **example: str) -> httpx.Response:
    return browser.get(PAGE, params=example)


def _candidates(page: httpx.Response) -> list[str]:
    return [text for text in texts(page, "#outcome .findings > li") if text.startswith(("link", "no link"))]


def test_each_candidate_has_its_reason(browser: httpx.Client) -> None:
    """A link with groups and target; a non-link with the missing value, or the guard that prevented it."""
    page = _try(browser, **PATTERN, text="BB-1 ZZ-2 ABB-3")
    assert _candidates(page) == [
        "link BB-1 at 0 Its pattern matches, and 'BB' is stored. "
        "group 1: BB-1 group (?K): BB → https://app.example.com/browse/BB-1",
        "no link ZZ-2 at 5 The value 'ZZ' is not among the 2 stored for the linker. group 1: ZZ-2 group (?K): ZZ",
        "no link ABB-3 at 10 The stored value 'BB' may not begin right after a letter or a digit. "
        "group 1: ABB-3 group (?K): ABB",
    ]
    (link,) = document(page).css(".linked a")
    assert (link.text(), link.attributes["href"]) == ("BB-1", "https://app.example.com/browse/BB-1")


def test_what_is_no_link_is_marked_in_the_text(browser: httpx.Client) -> None:
    """With its reason, and reachable by keyboard; the text is unchanged."""
    text = "BB-1 <ZZ-2>\n ABB-3 https://x.example/BB-4 BB-5"
    page = _try(browser, **PATTERN, text=text)
    marked = document(page).css(".linked .no-link[tabindex='0']")
    reasons = [node.css_first("[role=tooltip]") for node in marked]
    assert [reason.text() for reason in reasons if reason] == [
        "The value 'ZZ' is not among the 2 stored for the linker.",
        "The stored value 'BB' may not begin right after a letter or a digit.",
    ]
    for node, reason in zip(marked, reasons, strict=True):
        assert reason is not None
        assert node.attributes["aria-describedby"] == reason.attributes["id"]
        reason.decompose()
    assert [node.text() for node in marked] == ["ZZ-2", "ABB-3"]
    assert texts(page, ".linked a") == ["BB-1", "https://x.example/BB-4", "BB-5"]


@pytest.mark.parametrize(
    "text", ["", "BB-1", "ZZ-1", "ABB-1 BB-1ZZ-2", "ZZ-1ZZ-2 BB-ZZ-1", "<b>&amp; ZZ-1", "https://x/ZZ-1.", "X-1 " * 300]
)
def test_pieces_are_the_whole_text(text: str) -> None:
    """The pieces are the whole text, with any overlaps."""
    linkers = [Linker("a", r"((?K)-\d+)", r"/\1", values={"BB"}), Linker("b", r"([A-Z]+-\d+-)", r"/\1")]
    compiled = compile_linkers([replace(one, base_url="https://a.example") for one in linkers])
    explanation = explain(compiled, text)
    pieces = pieces_of(explanation.linkified, stretches_of(explanation.candidates))
    assert "".join(unescape(re.sub("<[^>]*>", "", piece.html)) for piece in pieces) == text


def _store(host: LiveHost, installation_id: int, *values: str) -> None:
    host.work(lambda opened: linkers.replace_values(opened, installation_id, "tickets", values))


def test_linkers_that_say_the_same_of_a_stretch_are_named_together(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """Two apps with the same linkers make one entry for each stretch, not two."""
    with recording_app() as other:
        for app in (connect_app, other):
            installation = host.install(app, "alike")
            _store(host, installation.id, "BB")
        page = _try(browser, how="workspace", workspace="alike", text="ZZ-2 BB-1")
    both = f"tickets of {connect_app.key}, tickets of {other.key}"
    no_link, link = _candidates(page)
    assert no_link.startswith(f"no link ZZ-2 at 0 The value 'ZZ' is not among the 1 stored for the linker. {both}")
    assert link.startswith(f"link BB-1 at 5 Its pattern matches, and 'BB' is stored. tickets of {connect_app.key} ")
    assert f"which was installed or listed first. tickets of {other.key}" in link


@pytest.mark.parametrize(
    ("regex", "said"),
    [
        (r"((?K)-\d+)", "linear time Groups: 2. Takes values."),
        (r"(a+)+(?=b)", "time budget It runs on the bounded engine, within a time budget, because of"),
        (r"RFC (\d+)", "Takes no values: it has no (?K)."),
    ],
)
def test_a_pattern_gets_a_verdict(browser: httpx.Client, regex: str, said: str) -> None:
    """The engine, the reason, and whether it takes values."""
    assert said in main_text(_try(browser, how="pattern", regex=regex, url=r"/\1", values="", text="x"))


def test_a_hostile_pattern_comes_with_its_witness(browser: httpx.Client) -> None:
    """A text that it is hostile with, in words, and a link that tries it, which does not block the page."""
    page = _try(browser, how="pattern", regex=r"(a+)+(?=b)", url=r"/\1", values="", text="x")
    assert "A backtracking engine needs a very long time on aaaa…" in main_text(page)
    (link,) = [link for link in document(page).css("#outcome a") if link.text() == "Try that text here"]
    tried = browser.get(str(link.attributes["href"]))
    assert fields(tried, PAGE)["text"].startswith("aaaaaaaa")
    assert fields(tried, PAGE)["regex"] == r"(a+)+(?=b)"
    assert "No stretch of the text could be a link." in main_text(tried)


@pytest.mark.parametrize(
    ("example", "said"),
    [
        ({**PATTERN, "regex": "(", "text": "x"}, "The pattern cannot be used."),
        ({**PATTERN, "url": r"/\7", "text": "x"}, "The pattern cannot be used."),
        ({"how": "workspace", "workspace": "nowhere", "text": "x"}, "There is no workspace 'nowhere'."),
    ],
)
def test_what_cannot_be_tried_is_explained(browser: httpx.Client, example: dict[str, str], said: str) -> None:
    """The page stays filled in, with the reason."""
    page = _try(browser, **example)
    assert page.status_code == 200
    assert said in main_text(page)
    assert fields(page, PAGE)["text"] == example["text"]


def test_a_text_or_a_set_that_is_too_large_is_refused(browser: httpx.Client) -> None:
    """Every candidate is explained, so the input is limited."""
    start = browser.get(PAGE)
    page = submit(browser, start, PAGE, **PATTERN, text="BB-1 " * 20_001)
    assert "The text is too long." in main_text(page)
    many = " ".join(f"V{number}" for number in range(10_001))
    assert "too many values" in main_text(submit(browser, start, PAGE, **{**PATTERN, "values": many}, text="x"))
    page = submit(browser, start, PAGE, **PATTERN, text="BB-1 " * 2_000)
    assert "1,900 more candidates are not shown." in main_text(page)
    assert "too long for a link" in main_text(page)


def test_a_workspace_answers_with_its_linkers(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> None:
    """A value that is added changes the lab; each linker has its counts."""
    installation = host.install(connect_app, "lab")
    host.work(lambda opened: linkers.replace_values(opened, installation.id, "tickets", ["BB"]))
    example = {"how": "workspace", "workspace": "lab", "text": "BB-1 OPS-2"}
    assert [text.split(" at ")[0] for text in _candidates(_try(browser, **example))] == ["link BB-1", "no link OPS-2"]
    host.work(lambda opened: linkers.add_value(opened, installation.id, "tickets", "OPS"))
    page = _try(browser, **example)
    assert [text.split(" at ")[0] for text in _candidates(page)] == ["link BB-1", "link OPS-2"]
    assert f"tickets of {connect_app.key} linear time 2 of 2 candidates, 2 values" in main_text(page)
    assert f"any-ref of {connect_app.key} linear time 0 of 0 candidates" in main_text(page)


def test_an_example_can_be_passed_on(browser: httpx.Client) -> None:
    """Its address contains all of it, with any content; htmx puts the same address into the browser's bar."""
    text = "fixes BB-1 & <b>\n'ü' +%"
    page = submit(browser, browser.get(PAGE), PAGE, **PATTERN, text=text)
    (link,) = [link for link in document(page).css("#outcome a") if link.text() == "Link to this example"]
    address = str(link.attributes["href"])
    again = browser.get(address)
    assert fields(again, PAGE)["text"] == text
    assert _candidates(again) == _candidates(page)
    sent = {**fields(page, PAGE), **PATTERN, "text": text}
    part = browser.post(PAGE, data=sent, headers={"HX-Request": "true"})
    assert part.headers["HX-Replace-Url"] == address
    assert "<title" not in part.text
    assert parse_qs(urlsplit(address).query)["text"] == [text]


# Commit messages


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    make_repository(tmp_path, ["Fix BB-1", "See OPS-2"], first_on=datetime(2026, 1, 1, tzinfo=UTC))
    return tmp_path


def test_commit_messages_become_the_text(browser: httpx.Client, repository: Path) -> None:
    """The newest first, with the other fields unchanged."""
    filled_in = {**fields(browser.get(PAGE), PAGE), **PATTERN, "repository": str(repository)}
    page = browser.post(COMMITS, data=filled_in)
    assert fields(page, PAGE)["text"] == "See OPS-2\n\nFix BB-1"
    assert [text.split(" at ")[0] for text in _candidates(page)] == ["link OPS-2", "link BB-1"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("relative", "must be absolute"),
        ("~no-user/x", "must be absolute"),
        ("/nowhere at all", "git log failed"),
        ("/\0", "git"),
    ],
)
def test_what_is_no_repository_is_explained(browser: httpx.Client, path: str, said: str) -> None:
    """In git's own words if it has any, beside the field; the text and the path stay."""
    filled_in = {**fields(browser.get(PAGE), PAGE), **PATTERN, "text": "kept", "repository": path}
    page = browser.post(COMMITS, data=filled_in)
    assert page.status_code == 200
    assert said in texts(page, 'form.lab details[open] [role="alert"]')[0]
    assert fields(page, PAGE)["text"] == "kept"
    assert attribute(page, "#repository[aria-invalid]", "value") == path.replace("\0", "\ufffd")


@pytest.mark.parametrize("reached", [{"base_url": "http://roadstead.example"}, {"host": "0.0.0.0"}])
def test_a_host_that_others_reach_reads_no_repositories(
    tmp_path: Path, repository: Path, reached: dict[str, str]
) -> None:
    """Also behind a proxy on the same machine, which only its base URL shows: the page does not offer it."""
    with live_host(tmp_path / "data", **reached) as host, httpx.Client(base_url=host.url) as browser:
        browser.get(f"/-/sign-in?{urlsplit(host.work(credentials.sign_in_link)).query}")
        page = browser.get(PAGE)
        assert "repository" not in main_text(page)
        refused = browser.post(COMMITS, data={**fields(page, PAGE), "repository": str(repository)})
        assert (refused.status_code, "See OPS-2" in refused.text) == (400, False)


def test_many_values_do_not_keep_the_page_waiting(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """The page comes without the result, which its form then gives; once the values are read, it comes with it."""
    installation = host.install(connect_app, "many-values")
    values = ["BB", *(f"V{number}" for number in range(25_000))]
    host.work(lambda opened: linkers.replace_values(opened, installation.id, "tickets", values))
    example = {"how": "workspace", "workspace": "many-values", "text": "BB-1"}
    page = _try(browser, **example)
    assert texts(page, '[hx-trigger="load"]') == [
        "The host is reading the many values of this workspace. This takes some seconds, once."
    ]
    assert texts(page, ".linked") == []
    assert texts(submit(browser, page, PAGE, **example), ".linked a") == ["BB-1"]
    host.work(lambda opened: linkers.add_value(opened, installation.id, "tickets", "OPS"))
    again = _try(browser, **{**example, "text": "BB-1 OPS-2"})
    assert texts(again, '[hx-trigger="load"]') == []
    assert texts(again, ".linked a") == ["BB-1", "OPS-2"]

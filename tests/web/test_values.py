"""The values of a linker: search, add, remove, import and export as CSV."""

from urllib.parse import urlsplit

import httpx
import pytest

from roadstead.domain.linking import linkers
from roadstead.web.value_lists import read_list
from tests.live import LiveHost, RecordingApp
from tests.web.reading import document, fields, main_text, submit, texts


class Values:
    """The page of the values of an installed app's `tickets`."""

    def __init__(self, host: LiveHost, browser: httpx.Client, app: RecordingApp) -> None:
        self._host = host
        self._browser = browser
        self.app_id = host.install(app).id
        self._base = f"/-/apps/{self.app_id}/values"

    def page(self, linker: str = "tickets", **query: str) -> httpx.Response:
        return self._browser.get(self._base, params={"linker": linker, **query})

    def listed(self, page: httpx.Response | None = None) -> list[str]:
        return texts(page or self.page(), ".values code")

    def act(self, action: str, **fields: str) -> httpx.Response:
        return submit(self._browser, self.page(), f"{self._base}/{action}", **fields)

    def remove(self, page: httpx.Response, identity: str) -> httpx.Response:
        return submit(self._browser, page, f"{self._base}/remove", id=identity)

    def upload(self, content: bytes, **choices: str) -> httpx.Response:
        csrf = fields(self.page(), f"{self._base}/load")["csrf"]
        return self._browser.post(
            f"{self._base}/load",
            data={"csrf": csrf, "linker": "tickets", **choices},
            files={"file": ("values.csv", content, "text/csv")},
            follow_redirects=True,
        )

    def download(self) -> httpx.Response:
        return self._browser.get(f"{self._base}.csv", params={"linker": "tickets"})

    def store(self, *values: str) -> None:
        self._host.work(lambda opened: linkers.replace_values(opened, self.app_id, "tickets", values))


@pytest.fixture
def values(host: LiveHost, browser: httpx.Client, connect_app: RecordingApp) -> Values:
    return Values(host, browser, connect_app)


def test_values_are_added_and_removed(values: Values) -> None:
    """One by one, and the page confirms each."""
    assert "Added BB." in main_text(values.act("add", value=" BB "))
    values.act("add", value="OPS")
    assert values.listed() == ["BB", "OPS"]
    (button,) = document(values.page()).css('button[aria-label="Remove BB"]')
    assert "Removed BB." in main_text(values.act("remove", id=str(button.attributes["value"])))
    assert values.listed() == ["OPS"]
    assert "Remove all 1 value of tickets" in main_text(values.page())


def test_a_removal_can_be_undone(values: Values, browser: httpx.Client) -> None:
    """By the button beside the notice, which restores the value and keeps the place in the list."""
    values.store(*(f"V{number:03}" for number in range(250)))
    page = values.page(begins="V", after="V099")
    (button,) = document(page).css('button[aria-label="Remove V100"]')
    removed = values.remove(page, str(button.attributes["value"]))
    undo = document(removed).css_first(".notice form")
    assert undo is not None
    hidden = {str(field.attributes["name"]): field.attributes["value"] for field in undo.css("input")}
    again = browser.post(str(undo.attributes["action"]), data=hidden, follow_redirects=True)
    assert "Added V100." in main_text(again)
    assert values.listed(again)[:2] == ["V100", "V101"]
    assert "Undo" not in main_text(again)


def test_what_was_done_is_told_in_our_words(values: Values) -> None:
    """For any text in the address of the notice."""
    for query in ({"value": "<b>x</b>"}, {"value": "Call 555 now"}, {}):
        page = values.page(done="removed", **query)
        assert texts(page, '[role="status"]') == ["Removed the value. Undo"]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("value", "status", "said"),
    [("OPS", 409, "already has the value"), ("B B", 400, "contains ' '"), ("", 400, "empty"), ("é" * 256, 400, "256")],
)
def test_a_value_that_cannot_be_added_is_explained(values: Values, value: str, status: int, said: str) -> None:
    """The page stays filled in, with the reason beside the field, and nothing changes."""
    values.store("OPS")
    refused = values.act("add", value=value)
    assert refused.status_code == status
    assert said in texts(refused, '#add [role="alert"]')[0]
    assert values.listed(refused) == ["OPS"]
    field = document(refused).css_first("#value[aria-invalid][autofocus]")
    assert field is not None
    assert field.attributes["value"] == value


def test_a_search_finds_what_begins_alike(values: Values) -> None:
    """Upper and lower case differ, as in links; htmx gets only the part."""
    values.store("PR", "PRJ1", "PRJ2", "prj", "APRJ", "PS")
    assert values.listed(values.page(begins="PRJ")) == ["PRJ1", "PRJ2"]
    assert values.listed(values.page(begins="PR")) == ["PR", "PRJ1", "PRJ2"]
    assert "3 values begin with PR" in main_text(values.page(begins="PR"))
    assert values.listed(values.page(begins="\ud7ff%_'\"")) == []


def _walk(values: Values, browser: httpx.Client, page: httpx.Response, way: str) -> list[list[str]]:
    """Return the values on the pages from this one on, until there is no link of that name."""
    seen = [values.listed(page)]
    while links := [link.attributes["href"] for link in document(page).css(".pages a") if link.text() == way]:
        page = browser.get(str(links[0]))
        seen.append(values.listed(page))
    return seen


@pytest.mark.parametrize("begins", ["", "V"])
def test_a_long_list_comes_in_pages(values: Values, browser: httpx.Client, begins: str) -> None:
    """A hundred at a time, in order, forwards and back again; each value is on one page."""
    every = [f"V{number:03}" for number in range(250)]
    values.store(*every, *(["W"] if begins else []))
    forwards = _walk(values, browser, values.page(begins=begins), "Next")
    assert forwards == [every[:100], every[100:200], every[200:]]
    last = values.page(begins=begins, after="V199")
    assert _walk(values, browser, last, "Previous") == [every[200:], every[100:200], every[:100]]
    assert _walk(values, browser, values.page(begins=begins, after="X"), "First")[1] == every[:100]


def test_after_a_removal_one_is_where_one_was(values: Values) -> None:
    """On the same page of the same search."""
    values.store(*(f"V{number:03}" for number in range(250)), "W")
    page = values.page(begins="V", after="V099")
    (button,) = document(page).css('button[aria-label="Remove V100"]')
    removed = values.remove(page, str(button.attributes["value"]))
    assert values.listed(removed)[:2] == ["V101", "V102"]
    assert "249 values begin with V" in main_text(removed)


def test_a_list_is_added_or_put_in_place(values: Values) -> None:
    """Written into the field or sent as a file; replacing needs the tick."""
    values.store("A", "B")
    assert "2 of its values are new" in main_text(values.act("load", list="B\r\nC\nD\n\nC", how="add"))
    assert values.listed() == ["A", "B", "C", "D"]
    assert "Replaced all values with the 2 of the list." in main_text(
        values.upload(b'\xef\xbb\xbfX\r\n"Y"\r\n', how="replace", sure="yes")
    )
    assert values.listed() == ["X", "Y"]
    assert values.upload(b"Z\xff\n", how="add").status_code == 400
    assert values.listed() == ["X", "Y"]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("given", "how", "said"),
    [
        ("GOOD\nB B\nX,Y\nB.B!", "add", ["Line 2: 'B B'", "Line 3: 2 columns", "Line 4: 'B.B!'"]),
        ("GOOD\nB B", "replace", ["Line 2: 'B B'"]),
        ("X", "replace", ["Nothing was replaced."]),
        ("\n\nA\n", "replace", ["Nothing was replaced."]),
        ("", "add", ["The list is empty."]),
    ],
)
def test_a_list_that_cannot_be_used_is_there_to_be_corrected(
    values: Values, given: str, how: str, said: list[str]
) -> None:
    """The list and the choice stay, the fold is open, every wrong line is named, and nothing changes."""
    values.store("A", "B")
    refused = values.act("load", list=given, how=how)
    assert refused.status_code == 400
    (alert,) = texts(refused, 'details[open] [role="alert"]')
    assert all(words in alert for words in said), alert
    (area,) = document(refused).css("details[open] #list")
    assert area.text() == given
    assert [one.attributes["value"] for one in document(refused).css('[name="how"][checked]')] == [how]
    assert values.listed(refused) == ["A", "B"]


def test_a_file_that_cannot_be_used_is_there_to_be_corrected(values: Values) -> None:
    """A browser sends a file once; its text is then in the field, unless it is very long."""
    (area,) = document(values.upload(b"A\r\nB B\r\n", how="add")).css("#list")
    assert area.text() == "A\nB B\n"
    (area,) = document(values.upload(b"A\n" * 150_000 + b"B B", how="add")).css("#list")
    assert area.text() == ""


@pytest.mark.slow
def test_what_is_downloaded_can_be_loaded_again(values: Values) -> None:
    """CSV with one column: a hundred thousand values are exported and imported unchanged."""
    many = [f"PRJ-{number}" for number in range(100_000)]
    values.store(*many)
    sent = values.download()
    assert sent.headers["content-type"] == "text/csv; charset=utf-8"
    assert sent.text.split("\r\n") == [*sorted(many), ""]
    values.store("other")
    assert values.upload(sent.content, how="replace", sure="yes").status_code == 200
    assert values.download().content == sent.content
    assert "100,000 values" in main_text(values.page())


def test_all_are_removed_by_who_is_sure(values: Values) -> None:
    """Without the tick nothing happens."""
    values.store("A", "B")
    refused = values.act("clear")
    assert (refused.status_code, len(document(refused).css('details[open] [role="alert"]'))) == (400, 1)
    assert values.listed() == ["A", "B"]
    assert "Removed all 2 values." in main_text(values.act("clear", sure="yes"))
    assert values.listed() == []


def test_a_linker_without_a_place_for_values_takes_none(values: Values, browser: httpx.Client) -> None:
    """As in the API; a missing linker is a 404, and an impossible id is refused."""
    page = values.page("any-ref")
    refused = submit(browser, page, f"{urlsplit(str(page.url)).path}/add", value="A")
    assert (refused.status_code, "takes no values" in main_text(refused)) == (400, True)
    assert values.page("nobody").status_code == 404
    assert values.page("").status_code == 404
    for identity in ("x", "-1", "9" * 40):
        assert values.act("remove", id=identity).status_code == 400
    assert values.act("remove", id="999999999").status_code == 404


@pytest.mark.parametrize(
    ("text", "values_read"),
    [
        ("A\nB\r\nC\rD", ["A", "B", "C", "D"]),
        ('\ufeff"A"\n\n  B  \nA', ["A", "B"]),
        ("value\nA", ["value", "A"]),
        ("", []),
        ("\n\n", []),
    ],
)
def test_a_list_has_one_value_a_line(text: str, values_read: list[str]) -> None:
    """With any line ends; blank lines, quotes and repetitions do no harm."""
    read = read_list(text)
    assert (read.values, read.faults) == (values_read, [])


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ("A,B", ["Line 1: 2 columns; give one value on each line."]),
        ("A\nB,C,D\n", ["Line 2: 3 columns; give one value on each line."]),
        (
            "B B\nA\nX.Y\nB B",
            ["Line 1: 'B B': contains ' '.", "Line 3: 'X.Y': contains '.'.", "Line 4: 'B B': contains ' '."],
        ),
        ("A\0B", ["Line 1: 'A\\x00B': contains '\\x00'."]),
        ("é" * 256, [f"Line 1: {'é' * 80!r}: 256 characters, at most 255 are allowed."]),
        ('x"' * 200_000, ["Line 1: cannot be read as CSV (field larger than field limit (131072))."]),
    ],
)
def test_every_line_that_cannot_be_used_is_named(text: str, faults: list[str]) -> None:
    """Several columns, invalid values, and text that no CSV reader accepts, all at once."""
    assert read_list(text).faults == faults


def test_of_very_many_wrong_lines_the_first_are_named() -> None:
    """And how many more there are."""
    faults = read_list("\n".join(f"{number}!" for number in range(1_234))).faults
    assert (len(faults), faults[-1]) == (21, "And 1,214 more lines.")

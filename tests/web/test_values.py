"""The values of a linker: searched, added, removed, and moved as CSV."""

from urllib.parse import urlsplit

import httpx
import pytest

from roadstead.domain import linkers
from roadstead.errors import InvalidInput
from roadstead.web.values import read_values
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
    """One by one, and the page says what was done."""
    assert "It was added." in main_text(values.act("add", value=" BB "))
    values.act("add", value="OPS")
    assert values.listed() == ["BB", "OPS"]
    (button,) = document(values.page()).css('button[aria-label="Remove BB"]')
    assert "It was removed." in main_text(values.act("remove", id=str(button.attributes["value"])))
    assert values.listed() == ["OPS"]


@pytest.mark.parametrize(
    ("value", "status", "said"),
    [("OPS", 409, "already has the value"), ("B B", 400, "holds ' '"), ("", 400, "empty"), ("é" * 256, 400, "256")],
)
def test_a_value_that_cannot_be_added_is_explained(values: Values, value: str, status: int, said: str) -> None:
    """The page stays, with the reason, and nothing was changed."""
    values.store("OPS")
    refused = values.act("add", value=value)
    assert refused.status_code == status
    assert said in texts(refused, '[role="alert"]')[0]
    assert values.listed(refused) == ["OPS"]


def test_a_search_finds_what_begins_alike(values: Values) -> None:
    """Upper and lower case are told apart, as they are in links; the part alone is what htmx gets."""
    values.store("PR", "PRJ1", "PRJ2", "prj", "APRJ", "PS")
    assert values.listed(values.page(begins="PRJ")) == ["PRJ1", "PRJ2"]
    assert values.listed(values.page(begins="PR")) == ["PR", "PRJ1", "PRJ2"]
    assert "3 begin with PR" in main_text(values.page(begins="PR"))
    assert values.listed(values.page(begins="\ud7ff%_'\"")) == []


def _walk(values: Values, browser: httpx.Client, page: httpx.Response, way: str) -> list[list[str]]:
    """What the pages show from this one on, until there is no link of that name."""
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
    assert "249 begin with V" in main_text(removed)


def test_a_list_is_added_or_put_in_place(values: Values) -> None:
    """Written into the field or sent as a file; replacing needs the tick."""
    values.store("A", "B")
    assert "2 of its values are new" in main_text(values.act("load", list="B\r\nC\nD\n\nC", how="add"))
    assert values.listed() == ["A", "B", "C", "D"]
    assert values.act("load", list="X", how="replace").status_code == 400
    assert "those of the list now" in main_text(values.upload(b'\xef\xbb\xbfX\r\n"Y"\r\n', how="replace", sure="yes"))
    assert values.listed() == ["X", "Y"]
    assert values.upload(b"Z\xff\n", how="add").status_code == 400
    assert values.act("load", list="not a value\nW", how="add").status_code == 400
    assert values.listed() == ["X", "Y"]


def test_what_is_downloaded_can_be_loaded_again(values: Values) -> None:
    """CSV with one column: a hundred thousand values go out and come back as they were."""
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
    assert values.act("clear").status_code == 400
    assert values.listed() == ["A", "B"]
    assert "All values were removed." in main_text(values.act("clear", sure="yes"))
    assert values.listed() == []


def test_a_linker_without_a_place_for_values_takes_none(values: Values, browser: httpx.Client) -> None:
    """As the API says; a linker that is not there is not found, and an id that cannot be is refused."""
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
    ],
)
def test_a_list_has_one_value_a_line(text: str, values_read: list[str]) -> None:
    """In whatever way lines end; blank lines, quotes and repetitions do no harm."""
    assert read_values(text) == values_read


@pytest.mark.parametrize("text", ["", "\n\n", "A,B", "A\nB,C\n", "A\0B,", 'x"' * 200_000 + "\n" + '"' + "y" * 200_000])
def test_a_list_that_is_none_is_refused(text: str) -> None:
    """Several columns, nothing at all, or what no CSV reader takes."""
    with pytest.raises(InvalidInput):
        read_values(text)

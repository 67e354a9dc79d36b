"""Any sequence of the ten operations, of installations and removals, against a short model."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from roadstead.domain.apps import installations
from tests.live import AppClient, Job, LiveHost, RecordingApp, opened, recording_app

TAKING = {
    "tickets": {"key": "tickets", "regex": r"((?K)-\d+)", "url": r"/browse/\1"},
    "pulls": {"key": "pulls", "regex": r"(?K)#(\d+)", "url": r"/pulls/\1"},
}
OTHER = {"any-ref": {"key": "any-ref", "regex": r"REF#(\d+)", "url": r"/refs/\1"}}
ALL = TAKING | OTHER
NO_SUCH_VALUE = 987_654_321
MAX_PAGES = 60

keys = st.sampled_from([*ALL, "nothing"])
good_values = st.sampled_from(["A", "B", "BB", "bb", "OPS-1", "_", "-", "é", "東京", "x" * 255, "0"])
values = good_values | st.sampled_from(["", "a b", "A\n", "x" * 256, "a.b", "\0"])
declared = st.lists(st.sampled_from(list(ALL)), unique=True)
queries: dict[str, Callable[[int, str], bool]] = {
    "": lambda number, value: True,
    'value ~ "b"': lambda number, value: "b" in value.lower(),
    'value = "BB" OR value = "é"': lambda number, value: value in ("BB", "é"),
    'value NOT IN ("A", "B")': lambda number, value: value not in ("A", "B"),
    'id > 3 AND value != "_"': lambda number, value: number > 3 and value != "_",
}
orders: dict[str, Callable[[tuple[int, str]], Any]] = {
    "": lambda item: item[0],
    "id": lambda item: item[0],
    "-id": lambda item: -item[0],
    "value": lambda item: item[1],
    "-value": lambda item: [-ord(character) for character in item[1]] + [1],
}


@dataclass
class Place:
    """An app in a workspace, as the model knows it. `client` is `None` while it is not installed."""

    app: RecordingApp
    workspace: str
    client: AppClient | None = None
    linkers: list[str] = field(default_factory=list)
    values: dict[str, dict[int, str]] = field(default_factory=dict)
    former: list[AppClient] = field(default_factory=list)

    def declare(self, linkers: list[str]) -> None:
        """Drop the values of linkers that are no longer declared."""
        self.linkers = linkers
        self.values = {key: self.values.get(key, {}) for key in linkers}


class TenOperations(RuleBasedStateMachine):
    """Two apps, one of them in two workspaces."""

    host: LiveHost
    work: Callable[[Job], Any]
    apps: tuple[RecordingApp, RecordingApp]
    requests: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        """Install everything without values, with all linkers declared."""
        one, other = self.apps
        self.places = [Place(one, "local"), Place(one, "second"), Place(other, "local")]
        self.ids_seen: set[int] = set()
        for app in self.apps:
            self._serve(app, list(ALL))
        for number in range(len(self.places)):
            self.install(number)

    def teardown(self) -> None:
        for place in getattr(self, "places", ()):
            if place.client is not None:
                assert self._send(place, "DELETE", "/2.0/addon").status_code == 204

    # Installing

    @rule(number=st.integers(0, 2))
    def install(self, number: int) -> None:
        """Install the app for the first time, or again: then values stay and the earlier secret is invalid."""
        place = self.places[number]
        if place.client is not None:
            place.former.append(place.client)
        place.client = AppClient(
            self.host.url,
            self.work(lambda host: installations.install(host, place.app.descriptor_url, place.workspace)),
        )
        place.declare(self._served(place.app))

    @rule(number=st.integers(0, 2), by_app=st.booleans())
    def uninstall(self, number: int, by_app: bool) -> None:
        place = self.places[number]
        if place.client is None:
            return
        if by_app:
            assert self._send(place, "DELETE", "/2.0/addon").status_code == 204
        else:
            identity = place.client.installation.id
            self.work(lambda host: installations.uninstall(host, identity))
        place.former.append(place.client)
        place.client = None
        place.declare([])

    @rule(number=st.integers(0, 2), linkers=declared, by_url=st.booleans())
    def update(self, number: int, linkers: list[str], by_url: bool) -> None:
        """Update the app with a new descriptor, given or served."""
        place = self.places[number]
        if place.client is None:
            return
        if by_url:
            self._serve(place.app, linkers)
        body = {} if by_url else {"descriptor": _with_linkers(place.app, linkers)}
        assert self._send(place, "PUT", "/2.0/addon", json=body).status_code == 204
        place.declare(linkers)

    @precondition(lambda self: any(place.former for place in self.places))
    @rule(data=st.data())
    def former_credentials_are_refused(self, data: st.DataObject) -> None:
        former = data.draw(st.sampled_from([client for place in self.places for client in place.former]))
        assert former("GET", "/2.0/addon/linkers").status_code == 401

    # Linkers and values

    @rule(number=st.integers(0, 2), slash=st.booleans())
    def list_linkers(self, number: int, slash: bool) -> None:
        place = self.places[number]
        if place.client is not None:
            page = self._send(place, "GET", f"/2.0/addon/linkers{'/' * slash}?pagelen=100").json()
            assert [linker["key"] for linker in page["values"]] == place.linkers
            assert page["size"] == len(place.linkers)

    @rule(number=st.integers(0, 2), key=keys, slash=st.booleans())
    def get_linker(self, number: int, key: str, slash: bool) -> None:
        place = self.places[number]
        if place.client is not None:
            answer = self._send(place, "GET", f"/2.0/addon/linkers/{key}{'/' * slash}")
            assert answer.status_code == (200 if key in place.linkers else 404)
            if answer.status_code == 200:
                assert ALL[key].items() <= answer.json().items()

    @rule(number=st.integers(0, 2), key=keys, value=values, form=st.booleans(), slash=st.booleans())
    def add_value(self, number: int, key: str, value: str, form: bool, slash: bool) -> None:
        place = self.places[number]
        if place.client is None:
            return
        body: dict[str, Any] = {"data": {"value": value}} if form else {"json": {"value": value}}
        answer = self._send(place, "POST", f"{_values(key)}{'/' * slash}", **body)
        stored = place.values.get(key, {})
        assert answer.status_code == _status_of_new(place, key, [value], there=value in stored.values(), done=201)
        if answer.status_code == 201:
            self._remember(stored, answer.json()["id"], value)
            assert answer.headers["Location"] == f"{self.host.url}{_values(key)}/{answer.json()['id']}"

    @rule(
        number=st.integers(0, 2),
        key=keys,
        wanted=st.lists(good_values, unique=True) | st.lists(values, max_size=5),
        bare=st.booleans(),
        slash=st.booleans(),
    )
    def replace_values(self, number: int, key: str, wanted: list[str], bare: bool, slash: bool) -> None:
        """Replace the set; values that were in it before keep their ids."""
        place = self.places[number]
        if place.client is None:
            return
        body: object = wanted if bare else {"values": [{"value": value} for value in wanted]}
        answer = self._send(place, "PUT", f"{_values(key)}{'/' * slash}", json=body)
        assert answer.status_code == _status_of_new(place, key, wanted, there=False, done=204)
        if answer.status_code == 204:
            before = place.values[key]
            now = self._read(place, key)
            assert sorted(now.values()) == sorted(wanted)
            kept = {identity: value for identity, value in before.items() if value in wanted}
            assert kept.items() <= now.items()
            place.values[key] = kept
            for identity in sorted(now.keys() - kept.keys()):
                self._remember(kept, identity, now[identity])

    @rule(number=st.integers(0, 2), key=keys, slash=st.booleans())
    def delete_values(self, number: int, key: str, slash: bool) -> None:
        place = self.places[number]
        if place.client is not None:
            answer = self._send(place, "DELETE", f"{_values(key)}{'/' * slash}")
            assert answer.status_code == (204 if key in place.linkers else 404)
            if key in place.linkers:
                place.values[key] = {}

    @rule(number=st.integers(0, 2), key=keys, data=st.data(), delete=st.booleans(), slash=st.booleans())
    def one_value(self, number: int, key: str, data: st.DataObject, delete: bool, slash: bool) -> None:
        """Read or delete a value with its own installation; all others get a 404."""
        place = self.places[number]
        if place.client is None:
            return
        identity = data.draw(st.sampled_from([*sorted(self.ids_seen)[-8:], NO_SUCH_VALUE]))
        target = f"{_values(key)}/{identity}{'/' * slash}"
        stored = place.values.get(key, {})
        answer = self._send(place, "DELETE" if delete else "GET", target)
        assert answer.status_code == ((204 if delete else 200) if identity in stored else 404)
        if identity in stored and delete:
            del stored[identity]
        elif identity in stored:
            assert (answer.json()["id"], answer.json()["value"]) == (identity, stored[identity])

    @rule(
        number=st.integers(0, 2),
        key=st.sampled_from(list(TAKING)),
        length=st.sampled_from([1, 2, 3, 100]),
        order=st.sampled_from(list(orders)),
        query=st.sampled_from(list(queries)),
        page=st.integers(1, 5),
    )
    def walk_values(self, number: int, key: str, length: int, order: str, query: str, page: int) -> None:
        """Check that following `next` gives the model's values in order, as does a page by its number; `previous` leads
        back.
        """
        place = self.places[number]
        if place.client is None or key not in place.linkers:
            return
        expected = sorted((item for item in place.values[key].items() if queries[query](*item)), key=orders[order])
        target = f"{_values(key)}?pagelen={length}&q={quote(query)}&sort={order}"
        pages = self._pages(place, target)
        assert [(item["id"], item["value"]) for found in pages for item in found["values"]] == expected
        assert {found["size"] for found in pages} == {len(expected)}
        numbered = self._send(place, "GET", f"{target}&page={page}").json()
        assert numbered["values"] == (pages[page - 1]["values"] if page <= len(pages) else [])
        if len(pages) > 1:
            back = urlsplit(pages[-1]["previous"])
            assert self._send(place, "GET", f"{back.path}?{back.query}").json()["values"] == pages[-2]["values"]

    # What the rules share

    def _send(self, place: Place, method: str, target: str, **request: Any) -> httpx.Response:
        assert place.client is not None
        type(self).requests += 1
        answer = place.client(method, target, **request)
        assert answer.status_code < 500, answer.text
        return answer

    def _pages(self, place: Place, target: str) -> list[dict[str, Any]]:
        pages = [self._send(place, "GET", target).json()]
        while "next" in pages[-1]:
            assert len(pages) < MAX_PAGES
            following = urlsplit(pages[-1]["next"])
            pages.append(self._send(place, "GET", f"{following.path}?{following.query}").json())
        return pages

    def _read(self, place: Place, key: str) -> dict[int, str]:
        pages = self._pages(place, f"{_values(key)}?pagelen=100")
        return {item["id"]: item["value"] for page in pages for item in page["values"]}

    def _remember(self, stored: dict[int, str], identity: int, value: str) -> None:
        assert identity not in self.ids_seen, "an id was given twice"
        self.ids_seen.add(identity)
        stored[identity] = value

    def _serve(self, app: RecordingApp, linkers: list[str]) -> None:
        app.descriptor = _with_linkers(app, linkers)

    def _served(self, app: RecordingApp) -> list[str]:
        return [linker["key"] for linker in app.descriptor["modules"]["linkers"]]


def _with_linkers(app: RecordingApp, linkers: list[str]) -> dict[str, Any]:
    return {**app.descriptor, "modules": {"linkers": [ALL[key] for key in linkers]}}


def _values(key: str) -> str:
    return f"/2.0/addon/linkers/{key}/values"


def _is_value(text: str) -> bool:
    return 1 <= len(text) <= 255 and all(character.isalnum() or character in "_-" for character in text)


def _status_of_new(place: Place, key: str, wanted: list[str], *, there: bool, done: int) -> int:
    """Return how a request for new values must end."""
    if not all(map(_is_value, wanted)) or len(set(wanted)) != len(wanted):
        return 400
    if key not in place.linkers:
        return 404
    if key not in TAKING:
        return 400
    return 409 if there else done


@pytest.fixture(scope="module")
def apps() -> Iterator[tuple[RecordingApp, RecordingApp]]:
    with recording_app() as one, recording_app() as other:
        yield one, other


@pytest.mark.each_database
@pytest.mark.parametrize("examples", [2, pytest.param(100, marks=pytest.mark.slow)])
def test_ten_operations_do_what_the_model_does(
    host: LiveHost,
    apps: tuple[RecordingApp, RecordingApp],
    examples: int,
    record_property: Callable[[str, object], None],
) -> None:
    """After any sequence of operations, by any of three installations, the answers are those of the model."""

    class Machine(TenOperations):
        pass

    with opened(host.settings) as work:
        Machine.host, Machine.apps, Machine.work = host, apps, staticmethod(work)
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=examples,
                stateful_step_count=40,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    record_property("examples", Machine.requests)

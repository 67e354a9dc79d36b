"""`/-/metrics`: counts, under few names and labels, in a form that Prometheus reads."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from roadstead.domain.telemetry.samples import FAMILIES, Sample
from roadstead.domain.telemetry.worker_samples import WorkerSamples
from tests.live import AppClient, LiveHost, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"
REQUESTS = "roadstead_request_duration_seconds"


def _families(url: str) -> dict[str, Metric]:
    answer = httpx.get(f"{url}/-/metrics")
    assert answer.status_code == 200
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def _figures(url: str) -> dict[tuple[str, ...], float]:
    """Return each figure by its name and the values of its labels in the order of their names."""
    return {
        (sample.name, *(sample.labels[label] for label in sorted(sample.labels))): sample.value
        for family in _families(url).values()
        for sample in family.samples
    }


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[LiveHost]:
    """Yield a host that has counted nothing yet."""
    with live_host(tmp_path) as host:
        yield host


def test_every_family_is_valid_and_documented(host: LiveHost) -> None:
    """Prometheus' own parser reads them all, and finds the kinds and the labels that the reference describes."""
    httpx.get(f"{host.url}/2.0/user", headers={"Expect": "100-continue"})
    families = _families(host.url)
    assert families.keys() <= FAMILIES.keys()
    reference = (Path(__file__).parent.parent.parent / "docs" / "reference" / "metrics.md").read_text("utf-8")
    for family in FAMILIES.values():
        written = f"{family.name}_total" if family.kind == "counter" else family.name
        assert f"| `{written}` | {family.kind} | {', '.join(f'`{label}`' for label in family.labels)}" in reference
        if family.name in families:
            assert (families[family.name].type, families[family.name].documentation) == (family.kind, family.about)
            for sample in families[family.name].samples:
                assert set(sample.labels) - {"le"} == set(family.labels)


def test_requests_are_counted_by_address_and_status(fresh: LiveHost) -> None:
    """Requests count under the address's template: neither keys, nor values, nor strange methods become labels."""
    with recording_app() as app:
        api = AppClient(fresh.url, fresh.install(app))
        ids = [api("POST", VALUES, json={"value": value}).json()["id"] for value in ("A", "B")]
        for number in (*ids, 999):
            api("GET", f"{VALUES}/{number}")
        httpx.request("PROPFIND", f"{fresh.url}{VALUES}")
        httpx.request("MKCOL", f"{fresh.url}{VALUES}")
        for path in ("/", "/-/apps/1", "/-/apps/2", "/nothing", "/nothing/else"):
            httpx.get(f"{fresh.url}{path}")
    figures = _figures(fresh.url)
    counted = {labels[1:]: int(count) for labels, count in figures.items() if labels[0] == f"{REQUESTS}_count"}
    address = "/2.0/addon/linkers/{linker_key}/values"
    assert counted == {
        ("POST", address, "2xx"): 2,
        ("GET", f"{address}/{{value_id}}", "2xx"): 2,
        ("GET", f"{address}/{{value_id}}", "4xx"): 1,
        ("other", address, "4xx"): 2,
        ("GET", "/", "2xx"): 1,
        ("GET", "/-/apps/{app}", "4xx"): 2,
        ("GET", "/{workspace}/{repo}", "4xx"): 1,
        ("GET", "none", "4xx"): 1,
    }


def test_a_histogram_grows_to_its_count(fresh: LiveHost) -> None:
    """Each bound includes what the lesser ones count, the last counts all, and the sum is of seconds."""
    for _ in range(3):
        httpx.get(f"{fresh.url}/-/health/live")
    samples = [one for one in _families(fresh.url)[REQUESTS].samples if one.labels["route"] == "/-/health/live"]
    buckets = [one.value for one in samples if one.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert buckets[-1] == 3
    (seconds,) = (one.value for one in samples if one.name.endswith("_sum"))
    assert 0 < seconds < 30


def test_linking_is_counted_by_engine(fresh: LiveHost) -> None:
    """A text counts for the engine of the slowest linker of its workspace, and its links are counted."""
    look_behind = {"key": "behind", "regex": r"(?<=x)(\d+)", "url": r"/\1"}
    with recording_app() as linear, recording_app(modules={"linkers": [look_behind]}) as bounded:
        fresh.install(linear, "plain")
        fresh.install(bounded, "behind")
        for workspace, text in (("plain", "REF#1 REF#2"), ("plain", "none"), ("behind", "x1")):
            httpx.post(f"{fresh.url}/-/linkify", json={"text": text, "workspace": workspace})
    figures = _figures(fresh.url)
    assert figures["roadstead_linkify_duration_seconds_count", "linear"] == 2
    assert figures["roadstead_linkify_duration_seconds_count", "bounded"] == 1
    assert figures["roadstead_links_total",] == 3


def test_a_call_that_an_app_did_not_get_is_counted(fresh: LiveHost) -> None:
    """An `uninstalled` call that the app answers with 500 waits to be made again, and is not overdue."""
    with recording_app() as app:
        api = AppClient(fresh.url, fresh.install(app))
        app.status = 500
        assert api("DELETE", "/2.0/addon").status_code == 204
        assert app.calls("uninstalled")
    figures = _figures(fresh.url)
    pending = [figures["roadstead_pending_calls", state] for state in ("waiting", "overdue", "given_up")]
    assert pending == [1, 0, 0]


@pytest.mark.parametrize("sent", [{"Host": "roadstead.example"}, {"X-Forwarded-For": "203.0.113.9"}])
def test_strangers_need_a_token(host: LiveHost, sent: dict[str, str]) -> None:
    """A caller by another name, or through a proxy, needs an API token."""
    assert httpx.get(f"{host.url}/-/metrics", headers=sent).status_code == 401
    token = {"Authorization": f"Bearer {host.api_token()}"}
    assert httpx.get(f"{host.url}/-/metrics", headers={**sent, **token}).status_code == 200


# Several workers


def _count(number: float) -> Sample:
    return Sample("roadstead_links", (), (number,))


def test_what_a_dead_worker_counted_stays(tmp_path: Path) -> None:
    """A dead worker's counters still count, and its gauges do not."""
    gauge = Sample("roadstead_workers", (), (1,))
    gone = tmp_path / "4194999.0a0b0c0d"  # beyond the largest process id of Linux
    gone.write_bytes(msgspec.msgpack.encode([_count(5), gauge]))
    assert Counter(WorkerSamples(lambda: [_count(2), gauge], tmp_path).all()) == Counter([_count(2), gauge, _count(5)])


def test_workers_read_each_other(tmp_path: Path) -> None:
    """Each worker answers with the others' figures once, and a reported figure is in a file before."""

    async def work() -> None:
        first, second = WorkerSamples(lambda: [_count(1)], tmp_path), WorkerSamples(lambda: [_count(2)], tmp_path)
        async with first.shared(), second.shared():
            await asyncio.sleep(0)
            assert sorted(first.all()) == sorted(second.all()) == [_count(1), _count(2)]
        assert sorted(WorkerSamples(lambda: [], tmp_path).all()) == [_count(1), _count(2)]

    asyncio.run(work())


def test_a_full_disk_hides_no_figures(tmp_path: Path) -> None:
    """A worker that cannot write its file still reports its counts."""
    assert WorkerSamples(lambda: [_count(1)], tmp_path / "missing" / "x")._write() == [_count(1)]

"""Fixtures for every test; and at the end of a run, the generated examples and skipped tests."""

import gc
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from hypothesis import settings

from roadstead.domain.access import credentials
from tests import postgres
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app

settings.register_profile("a sample", deadline=None, max_examples=10)
settings.register_profile("everything", deadline=None, max_examples=300)


def pytest_configure(config: pytest.Config) -> None:
    """Make few examples for the default suite, and many otherwise; no test depends on a measured time."""
    settings.load_profile("a sample" if config.option.markexpr == "not slow" else "everything")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Leave what the collection makes out of every garbage collection: it stays to the end, and is 250 MB."""
    gc.disable()
    collected = yield
    gc.freeze()
    gc.enable()
    return collected


NewDatabase = Callable[[], str | None]
"""Returns the URL of an empty database, or `None` for the one in the data folder."""


_SQLITE_BY_DEFAULT = ("acceptance", "api", "domain", "events", "smart_http", "web", "webhooks")
"""Folders of tests that run on PostgreSQL in the slow suite only, unless they are marked `each_database`.

What differs between the databases is tested in `storage`, and by the tests that are marked.
"""


_WITH_A_CLIENT = ("browser", "node")
"""Marks of tests with a client in a browser or in Node.js. They do not depend on the database, and take longest."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Run tests with a client once, on SQLite, and first.

    On PostgreSQL the slow suite runs all others, and the default suite those of the database.
    """
    _leave_out_all_but_samples(items)
    left_out = set()
    for item in items:
        if "[postgresql" not in item.name:
            continue
        if _has_a_client(item):
            left_out.add(item)
        elif not item.get_closest_marker("each_database") and item.path.parent.name in _SQLITE_BY_DEFAULT:
            item.add_marker(pytest.mark.slow)
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]
    # Those that take longest come first, so that no worker is left alone with a file of them in the end.
    items.sort(key=lambda item: not _has_a_client(item))


def _leave_out_all_but_samples(items: Sequence[pytest.Item]) -> None:
    """Mark as slow all cases of a table but `sample(N)`, drawn by its name, so that every worker keeps the same."""
    tables: dict[tuple[str, bool], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if item.get_closest_marker("sample") and not item.get_closest_marker("slow"):
            tables[item.nodeid.partition("[")[0], "[postgresql" in item.name].append(item)
    for (name, _), cases in tables.items():
        marker = cases[0].get_closest_marker("sample")
        assert marker is not None
        (wanted,) = marker.args
        for case in Random(name).sample(cases, max(0, len(cases) - wanted)):
            case.add_marker(pytest.mark.slow)


def _has_a_client(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in _WITH_A_CLIENT)


@pytest.fixture(scope="session", autouse=True)
def no_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Skip reading the certificates of authorities, which takes each client 25 ms: everything is plain HTTP here."""
    with pytest.MonkeyPatch.context() as environment:
        environment.delenv("SSL_CERT_FILE", raising=False)
        environment.setenv("SSL_CERT_DIR", str(tmp_path_factory.mktemp("authorities")))
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres.Server]:
    """Yield a real PostgreSQL server, shared by the tests of a process."""
    try:
        with postgres.running_server() as server:
            yield server
    except postgres.NoServer as exc:
        pytest.skip(str(exc))


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kind_of_database(request: pytest.FixtureRequest) -> str:
    """Return the kind of database; each test that uses it, also through a host, runs on each kind."""
    kind: str = request.param
    return kind


@pytest.fixture(scope="session")
def new_database(request: pytest.FixtureRequest, kind_of_database: str) -> NewDatabase:
    """Return a maker of databases."""
    if kind_of_database == "sqlite":
        return lambda: None
    server: postgres.Server = request.getfixturevalue("postgresql")
    return server.new_database


@pytest.fixture(scope="session")
def host_on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHost]:
    """Yield a running host; see `host`."""
    with live_host(tmp_path_factory.mktemp("host")) as running:
        yield running


@pytest.fixture(scope="session")
def host_on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgresql: postgres.Server) -> Iterator[LiveHost]:
    """Yield a running host; see `host`."""
    with live_host(tmp_path_factory.mktemp("host"), database_url=postgresql.new_database()) as running:
        yield running


@pytest.fixture(scope="session")
def host(request: pytest.FixtureRequest, kind_of_database: str) -> LiveHost:
    """Return a running host, shared by the tests of a process; each test installs its own app.

    Files alternate between the databases, so each kind has a host that runs until the end.
    """
    running: LiveHost = request.getfixturevalue(f"host_on_{kind_of_database}")
    return running


@pytest.fixture
def connect_app() -> Iterator[RecordingApp]:
    """Yield a Connect app on loopback that records its requests."""
    with recording_app() as app:
        yield app


@pytest.fixture
def api(host: LiveHost, connect_app: RecordingApp) -> AppClient:
    """Return the installed app as a caller of the API."""
    return AppClient(host.url, host.install(connect_app))


@pytest.fixture
def browser(host: LiveHost) -> Iterator[httpx.Client]:
    """Yield a browser without JavaScript, whose user followed the sign-in link."""
    link = host.work(credentials.sign_in_link)
    with httpx.Client(base_url=host.url, timeout=30) as client:
        assert client.get(link).status_code == 303
        yield client


_LEFT_OUT = pytest.StashKey["Counter[str]"]()


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Count the tests that `-m "not slow"` or `-k` leaves out."""
    for item in items:
        _left_out(item.config)[_file_of(item.nodeid)] += 1


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to the report how many examples hypothesis made for the test."""
    report = yield
    if report.when == "teardown":
        made = re.findall(r"(\d+) passing", getattr(item, "hypothesis_statistics", ""))
        if made:
            report.user_properties.append(("examples", sum(map(int, made))))
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Send the skipped tests from a worker of xdist; all workers skip the same."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(_left_out(session.config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    node.config.stash[_LEFT_OUT] = Counter(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the generated examples, per file, and the skipped tests."""
    examples: Counter[str] = Counter()
    for report in terminalreporter.getreports(""):
        if isinstance(report, pytest.TestReport) and report.when == "teardown":
            made = [number for name, number in report.user_properties if name == "examples"]
            examples[_file_of(report.nodeid)] += sum(number for number in made if isinstance(number, int))
    _write_counts(terminalreporter, "examples made up", examples)
    _write_counts(terminalreporter, "tests left out (slow ones are in `make test-slow`)", _left_out(config))


def _left_out(config: pytest.Config) -> "Counter[str]":
    return config.stash.setdefault(_LEFT_OUT, Counter())


def _write_counts(reporter: pytest.TerminalReporter, what: str, counts: "Counter[str]") -> None:
    files = ", ".join(f"{Path(file).stem} {count}" for file, count in counts.most_common() if count)
    if files:
        reporter.write_line(f"{counts.total()} {what}: {files}")


def _file_of(nodeid: str) -> str:
    return nodeid.partition("::")[0]

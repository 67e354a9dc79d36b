"""Apps that an earlier version installed, and whose `baseUrl` this one refuses: they hold nothing up."""

import contextlib
import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from roadstead.api.operation import Operation
from roadstead.cli.doctor import examine
from roadstead.domain.access import credentials
from roadstead.model import Installation
from roadstead.routes import MAP
from tests.cli.conftest import Roadstead
from tests.live import LINKERS, AppClient, LiveHost, live_host, recording_app

INJECTING = "http://[::1];sandbox"
REFUSED = [
    INJECTING,
    *(
        pytest.param(base_url, marks=pytest.mark.slow)
        for base_url in ("http://[::1", "https://büro.example", "http://localhost:0", "nonsense")
    ),
]
MODULES = {
    "linkers": LINKERS,
    "generalPages": [{"key": "about", "name": {"value": "About"}, "url": "/about", "location": "x"}],
    "proxy": {"/x": {"destination": "/x"}},
}
TABS = ("", "/linkers", "/calls", "/descriptor", "/settings", "/modules", "/values?linker=tickets", "/values.csv")
FORMS = ("/secret", "/frame/request", "/frame/proxy", "/frame/token", "/update", "/renew", "/values/add")
VALUES = "/2.0/addon/linkers/tickets/values"


@contextlib.contextmanager
def _installed(data: Path, base_url: str) -> Iterator[tuple[LiveHost, Installation]]:
    """Yield a host on which such an app is installed, in the workspace `local`."""
    with recording_app(modules=MODULES) as app, live_host(data) as host:
        installation = host.install(app)
        descriptor = json.dumps({**app.descriptor, "baseUrl": base_url})
        with contextlib.closing(sqlite3.connect(data / "roadstead.db")) as database:
            database.execute("UPDATE installations SET descriptor = ?", (descriptor,))
            database.commit()
        yield host, installation


@pytest.mark.sample(1)
@pytest.mark.parametrize("base_url", REFUSED)
def test_pages_and_operations_serve_an_app_whose_base_url_is_refused(
    tmp_path: Path, base_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """None of them fails or writes the URL into a header, linkers work, and doctor names the app."""
    with _installed(tmp_path, base_url) as (host, installation), httpx.Client(base_url=host.url, timeout=60) as browser:
        browser.get(host.work(credentials.sign_in_link))
        api = AppClient(host.url, installation)
        app = f"/-/apps/{installation.id}"
        checks = [check for check in examine(host.settings) if check.name == "app"]
        answers = [api("PUT", VALUES, json=["BB"])]
        linked = browser.post("/-/linkify", json={"text": "BB-1", "workspace": "local", "format": "json"})
        answers += [browser.get(path) for path in ("/", "/-/lab", *(f"{app}{tab}" for tab in TABS))]
        answers += [browser.get(f"{app}/modules?module=about")]
        answers += [browser.post(f"{app}{form}", headers={"Origin": host.url}, data={"x": "y"}) for form in FORMS]
        answers += [_answer(api, operation) for operation in MAP.operations if operation.template.path[:3] == "/2."]
        answers += [browser.get(operation.template.path) for operation in MAP.operations if operation.method == "GET"]
        answers += [linked, browser.post(f"{app}/uninstall", headers={"Origin": host.url})]
    assert {answer.url: answer.status_code for answer in answers if answer.status_code >= 500} == {}
    assert not [answer.url for answer in answers if "sandbox" in str(answer.headers)]
    assert len(linked.json()["links"]) == 1
    assert [(check.status, "baseUrl" in check.message) for check in checks] == [("warning", True)]
    assert not [record for record in caplog.records if record.exc_info]


def _answer(api: AppClient, operation: Operation) -> httpx.Response:
    """Return the answer to an operation of the app, except to the one that uninstalls it."""
    method = "GET" if operation.template.path == "/2.0/addon" and operation.method == "DELETE" else operation.method
    return api(method, operation.template.path.replace("{linker_key}", "tickets").replace("{value_id}", "1"))


def test_commands_serve_an_app_whose_base_url_is_refused(tmp_path: Path) -> None:
    """They show it, export it and take it out."""
    with _installed(tmp_path, INJECTING) as (_, installation):
        pass
    roadstead = Roadstead(tmp_path)
    key = installation.app_key
    for command in (
        ("apps",),
        ("apps", "show", key),
        ("export", str(tmp_path / "all.jsonl")),
        ("doctor",),
        ("uninstall", key),
    ):
        done = roadstead.call(*command)
        assert done.returncode in (0, 1), (command, done.stderr)
        assert b"Traceback" not in done.stderr

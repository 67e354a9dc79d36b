"""`GET /-/audit`: who did what, for operators only."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from roadstead.domain.host import Host
from roadstead.domain.linking import linkers
from tests.live import LINKERS, AppClient, LiveHost, RecordingApp, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


def _entries(host: LiveHost, **query: str) -> dict[str, Any]:
    answer = httpx.get(f"{host.url}/-/audit", params=query)
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json()
    return document


def test_what_an_app_does_is_logged_with_the_change(tmp_path: Path) -> None:
    """The log has an app's sets of values with their sizes, its update and its uninstallation, newest first; single
    values are not logged.
    """
    with live_host(tmp_path) as host, recording_app() as app:
        installation = host.install(app)
        api = AppClient(host.url, installation)
        assert api("PUT", VALUES, json=["A", "B"]).status_code == 204
        assert api("POST", VALUES, json={"value": "C"}).status_code == 201
        assert api("PUT", VALUES, json=["not a value"]).status_code == 400
        assert api("DELETE", VALUES).status_code == 204
        app.descriptor |= {"scopes": ["account"], "lifecycle": {"installed": "/moved", "uninstalled": "/uninstalled"}}
        assert api("PUT", "/2.0/addon").status_code == 204
        app.descriptor["name"] = "Renamed"
        assert api("PUT", "/2.0/addon").status_code == 204
        assert api("DELETE", "/2.0/addon").status_code == 204
        found = _entries(host)
        assert [(entry["action"], entry["details"]) for entry in found["values"]] == [
            ("app uninstalled", {}),
            ("app updated", {"descriptor": "other members"}),
            ("app updated", {"installed": "/installed → /moved", "scopes": "account repository → account"}),
            ("values deleted", {"linker": "tickets", "before": 3, "after": 0}),
            ("values replaced", {"linker": "tickets", "before": 0, "after": 2}),
            ("app installed", {"descriptor_url": app.descriptor_url}),
        ]
        assert {entry["actor"] for entry in found["values"][:5]} == {f"app {app.key} {installation.client_key}"}
        assert {entry["subject"] for entry in found["values"]} == {f"local/{app.key}"}
        assert installation.shared_secret not in str(found)


def test_what_the_operator_does_to_an_apps_values_is_logged(tmp_path: Path) -> None:
    """The log has each single value that an operator changes: nothing else would show that it was not the app."""
    with live_host(tmp_path) as host, recording_app() as app:
        identity = host.install(app).id

        async def change(opened: Host) -> int:
            added = await linkers.add_value(opened, identity, "tickets", "A")
            await linkers.delete_value(opened, identity, "tickets", added.id)
            await linkers.replace_values(opened, identity, "tickets", ["B", "C"])
            return await linkers.add_values(opened, identity, "tickets", ["C", "D", "E"])

        assert host.work(change) == 2
        found = [entry for entry in _entries(host)["values"] if entry["action"].startswith("value")]
        assert [(entry["action"], entry["details"]) for entry in found] == [
            ("values added", {"linker": "tickets", "before": 2, "after": 4}),
            ("values replaced", {"linker": "tickets", "before": 0, "after": 2}),
            ("value deleted", {"linker": "tickets", "value": "A"}),
            ("value added", {"linker": "tickets", "value": "A"}),
        ]
        assert {entry["actor"] for entry in found} == {"operator (host)"}


@pytest.mark.each_database
def test_log_comes_in_pages(host: LiveHost, connect_app: RecordingApp) -> None:
    """Each entry is on one page; `next` leads on, `fields` cuts, a filter is refused."""
    api = AppClient(host.url, host.install(connect_app))
    for key in ("tickets", "second", "third"):
        connect_app.descriptor["modules"] = {"linkers": [{**LINKERS[0], "key": key}]}
        api("PUT", "/2.0/addon")
        api("PUT", f"/2.0/addon/linkers/{key}/values", json=["A"])
    first = _entries(host, pagelen="2")
    second = httpx.get(first["next"]).json()
    identities = [entry["id"] for entry in (*first["values"], *second["values"])]
    assert identities == sorted(identities, reverse=True)
    assert len(set(identities)) == 4
    assert _entries(host, pagelen="1", fields="values.action")["values"] == [{"action": "values replaced"}]
    assert httpx.get(f"{host.url}/-/audit?q=id>1").status_code == 400


@pytest.mark.sample(2)
@pytest.mark.parametrize(("credential", "status"), [("none", 401), ("app", 403), ("operator", 200)])
def test_log_is_for_operators(host: LiveHost, connect_app: RecordingApp, credential: str, status: int) -> None:
    """A caller by another name needs an API token; an app's JWT is refused."""
    headers = {"Host": "evil.example"}
    if credential == "app":
        app = AppClient(host.url, host.install(connect_app))
        headers["Authorization"] = f"JWT {app.token('GET', '/-/audit')}"
    elif credential == "operator":
        headers["Authorization"] = f"Bearer {host.api_token()}"
    assert httpx.get(f"{host.url}/-/audit", headers=headers).status_code == status

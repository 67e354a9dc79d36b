"""Readiness means that requests can be served, and says why if they cannot."""

import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests import postgres
from tests.live import live_host

READY = "/-/health/ready"


@pytest.mark.parametrize(
    ("change", "undo", "said"),
    [
        (
            "DELETE FROM migrations WHERE number = 6",
            "INSERT INTO migrations (number) VALUES (6)",
            "It lacks schema change 6",
        ),
        (
            "UPDATE sealing_key SET fingerprint = '!' || fingerprint",
            "UPDATE sealing_key SET fingerprint = substr(fingerprint, 2)",
            "Put back the secret.key",
        ),
    ],
)
def test_a_host_on_another_database_is_not_ready(tmp_path: Path, change: str, undo: str, said: str) -> None:
    """With an incomplete schema, or a foreign key, the host says so, and is ready again after the repair."""
    with live_host(tmp_path) as host:
        with closing(sqlite3.connect(tmp_path / "roadstead.db", isolation_level=None)) as beside:
            assert httpx.get(host.url + READY).json() == {"status": "ok"}
            beside.execute(change)
            refused = httpx.get(host.url + READY)
            beside.execute(undo)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert said in refused.json()["error"]["detail"]
        assert httpx.get(host.url + READY).status_code == 200


def test_a_newer_schema_is_no_hindrance(tmp_path: Path) -> None:
    """While hosts on one database are upgraded one after the other, those of the previous release keep serving."""
    with live_host(tmp_path) as host:
        with closing(sqlite3.connect(tmp_path / "roadstead.db", isolation_level=None)) as beside:
            beside.execute("INSERT INTO migrations (number) VALUES (9999)")
        assert httpx.get(host.url + READY).status_code == 200


@pytest.mark.slow
def test_a_host_whose_server_is_away_is_not_ready(tmp_path: Path, postgresql: postgres.Server) -> None:
    """It is alive, says immediately why it is not ready, shows its metrics, and is ready again without a restart."""
    # A server that the other tests do not need.
    with postgres.running_server() as server, live_host(tmp_path, database_url=server.new_database()) as host:
        assert httpx.get(host.url + READY).status_code == 200
        assert "\nroadstead_database_up 1.0\n" in httpx.get(f"{host.url}/-/metrics").text
        server.stop()
        refused = httpx.get(host.url + READY)
        assert (refused.status_code, refused.json()["error"]["message"]) == (503, "The database is unreachable.")
        assert httpx.get(f"{host.url}/-/health/live").status_code == 200
        metrics = httpx.get(f"{host.url}/-/metrics").text
        assert "\nroadstead_database_up 0.0\n" in metrics
        assert 'roadstead_database_connections{state="idle"}' in metrics
        assert "roadstead_pending_calls" not in metrics
        server.start()
        assert httpx.get(host.url + READY).status_code == 200

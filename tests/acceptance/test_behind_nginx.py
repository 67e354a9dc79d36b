"""A host behind a real nginx that does nothing but `proxy_pass`: strangers get only what is public."""

from pathlib import Path

import httpx
import pytest

from roadstead.cli.doctor import Check, examine
from roadstead.settings import Settings
from tests.acceptance.nginx import proxied
from tests.live import AppClient, RecordingApp, live_host

OPERATORS = ["/-/requests", "/-/audit", "/-/metrics"]
HTTP_1_1 = 'proxy_http_version 1.1; proxy_set_header Connection "";'
"""The lines beside `proxy_pass` that keep connections open; from 1.29.7 on, nginx does so by default."""


def statuses(url: str, **headers: str) -> dict[str, int]:
    with httpx.Client(base_url=url, headers=headers) as client:
        return {path: client.get(path).status_code for path in OPERATORS}


def all_are(status: int) -> dict[str, int]:
    return dict.fromkeys(OPERATORS, status)


@pytest.mark.parametrize("more", ["", HTTP_1_1])
def test_a_proxy_opens_nothing(tmp_path: Path, connect_app: RecordingApp, more: str) -> None:
    """nginx sends `Host: 127.0.0.1:PORT` and no telling header; the base URL decides. Everything else passes."""
    with (
        live_host(tmp_path / "data", base_url="https://roadstead.example.com") as host,
        proxied(tmp_path, host.url, more=more) as url,
    ):
        assert statuses(url) == statuses(host.url) == all_are(401)
        assert statuses(url, Authorization=f"Bearer {host.api_token()}") == all_are(200)
        assert httpx.get(f"{url}/-/health/ready").status_code == 200
        app = AppClient(url, host.install(connect_app))
        assert app("POST", "/2.0/addon/linkers/tickets/values", json={"value": "BB"}).status_code == 201


def test_a_base_url_that_was_forgotten(tmp_path: Path) -> None:
    """nginx is recognised by its HTTP/1.0."""
    with live_host(tmp_path / "data") as host, proxied(tmp_path, host.url) as url:
        assert (statuses(host.url), statuses(url)) == (all_are(200), all_are(401))


@pytest.mark.parametrize(("more", "status"), [("", "ok"), (HTTP_1_1, "problem")])
def test_doctor_asks_as_a_stranger(tmp_path: Path, more: str, status: str) -> None:
    """Through the operator's base URL, at a host that runs with another one; a closed host has no finding."""
    with (
        live_host(tmp_path / "data") as host,
        proxied(tmp_path, host.url, listens_at="0.0.0.0", more=more) as url,
    ):
        # An address that leads here, and whose name is not loopback.
        named = url.replace("127.0.0.1", "0.0.0.0")
        (found,) = strangers(Settings(data=host.settings.data, base_url=named))
        assert found.status == status
        assert (f"--base-url {named}" in found.advice) == (status == "problem")
        (told,) = strangers(Settings(data=host.settings.data, base_url=url))
        assert (told.status, "reverse proxy" in told.message) == ("ok", True)
    assert strangers(Settings(data=host.settings.data, base_url=named)) == []


def strangers(settings: Settings) -> list[Check]:
    return [check for check in examine(settings) if check.name == "strangers"]

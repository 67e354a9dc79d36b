"""Installations that an app may have accepted without the host's knowledge: its first signed request decides."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from roadstead.connect import InvalidToken, canonical_request, read, verify
from roadstead.domain.apps import handshakes, installations
from roadstead.domain.host import Host
from roadstead.domain.upkeep import transfer
from roadstead.domain.upkeep.audit import latest_entries
from roadstead.domain.upkeep.keys import rotate_key
from roadstead.errors import InstallationFailed
from roadstead.model import Offer
from roadstead.outbound.calls import Outbound
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.live import LINKERS, AppClient, LiveHost, RecordingApp, live_host, opened, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


@dataclass(frozen=True)
class _Told:
    """An app's knowledge of an installation from its `installed` call."""

    app_key: str
    client_key: str
    shared_secret: str


def _last_told(app: RecordingApp) -> Any:
    body = app.received[-1].body
    return _Told(body["key"], body["clientKey"], body["sharedSecret"])


def _status(host: LiveHost, told: Any, method: str = "GET", **claims: Any) -> int:
    client = AppClient(host.url, told)
    return client(method, VALUES, token=client.token(method, VALUES, **claims)).status_code


def _abandon(
    host: LiveHost, app: RecordingApp, workspace: str = "local", *, meanwhile: Callable[[], None] = lambda: None
) -> Any:
    """Begin an installation and give up while the app is answering; return the app's knowledge."""
    asked, given_up = threading.Event(), threading.Event()

    async def answer_too_late(body: dict[str, Any]) -> None:
        asked.set()
        await asyncio.to_thread(given_up.wait, 10)

    async def give_up(opened: Host) -> None:
        installing = asyncio.create_task(installations.install(opened, app.descriptor_url, workspace))
        await asyncio.to_thread(asked.wait, 10)
        await asyncio.to_thread(meanwhile)
        installing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await installing
        given_up.set()

    app.on_installed = answer_too_late
    host.work(give_up)
    app.on_installed = None
    return _last_told(app)


def _entries(host: LiveHost, app: RecordingApp) -> list[tuple[str, str]]:
    entries = host.work(lambda opened: latest_entries(opened, 50))
    return [(entry.action, entry.actor.split()[0]) for entry in entries if entry.subject.endswith(f"/{app.key}")]


def _offers(host: LiveHost, app: RecordingApp) -> list[Offer]:
    return [offer for offer in host.work(handshakes.list_offers) if offer.app_key == app.key]


def _apps(host: LiveHost, app: RecordingApp) -> list[Any]:
    found: list[Any] = host.work(lambda opened: installations.list_apps(opened, app_key=app.key))
    return found


def test_the_first_signed_request_completes_a_first_installation(host: LiveHost, connect_app: RecordingApp) -> None:
    """After giving up, nothing is installed; the app's request shows that it accepted, is answered, and is logged."""
    told = _abandon(host, connect_app, "fresh-berth")
    assert _apps(host, connect_app) == []
    assert _entries(host, connect_app) == []
    assert _status(host, told) == 200
    (installed,) = _apps(host, connect_app)
    assert (installed.client_key, installed.workspace.slug) == (told.client_key, "fresh-berth")
    assert (installed.shared_secret, installed.descriptor_url) == (told.shared_secret, connect_app.descriptor_url)
    assert _entries(host, connect_app) == [("app installed", "app")]
    assert _offers(host, connect_app) == []


def test_the_first_signed_request_completes_a_reinstallation(host: LiveHost, connect_app: RecordingApp) -> None:
    """Until then the old secret and descriptor are in force; then the new ones, and the values stay."""
    before = host.install(connect_app)
    AppClient(host.url, before)("PUT", VALUES, json=["KEPT"])
    connect_app.descriptor["modules"] = {"linkers": [LINKERS[0]]}
    told = _abandon(host, connect_app)
    old = AppClient(host.url, before)
    assert len(old("GET", "/2.0/addon/linkers").json()["values"]) == 2
    new = AppClient(host.url, told)
    assert [value["value"] for value in new("GET", VALUES).json()["values"]] == ["KEPT"]
    assert [linker["key"] for linker in new("GET", "/2.0/addon/linkers").json()["values"]] == ["tickets"]
    assert old("GET", VALUES).status_code == 401
    assert _entries(host, connect_app)[0] == ("app reinstalled", "app")


LESS: dict[str, dict[str, Any]] = {
    "another secret": {"secret": "x" * 43},
    "expired": {"exp": 1},
    "without end": {"exp": None},
    "another request": {"qsh": "0" * 64},
    "another app": {"iss": "another-app"},
}


@pytest.mark.parametrize("installed_before", [False, True])
def test_nothing_less_than_a_valid_token_completes_it(
    host: LiveHost, connect_app: RecordingApp, installed_before: bool
) -> None:
    """A token that any other request would be refused for is refused here, and changes nothing."""
    before = [host.install(connect_app)] if installed_before else []
    told = _abandon(host, connect_app)
    assert {why: _status(host, told, **claims) for why, claims in LESS.items()} == dict.fromkeys(LESS, 401)
    assert _apps(host, connect_app) == before
    assert _status(host, told) == 200


def test_of_several_offers_each_counts_until_a_later_one_is_accepted(host: LiveHost, connect_app: RecordingApp) -> None:
    """An app that accepted the first may have accepted the second as well; older offers than the accepted one are
    dropped.
    """
    first, second, third = (_abandon(host, connect_app) for _ in range(3))
    assert _status(host, second) == 200
    assert _status(host, first) == 401
    assert _status(host, second) == 200
    assert _status(host, third) == 200
    assert [_status(host, told) for told in (first, second, third)] == [401, 401, 200]


@pytest.mark.each_database
def test_only_the_last_offers_are_kept(host: LiveHost, connect_app: RecordingApp) -> None:
    """Each may cost the next installation a call."""
    told = [_abandon(host, connect_app) for _ in range(4)]
    assert [offer.shared_secret for offer in _offers(host, connect_app)] == [
        one.shared_secret for one in reversed(told[1:])
    ]
    assert _status(host, told[0]) == 401


def test_what_an_app_refused_is_not_kept(host: LiveHost, connect_app: RecordingApp) -> None:
    """Its answer is known, so the secret of that call is refused."""
    connect_app.status = 409
    with pytest.raises(InstallationFailed):
        host.install(connect_app)
    assert _offers(host, connect_app) == []
    assert _status(host, _last_told(connect_app)) == 401


def test_an_answer_that_comes_too_late_is_none(host: LiveHost, connect_app: RecordingApp) -> None:
    """An app that does not answer in time may have accepted, and the operator is informed."""

    given_up = threading.Event()

    async def answer_too_late(body: dict[str, Any]) -> None:
        while not given_up.is_set():
            await asyncio.sleep(0.01)

    connect_app.on_installed = answer_too_late
    with pytest.raises(InstallationFailed) as failed:
        host.work(lambda opened: _install_impatiently(opened, connect_app))
    given_up.set()
    assert failed.value.unanswered
    assert "first request that it signs completes the installation" in failed.value.detail
    assert _status(host, _last_told(connect_app)) == 200


async def _install_impatiently(host: Host, app: RecordingApp) -> None:
    descriptor = await installations.fetch(host, app.descriptor_url)
    impatient = replace(host, outbound=Outbound(allow_loopback=True, total_seconds=1))
    await installations.install_descriptor(impatient, descriptor, app.descriptor_url, "local")


def test_an_app_that_was_never_reached_was_offered_nothing(host: LiveHost) -> None:
    """Without a connection it cannot have received its secret."""
    with recording_app() as app:
        descriptor = host.work(lambda opened: installations.fetch(opened, app.descriptor_url))
    with pytest.raises(InstallationFailed, match="Connection refused") as failed:
        host.work(lambda opened: installations.install_descriptor(opened, descriptor, app.descriptor_url, "local"))
    assert not failed.value.unanswered
    assert _offers(host, app) == []


@pytest.mark.sample(2)
@pytest.mark.parametrize("by", ["operator", "app", "withdrawal"])
def test_an_uninstalled_app_cannot_come_back_by_an_offer(host: LiveHost, connect_app: RecordingApp, by: str) -> None:
    """Uninstalling the app also withdraws its offers."""
    if by == "withdrawal":
        told = _abandon(host, connect_app, "withdrawn")
        withdrawn = host.work(lambda opened: handshakes.withdraw(opened, connect_app.key, None))
        assert withdrawn is not None
        assert _entries(host, connect_app) == [("offer withdrawn", "operator")]
        assert "withdrawn" not in [one.slug for one in host.work(installations.list_workspaces)]
    else:
        before = host.install(connect_app)
        told = _abandon(host, connect_app)
        if by == "app":
            assert AppClient(host.url, before)("DELETE", "/2.0/addon").status_code == 204
        else:
            host.work(lambda opened: installations.uninstall(opened, before.id))
    assert _offers(host, connect_app) == []
    assert _status(host, told) == 401
    assert _apps(host, connect_app) == []


@pytest.mark.parametrize("installed_before", [False, True])
def test_an_uninstallation_during_a_handshake_is_not_taken_back(
    host: LiveHost, connect_app: RecordingApp, installed_before: bool
) -> None:
    """An app that was uninstalled during the call stays uninstalled, although no process waits for its
    answer any more.
    """
    before = host.install(connect_app) if installed_before else None

    def take_out() -> None:
        (installation,) = _apps(host, connect_app)
        host.work(lambda opened: installations.uninstall(opened, installation.id))

    told = _abandon(host, connect_app, meanwhile=take_out)
    assert _apps(host, connect_app) == []
    assert _offers(host, connect_app) == []
    assert [_status(host, one) for one in (told, before) if one] == [401] * (1 + installed_before)


def test_a_registered_app_is_offered_no_secret(host: LiveHost, connect_app: RecordingApp) -> None:
    """It had its secret before, so a signature would show nothing."""
    host.work(lambda opened: installations.register(opened, connect_app.key, connect_app.descriptor_url))
    told = _abandon(host, connect_app)
    assert _offers(host, connect_app) == []
    assert _status(host, told) == 401


# Installing again


def _strict(app: RecordingApp, known: Callable[[], str]) -> Callable[[dict[str, Any]], Any]:
    """Return an `installed` handler as apps have it: a known client key must sign with the known secret."""

    async def check(body: dict[str, Any]) -> None:
        authorization = app.received[-1].headers.get("authorization", "JWT a.b.c")
        canonical = canonical_request("POST", "/installed", "")
        try:
            verify(read(authorization[4:]), shared_secret=known(), now=0, canonical=canonical)
            app.next_statuses = [204]
        except InvalidToken as exc:
            app.next_statuses = [204 if exc.claim in ("exp", "nbf") else 401]

    return check


@pytest.mark.sample(2)
@pytest.mark.parametrize("took", ["the first offer", "the last offer", "neither"])
def test_the_next_installation_is_signed_with_what_the_app_has(
    host: LiveHost, connect_app: RecordingApp, took: str
) -> None:
    """With any of the secrets, the app accepts the call, gets another, and no offer is left."""
    before = host.install(connect_app)
    offered = [_abandon(host, connect_app), _abandon(host, connect_app)]
    has = {"the first offer": offered[0], "the last offer": offered[1], "neither": before}[took]
    connect_app.on_installed = _strict(connect_app, lambda: str(has.shared_secret))
    connect_app.received.clear()
    again = host.install(connect_app)
    calls = {"the last offer": 1, "the first offer": 2, "neither": 3}[took]
    assert len(connect_app.calls("installed")) == calls
    assert _status(host, again) == 200
    assert _offers(host, connect_app) == []
    assert [_status(host, told) for told in (before, *offered)] == [401, 401, 401]


def test_an_app_that_never_accepted_is_called_unsigned_in_the_end(host: LiveHost, connect_app: RecordingApp) -> None:
    """It refuses the signature of an unknown secret, and is called unsigned after that."""
    _abandon(host, connect_app)
    connect_app.received.clear()
    connect_app.next_statuses = [401]
    assert host.install(connect_app).state == "installed"
    assert ["authorization" in call.headers for call in connect_app.calls("installed")] == [True, False]


def test_another_refusal_ends_the_attempts(host: LiveHost, connect_app: RecordingApp) -> None:
    """Only an app that does not know the signature is called again."""
    _abandon(host, connect_app)
    connect_app.received.clear()
    connect_app.next_statuses = [500]
    with pytest.raises(InstallationFailed):
        host.install(connect_app)
    assert len(connect_app.calls("installed")) == 1


# Concurrently, and elsewhere


@pytest.mark.each_database
def test_requests_at_once_complete_it_once(host: LiveHost, connect_app: RecordingApp) -> None:
    """Of requests signed alike one completes it, none is answered with an error, and the log has one entry."""
    host.install(connect_app)
    told = _abandon(host, connect_app)
    with ThreadPoolExecutor(8) as pool:
        statuses = set(pool.map(lambda _: _status(host, told), range(16)))
    assert statuses == {200}
    assert _entries(host, connect_app) == [("app reinstalled", "app"), ("app installed", "operator")]


def test_an_offer_survives_another_key_and_a_move(tmp_path: Path, new_database: NewDatabase) -> None:
    """Its secret is sealed like the others: it is sealed again with them, and moves with them."""
    file = tmp_path / "state"
    with recording_app() as app:
        with live_host(tmp_path / "old", database_url=new_database()) as host:
            told = _abandon(host, app)
            host.work(rotate_key)
            with file.open("wb") as out:
                host.work(lambda opened: transfer.export_state(opened, out, with_secrets=True))
        settings = Settings(data=tmp_path / "new", database_url=new_database())
        with opened(settings) as on_host, file.open("rb") as source:
            on_host(lambda host: transfer.import_state(host, source))
        with live_host(settings.data, database_url=settings.database_url) as moved:
            assert _status(moved, told) == 200

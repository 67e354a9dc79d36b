"""Installations beyond their front doors: the record of a handshake, and new secrets."""

import pytest

from roadstead.domain.apps import installations, lifecycle
from roadstead.domain.host import Host
from roadstead.errors import InstallationFailed, InvalidInput
from roadstead.model import Installation, LifecycleCall
from tests.live import LiveHost, RecordingApp


async def _renew(host: Host, installation: Installation) -> Installation:
    return await installations.renew_secret(host, installation.id)


async def _calls(host: Host, installation: Installation) -> list[LifecycleCall]:
    return await lifecycle.list_calls(host, installation)


def test_what_was_sent_is_kept_without_secrets(host: LiveHost, connect_app: RecordingApp) -> None:
    """Method, headers and body of a lifecycle call can be read later; secret and signature cannot."""
    first = host.install(connect_app)
    connect_app.received.clear()
    again = host.install(connect_app)
    (sent,) = connect_app.calls("installed")
    token = sent.headers["authorization"].removeprefix("JWT ")
    (call, *_) = host.work(lambda opened: _calls(opened, again))
    assert call.request is not None
    assert call.request.startswith(f"POST /installed HTTP/1.1\nHost: {sent.headers['host']}\n")
    assert f'"clientKey": "{again.client_key}"' in call.request
    assert f"Authorization: JWT {token.rpartition('.')[0]}.(hidden)" in call.request
    for secret in (again.shared_secret, first.shared_secret, token):
        assert secret not in call.request


def test_an_echoed_secret_is_not_kept(host: LiveHost, connect_app: RecordingApp) -> None:
    """If an app answers with the call's body, neither the record nor a refusal has its secret."""

    async def echo(body: dict[str, str]) -> None:
        connect_app.answer = f"secret={body['sharedSecret']}"

    connect_app.on_installed, connect_app.status = echo, 200
    installation = host.install(connect_app)
    (call,) = host.work(lambda opened: _calls(opened, installation))
    assert call.body == "secret=(hidden)"
    connect_app.status = 500
    with pytest.raises(InstallationFailed) as refused:
        host.install(connect_app)
    assert refused.value.body == "secret=(hidden)"
    failed = host.work(lambda opened: lifecycle.find_call(opened, refused.value.call_id or 0))
    assert (failed.status, failed.body) == (500, "secret=(hidden)")


def test_a_secret_is_renewed_by_another_handshake(host: LiveHost, connect_app: RecordingApp) -> None:
    """The app gets the new secret in a call that is signed with the old one; if it refuses, the old one stays."""
    first = host.install(connect_app)
    second = host.work(lambda opened: _renew(opened, first))
    sent = connect_app.received[-1]
    assert sent.body["sharedSecret"] == second.shared_secret != first.shared_secret
    assert "authorization" in sent.headers
    connect_app.status = 500
    with pytest.raises(InstallationFailed):
        host.work(lambda opened: _renew(opened, first))
    kept = host.work(lambda opened: installations.get_installed(opened, first.id))
    assert kept.shared_secret == second.shared_secret


def test_the_secret_of_a_registration_is_not_renewed(host: LiveHost, connect_app: RecordingApp) -> None:
    """All installations of a registered app share its secret, so one of them cannot have another."""
    host.work(lambda opened: installations.register(opened, connect_app.key, connect_app.descriptor_url))
    installation = host.install(connect_app)
    with pytest.raises(InvalidInput, match="registered"):
        host.work(lambda opened: _renew(opened, installation))

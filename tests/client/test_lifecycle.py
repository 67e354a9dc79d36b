"""Lifecycle calls as `read_lifecycle_call` reads them; the tests of the sample app forge some."""

import json
from time import time

import pytest

from roadstead.client import LifecycleCall, RefusedCall, read_lifecycle_call
from roadstead.connect.jwt import issue
from roadstead.connect.qsh import canonical_request
from tests.client.loopback_host import APP_KEY, CLIENT_KEY, SHARED_SECRET, LoopbackHost


def read_posted(event: str, base_url: str = "", *, path: str = "", authorization: str | None = None) -> LifecycleCall:
    """Return a host's call to the test's app, as the app reads it. With an `authorization`, the app knows
    the secret.
    """
    body = {"key": APP_KEY, "clientKey": CLIENT_KEY, "eventType": event, "baseUrl": base_url, "baseApiUrl": base_url}
    return read_lifecycle_call(
        json.dumps(body | ({"sharedSecret": SHARED_SECRET} if event == "installed" else {})).encode(),
        app_key=APP_KEY,
        path=path,
        authorization=authorization,
        secrets={CLIENT_KEY: "an older secret"} if authorization else {},
        trusted_hosts={"127.0.0.1"},
    )


def signature(path: str, query: str = "") -> str:
    canonical = canonical_request("POST", path, query)
    token = issue(issuer=CLIENT_KEY, now=time(), shared_secret="an older secret", canonical=canonical)
    return f"JWT {token}"


def test_an_installed_call_gives_a_client_that_works(loopback: LoopbackHost) -> None:
    """The credentials of the call are enough to store values immediately, and its secret is not shown by accident."""
    call = read_posted("installed", loopback.base_url)

    with call.client() as addon:
        addon.replace_values("tickets", ["BB"])

    assert loopback.requests[0].json() == {"values": ["BB"]}
    assert (call.event, call.client_key, call.shared_secret) == ("installed", CLIENT_KEY, SHARED_SECRET)
    assert SHARED_SECRET not in repr(call)


def test_the_query_of_the_address_is_signed_too() -> None:
    """A descriptor may name a lifecycle address with a query, which the host signs, too."""
    target = "/hooks/uninstalled?tenant=a%20b"
    signed = signature("/hooks/uninstalled", "tenant=a%20b")
    call = read_posted("uninstalled", path=target, authorization=signed)

    assert (call.event, call.shared_secret, call.base_api_url) == ("uninstalled", "", "")
    with pytest.raises(RefusedCall, match="qsh") as refused:
        read_posted("uninstalled", path=target, authorization=signature("/hooks/uninstalled"))
    assert refused.value.status == 401

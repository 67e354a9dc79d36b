"""Lifecycle calls as an app receives them: read, checked, and turned into a client.

call = read_lifecycle_call(body, app_key=…, path=…, authorization=…, secrets=…, trusted_hosts={"bitbucket.org"})
if call.event == "installed":
    with call.client() as addon:
        addon.replace_values("tickets", ["BB"])
    secrets[call.client_key] = call.shared_secret
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

import httpx
import msgspec

from roadstead.client.addon import AddonClient, AsyncAddonClient
from roadstead.client.exchange import Credentials
from roadstead.client.operations import Operations
from roadstead.connect.jwt import InvalidToken, read, verify
from roadstead.connect.qsh import canonical_request


class RefusedCall(Exception):
    """The app must not act on this lifecycle call. `status` is the answer to give; the text says why."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class LifecycleCall:
    """A verified call of a host. Store `shared_secret` by `client_key`, also after `uninstalled`.

    `uninstalled` has no `shared_secret` and no addresses: they are empty then.
    """

    event: Literal["installed", "uninstalled"]
    app_key: str
    client_key: str
    shared_secret: str = field(repr=False)
    base_api_url: str
    base_url: str

    def client(self, *, timeout: float = 10.0) -> AddonClient:
        """Return a client with the credentials of an `installed` call; it works before the call is answered."""
        return AddonClient(
            self.base_api_url,
            app_key=self.app_key,
            client_key=self.client_key,
            shared_secret=self.shared_secret,
            site_url=self.base_url or None,
            timeout=timeout,
        )

    def async_client(self, *, timeout: float = 10.0) -> AsyncAddonClient:
        """Return the client for asyncio; otherwise as `client`."""
        return AsyncAddonClient(
            self.base_api_url,
            app_key=self.app_key,
            client_key=self.client_key,
            shared_secret=self.shared_secret,
            site_url=self.base_url or None,
            timeout=timeout,
        )


class _Body(msgspec.Struct, rename="camel"):
    """The members of a call's body that the app needs. Hosts send more members, and may add others."""

    key: str
    client_key: str
    event_type: Literal["installed", "uninstalled"]
    shared_secret: str = ""
    base_api_url: str = ""
    base_url: str = ""


def read_lifecycle_call(
    body: bytes,
    *,
    app_key: str,
    path: str,
    authorization: str | None,
    secrets: Mapping[str, str],
    trusted_hosts: Collection[str],
) -> LifecycleCall:
    """Return a call that was posted to the app's lifecycle address, or raise `RefusedCall`.

    `path` is the address of the post, below the descriptor's `baseUrl`, with the query. `secrets` has the last shared
    secret of each installation by its client key. The first `installed` call of an installation introduces app and host
    to each other, so nothing can verify it; every later call must be signed with the known secret. Anyone can post a
    first call, so the app accepts and calls back only the hosts with the names in `trusted_hosts`.
    """
    call = _read(body, app_key)
    known = secrets.get(call.client_key)
    if known is not None:
        _verify(authorization, path, issuer=call.client_key, shared_secret=known)
    elif call.event == "uninstalled":
        raise RefusedCall(404, "This app is not installed there.")
    if call.event == "installed":
        _check_what_it_brings(call, trusted_hosts)
    return call


def _read(body: bytes, app_key: str) -> LifecycleCall:
    try:
        found = msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise RefusedCall(400, f"This is not a lifecycle call. {error}.") from error
    if found.key != app_key:
        raise RefusedCall(400, f"This app is {app_key}; the call is for another one.")
    return LifecycleCall(
        found.event_type, app_key, found.client_key, found.shared_secret, found.base_api_url, found.base_url
    )


def _verify(authorization: str | None, path: str, *, issuer: str, shared_secret: str) -> None:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme != "JWT":
        raise RefusedCall(401, "The call must be signed: Authorization: JWT <token>.")
    canonical = canonical_request("POST", *_divided(path))
    try:
        verify(read(token), shared_secret=shared_secret, now=time.time(), issuers={issuer}, canonical=canonical)
    except InvalidToken as error:
        raise RefusedCall(401, f"The token is refused. {error.detail}") from error


def _divided(path: str) -> tuple[str, str]:
    before, _, query = path.partition("?")
    return before, query


def _check_what_it_brings(call: LifecycleCall, trusted_hosts: Collection[str]) -> None:
    for url in filter(None, (call.base_url, call.base_api_url)):
        if _host_of(url) not in trusted_hosts:
            raise RefusedCall(403, f"This app does not trust the host of {url!r}.")
    try:
        Operations(call.base_api_url, call.base_url or None)
        Credentials(call.app_key, call.client_key, call.shared_secret)
    except ValueError as error:
        raise RefusedCall(400, f"The installed call cannot be used. {error}") from error


def _host_of(url: str) -> str:
    """Return the name of the host that a client would call; empty when there is none."""
    try:
        return httpx.URL(url).host
    except httpx.InvalidURL:
        return ""

"""Outgoing HTTP to URLs that strangers choose, for descriptors and lifecycle calls.

Every connection is made by `transport`, which checks the address it connects to, so a name that resolves differently
the second time, or a redirect, gains nothing. Proxies from the environment are not used, because behind one the
connected address could not be checked. An answer is read up to a cap, within a total time, and never decompressed.
"""

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urljoin, urlsplit

from roadstead.errors import OutgoingCallFailed
from roadstead.outbound.addresses import Reach
from roadstead.outbound.places import Ourselves, Place, address_in
from roadstead.targets import AllowedTargets

if TYPE_CHECKING:
    from roadstead.outbound.transport import Connections, Received

CONNECT_SECONDS = 5.0
"""How long a connection to one address may take."""
TOTAL_SECONDS = 10.0
"""How long a call may take, name resolution included: Bitbucket's documented webhook timeout."""

MOST_KEPT = 100
"""Places to which connections are kept; more while requests are being sent to more."""

_NAME_AND_PORT = re.compile(r"(?=[^:]{1,254}(?::|$))[a-zA-Z0-9_\-]+(?:\.[a-zA-Z0-9_\-]+)*\.?(?::[0-9]*)?")
_ADDRESS_AND_PORT = re.compile(r"\[[0-9a-fA-F:.]+\](?::[0-9]*)?")
_USER_INFO = re.compile(r"//[^/?#]*@")


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer. `body` is cut at the cap; `truncated` says whether it was."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    duration_ms: int

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that was made, and its outcome: an answer, or an error.

    `started` and `ended` are readings of `time.perf_counter`. `app_key` is the app that it was for, if known.
    """

    started: float
    ended: float
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    app_key: str | None
    answer: Answer | None
    error: str | None


class Outbound:
    """Sends requests to public addresses, to apps on this machine if `allow_loopback`, and to targets in `allowed`.

    Never to `ourselves`. `watch` gets each request when it has ended, secrets included.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool,
        allowed: AllowedTargets | None = None,
        ourselves: Ourselves | None = None,
        connect_seconds: float = CONNECT_SECONDS,
        total_seconds: float = TOTAL_SECONDS,
        watch: Callable[[Sent], None] = lambda sent: None,
    ) -> None:
        self._reach = Reach(
            loopback=allow_loopback, allowed=allowed or AllowedTargets(), ourselves=ourselves or Ourselves()
        )
        self._connect_seconds = connect_seconds
        self._total_seconds = total_seconds
        self._watch = watch
        self._kept: OrderedDict[tuple[str, Place | None, bool], Connections] = OrderedDict()

    async def post(
        self, url: str, *, home: str | None, headers: Mapping[str, str], body: bytes, cap: int, verify: bool = True
    ) -> Answer:
        """Send a request on a connection that is kept for later ones; redirects are not followed, nor is it watched.

        `home` is as in `send`; without one, no place on this machine is called. Raise `OutgoingCallFailed`.
        """
        parts, started = _checked(url), time.monotonic()
        kept = self._connections(parts.scheme, self._reach_from(home), verify=verify)
        try:
            async with asyncio.timeout(self._total_seconds):
                received = await kept.exchange("POST", parts, headers=headers, body=body, cap=cap)
        except TimeoutError as exc:
            raise self._too_late(url) from exc
        finally:
            await self._drop_idle()
        return _answer(received, cap, started)

    def _connections(self, scheme: str, reach: Reach, *, verify: bool) -> "Connections":
        from roadstead.outbound.transport import Connections

        key = (scheme, reach.home, verify)
        if key not in self._kept:
            self._kept[key] = Connections(scheme, reach, connect_seconds=self._connect_seconds, verify=verify)
        self._kept.move_to_end(key)
        return self._kept[key]

    async def _drop_idle(self) -> None:
        """Make room: close the connections whose last use is longest ago, if no request uses them now."""
        idle = [key for key, kept in self._kept.items() if not kept.running]
        for key in idle[: max(len(self._kept) - MOST_KEPT, 0)]:
            await self._kept.pop(key).close()

    async def close(self) -> None:
        """Close the connections that are kept."""
        while self._kept:
            await self._kept.popitem()[1].close()

    async def send(
        self,
        method: str,
        url: str,
        *,
        home: str | None,
        headers: Mapping[str, str],
        body: bytes = b"",
        cap: int = 64 * 1024,
        redirects: int = 0,
        app_key: str | None = None,
    ) -> Answer:
        """Send one request and read the answer, following at most `redirects`, each checked like the first.

        `home` is the URL that the operator gave: on this machine only its host and port are called, because the app,
        and a server that redirects, choose the others. Without one, nothing on this machine is.

        A public server cannot redirect to an address that only the operator's permission makes reachable: the stranger
        who chose its URL would choose the calls in the operator's network.

        Raise `OutgoingCallFailed` when the address may not be called or no answer arrived in time.
        """
        reach = self._reach_from(home)
        try:
            async with asyncio.timeout(self._total_seconds):
                for _ in range(redirects + 1):
                    answer, public = await self._watched(method, url, headers, body, cap, reach, app_key)
                    if public:
                        reach = reach.from_public()
                    target = answer.headers.get("location")
                    if answer.status not in (301, 302, 303, 307, 308) or target is None or not redirects:
                        return answer
                    url = _redirected(url, target)
        except TimeoutError as exc:
            raise self._too_late(url) from exc
        raise OutgoingCallFailed(f"{shown(url)} redirects too often.", f"At most {redirects} redirects are followed.")

    def check(self, url: str, *, home: str | None) -> None:
        """Raise `OutgoingCallFailed` for a URL that `send` would not call, as far as its text tells.

        A name is resolved by each call anew, so only an address, or a name of this machine, is judged.
        """
        parts = _checked(url)
        place = Place.of(parts)
        address = ip_address("127.0.0.1") if place.host == "localhost" else address_in(place.host)
        if address is not None:
            self._reach_from(home).check(parts.hostname or "", place.port, address)

    def _reach_from(self, home: str | None) -> Reach:
        return replace(self._reach, home=None if home is None else Place.of(_checked(home)))

    def _too_late(self, url: str) -> OutgoingCallFailed:
        return OutgoingCallFailed(
            f"{shown(url)} did not answer within {self._total_seconds:g} seconds.",
            "Is the app running, and reachable from this machine?",
            may_have_arrived=True,
        )

    async def _watched(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        cap: int,
        reach: Reach,
        app_key: str | None,
    ) -> tuple[Answer, bool]:
        parts = _checked(url)  # before it is watched: an invalid URL sends nothing
        started = time.perf_counter()
        answer, error = None, f"No answer within {self._total_seconds:g} seconds."
        try:
            answer, public = await self._send_once(method, parts, headers, body, cap, reach)
        except OutgoingCallFailed as exc:
            error = exc.message
            raise
        finally:
            ended, reason = time.perf_counter(), None if answer else error
            self._watch(Sent(started, ended, method, url, headers, body, app_key, answer, reason))
        return answer, public

    async def _send_once(
        self, method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes, cap: int, reach: Reach
    ) -> tuple[Answer, bool]:
        """Return the answer, and whether it came from a public address."""
        # Imported late: most commands, and a starting host, make no calls.
        from roadstead.outbound import transport

        started = time.monotonic()
        received = await transport.exchange(
            method, parts, headers=headers, body=body, cap=cap, reach=reach, connect_seconds=self._connect_seconds
        )
        return _answer(received, cap, started), received.public


def _answer(received: "Received", cap: int, started: float) -> Answer:
    return Answer(
        status=received.status,
        headers=received.headers,
        body=received.body[:cap],
        truncated=len(received.body) > cap,
        duration_ms=round((time.monotonic() - started) * 1000),
    )


def _redirected(url: str, target: str) -> str:
    try:
        return urljoin(url, target)
    except ValueError as exc:
        raise OutgoingCallFailed(f"{shown(url)} redirects to something that is no URL.") from exc


@lru_cache(maxsize=4 * MOST_KEPT)  # deliveries go to the same URLs again and again
def _checked(url: str) -> SplitResult:
    """Return the parts of a URL that every reader understands alike. Raise `OutgoingCallFailed`."""
    if not (url.isascii() and url.isprintable()) or " " in url or "\\" in url:
        raise OutgoingCallFailed(
            f"{shown(url)!r} contains a character that is not allowed in a URL.",
            "Encode it; a host name as xn--…, a path with %.",
        )
    try:
        parts = urlsplit(url)
        port_fits = parts.port != 0
    except ValueError as exc:
        raise OutgoingCallFailed(f"{shown(url)} has an impossible host or port.", "Correct the URL.") from exc
    if parts.scheme not in ("http", "https"):
        raise OutgoingCallFailed(f"{shown(url)} is not an http or https URL.", "Give a whole URL, scheme included.")
    if parts.username is not None:
        raise OutgoingCallFailed("The URL contains a user name or password.", "Remove everything before the @.")
    if not port_fits:
        raise OutgoingCallFailed(f"{shown(url)} has an impossible port.", "Ports are from 1 to 65535.")
    if not _is_host(parts):
        raise OutgoingCallFailed(
            f"{shown(url)} has no host, or an impossible one.", "Give a host name, or an address without a zone."
        )
    return parts


def _is_host(parts: SplitResult) -> bool:
    """Return whether the text before the path is a host, with or without a port: it is sent as `Host`."""
    if not _ADDRESS_AND_PORT.fullmatch(parts.netloc):
        return _NAME_AND_PORT.fullmatch(parts.netloc) is not None
    try:
        return IPv6Address(parts.hostname or "").scope_id is None
    except ValueError:
        return False


def shown(url: str) -> str:
    """Return the URL as it may be shown: without user information and query, which may contain a secret."""
    return _USER_INFO.sub("//", url.partition("?")[0])[:200]

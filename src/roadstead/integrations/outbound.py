"""Outgoing HTTP: descriptors and lifecycle URLs are chosen by strangers.

Every connection is made by `transport`, which checks the address it connects to, so a name that resolves differently
the second time, or a redirect, gains nothing. Proxies from the environment are not used. An answer is read up to a cap
and within a total time.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from roadstead.errors import OutgoingCallFailed

TOTAL_SECONDS = 10.0
"""How long an app has for an answer: the webhook timeout that Bitbucket documents."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `body` is cut at the cap, `truncated` says whether it was."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    duration_ms: int

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


class Outbound:
    """Sends requests to public addresses; to this machine only when `allow_loopback` is set."""

    def __init__(self, *, allow_loopback: bool, total_seconds: float = TOTAL_SECONDS) -> None:
        self._allow_loopback = allow_loopback
        self._total_seconds = total_seconds

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes = b"",
        cap: int = 64 * 1024,
        redirects: int = 0,
    ) -> Answer:
        """Send one request and read the answer, following at most `redirects`, each checked like the first.

        Raises `OutgoingCallFailed` when the address may not be called or nothing came back in time.
        """
        try:
            async with asyncio.timeout(self._total_seconds):
                for _ in range(redirects + 1):
                    answer = await self._send_once(method, url, headers, body, cap)
                    target = answer.headers.get("location")
                    if answer.status not in (301, 302, 303, 307, 308) or target is None or not redirects:
                        return answer
                    url = _redirected(url, target)
        except TimeoutError as exc:
            raise OutgoingCallFailed(
                f"{shown(url)} did not answer within {self._total_seconds:g} seconds.",
                "Is the app running, and reachable from this machine?",
            ) from exc
        raise OutgoingCallFailed(f"{shown(url)} redirects too often.", f"At most {redirects} redirects are followed.")

    async def _send_once(self, method: str, url: str, headers: Mapping[str, str], body: bytes, cap: int) -> Answer:
        # Imported late: most commands, and a host at its start, call nobody.
        from roadstead.integrations import transport

        _check_url(url)
        started = time.monotonic()
        received = await transport.exchange(
            method, url, headers=headers, body=body, cap=cap, allow_loopback=self._allow_loopback
        )
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


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        usable = usable and url.isascii() and url.isprintable() and " " not in url
    except ValueError:
        usable = False
    if not usable:
        raise OutgoingCallFailed(f"{shown(url)} is not an http or https URL.", "Give a whole URL, scheme included.")
    if parts.username is not None:
        raise OutgoingCallFailed("The URL holds a user name or password.", "Remove everything before the @.")


def shown(url: str) -> str:
    """The URL as it may be shown: without its query, which may hold a secret."""
    return url.partition("?")[0][:200]

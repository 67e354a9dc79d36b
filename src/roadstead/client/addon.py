"""The two clients. They send and wait; the core decides what to send and reads the answers."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from functools import cache
from types import TracebackType
from typing import Self, TypeVar

import httpx

from roadstead.client.exchange import Credentials, Exchange, Outcome
from roadstead.client.operations import Operation, Operations, Page
from roadstead.client.resources import AccessToken, Linker, LinkerValue

T = TypeVar("T")


class AddonClient:
    """Call the addon operations of one installation, blocking. May be shared between threads.

    `base_url` is the `baseApiUrl` of the `installed` call, without `/2.0`. `site_url` is its `baseUrl`, only
    needed for access tokens where the two differ, as on Bitbucket Cloud. `timeout` is in seconds, for making
    a connection and for each next part of an answer.

    Every operation signs its request, repeats it where that is safe, and raises `ClientError` when it fails.
    Arguments that cannot be sent (an empty linker key, a value id that is no integer) are a `ValueError` or a
    `TypeError`.
    """

    def __init__(
        self,
        base_url: str,
        *,
        app_key: str,
        client_key: str,
        shared_secret: str,
        timeout: float = 10.0,
        site_url: str | None = None,
    ) -> None:
        self._operations = Operations(base_url, site_url)
        self._credentials = Credentials(app_key, client_key, shared_secret)
        self._http = httpx.Client(timeout=timeout, verify=_trusted_authorities())

    def __repr__(self) -> str:
        return f"AddonClient({self._operations.base_url!r}, {self._credentials!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        self._http.close()

    def update(self, descriptor: Mapping[str, object] | None = None, descriptor_url: str | None = None) -> None:
        """Make the host use `descriptor`, or the one at `descriptor_url`; without either, read the known URL again."""
        self._run(self._operations.update(descriptor, descriptor_url))

    def uninstall(self) -> None:
        """Remove the app from the workspace.

        `Unauthorized` may also mean that an attempt whose answer was lost has removed it already.
        """
        self._run(self._operations.uninstall())

    def linkers(self) -> Iterator[Linker]:
        """Yield the linkers of the installed descriptor."""
        return self._each(self._operations.linkers())

    def linker(self, key: str) -> Linker:
        """Return one linker, or raise `NotFound`."""
        return self._run(self._operations.linker(key))

    def values(self, linker_key: str, q: str | None = None, sort: str | None = None) -> Iterator[LinkerValue]:
        """Yield the values of a linker, reading page after page as they are consumed.

        `q` filters, as in `value ~ "BB"`; `sort` is a field's name, with `-` before it for descending order.
        """
        return self._each(self._operations.values(linker_key, q, sort))

    def value(self, linker_key: str, value_id: int) -> LinkerValue:
        """Return one value, or raise `NotFound`."""
        return self._run(self._operations.value(linker_key, value_id))

    def add_value(self, linker_key: str, value: str) -> LinkerValue:
        """Add a value and return it, or raise `Conflict` if it exists."""
        return self._run(self._operations.add_value(linker_key, value))

    def replace_values(self, linker_key: str, values: Iterable[str]) -> None:
        """Make `values` exactly the values of a linker. Existing ones among them keep their ids."""
        self._run(self._operations.replace_values(linker_key, values))

    def delete_values(self, linker_key: str) -> None:
        """Delete all values of a linker."""
        self._run(self._operations.delete_values(linker_key))

    def delete_value(self, linker_key: str, value_id: int) -> None:
        """Delete one value, or raise `NotFound`."""
        self._run(self._operations.delete_value(linker_key, value_id))

    def access_token(self, scopes: Iterable[str] | None = None, repository: str | None = None) -> AccessToken:
        """Return a token for the rest of the API.

        `scopes` narrows it to some of the app's, `repository` (a UUID in braces) to one repository.
        """
        return self._run(self._operations.access_token(scopes, repository))

    def _each(self, first: Operation[Page[T]]) -> Iterator[T]:
        following: Operation[Page[T]] | None = first
        while following is not None:
            page = self._run(following)
            yield from page.items
            following = page.following

    def _run(self, operation: Operation[T]) -> T:
        exchange = Exchange(operation, self._credentials)
        while True:
            outcome = self._send(exchange.request(time.time()))
            pause = exchange.pause_after(outcome, time.time())
            if pause is None:
                return exchange.result(outcome)
            time.sleep(pause)

    def _send(self, request: httpx.Request) -> Outcome:
        try:
            return self._http.send(request)
        except httpx.RequestError as error:
            return error


class AsyncAddonClient:
    """Call the addon operations of one installation, for asyncio. Everything else is as in `AddonClient`."""

    def __init__(
        self,
        base_url: str,
        *,
        app_key: str,
        client_key: str,
        shared_secret: str,
        timeout: float = 10.0,
        site_url: str | None = None,
    ) -> None:
        self._operations = Operations(base_url, site_url)
        self._credentials = Credentials(app_key, client_key, shared_secret)
        self._http = httpx.AsyncClient(timeout=timeout, verify=_trusted_authorities())

    def __repr__(self) -> str:
        return f"AsyncAddonClient({self._operations.base_url!r}, {self._credentials!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; the client cannot be used afterwards."""
        await self._http.aclose()

    async def update(self, descriptor: Mapping[str, object] | None = None, descriptor_url: str | None = None) -> None:
        """Await `AddonClient.update`."""
        await self._run(self._operations.update(descriptor, descriptor_url))

    async def uninstall(self) -> None:
        """Await `AddonClient.uninstall`."""
        await self._run(self._operations.uninstall())

    def linkers(self) -> AsyncIterator[Linker]:
        """Yield as `AddonClient.linkers`."""
        return self._each(self._operations.linkers())

    async def linker(self, key: str) -> Linker:
        """Await `AddonClient.linker`."""
        return await self._run(self._operations.linker(key))

    def values(self, linker_key: str, q: str | None = None, sort: str | None = None) -> AsyncIterator[LinkerValue]:
        """Yield as `AddonClient.values`."""
        return self._each(self._operations.values(linker_key, q, sort))

    async def value(self, linker_key: str, value_id: int) -> LinkerValue:
        """Await `AddonClient.value`."""
        return await self._run(self._operations.value(linker_key, value_id))

    async def add_value(self, linker_key: str, value: str) -> LinkerValue:
        """Await `AddonClient.add_value`."""
        return await self._run(self._operations.add_value(linker_key, value))

    async def replace_values(self, linker_key: str, values: Iterable[str]) -> None:
        """Await `AddonClient.replace_values`."""
        await self._run(self._operations.replace_values(linker_key, values))

    async def delete_values(self, linker_key: str) -> None:
        """Await `AddonClient.delete_values`."""
        await self._run(self._operations.delete_values(linker_key))

    async def delete_value(self, linker_key: str, value_id: int) -> None:
        """Await `AddonClient.delete_value`."""
        await self._run(self._operations.delete_value(linker_key, value_id))

    async def access_token(self, scopes: Iterable[str] | None = None, repository: str | None = None) -> AccessToken:
        """Await `AddonClient.access_token`."""
        return await self._run(self._operations.access_token(scopes, repository))

    async def _each(self, first: Operation[Page[T]]) -> AsyncIterator[T]:
        following: Operation[Page[T]] | None = first
        while following is not None:
            page = await self._run(following)
            for item in page.items:
                yield item
            following = page.following

    async def _run(self, operation: Operation[T]) -> T:
        exchange = Exchange(operation, self._credentials)
        while True:
            outcome = await self._send(exchange.request(time.time()))
            pause = exchange.pause_after(outcome, time.time())
            if pause is None:
                return exchange.result(outcome)
            await asyncio.sleep(pause)

    async def _send(self, request: httpx.Request) -> Outcome:
        try:
            return await self._http.send(request)
        except httpx.RequestError as error:
            return error


@cache
def _trusted_authorities() -> ssl.SSLContext:
    """Return the authorities that httpx trusts. Reading them takes 20 ms, too long for each client of an app."""
    return httpx.create_ssl_context()

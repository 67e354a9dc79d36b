"""The host to call, and one call function for both clients."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Protocol

import pytest

from roadstead.client import AddonClient, AsyncAddonClient
from tests.client.loopback_host import APP_KEY, CLIENT_KEY, SHARED_SECRET, LoopbackHost, running_host


class Call(Protocol):
    """Runs one operation, by its name, and returns its result; a list for an iterator."""

    def __call__(self, operation: str, *args: Any, **options: Any) -> Any: ...


@pytest.fixture
def loopback() -> Iterator[LoopbackHost]:
    with running_host() as running:
        yield running


@pytest.fixture(params=["blocking", "async"])
def call_at(request: pytest.FixtureRequest) -> Callable[..., Call]:
    """Return the maker of a `Call` for a base URL, for each of the two clients."""
    return blocking_call_at if request.param == "blocking" else async_call_at


@pytest.fixture
def call(call_at: Callable[..., Call], loopback: LoopbackHost) -> Call:
    return call_at(loopback.base_url)


def blocking_call_at(base_url: str, **settings: Any) -> Call:
    def call(operation: str, *args: Any, **options: Any) -> Any:
        with AddonClient(base_url, **(credentials() | settings)) as addon:
            result = getattr(addon, operation)(*args, **options)
            return list(result) if isinstance(result, Iterator) else result

    return call


def async_call_at(base_url: str, **settings: Any) -> Call:
    async def call(operation: str, *args: Any, **options: Any) -> Any:
        async with AsyncAddonClient(base_url, **(credentials() | settings)) as addon:
            result = getattr(addon, operation)(*args, **options)
            return [item async for item in result] if isinstance(result, AsyncIterator) else await result

    return lambda operation, *args, **options: asyncio.run(call(operation, *args, **options))


def credentials() -> dict[str, Any]:
    return {"app_key": APP_KEY, "client_key": CLIENT_KEY, "shared_secret": SHARED_SECRET}

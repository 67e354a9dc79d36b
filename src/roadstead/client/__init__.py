"""A client of the ten addon operations, for authors of Connect apps.

    with AddonClient(base_url, app_key=…, client_key=…, shared_secret=…) as addon:
        addon.replace_values("tickets", ["BB", "OPS"])

`AddonClient` blocks, `AsyncAddonClient` awaits; both send over httpx what one core decides. They speak to any
host of this API: `baseApiUrl`, `clientKey` and `sharedSecret` of the `installed` call are all they need.
`read_lifecycle_call` reads that call, verifies it, and gives such a client.
"""

from roadstead.client.addon import AddonClient, AsyncAddonClient
from roadstead.client.errors import (
    ApiError,
    BadRequest,
    ClientError,
    Conflict,
    ConnectionFailed,
    Forbidden,
    NotFound,
    ServerError,
    TooManyRequests,
    Unauthorized,
    UnexpectedResponse,
)
from roadstead.client.lifecycle import LifecycleCall, RefusedCall, read_lifecycle_call
from roadstead.client.resources import AccessToken, Linker, LinkerValue

__all__ = [
    "AccessToken",
    "AddonClient",
    "ApiError",
    "AsyncAddonClient",
    "BadRequest",
    "ClientError",
    "Conflict",
    "ConnectionFailed",
    "Forbidden",
    "LifecycleCall",
    "Linker",
    "LinkerValue",
    "NotFound",
    "RefusedCall",
    "ServerError",
    "TooManyRequests",
    "Unauthorized",
    "UnexpectedResponse",
    "read_lifecycle_call",
]

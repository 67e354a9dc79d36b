"""The API's resources, as frozen values; members beyond these are ignored."""

from dataclasses import dataclass, field
from typing import Generic, TypeVar

import httpx
import msgspec

from roadstead.client.errors import UnexpectedResponse

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Linker:
    """A linker as the installed descriptor declares it."""

    key: str
    regex: str
    url: str
    type: str = "href"


@dataclass(frozen=True, slots=True)
class LinkerValue:
    """A value stored for a linker. The host chooses the `id`, and keeps it as long as the value exists."""

    id: int
    value: str


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A token for `Authorization: Bearer …`. `expires_in` is in seconds from the answer."""

    token: str = field(repr=False)
    scopes: tuple[str, ...]
    expires_in: int


class Envelope(msgspec.Struct, Generic[T]):
    """One page of a list on the wire. Only `values`, and `next` where there is more, are guaranteed."""

    values: list[T]
    next: str | None = None


class TokenAnswer(msgspec.Struct):
    """The token endpoint's answer on the wire. Bitbucket's tokens last an hour, stated or not."""

    access_token: str
    scopes: str = ""
    expires_in: int = 3600


def decode(response: httpx.Response, kind: type[T]) -> T:
    """Return the body of `response` as `kind`, or raise `UnexpectedResponse`."""
    try:
        return msgspec.json.decode(response.content, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise UnexpectedResponse(
            f"{response.request.method} {response.request.url} was answered with a body "
            f"that this API does not give: {error}."
        ) from error

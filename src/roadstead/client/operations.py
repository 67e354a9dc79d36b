"""The operations: the request of each, and the meaning of its answer. Other modules sign and send."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import index
from typing import Generic, TypeVar
from urllib.parse import quote, urlencode

import httpx
import msgspec

from roadstead.client.errors import UnexpectedResponse
from roadstead.client.resources import AccessToken, Envelope, Linker, LinkerValue, TokenAnswer, decode

T = TypeVar("T")
Parameters = Mapping[str, str | None]

PAGE_LENGTH = 100
"""The longest page."""

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Operation(Generic[T]):
    """A request relative to `base`, and how to read the answer to it.

    `target` is path and query. `status` is that of success. `status_when_repeated` means success, too, if an earlier
    attempt may have succeeded: the next attempt does not find what that one deleted.
    """

    method: str
    base: httpx.URL
    target: str
    status: int
    parse: Callable[[httpx.Response], T]
    body: bytes | None = None
    content_type: str = _JSON
    status_when_repeated: int | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.url}"

    @property
    def url(self) -> httpx.URL:
        """Return the request's URL. Raise `ValueError` when it is longer than servers accept."""
        try:
            return httpx.URL(str(self.base).rstrip("/") + self.target)
        except httpx.InvalidURL as error:
            raise ValueError(f"The request cannot be written as a URL: {error}.") from error


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list; `following` gets the next part and is None at the end."""

    items: Sequence[T]
    following: "Operation[Page[T]] | None"


class Operations:
    """The operations on one host."""

    def __init__(self, base_url: str, site_url: str | None) -> None:
        self._api = _base("base_url", base_url)
        self._site = self._api if site_url is None else _base("site_url", site_url)

    @property
    def base_url(self) -> str:
        """Return the API's address, without `/2.0` and without a trailing slash."""
        return str(self._api).rstrip("/")

    def update(self, descriptor: Mapping[str, object] | None, descriptor_url: str | None) -> Operation[None]:
        if descriptor is not None and descriptor_url is not None:
            raise ValueError("An update takes a descriptor or a descriptor_url, not both.")
        given = {"descriptor": descriptor, "descriptor_url": descriptor_url}
        body = {name: value for name, value in given.items() if value is not None}
        return self._change("PUT", "/2.0/addon", body)

    def uninstall(self) -> Operation[None]:
        return self._change("DELETE", "/2.0/addon")

    def linkers(self) -> Operation[Page[Linker]]:
        return self._page(_addressed("/2.0/addon/linkers", {}), Envelope[Linker])

    def linker(self, key: str) -> Operation[Linker]:
        return self._get(_linker_path(key), Linker)

    def values(self, linker_key: str, q: str | None, sort: str | None) -> Operation[Page[LinkerValue]]:
        target = _addressed(f"{_linker_path(linker_key)}/values", {"q": q, "sort": sort})
        return self._page(target, Envelope[LinkerValue])

    def value(self, linker_key: str, value_id: int) -> Operation[LinkerValue]:
        return self._get(_value_path(linker_key, value_id), LinkerValue)

    def add_value(self, linker_key: str, value: str) -> Operation[LinkerValue]:
        return Operation(
            "POST",
            self._api,
            f"{_linker_path(linker_key)}/values",
            status=201,
            parse=lambda response: decode(response, LinkerValue),
            body=msgspec.json.encode({"value": value}),
        )

    def replace_values(self, linker_key: str, values: Iterable[str]) -> Operation[None]:
        if isinstance(values, str):
            raise TypeError("Values are given as a list; a single string would become one value per character.")
        return self._change("PUT", f"{_linker_path(linker_key)}/values", {"values": list(values)})

    def delete_values(self, linker_key: str) -> Operation[None]:
        return self._change("DELETE", f"{_linker_path(linker_key)}/values")

    def delete_value(self, linker_key: str, value_id: int) -> Operation[None]:
        return self._change("DELETE", _value_path(linker_key, value_id), status_when_repeated=404)

    def access_token(self, scopes: Iterable[str] | None, repository: str | None) -> Operation[AccessToken]:
        form = {
            "grant_type": "urn:bitbucket:oauth2:jwt",
            "scope": None if scopes is None else _scope(scopes),
            "bitbucket_repository": repository,
        }
        return Operation(
            "POST",
            self._site,
            "/site/oauth2/access_token",
            status=200,
            parse=_access_token,
            body=_encoded(form).encode(),
            content_type=_FORM,
        )

    def _get(self, target: str, kind: type[T]) -> Operation[T]:
        return Operation("GET", self._api, target, status=200, parse=lambda response: decode(response, kind))

    def _page(self, target: str, kind: type[Envelope[T]]) -> Operation[Page[T]]:
        def parse(response: httpx.Response) -> Page[T]:
            page = decode(response, kind)
            following = None if page.next is None else self._page(self._next_target(response, page.next), kind)
            return Page(page.values, following)

        return Operation("GET", self._api, target, status=200, parse=parse)

    def _change(
        self,
        method: str,
        target: str,
        body: Mapping[str, object] | None = None,
        *,
        status_when_repeated: int | None = None,
    ) -> Operation[None]:
        return Operation(
            method,
            self._api,
            target,
            status=204,
            parse=lambda _: None,
            body=None if body is None else msgspec.json.encode(body),
            status_when_repeated=status_when_repeated,
        )

    def _next_target(self, response: httpx.Response, link: str) -> str:
        """Return `link` relative to the API, or raise: a token must not be sent anywhere else."""
        url = _parsed(link)
        if url is None or url.userinfo or not _is_below(url, self._api):
            raise UnexpectedResponse(
                f"The next page is said to be at {link!r}, which is not below {self.base_url}; no token is "
                "sent elsewhere. If that is the same host under another name, give that name as base_url."
            )
        if url == response.request.url:
            raise UnexpectedResponse(f"The page {link!r} names itself as the next page.")
        return url.raw_path.decode("ascii").removeprefix(path_of(self._api))


def path_of(base: httpx.URL) -> str:
    """Return the path of a base URL without its trailing slash: empty for a plain origin."""
    return base.raw_path.decode("ascii").rstrip("/")


def _base(name: str, text: str) -> httpx.URL:
    url = _parsed(text)
    if url is None or url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"{name} must be an absolute http or https URL.")
    if url.userinfo or url.query or url.fragment:
        raise ValueError(f"{name} must not contain a user name, a query or a fragment.")
    if path_of(url).endswith("/2.0"):
        raise ValueError(f"{name} is given without /2.0, which is added.")
    return url


def _parsed(text: str) -> httpx.URL | None:
    try:
        return httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):
        return None


def _is_below(url: httpx.URL, base: httpx.URL) -> bool:
    same_origin = (url.scheme, url.host, url.port) == (base.scheme, base.host, base.port)
    return same_origin and url.raw_path.decode("ascii").startswith(f"{path_of(base)}/")


def _linker_path(key: str) -> str:
    if not key:
        raise ValueError("A linker key must not be empty.")
    segment = quote(key, safe="")
    if segment in {".", ".."}:  # A client would resolve it as a relative path before it sends it.
        segment = segment.replace(".", "%2E")
    return f"/2.0/addon/linkers/{segment}"


def _value_path(linker_key: str, value_id: int) -> str:
    # `index` refuses everything but integers: an empty string would turn "delete this value" into "delete all".
    return f"{_linker_path(linker_key)}/values/{index(value_id)}"


def _addressed(path: str, parameters: Parameters) -> str:
    return f"{path}?{_encoded({'pagelen': str(PAGE_LENGTH), **parameters})}"


def _encoded(parameters: Parameters) -> str:
    given = {name: value for name, value in parameters.items() if value is not None}
    return urlencode(given, quote_via=quote)


def _scope(scopes: Iterable[str]) -> str:
    if isinstance(scopes, str):
        raise TypeError('Scopes are given as a list, such as ["repository"].')
    scope = " ".join(scopes)
    if not scope:
        raise ValueError("No scope is given, and a host reads that as all; leave scopes out to ask for all.")
    return scope


def _access_token(response: httpx.Response) -> AccessToken:
    answer = decode(response, TokenAnswer)
    return AccessToken(answer.access_token, tuple(answer.scopes.split()), answer.expires_in)

"""The origin of a request: this machine, a client behind a proxy, or a page of another site in a browser here."""

from starlette.requests import Request

from roadstead.settings import is_loopback

_SET_BY_PROXIES = frozenset(
    (b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip")
)


def is_from_here(request: Request) -> bool:
    """Return whether the request was made on this machine, and names it.

    A page elsewhere that rebinds its own name to this machine fails this. So does a client behind a proxy on this
    machine: by the proxy's name, by a header in which the proxy names the client, or by HTTP/1.0, which nginx speaks to
    upstream servers by default, and no other client of today does.
    """
    if request.scope["http_version"] == "1.0" or any(name in _SET_BY_PROXIES for name, _ in request.scope["headers"]):
        return False
    name = request.headers.get("host", "")
    hostname = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() else name
    return is_loopback(hostname.strip("[]"))


def is_from_another_site(request: Request) -> bool:
    """Return whether a page of another site may have made the request, according to the browser.

    `Origin` is enough: our own pages make no such request, and a browser counts a page of another port as the same
    site.
    """
    headers = request.headers
    return "origin" in headers or headers.get("sec-fetch-site", "none") not in ("none", "same-origin")

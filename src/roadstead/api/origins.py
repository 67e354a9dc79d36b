"""Where a request comes from: this machine, somewhere behind a proxy, or a page of another site in a browser here."""

from starlette.requests import Request

from roadstead.settings import is_loopback

_SET_BY_PROXIES = frozenset(
    (b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-real-ip")
)


def is_from_here(request: Request) -> bool:
    """Return whether the request was made on this machine, and meant for us by name.

    A page elsewhere that rebinds its own name to us fails this. So does a client behind a proxy on this machine: by the
    name that the proxy is known by, by a header in which the proxy says for whom it asks, or by HTTP/1.0, which nginx
    speaks to the servers behind it unless it is told otherwise, and no other client of today does.
    """
    if request.scope["http_version"] == "1.0" or any(name in _SET_BY_PROXIES for name, _ in request.scope["headers"]):
        return False
    name = request.headers.get("host", "")
    hostname = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() else name
    return is_loopback(hostname.strip("[]"))


def is_from_another_site(request: Request) -> bool:
    """Return whether a page may have made the request that is not ours, as browsers tell.

    `Origin` alone is enough: our own pages ask nothing that needs this, and a page of another port counts as the same
    site to a browser.
    """
    headers = request.headers
    return "origin" in headers or headers.get("sec-fetch-site", "none") not in ("none", "same-origin")

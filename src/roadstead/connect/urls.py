"""The URLs of a descriptor: its `baseUrl`, and all the others, which are absolute or relative to it."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

MAX_URL_LENGTH = 2048
"""Characters. Documented for the URLs of modules, applied to all."""

_NOWHERE = "https://base-url-refused.invalid"
"""No name below `invalid` ever has an address (RFC 2606)."""
_DEFAULT_PORTS = {"http": 80, "https": 443}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f\\]")
_HIDDEN = re.compile(r"%(?:2e|2f|5c)", re.IGNORECASE)
"""A dot, a slash or a backslash, encoded."""
_PLACE = re.compile(r"(?:[^@]*@)?(?:[a-zA-Z0-9_\-]+(?:\.[a-zA-Z0-9_\-]+)*\.?|\[[0-9a-fA-F:.]+\])(?::[0-9]*)?")
"""Everything between the slashes and the path: readers of `http://[::1];sandbox` split it in different ways."""


def join(base_url: str, url: str) -> str:
    """Return `url` if it is absolute; otherwise `base_url`, path and all, one slash, and `url`."""
    if not url or scheme_of(url):
        return url or base_url
    return f"{base_url.rstrip('/')}/{url.lstrip('/')}"


def scheme_of(url: str) -> str | None:
    """Return the scheme of an absolute URL in lower case, None for a relative one."""
    scheme = _SCHEME.match(url)
    return scheme[1].lower() if scheme else None


def origin_of(url: str) -> str:
    """Return scheme, host and port of a valid URL, as browsers write them: the same for all URLs of one origin."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    written = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}"
    return written if port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{written}:{port}"


def web_url_fault(url: str) -> str | None:
    """Return why `url` is not an absolute http or https URL, to follow its name in a sentence; None if it is."""
    if _FORBIDDEN.search(url):
        return "contains a space, a backslash or a control character"
    if scheme_of(url) not in ("http", "https"):
        return "is not an absolute http or https URL"
    if fault := place_fault(url):
        return fault
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port
    if port == 0:
        return "has port 0, which nothing can listen on"
    if not host.isascii():
        return f"has a host name that is not ASCII; in a URL it is written {_in_ascii(host)}"
    if not _PLACE.fullmatch(parts.netloc) or ("[" in parts.netloc and _address(host) is None):
        return "has no host, or an impossible one"
    return None


def place_fault(url: str) -> str | None:
    """Return why no host and port can be read from `url`, to follow its name in a sentence; None if they can."""
    try:
        _ = urlsplit(url).port
    except ValueError:
        return "has an impossible host or port"
    return None


def is_below(url: str, base_url: str) -> bool:
    """Return whether an absolute URL is on the origin of the base and at or below its path, however it is read.

    A path may not hide where it leads: browsers read `%2e%2e` as the folder above.
    """
    if web_url_fault(url) is not None or origin_of(url) != origin_of(base_url):
        return False
    target, folder = urlsplit(url), urlsplit(base_url).path.rstrip("/")
    below = target.path == folder or target.path.startswith(f"{folder}/")
    plain = url.isascii() and not set(url) & set("{}") and target.username is None
    return below and plain and "/../" not in f"{target.path}/" and not _HIDDEN.search(target.path)


def base_url_fault(url: str) -> str | None:
    """Return why `url` cannot be a `baseUrl`, to follow its name in a sentence; None if it can."""
    fault = web_url_fault(url)
    if fault is None and "@" in urlsplit(url).netloc:
        return "contains a user name"
    if fault is None and ("?" in url or "#" in url):
        return "has a query or a fragment"
    return fault


def usable_base_url(url: str) -> str:
    """Return `url`, or one without an address if `url` cannot be a `baseUrl`, which an earlier version accepted."""
    return _NOWHERE if base_url_fault(url) else url


def is_loopback(url: str) -> bool:
    """Return whether the host of a valid URL is this machine, by name or by number."""
    host = urlsplit(url).hostname or ""
    address = _address(host)
    return host == "localhost" or host.endswith(".localhost") or (address is not None and address.is_loopback)


def _in_ascii(host: str) -> str:
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return "xn--…"


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None

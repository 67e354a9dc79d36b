"""
The query string hash (`qsh`), which ties a token to one request.

It is the SHA-256, in lower-case hex, of the *canonical request* `METHOD&path&query`:

- The method is upper case.
- The path is taken as sent, relative to the base URL of the receiver. Empty becomes `/`, one
  trailing slash is dropped (not from `/` itself), `&` becomes `%26`.
- Query names and values are decoded (`+` is a space) and the parameter `jwt` is dropped. Both are encoded again
  by RFC 3986, where only letters, digits and `-._~` stay unencoded; a comma inside a value is `%2C`. Names are
  sorted encoded. The values of a repeated name are sorted decoded, by code point, and joined by commas: `a=1,2`.
- A name without a value is written `name=`. Without parameters the canonical request ends in `&`.

Source: Atlassian's "Understanding JWT for Connect apps", and the interoperability vectors of its JWT
libraries, which settle an open question of the text: values are sorted decoded, not encoded.

Real libraries differ only in the order: npm's `atlassian-jwt` sorts names decoded, too, and all by UTF-16 units.
In each order, every parameter is in the hash, so a receiver can accept each.
"""

import hashlib
from collections.abc import Iterator
from itertools import product
from urllib.parse import quote_from_bytes, unquote, unquote_to_bytes


def canonical_request(method: str, path: str, query: str) -> str:
    """
    Return the canonical request, which `qsh` is the hash of.

    `path` is as sent, but relative to the receiver's base URL; `query` is the raw query string without `?`. Never
    raises: a malformed percent sequence stays unchanged, escaped bytes that are not UTF-8 keep their values, and a lone
    surrogate becomes `?`.
    """
    canonical = f"{method.upper()}&{_canonical_path(path)}&{_canonical_query(query) if query else ''}"
    return canonical if canonical.isascii() else _utf8(canonical).decode()


def query_string_hash(method: str, path: str, query: str) -> str:
    """Return the `qsh` of a request: the SHA-256 of its canonical form, in lower-case hex."""
    return hash_of(canonical_request(method, path, query))


def hash_of(canonical: str) -> str:
    """Return the `qsh` of a canonical request."""
    return hashlib.sha256(canonical.encode("utf-8", "replace")).hexdigest()


def other_orders(canonical: str) -> Iterator[str]:
    """Yield the canonical requests that differ from `canonical` only in the order of their parameters."""
    method, path, query = canonical.split("&", 2)
    if "%" not in query:  # Without an escape, the order is the same encoded and decoded.
        return
    parameters = [parameter.partition("=")[::2] for parameter in query.split("&")]
    seen = {canonical}
    for name_order, value_order in product((_as_encoded, _by_utf16), (_by_code_point, _by_utf16)):
        in_order = sorted(parameters, key=lambda parameter: name_order(parameter[0]))
        sorted_query = "&".join(
            f"{name}={','.join(sorted(values.split(','), key=value_order))}" for name, values in in_order
        )
        text = f"{method}&{path}&{sorted_query}"
        if text not in seen:
            seen.add(text)
            yield text


def _as_encoded(text: str) -> bytes:
    return text.encode()


def _by_code_point(text: str) -> bytes:
    return unquote_to_bytes(text)


def _by_utf16(text: str) -> bytes:
    return unquote(text, errors="surrogateescape").encode("utf-16-be", "surrogatepass")


def _canonical_path(path: str) -> str:
    rooted = path if path.startswith("/") else "/" + path
    trimmed = rooted[:-1] if rooted.endswith("/") and rooted != "/" else rooted
    return trimmed.replace("&", "%26")


def _canonical_query(query: str) -> str:
    # Bytes, because UTF-8 sorts as its code points do, and two different broken inputs must not hash alike.
    values_of: dict[bytes, list[bytes]] = {}
    for parameter in _utf8(query).replace(b"+", b" ").split(b"&"):
        if parameter:
            name, _, value = parameter.partition(b"=")
            values_of.setdefault(unquote_to_bytes(name), []).append(unquote_to_bytes(value))
    values_of.pop(b"jwt", None)
    return "&".join(
        f"{name}={','.join(map(_encode, sorted(values)))}"
        for name, values in sorted((_encode(name), values) for name, values in values_of.items())
    )


def _encode(text: bytes) -> str:
    return text.decode() if text.isalnum() else quote_from_bytes(text, safe="")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")

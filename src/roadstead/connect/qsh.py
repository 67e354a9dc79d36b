"""
The query string hash (`qsh`), which ties a token to one request.

It is the SHA-256, in lower-case hex, of the *canonical request* `METHOD&path&query`:

- The method is upper case.
- The path is taken as sent, relative to the base URL of whoever receives the call. Empty becomes `/`, one
  trailing slash is dropped (not from `/` itself), `&` becomes `%26`.
- Query names and values are decoded (`+` is a space) and the parameter `jwt` is dropped. Names are sorted by
  code point; so are the values of a repeated name, which are then joined by commas: `a=1,2`. Both are encoded
  again by RFC 3986, where only letters, digits and `-._~` stay as they are; a comma inside a value is `%2C`.
- A name without a value is written `name=`. Without parameters the canonical request ends in `&`.

Source: Atlassian's "Understanding JWT for Connect apps", and the interoperability vectors of its JWT
libraries, which settle what the text leaves open: values are sorted decoded, not encoded.
"""

import hashlib
from urllib.parse import quote_from_bytes, unquote_to_bytes


def canonical_request(method: str, path: str, query: str) -> str:
    """
    Return what the hash of a request is made of.

    `path` is as sent, but relative to the receiver's base URL; `query` is the raw query string without `?`.
    Never raises: a malformed percent sequence stays as it is, escaped bytes that are not UTF-8 keep their
    values, and a lone surrogate becomes `?`.
    """
    canonical = f"{method.upper()}&{_canonical_path(path)}&{_canonical_query(query) if query else ''}"
    return canonical if canonical.isascii() else _utf8(canonical).decode()


def query_string_hash(method: str, path: str, query: str) -> str:
    """Return the `qsh` of a request: the SHA-256 of its canonical form, in lower-case hex."""
    return hash_of(canonical_request(method, path, query))


def hash_of(canonical: str) -> str:
    """Return the `qsh` of a canonical request."""
    return hashlib.sha256(_utf8(canonical)).hexdigest()


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
    return "&".join(f"{_encode(name)}={','.join(map(_encode, sorted(values_of[name])))}" for name in sorted(values_of))


def _encode(text: bytes) -> str:
    return text.decode() if text.isalnum() else quote_from_bytes(text, safe="")


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")

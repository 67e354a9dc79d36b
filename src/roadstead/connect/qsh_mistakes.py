"""
Canonical requests that an app may have hashed instead of the right one, and its mistake in words.

A hash cannot be reversed, but the mistakes of real libraries are few: each is made here on purpose, alone and in
combination, until one gives the hash that was sent.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import product
from typing import NamedTuple
from urllib.parse import quote, quote_plus, unquote, unquote_plus, urlsplit

from roadstead.connect.qsh import canonical_request, hash_of, other_orders

METHODS = ("GET", "POST", "PUT", "DELETE", "PATCH", "HEAD")

Spellings = dict[str, str]
"""Ways to write a part of the canonical request, and the mistake in each; empty for the correct one."""


LONGEST = 4_000
"""Characters of path and query. For longer ones only the usual mistakes are tried."""


class Hashed(NamedTuple):
    """A canonical request that has the given hash. `faults` are its mistakes."""

    canonical: str
    faults: tuple[str, ...]


def usual_mistakes(canonical: str) -> Iterator[tuple[str, str]]:
    """Yield the most common mistakes, and how they differ from `canonical`; cheap enough for every refusal."""
    method, path, _ = canonical.split("&", 2)
    queries = {"": "the query is left out"} | dict.fromkeys(_queries_of(canonical), "")
    for (m, wrong_method), (p, wrong_path), (q, wrong_query) in product(
        _methods(method).items(), _usual_paths(path).items(), queries.items()
    ):
        yield f"{m}&{p}&{q}", ", ".join(filter(None, (wrong_method, wrong_path, wrong_query)))


def find_hashed(qsh: str, method: str, path: str, query: str, *, base_url: str = "") -> Hashed | None:
    """
    Return the canonical request that `qsh` is the hash of, or None when no known mistake gives it.

    The request is given as it was sent, `path` and `query` raw; `base_url` is the receiver's. Takes some milliseconds
    at most. Fewer mistakes are tried before more of them together.
    """
    right = canonical_request(method, path, query)
    if len(path) + len(query) > LONGEST:
        usual = (Hashed(text, (fault,) if fault else ()) for text, fault in usual_mistakes(right))
        return next((one for one in usual if hash_of(one.canonical) == qsh), None)
    right_method, right_path, _ = right.split("&", 2)
    in_any_order = dict.fromkeys(_queries_of(right), "")
    parts = (
        _methods(right_method) | {right_method.lower(): "the method must be in capitals"},
        _paths(path, query, base_url) | {right_path: ""},
        _queries(query) | in_any_order,
    )
    tries = sorted(
        (
            (tuple(filter(None, faults)), "&".join(texts))
            for texts, faults in (zip(*choice, strict=True) for choice in product(*(part.items() for part in parts)))
        ),
        key=lambda one: len(one[0]),
    )
    for faults, text in tries:
        if hash_of(text) == qsh:
            return Hashed(text, faults)
        if text.endswith("&") and hash_of(text[:-1]) == qsh:
            return Hashed(text[:-1], (*faults, "the & after the path is missing; it stays without a query, too"))
    return None


def _queries_of(canonical: str) -> Iterator[str]:
    """Yield the query of a canonical request in every accepted order."""
    for text in (canonical, *other_orders(canonical)):
        yield text.split("&", 2)[2]


def _methods(method: str) -> Spellings:
    others = {other: f"you signed {other}, the request was {method}" for other in METHODS if other != method}
    return {method: ""} | others


def _usual_paths(path: str) -> Spellings:
    paths = {
        path: "",
        f"{path}/": "the trailing slash must go",
        f"/2.0{path}": "the path has one /2.0 too many",
    }
    if path.startswith("/2.0/"):
        paths[path.removeprefix("/2.0")] = "/2.0 is missing from the path"
    if path == "/":
        paths[""] = "the path is empty in place of /"
    return paths


def _paths(path: str, query: str, base_url: str) -> Spellings:
    """Return the ways to write the path, by their mistake; of two mistakes for the same text the later wins."""
    bare = path.rstrip("/") or "/"
    host = urlsplit(base_url).netloc
    less_likely = {
        f"{path}?{query}": "the query is in the path",
        f"{base_url}{path}": "the path must not contain scheme and host",
        f"{base_url}{path}?{query}": "the whole URL is in place of the path",
        f"{host}{path}": "the path must not contain the host",
        f"//{host}{path}": "the path must not contain the host",
        bare.lstrip("/"): "the path must begin with /",
        bare.lower(): "the path is in lower case; take it as it is sent",
        bare: "an & in the path is written %26",
        unquote(bare): "the path is decoded; take it as it is sent",
        quote(bare): "the path is encoded once more; take it as it is sent",
        f"/api{bare}": "/api does not belong to the path",
    }
    parents = {parent: f"you signed {parent}, the request was for {bare}" for parent in _parents(bare)}
    return {**parents, **less_likely, **_usual_paths(bare)}


def _parents(path: str) -> Iterable[str]:
    steps = path.split("/")[1:-1]
    return ["/" + "/".join(steps[: number + 1]) for number in range(len(steps))]


def _queries(query: str) -> Spellings:
    """Return the ways to write the query, by their mistake."""
    if not query:
        return {"": ""}
    raw = [parameter for parameter in query.split("&") if parameter]
    sent = [_decoded(parameter) for parameter in raw]
    pairs = [pair for pair in sent if pair[0] != "jwt"]
    return {
        **_of_other_parameters(pairs),
        **_differently_grouped(pairs),
        "&".join(sorted(raw)): "the parameters are sorted, but not decoded and encoded again",
        query: "the query is as it was sent, neither sorted nor encoded again",
        **_differently_encoded(pairs),
        _written(sent): "the parameter jwt must be left out",
        f"?{_written(pairs)}": "the ? must go",
        "": "the query is left out",
    }


def _decoded(parameter: str) -> tuple[str, str]:
    name, _, value = parameter.partition("=")
    return unquote_plus(name), unquote_plus(value)


def _encoded(text: str) -> str:
    return quote(text, safe="~")


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return values


def _by_name(grouped: dict[str, list[str]]) -> list[tuple[str, list[str]]]:
    return sorted(grouped.items(), key=lambda pair: _encoded(pair[0]))


def _written(
    pairs: Iterable[tuple[str, str]], encode: Callable[[str], str] = _encoded, comma: str = ",", equals: str = "="
) -> str:
    grouped = _by_name(_grouped(pairs))
    return "&".join(
        f"{encode(name)}{equals if values == [''] else '='}{comma.join(encode(value) for value in sorted(values))}"
        for name, values in grouped
    )


def _differently_encoded(pairs: list[tuple[str, str]]) -> Spellings:
    """Return the query as other encoders write the same parameters."""
    lower_hex = re.sub(r"%[0-9A-F]{2}", lambda found: found[0].lower(), _written(pairs))
    return {
        _written(pairs, lambda text: text): "names and values must be encoded",
        _written(pairs, quote_plus): "a space is written %20, not +",
        _written(pairs).replace("%20", "+"): "a space is written %20, not +",
        lower_hex: "percent sequences are written in capitals, as in %2F",
        _written(pairs, lambda text: quote(text, safe="~!'()*")): "!'()* must be encoded, unlike in encodeURIComponent",
        _written(pairs, lambda text: quote(text, safe="~!'()*;,/?:@&=+$#")): "encodeURI encodes too little",
        _written(pairs, lambda text: quote(text, safe="~/")): "a / in the query must be encoded",
        _written(pairs, lambda text: _encoded(text).replace("~", "%7E")): "~ must not be encoded",
        _written(pairs, lambda text: _encoded(_encoded(text))): "names and values are encoded twice",
    }


def _differently_grouped(pairs: list[tuple[str, str]]) -> Spellings:
    """Return the query with the usual mistakes about repeated names, and about names without a value."""
    grouped = _grouped(pairs)
    in_order = "&".join(f"{_encoded(name)}={','.join(map(_encoded, values))}" for name, values in _by_name(grouped))
    by_encoded = "&".join(
        f"{_encoded(name)}={','.join(sorted(map(_encoded, values)))}" for name, values in _by_name(grouped)
    )
    repeated = "&".join(f"{_encoded(name)}={_encoded(value)}" for name, value in sorted(pairs))
    unsorted = "&".join(f"{_encoded(name)}={','.join(map(_encoded, sorted(grouped[name])))}" for name in grouped)
    return {
        in_order: "the values of a repeated name must be sorted",
        by_encoded: "the values of a repeated name are sorted decoded, and encoded afterwards",
        repeated: "a repeated name is written once, with its values joined by commas",
        unsorted: "the parameters must be sorted by name",
        _written(pairs, comma="%2C"): "the comma between two values of a name must not be encoded",
        _written(
            (name, values[0]) for name, values in grouped.items()
        ): "only the first value of a repeated name is present",
        _written(
            (name, values[-1]) for name, values in grouped.items()
        ): "only the last value of a repeated name is present",
        _written(pairs, equals=""): "a name without a value is written with =",
        _written(pair for pair in pairs if pair[1]): "a parameter without a value is left out",
    }


def _of_other_parameters(pairs: list[tuple[str, str]]) -> Spellings:
    """Return the query of similar requests."""
    names = {name for name, _ in pairs[:20]}
    left_out = {
        _written(pair for pair in pairs if pair[0] != name): f"the parameter {name} is left out"
        for name in sorted(names)
    }
    pages = {
        _written((name, str(number) if name == "page" else value) for name, value in pairs): f"you signed page {number}"
        for number in range(1, 21)
        if "page" in names
    }
    return {**pages, **left_out}

import csv
import random
from pathlib import Path

import atlassian_jwt.url_utils
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.connect import canonical_request, query_string_hash
from roadstead.connect.qsh import other_orders

VECTORS = [
    row
    for row in csv.reader(
        (Path(__file__).parent / "qsh_vectors.tsv").read_text().splitlines(),
        "excel-tab",
        quoting=csv.QUOTE_NONE,
    )
    if len(row) == 5 and row[0] != "source"
]
IDS = [f"{method} {url}" for _, method, url, _, _ in VECTORS]


def split(url: str) -> tuple[str, str]:
    path, _, query = url.partition("?")
    return path, query


def test_all_interoperability_cases_are_in_the_table() -> None:
    """Proves that no vendor case was lost on the way."""
    assert sum(source == "vendor" for source, *_ in VECTORS) == 39


@pytest.mark.sample(16)
@pytest.mark.parametrize(("source", "method", "url", "canonical", "qsh"), VECTORS, ids=IDS)
def test_requests_hash_as_others_hash_them(source: str, method: str, url: str, canonical: str, qsh: str) -> None:
    """Proves that we agree with the vendor's libraries and with what Bitbucket was seen to send."""
    assert canonical_request(method, *split(url)) == canonical
    assert query_string_hash(method, *split(url)) == qsh


@pytest.mark.sample(12)
@pytest.mark.parametrize(("source", "method", "url", "canonical", "qsh"), VECTORS, ids=IDS)
def test_order_of_parameters_in_the_vectors_is_irrelevant(
    source: str, method: str, url: str, canonical: str, qsh: str
) -> None:
    """Proves that names and repeated values are sorted, and that the method may come in lower case."""
    path, query = split(url)
    parameters = query.split("&")
    random.Random(url).shuffle(parameters)
    assert query_string_hash(method.lower(), path, "&".join(parameters)) == qsh


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("path", "query", "canonical"),
    [
        ("", "", "GET&/&"),
        ("relative", "", "GET&/relative&"),
        ("//", "", "GET&/&"),
        ("/a//", "", "GET&/a/&"),
        ("/a%2Fb%20c", "", "GET&/a%2Fb%20c&"),
        ("/a&b", "", "GET&/a%26b&"),
        ("/é", "", "GET&/é&"),
        ("/a", "jwt=x.y.z", "GET&/a&"),
        ("/a", "b=1&jwt=x.y.z&a=2", "GET&/a&a=2&b=1"),
        ("/a", "%6Awt=x", "GET&/a&"),
        ("/a", "JWT=x", "GET&/a&JWT=x"),
        ("/a", "flag", "GET&/a&flag="),
        ("/a", "&&a=1&", "GET&/a&a=1"),
        ("/a", "=1", "GET&/a&=1"),
        ("/a", "a=b=c", "GET&/a&a=b%3Dc"),
        ("/a", "a+b=c", "GET&/a&a%20b=c"),
        ("/a", "a=1;b=2", "GET&/a&a=1%3Bb%3D2"),
        ("/a", "a=é", "GET&/a&a=%C3%A9"),
        ("/a", "x=b&x=a&x=%41", "GET&/a&x=A,a,b"),
        ("/a", "c=%2B&c=+", "GET&/a&c=%20,%2B"),
        ("/a", "a=%", "GET&/a&a=%25"),
        ("/a", "a=%zz", "GET&/a&a=%25zz"),
        ("/a", "a=%ff", "GET&/a&a=%FF"),
        ("/\ud800", "", "GET&/?&"),
        ("/a", "a=\ud800", "GET&/a&a=%3F"),
    ],
)
def test_unusual_requests_have_a_canonical_form(path: str, query: str, canonical: str) -> None:
    """Proves the corners the vectors do not reach, malformed input among them."""
    assert canonical_request("GET", path, query) == canonical


def test_broken_bytes_are_told_apart() -> None:
    """Proves that a token signed for one undecodable parameter is no good for another."""
    assert query_string_hash("GET", "/a", "a=%FE") != query_string_hash("GET", "/a", "a=%FF")


@given(parameters=st.lists(st.text(st.characters(codec="utf-8"), max_size=8), max_size=6), seed=st.integers())
def test_order_of_parameters_never_changes_the_hash(parameters: list[str], seed: int) -> None:
    """Proves order-insensitivity for any parameters."""
    shuffled = [part for parameter in parameters for part in parameter.split("&")]
    in_order = "&".join(shuffled)
    random.Random(seed).shuffle(shuffled)
    assert query_string_hash("GET", "/a", "&".join(shuffled)) == query_string_hash("GET", "/a", in_order)


@given(method=st.text(max_size=8), path=st.text(max_size=30), query=st.text(max_size=60))
def test_any_request_can_be_hashed(method: str, path: str, query: str) -> None:
    """Proves that nothing a client sends raises, and that what is shown of it can be written as UTF-8."""
    canonical_request(method, path, query).encode()
    assert len(query_string_hash(method, path, query)) == 64


@given(
    path=st.from_regex(r"(/[A-Za-z0-9._~%-]{1,5}){1,3}", fullmatch=True),
    parameters=st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8"))),
        max_size=5,
    ),
)
def test_atlassians_python_library_computes_the_same_hash(path: str, parameters: list[tuple[str, str]]) -> None:
    """Proves agreement with an independent implementation, whatever the names and values."""
    query = "&".join(f"{_all_encoded(name)}={_all_encoded(value)}" for name, value in parameters)
    theirs = atlassian_jwt.url_utils.hash_url("GET", f"{path}?{query}")
    assert query_string_hash("GET", path, query) == theirs


def _all_encoded(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


OF_NPM = [
    # The query, by Atlassian's rule, and as npm's atlassian-jwt 2.0.3 writes it.
    ("ids[]=1&ids2=2", "ids%5B%5D=1&ids2=2", "ids2=2&ids%5B%5D=1"),
    ("ids%5B%5D=1&ids2=2", "ids%5B%5D=1&ids2=2", "ids2=2&ids%5B%5D=1"),
    ("ids[]=1&ids2=2&ids[]=0", "ids%5B%5D=0,1&ids2=2", "ids2=2&ids%5B%5D=0,1"),
    ("a[b]=1&a.c=2&aB=3", "a%5Bb%5D=1&a.c=2&aB=3", "a.c=2&aB=3&a%5Bb%5D=1"),
    (
        "%F0%9F%98%80=1&%EF%BC%A1=2&z=3",
        "%EF%BC%A1=2&%F0%9F%98%80=1&z=3",
        "z=3&%F0%9F%98%80=1&%EF%BC%A1=2",
    ),
    ("x=%F0%9F%98%80&x=%EF%BC%A1", "x=%EF%BC%A1,%F0%9F%98%80", "x=%F0%9F%98%80,%EF%BC%A1"),
    ("a+b=1&a%21=2&a-=3", "a%20b=1&a%21=2&a-=3", "a%20b=1&a%21=2&a-=3"),
    ("B%21=1&b=2&A=3", "A=3&B%21=1&b=2", "A=3&B%21=1&b=2"),
]


@pytest.mark.parametrize(("query", "by_rule", "of_npm"), OF_NPM, ids=[query for query, *_ in OF_NPM])
def test_each_order_that_libraries_sort_in_is_known(query: str, by_rule: str, of_npm: str) -> None:
    """Proves that what we hash follows the rule, and that npm's order of the same parameters is among the others."""
    canonical = canonical_request("GET", "/a", query)
    assert canonical == f"GET&/a&{by_rule}"
    assert f"GET&/a&{of_npm}" in (canonical, *other_orders(canonical))


@pytest.mark.parametrize("query", ["", "a=1&b=2&a=0", "a[]=1", "a=%C3%A9&a=%41", "é=1"])
def test_a_query_that_all_sort_alike_is_hashed_once(query: str) -> None:
    """Proves that a wrong hash costs no second look where no order could make it right."""
    assert list(other_orders(canonical_request("GET", "/a", query))) == []


@given(
    parameters=st.lists(
        st.tuples(st.text(st.characters(codec="utf-8"), max_size=3), st.text(st.characters(codec="utf-8"), max_size=3)),
        max_size=5,
    ),
)
def test_another_order_is_of_the_same_parameters(parameters: list[tuple[str, str]]) -> None:
    """Proves that no other request is accepted for it: each name has its own values, and all of them."""
    query = "&".join(f"{_all_encoded(name)}={_all_encoded(value)}" for name, value in parameters)
    canonical = canonical_request("GET", "/a", query)
    for other in other_orders(canonical):
        in_order = [_values_by_name(text) for text in (canonical, other)]
        assert in_order[0] == in_order[1]


def _values_by_name(canonical: str) -> dict[str, list[str]]:
    parameters = (parameter.partition("=") for parameter in canonical.split("&", 2)[2].split("&"))
    return {name: sorted(values.split(",")) for name, _, values in parameters}

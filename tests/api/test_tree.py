"""The router: the address of a path, among any number."""

from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.api.answers import Answer
from roadstead.api.map import Map
from roadstead.api.needs import ANYONE
from roadstead.api.operation import Call, Group
from roadstead.api.template import Template
from roadstead.api.tree import Tree
from roadstead.errors import NotFound

TEMPLATES = (
    "/repos",
    "/repos/{repo}",
    "/repos/{repo}/pulls",
    "/repos/{repo}/pulls/latest",
    "/repos/{repo}/pulls/{pull:int}",
    "/repos/{name}/pulls/{pull}/comments",
    "/repos/{repo}/src/{commit}/{path:rest}",
    "/repos/{repo}/src/{commit}",
    "/repos/new",
    "/repos/new/pulls/help",
)


async def _handler(call: Call) -> Answer:
    """Do nothing: no test calls it."""
    raise AssertionError


def _map() -> Map:
    group = Group("repos", below="")
    for template in TEMPLATES:
        group.get(template, needs=ANYONE, gives={200: str})(_handler)
    return Map([group])


MAP = _map()


def _found(raw_path: str) -> tuple[str, list[str], str] | None:
    scope: dict[str, Any] = {"raw_path": raw_path.encode(), "path": unquote(raw_path)}
    address = MAP.find(scope)
    return None if address is None else (address.path, scope["roadstead.path_values"], scope["path"])


@pytest.mark.parametrize(
    ("raw_path", "template", "values"),
    [
        ("/repos", "/repos", []),
        ("/repos/", "/repos", []),
        ("/re%70os", "/repos", []),
        ("/repos/new", "/repos/new", []),
        ("/repos/other", "/repos/{repo}", ["other"]),
        ("/repos/a%2Fb", "/repos/{repo}", ["a/b"]),
        ("/repos/a%2fb/pulls", "/repos/{repo}/pulls", ["a/b"]),
        ("/repos/a%252Fb", "/repos/{repo}", ["a%2Fb"]),
        ("/repos/%C3%A4", "/repos/{repo}", ["ä"]),
        ("/repos/new/pulls/help", "/repos/new/pulls/help", []),
        ("/repos/new/pulls/latest", "/repos/{repo}/pulls/latest", ["new"]),
        ("/repos/new/pulls/7", "/repos/{repo}/pulls/{pull}", ["new", "7"]),
        ("/repos/a/pulls/7/comments", "/repos/{name}/pulls/{pull}/comments", ["a", "7"]),
        ("/repos/a/src/main", "/repos/{repo}/src/{commit}", ["a", "main"]),
        ("/repos/a/src/main/", "/repos/{repo}/src/{commit}", ["a", "main"]),
        ("/repos/a/src/main/x/y%2Fz", "/repos/{repo}/src/{commit}/{path}", ["a", "main", "x/y/z"]),
    ],
)
def test_a_path_finds_its_address(raw_path: str, template: str, values: list[str]) -> None:
    """Literals win over parameters, `%2F` stays in its segment, a trailing slash is the same address."""
    found = _found(raw_path)
    assert found is not None
    assert found[:2] == (template, values)


@pytest.mark.parametrize(
    "raw_path",
    [
        "/",
        "",
        "*",
        "//",
        "/rep",
        "repos",
        "xrepos",
        "/repos//",
        "/repos//pulls",
        "/repos%2Fa",
        "/repos/a/b",
        "/repos%0A",
    ],
)
def test_other_paths_find_nothing(raw_path: str) -> None:
    """A parameter is never empty, and a path that only resembles an address is unknown."""
    assert _found(raw_path) is None


def test_an_encoded_slash_stays_encoded_in_the_path() -> None:
    """Code that reads the path of a request afterwards sees the segments that it was found by."""
    assert _found("/repos/a%2fb%20c/") == ("/repos/{repo}", ["a/b c"], "/repos/a%2Fb c")


_SEGMENTS = st.sampled_from(["a", "b", "c"])
_IN_TEMPLATE = st.one_of(_SEGMENTS, st.just("{x}"))
_TEMPLATE = st.builds(
    lambda segments, rest: [*segments, *rest],
    st.lists(_IN_TEMPLATE, min_size=1, max_size=5),
    st.sampled_from([[], ["{y:rest}"]]),
)


def _naively(templates: list[list[str]], path: list[str]) -> list[str] | None:
    """Return the first template that fits: at the first difference, literal, then parameter, then rest."""

    def fits(template: list[str]) -> bool:
        if template[-1] == "{y:rest}":
            head = template[:-1]
            return len(path) > len(head) and all(t in ("{x}", p) for t, p in zip(head, path, strict=False))
        return len(path) == len(template) and all(t in ("{x}", p) for t, p in zip(template, path, strict=True))

    ranks = {"{x}": 1, "{y:rest}": 2}
    return min(filter(fits, templates), key=lambda one: [ranks.get(segment, 0) for segment in one], default=None)


@given(st.lists(_TEMPLATE, max_size=12), st.lists(_SEGMENTS, min_size=1, max_size=6))
def test_the_tree_finds_what_a_linear_search_finds(templates: list[list[str]], path: list[str]) -> None:
    """For any templates and path, tree and naive search agree."""
    tree: Tree[list[str]] = Tree()
    for template in templates:
        tree.add(template, template)
    found = tree.find(path)
    assert (None if found is None else found[0]) == _naively(templates, path)


@pytest.mark.parametrize(
    ("template", "values", "url"),
    [
        ("/a", (), "http://h/a"),
        ("/a/{b}", ("x y/ä",), "http://h/a/x%20y%2F%C3%A4"),
        ("/a/{b}/c/{d:int}", ("x", 7), "http://h/a/x/c/7"),
        ("/a/{b}/c/{d:int}", ("x",), "http://h/a/x/c/"),
        ("/a/{b}/c/{d:rest}", ("x", "y/z z"), "http://h/a/x/c/y/z%20z"),
    ],
)
def test_a_link_is_made_from_the_template(template: str, values: tuple[str | int, ...], url: str) -> None:
    """Every value is encoded so that the link leads back to it."""
    assert Template(template).url("http://h", *values) == url


@pytest.mark.parametrize("text", ["", "x", "07", "-1", "1.0", "1e3", "١", " 1", "1" * 19, "1\n"])
def test_a_number_is_written_as_we_write_it(text: str) -> None:
    """Other forms that `int()` accepts find nothing."""
    assert Template("/a/{pull_request_id:int}").read(["7"]) == {"pull_request_id": 7}
    with pytest.raises(NotFound, match="There is no pull request "):
        Template("/a/{pull_request_id:int}").read([text])


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_a_group_declares_every_method(method: str) -> None:
    """Each method has its decorator, and an address lists what it accepts."""
    group = Group("things", below="/things")
    getattr(group, method.lower())(needs=ANYONE, gives={200: str})(_handler)
    (address,) = Map([group]).addresses
    assert list(address.operations) == [method]
    assert address.allow == ", ".join(sorted({method, "OPTIONS"} | ({"HEAD"} if method == "GET" else set())))

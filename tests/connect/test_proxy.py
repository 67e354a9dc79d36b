"""The proxy module: the route of a call, and the objects that its path names."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.connect import ProxyRoute
from roadstead.connect.proxy import find_route

UUID = "{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}"


def _route(path: str, **more: object) -> ProxyRoute:
    usual: dict[str, object] = {"destination": "/to", "methods": {}, "scopes": (), "conditions": ()}
    return ProxyRoute(path=path, **{**usual, **more})  # type: ignore[arg-type]


PATHS: list[tuple[str, str, Mapping[str, str] | None]] = [
    ("/a/b", "/a/b", {}),
    ("/a/b", "/a/b/", {}),
    ("/a/b", "/a", None),
    ("/a/b", "/a/b/c", None),
    ("/a/b", "/A/b", None),
    ("/a b", "/a%20b", {}),
    ("/{repository}", f"/{UUID}", {"repository.uuid": UUID}),
    ("/{repository}", "/%7B0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111%7D", {"repository.uuid": UUID}),
    ("/{repository}/{pullrequest}", "/slug/7", {"repository.uuid": "slug", "pullrequest.id": "7"}),
    ("/{pullrequest}", f"/{UUID}", {"pullrequest.uuid": UUID}),
    ("/{branch}/x", "/feature%2Fone/x", {"branch.name": "feature/one"}),
    ("/{commit}", "/", None),
    ("/x{commit}", "/xabc", None),
    ("/x{commit}", "/x{commit}", {}),
    ("/{commit}.js", "/{commit}.js", {}),
    ("/{unknown}", "/x", {"unknown.uuid": "x"}),
]


@pytest.mark.parametrize(("pattern", "path", "captured"), PATHS)
def test_paths_fit_segment_by_segment(pattern: str, path: str, captured: Mapping[str, str] | None) -> None:
    """A capture is a whole segment, and names its object by a member of such an object."""
    found = find_route([_route(pattern)], "GET", path)
    assert (found.captured if found else None) == captured


def test_methods_override_what_holds_for_all() -> None:
    """Destination, scopes and conditions are each overridden separately; other methods are not accepted."""
    condition = {"condition": "equals"}
    methods = {"POST": {"destination": "/post", "scopes": ["account"]}, "PUT": {"conditions": [condition]}, "GET": {}}
    route = _route("/x", methods=methods, scopes=("wiki",))
    found = {method: find_route([route], method, "/x") for method in ("GET", "POST", "PUT", "DELETE", "PATCH")}
    assert {method: one and (one.destination, one.scopes, one.conditions) for method, one in found.items()} == {
        "GET": ("/to", ("wiki",), ()),
        "POST": ("/post", ("account",), ()),
        "PUT": ("/to", ("wiki",), (condition,)),
        "DELETE": None,
        "PATCH": None,
    }


def test_first_route_that_takes_the_call_gets_it() -> None:
    """Routes are tried in the order of the descriptor; one that does not accept the method is skipped."""
    routes = [_route("/x", methods={"POST": {}}), _route("/{commit}", destination="/any"), _route("/x")]
    found = find_route(routes, "GET", "/x")
    assert found is not None
    assert found.destination == "/any"
    assert find_route(routes, "PATCH", "/x") is None


@given(st.text(max_size=30), st.text(max_size=30), st.dictionaries(st.sampled_from(["GET", "POST"]), st.text()))
def test_any_path_can_be_asked_for(pattern: str, path: str, methods: dict[str, str]) -> None:
    """Any path is judged, with any descriptor."""
    found = find_route([_route(pattern, methods=methods)], "GET", path)
    assert found is None or found.destination == "/to"

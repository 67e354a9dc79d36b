"""`roadstead requests`: what commands and a running host have recorded."""

from tests.cli.conftest import Roadstead, ServeApp


def test_recorded_requests_are_listed(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """What an installation from the command line sent, the newest first; filtered, and none in words."""
    roadstead.read("install", serve_app(status=204, body=b""), "--json")
    found = roadstead.read("requests", "--json")
    assert isinstance(found, list)
    assert [(one["method"], one["app"], one["status"]) for one in found] == [
        ("POST", "stub", 204),
        ("GET", "stub", 200),
    ]
    table = roadstead.call("requests", "--limit", "1").stdout.decode().splitlines()
    assert [line.split()[2:4] for line in table[1:]] == [["stub", "POST"]]
    assert len(roadstead.call("requests", "--filter", 'method = "GET"').stdout.splitlines()) == 2
    none = roadstead.call("requests", "--filter", "status >= 500")
    assert (none.returncode, none.stdout, b"No request of that kind" in none.stderr) == (0, b"", True)
    assert roadstead.call("requests", "--filter", "size > 1").returncode == 1

"""`roadstead debug-jwt`: a token from standard input, explained."""

import json

from tests.cli.conftest import Roadstead, ServeApp

TARGET = "/2.0/addon/linkers?page=2"


def test_token_is_explained_at_the_terminal(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """A valid one exits 0; a wrong one exits 1 with the cause, what to do, and the place where the requests differ."""
    roadstead.read("install", serve_app(status=200, body=b""))
    header = roadstead.call("token", "stub", "GET", TARGET).stdout
    right = roadstead.call("debug-jwt", "GET", TARGET, stdin=header)
    assert (right.returncode, b"valid for this request" in right.stdout) == (0, True)
    wrong = roadstead.call("debug-jwt", "POST", f"http://localhost:7990{TARGET}", stdin=header)
    lines = wrong.stdout.decode().splitlines()
    assert wrong.returncode == 1
    assert lines[-2] == "Cause: You signed GET, the request was POST."
    assert lines[-1].startswith("       qsh must be")
    ours, theirs, mark = lines[-6:-3]
    assert (ours.split()[-1], theirs.split()[-1]) == ("POST&/2.0/addon/linkers&page=2", "GET&/2.0/addon/linkers&page=2")
    assert ours[mark.index("^")] == "P"
    as_json = json.loads(roadstead.call("debug-jwt", "POST", TARGET, "--json", stdin=header).stdout)
    assert as_json["cause"]["check"] == "qsh"


def test_wrong_request_is_refused(roadstead: Roadstead) -> None:
    """A path that no client sends is refused, and nothing is examined."""
    refused = roadstead.call("debug-jwt", "GET", "no-path", stdin=b"x")
    assert (refused.returncode, b"not a path as a client sends it" in refused.stderr) == (1, True)

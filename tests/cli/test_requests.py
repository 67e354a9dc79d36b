"""`roadstead requests`: the calls that commands and a running host have recorded."""

import contextlib
import re
import time
import urllib.error
import urllib.request

import pytest

from roadstead.cli import diagnoses
from roadstead.connect.diagnosis import Diagnosis
from roadstead.connect.qsh_mistakes import Hashed
from tests.cli.conftest import Roadstead, ServeApp, running

Captured = pytest.CaptureFixture[str]


def test_recorded_requests_are_listed(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """The calls of an installation from the command line, the newest first; filtered, and an empty list in words."""
    roadstead.read("install", serve_app(status=204, body=b""))
    found = roadstead.read("requests")
    assert [(one["method"], one["app"], one["status"]) for one in found] == [
        ("POST", "stub", 204),
        ("GET", "stub", 200),
    ]
    table = roadstead.call("requests", "--limit", "1").stdout.decode().splitlines()
    assert [line.split()[2:4] for line in table[1:]] == [["stub", "POST"]]
    assert len(roadstead.call("requests", "--filter", 'method = "GET"').stdout.splitlines()) == 2
    none = roadstead.call("requests", "--filter", "status >= 500")
    assert (none.returncode, none.stdout, b"No recorded call matches" in none.stderr) == (0, b"", True)
    assert roadstead.call("requests", "--filter", "size > 1").returncode == 1


@pytest.mark.slow
def test_a_recorded_call_is_shown(roadstead: Roadstead, sample_app: str) -> None:
    """An accepted call with its answer and decoded token; a refused one with the cause and both canonical requests."""
    with running(roadstead) as (_, base_url):
        assert roadstead.call("install", sample_app).returncode == 0
        signed = roadstead.read("token", "roadstead-sample-app", "GET", "/2.0/addon/linkers")
        for path in ("/2.0/addon/linkers", "/2.0/addon/linkers?page=2"):
            request = urllib.request.Request(f"{base_url}{path}", headers={"Authorization": f"JWT {signed['token']}"})
            with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(request, timeout=10):
                pass
        ids = _recorded(roadstead, 2, 'method = "GET" AND direction = "in"')
    refused, accepted = (roadstead.call("requests", "show", one).stdout.decode() for one in ids)
    for shown in (refused, accepted):
        assert re.search(r"^from +roadstead-sample-app$", shown, re.MULTILINE)
        assert re.search(r"^iss +roadstead-sample-app$", shown, re.MULTILINE)
        assert re.search(r"^exp +\d+  \(.*\d\d:\d\d:\d\d\)$", shown, re.MULTILINE)
        assert "\nAs curl\n\ncurl " in shown
        assert signed["token"].rpartition(".")[2] not in shown
    assert '  "pagelen": 10,\n' in accepted
    assert "Why it was refused" not in accepted
    assert "the host hashed   GET&/2.0/addon/linkers&page=2\n" in refused
    assert "the token hashed  GET&/2.0/addon/linkers&\n" in refused
    assert "\nCause: " in refused
    document = roadstead.read("requests", "show", ids[0])
    assert document["diagnosis"]["cause"]["check"] == "qsh"


def _recorded(roadstead: Roadstead, count: int, wanted: str) -> list[str]:
    """Return the ids of so many calls, once the running host has written them, the newest first."""
    deadline = time.monotonic() + 20
    while True:
        found = roadstead.read("requests", "--filter", wanted)
        if len(found) == count:
            return [str(one["id"]) for one in found]
        assert time.monotonic() < deadline, found


@pytest.mark.parametrize("width", [40, 80])
def test_canonical_requests_stay_side_by_side(width: int, monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """On a terminal of any width, the mark is below the first character that differs."""
    ours, theirs = f"GET&/{'a' * 100}&page=2", f"GET&/{'a' * 100}&page=3"
    monkeypatch.setattr(diagnoses, "columns", lambda: width)
    found = Diagnosis({}, {}, (), ours, Hashed(theirs, ()), len(ours) - 1)
    diagnoses.print_diagnosis(found)
    lines = capsys.readouterr().out.splitlines()
    (mark,) = [number for number, line in enumerate(lines) if line.strip() == "^"]
    place = lines[mark].index("^")
    assert (lines[mark - 2][place], lines[mark - 1][place]) == ("2", "3")
    assert max(map(len, lines)) <= width

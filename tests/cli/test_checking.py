"""Judging descriptors: the findings of both judges in one list, in the order of the text."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from roadstead.domain.apps.check import check
from tests.cli.conftest import Roadstead


def descriptor(**changes: Any) -> bytes:
    whole = {
        "key": "tide",
        "name": "Tide",
        "description": "Links tickets.",
        "baseUrl": "https://tide.example",
        "authentication": {"type": "jwt"},
        "lifecycle": {"installed": "/installed"},
        "scopes": ["repository"],
        **changes,
    }
    return json.dumps({name: value for name, value in whole.items() if value is not None}, indent=2).encode()


def linker(regex: str, url: str = r"/t/\1") -> dict[str, Any]:
    return {"modules": {"linkers": [{"key": "tickets", "regex": regex, "url": url}]}}


TICKETS = r"((?K)-\d+)"

FINDINGS = [
    ("a sound descriptor", descriptor(**linker(TICKETS)), []),
    ("a pattern that does not compile", descriptor(**linker("(")), [("error", "modules.linkers[0].regex")]),
    ("a group the pattern lacks", descriptor(**linker("a", r"/\1")), [("error", "modules.linkers[0].regex")]),
    ("slow and on the bounded engine", descriptor(**linker(r"(?=(a+))\1b")), [("warning", "modules.linkers[0].regex")]),
    ("slow for others, but linear here", descriptor(**linker(r"([\w\-]+\-\d+)")), []),
    ("a group as JavaScript writes it", descriptor(**linker(TICKETS, "/browse/$1")),
     [("warning", "modules.linkers[0].url")]),
    ("one linker without a list", descriptor(modules={"linkers": {"key": "a", "regex": "(", "url": "/"}}),
     [("error", "modules.linkers.regex")]),
    ("the old singular name", descriptor(modules={"linker": [{"key": "a", "regex": "(", "url": "/"}]}),
     [("error", "modules.linker[0].regex")]),
    ("both judges have something to say", descriptor(scopes=["repo"], **linker("(")),
     [("error", "scopes[0]"), ("error", "modules.linkers[0].regex")]),
    ("no object", b"[]", [("error", "")]),
    ("no JSON", b"{", [("error", "")]),
    ("no text", b"\xff", [("error", "")]),
    ("nothing", b"", [("error", "")]),
]  # fmt: skip


@pytest.mark.parametrize(("document", "expected"), [case[1:] for case in FINDINGS], ids=[case[0] for case in FINDINGS])
def test_findings(document: bytes, expected: list[tuple[str, str]]) -> None:
    """Every error is found, has a place in the text, and makes the descriptor invalid; warnings do not."""
    verdict = check(document)
    found = [(finding.severity, finding.place) for finding in verdict.findings if finding.severity != "note"]
    assert [one for one in found if one in expected] == expected
    assert {severity for severity, _ in found} == {severity for severity, _ in expected}
    assert verdict.valid == all(severity != "error" for severity, _ in expected)
    assert all(finding.line and finding.column and finding.fix for finding in verdict.findings)


def test_finding_points_at_the_pattern() -> None:
    """Line and column are where the pattern begins, so that an editor can jump there."""
    document = descriptor(**linker("("))
    (finding,) = check(document).findings
    assert finding.line is not None
    assert finding.column is not None
    assert document.decode().splitlines()[finding.line - 1][finding.column - 1 :] == '"(",'


@pytest.mark.parametrize(
    ("regex", "engine", "groups", "takes_values", "hostile"),
    [
        (TICKETS, "linear", 2, True, False),
        (r"#(\d+)", "linear", 1, False, False),
        (r"([\w\-]+\-\d+)", "linear", 1, False, True),
        (r"(?<=x)(\d+)", "bounded", 1, False, False),
    ],
)
def test_linkers_are_judged(regex: str, engine: str, groups: int, takes_values: bool, hostile: bool) -> None:
    """Each usable pattern is listed with how it will be matched."""
    (judged,) = check(descriptor(**linker(regex))).linkers
    assert (judged.key, judged.engine, judged.groups) == ("tickets", engine, groups)
    assert (judged.takes_values, judged.hostile) == (takes_values, hostile)
    assert judged.reason


def test_check_prints_findings_with_their_places(roadstead: Roadstead, tmp_path: Path) -> None:
    """A file with an error: every finding on its line, the fix below it, exit code 1."""
    file = tmp_path / "descriptor.json"
    file.write_bytes(descriptor(scopes=["repo"], **linker(TICKETS)))
    done = roadstead.call("check", str(file))
    assert done.returncode == 1
    assert f"{file}:13:5: error: scopes[0]: There is no scope 'repo'." in done.stdout.decode()
    assert b"linker tickets: It runs in linear time. Groups: 2. Takes values.\n" in done.stdout
    assert b"Not valid: 1 error" in done.stderr


def test_template_of_connect_express_is_told_from_a_mistake(roadstead: Roadstead) -> None:
    """A placeholder makes the descriptor unusable, because the app has not filled it in yet."""
    done = roadstead.call("check", "-", stdin=descriptor(baseUrl="{{localBaseUrl}}", scopes=["repo"]))
    assert done.returncode == 1
    lines = done.stdout.decode().splitlines()
    (message,) = [line for line in lines if "baseUrl" in line and " error: " in line]
    assert message.endswith("error: baseUrl: This is a template of atlassian-connect-express; check the served URL.")
    assert "{{localBaseUrl}}" in lines[lines.index(message) + 1]
    assert any("There is no scope 'repo'" in line for line in lines)


def test_place_is_shown_as_a_path_too(roadstead: Roadstead) -> None:
    """In a minified descriptor line and column say little, so each finding names its member, too."""
    minified = json.dumps(json.loads(descriptor(**linker(TICKETS, "/browse/$1"))), separators=(",", ":"))
    done = roadstead.call("check", "-", stdin=minified.encode())
    assert done.returncode == 0
    assert re.search(
        r"^-:1:\d+: warning: modules\.linkers\[0\]\.url: '\$1' in the url is plain text", done.stdout.decode(), re.M
    )


def test_check_shows_a_hostile_text(roadstead: Roadstead) -> None:
    """The message has a text on which the hostile pattern is slow."""
    done = roadstead.call("check", "-", stdin=descriptor(**linker(r"(a+)+=(?!x)")))
    assert b"A backtracking engine takes long on 'a' repeated, then '!'." in done.stdout


def test_check_as_json(roadstead: Roadstead) -> None:
    """From standard input, one document with exactly the promised members."""
    done = roadstead.call("check", "-", "--json", stdin=descriptor(name=None, **linker(TICKETS)))
    assert done.returncode == 1
    document = json.loads(done.stdout)
    assert document.keys() == {"findings", "linkers", "valid"}
    assert document["findings"][0].keys() == {"severity", "line", "column", "path", "message", "fix"}
    assert document["linkers"][0].keys() == {
        "key",
        "engine",
        "groups",
        "takes_values",
        "hostile",
        "reason",
        "witness",
    }
    assert document["valid"] is False


def test_check_fetches_a_url(roadstead: Roadstead, sample_app: str) -> None:
    """A served descriptor, on this machine too, is checked by its URL."""
    done = roadstead.call("check", sample_app)
    assert done.returncode == 0
    assert done.stderr.startswith(b"Valid: ")
    assert not roadstead.data.exists()

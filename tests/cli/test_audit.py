"""The audit log: its entries, their actors, and their protection."""

import hashlib
import json
import os
import pwd
import sqlite3
import stat
from pathlib import Path

import pytest

from tests.cli.conftest import Roadstead, ServeApp, running


def test_operator_actions_are_logged(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """Each action of the operator is in the log once, under the user's name, without the secrets that were shown."""
    url = serve_app(status=200, body=b"")
    shown = roadstead.read("install", url, "--show-secret")
    roadstead.read("install", url)
    made = roadstead.read("token-create", "ci")
    roadstead.call("token-revoke", str(made["id"]))
    roadstead.call("token-revoke", "99")
    roadstead.call("sign-in")
    roadstead.call("register", "stub", url, "--show-secret")
    roadstead.call("uninstall", "stub")

    entries = roadstead.read("audit")
    assert [(entry["action"], entry["subject"]) for entry in reversed(entries)] == [
        ("app installed", "local/stub"),
        ("secret shown", "local/stub"),
        ("app reinstalled", "local/stub"),
        ("API token made", f"{made['id']} ci"),
        ("API token revoked", str(made["id"])),
        ("sign-in link made", "pages"),
        ("app registered", "stub"),
        ("secret shown", "stub"),
        ("app uninstalled", "local/stub"),
    ]
    assert {entry["actor"] for entry in entries} == {f"{pwd.getpwuid(os.getuid()).pw_name} (command line)"}
    assert shown["shared_secret"] not in str(entries)
    assert made["token"] not in str(entries)
    assert len(roadstead.call("audit", "--limit", "2").stdout.splitlines()) == 3


@pytest.mark.slow
def test_bulk_change_of_an_app_is_logged(roadstead: Roadstead, sample_app: str) -> None:
    """The log has the sample app's set with the app's name and the counts before and after."""
    with running(roadstead):
        assert roadstead.call("install", sample_app).returncode == 0
    entries = roadstead.read("audit")
    (replaced,) = [entry for entry in entries if entry["action"] == "values replaced"]
    assert replaced["details"] == {"linker": "tickets", "before": 0, "after": 2}
    assert replaced["actor"].startswith("app roadstead-sample-app ari:cloud:bitbucket::app/")


def test_refused_installation_leaves_no_entry(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """An undone installation is not in the log."""
    assert roadstead.call("install", serve_app(status=500, body=b"no")).returncode == 1
    assert roadstead.read("audit") == []


@pytest.mark.parametrize("statement", ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log"])
def test_entries_cannot_be_altered(roadstead: Roadstead, statement: str) -> None:
    """The database itself refuses to change or remove an entry."""
    roadstead.call("sign-in")
    connection = sqlite3.connect(roadstead.data / "roadstead.db")
    try:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    finally:
        connection.close()


def test_the_log_is_archived_and_cut(roadstead: Roadstead, tmp_path: Path) -> None:
    """Written to a file that only its owner can read, the log stays; entries older than a date move to the file."""
    for _ in range(3):
        roadstead.call("sign-in")
    whole, old, none = tmp_path / "whole", tmp_path / "old", tmp_path / "none"
    done = roadstead.call("audit", "--export", str(whole))
    assert (done.returncode, done.stderr) == (0, b"Entries written: 3\n")
    assert stat.S_IMODE(whole.stat().st_mode) == 0o600
    assert [json.loads(line)["action"] for line in whole.read_text().splitlines()] == ["sign-in link made"] * 3
    assert b"log: 0\n" in roadstead.call("audit", "--export", str(none), "--before", "2020-01-01").stderr
    done = roadstead.call("audit", "--export", str(old), "--before", "2100-01-01")
    assert (done.returncode, done.stderr) == (0, b"Entries written, and removed from the log: 3\n")
    assert old.read_bytes() == whole.read_bytes()
    entries = roadstead.read("audit")
    (cut,) = entries
    assert (cut["action"], cut["details"]["entries"]) == ("audit log cut", 3)
    assert cut["details"]["sha256"] == hashlib.sha256(old.read_bytes()).hexdigest()


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--before", "2100-01-01"], "removed only once they are in a file"),
        (["--before", "2100-01-01", "--export", "-"], "removed only once they are in a file"),
        (["--before", "yesterday", "--export", "new"], "is not a date"),
        (["--before", "2100-01-01", "--export", "there"], "exists already"),
        (["--before", "2100-01-01", "--export", "no/folder/there"], "does not exist"),
    ],
)
def test_nothing_is_cut_that_is_not_in_a_file(
    roadstead: Roadstead, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], reason: str
) -> None:
    """Without a file, with one that exists or cannot be made, or without a date, the log does not change."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("kept")
    roadstead.call("sign-in")
    refused = roadstead.call("audit", *arguments)
    assert (refused.returncode, reason in refused.stderr.decode()) == (1, True), refused.stderr
    assert (tmp_path / "there").read_text() == "kept"
    entries = roadstead.read("audit")
    assert [entry["action"] for entry in entries] == ["sign-in link made"]

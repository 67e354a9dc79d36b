"""The whole state as one file: exported while serving, imported elsewhere, and refused when it is incomplete."""

import gzip
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from roadstead.cli.state import on_host
from roadstead.domain.access import credentials
from roadstead.domain.apps import installations
from roadstead.domain.host import Host
from roadstead.domain.upkeep import transfer
from roadstead.errors import Conflict, InvalidInput
from roadstead.settings import Settings
from roadstead.storage.tables import API_TOKENS
from tests.conftest import NewDatabase
from tests.exports import export_of, import_into, lines_of, packed
from tests.live import AppClient, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


def _settings(folder: Path, database_url: str | None = None) -> Settings:
    return Settings(data=folder, base_url="http://localhost:1", database_url=database_url)


def _content(content: bytes) -> list[Any]:
    """Return an export's content without its time and checksum."""
    return lines_of(content)[1:-1]


@pytest.fixture
def small_export(tmp_path: Path) -> bytes:
    settings = _settings(tmp_path / "small")
    on_host(settings, lambda host: installations.register(host, "tide", "https://tide.example/"))
    return export_of(settings)


def test_an_app_goes_on_at_a_fresh_host(tmp_path: Path, new_database: NewDatabase) -> None:
    """Exported while values are written, imported elsewhere: the old secret works there, and ids and links stay."""
    with recording_app() as app, live_host(tmp_path / "old", database_url=new_database()) as old:
        installed = old.install(app)
        api = AppClient(old.url, installed)
        assert api("PUT", VALUES, json=["BB", "OPS"]).status_code == 204
        stop = threading.Event()
        accepted: list[str] = []

        def write() -> None:
            while not stop.is_set():
                value = f"N{len(accepted)}"
                assert api("POST", VALUES, json={"value": value}).status_code == 201
                accepted.append(value)

        writer = threading.Thread(target=write)
        writer.start()
        before = len(accepted)
        exported = export_of(old.settings)
        during = len(accepted)
        stop.set()
        writer.join()
        first = api("GET", f"{VALUES}?pagelen=2").json()["values"]
        url = new_database()
        import_into(_settings(tmp_path / "new", url), exported)
        with live_host(tmp_path / "new", database_url=url) as new:
            answer = AppClient(new.url, installed)("GET", f"{VALUES}?pagelen=2").json()
            assert [value["id"] for value in answer["values"]] == [value["id"] for value in first]
            # One writer: a committed state has the first values up to one, and count and rows agree.
            stored = [row[3] for row in _rows(exported, "linker_values")]
            assert stored == ["BB", "OPS", *accepted[: len(stored) - 2]]
            assert before <= len(stored) - 2 <= during + 1
            assert answer["size"] == len(stored)
            (there,) = new.work(installations.list_apps)
            assert there == installed
            added = AppClient(new.url, installed)("POST", VALUES, json={"value": "MORE"})
            assert (added.status_code, int(added.json()["id"]) > len(stored)) == (201, True)


def _rows(content: bytes, name: str) -> list[list[Any]]:
    rows: list[list[Any]] = []
    table = ""
    for line in lines_of(content)[1:-1]:
        if isinstance(line, dict):
            table = line["table"]
        elif table == name:
            rows.append(line)
    return rows


@pytest.mark.sample(1)
@pytest.mark.each_database
@pytest.mark.parametrize("there", ["sqlite", "postgresql"])
def test_an_export_of_an_import_is_the_same(
    tmp_path: Path, new_database: NewDatabase, there: str, request: pytest.FixtureRequest
) -> None:
    """Nothing is lost or changed between any two databases: the second exports, row by row, what it imported."""
    with recording_app() as app, live_host(tmp_path / "old", database_url=new_database()) as old:
        old.install(app)
        token = old.api_token()
        old.work(lambda host: installations.register(host, "tide", "https://tide.example/"))
        old.work(credentials.sign_in_link)
        exported = export_of(old.settings)
    url = request.getfixturevalue("postgresql").new_database() if there == "postgresql" else None
    new = _settings(tmp_path / "new", url)
    assert import_into(new, exported).rows == lines_of(exported)[-1]["rows"]
    *same, imported, exported_again = _content(export_of(new))
    assert same == _content(exported)
    assert (imported[3], exported_again[3]) == ("state imported", "secret shown")
    assert token.encode() not in gzip.decompress(exported)


def test_without_secrets_none_is_in_the_file_and_the_app_is_locked_out(tmp_path: Path) -> None:
    """The secret, even one that the app sent back, is not exported; the app is named until it is installed again."""
    with recording_app() as app, live_host(tmp_path / "old") as old:
        registered = old.work(lambda host: installations.register(host, app.key, app.descriptor_url))
        app.status, app.answer = 200, registered.shared_secret
        installed = old.install(app)
        exported = export_of(old.settings, with_secrets=False)
        assert installed.shared_secret.encode() in gzip.decompress(export_of(old.settings))
        assert installed.shared_secret.encode() not in gzip.decompress(exported)
        import_into(_settings(tmp_path / "new"), exported)
        with live_host(tmp_path / "new") as new:
            assert AppClient(new.url, installed)("GET", VALUES).status_code == 401
            assert [found.app_key for found in new.work(_locked_out)] == [app.key]
            assert AppClient(new.url, new.install(app))("GET", VALUES).status_code == 200
            assert new.work(_locked_out) == []


async def _locked_out(host: Host) -> Any:
    return await transfer.apps_without_secret(host, await installations.list_apps(host))


def _newer_format(lines: list[Any]) -> None:
    lines[0]["version"] = transfer.VERSION + 1


def _unknown_table(lines: list[Any]) -> None:
    lines.insert(1, {"table": "pipelines", "columns": ["id"]})


def _unknown_column(lines: list[Any]) -> None:
    lines[1]["columns"] = ["name", "colour"]


def _row_missing(lines: list[Any]) -> None:
    del lines[next(number for number, line in enumerate(lines) if isinstance(line, list))]


def _row_without_its_parent(lines: list[Any]) -> None:
    place = next(n for n, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "linkers") + 1
    lines.insert(place, [1, 99, "tickets", 0, "x", "y", 0, 0])
    lines[0]["rows"] += 1


def _huge_id(lines: list[Any]) -> None:
    place = next(n for n, line in enumerate(lines) if isinstance(line, dict) and line.get("table") == "workspaces") + 1
    lines.insert(place, [2**70, "local", "{}", "local", "2026-01-01T00:00:00+00:00", 0, 0])
    lines[0]["rows"] += 1


def _row_of_another_shape(lines: list[Any]) -> None:
    lines.insert(2, [{"deep": 1}, "x"])


def _no_heading(lines: list[Any]) -> None:
    lines.insert(1, "facts")


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_newer_format, "newer version"),
        (_unknown_table, "newer version"),
        (_unknown_column, "newer version"),
        (_row_missing, "damaged"),
        (_row_without_its_parent, "do not fit together"),
        (_huge_id, "do not fit together"),
        (_row_of_another_shape, "damaged"),
        (_no_heading, "damaged"),
    ],
)
def test_a_file_that_does_not_add_up_changes_nothing(
    tmp_path: Path, small_export: bytes, spoil: Callable[[list[Any]], None], message: str
) -> None:
    """Correctly packed and summed, but not an export: refused with the reason, and the state stays empty."""
    lines = lines_of(small_export)
    spoil(lines)
    _assert_refused(tmp_path / "new", packed(lines), message)
    import_into(_settings(tmp_path / "new"), small_export)


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda whole: b"", "not an export"),
        (lambda whole: b"PK\x03\x04 something else", "not an export"),
        (lambda whole: gzip.compress(b"[1, 2]\n"), "not an export"),
        (lambda whole: gzip.compress(b"[" * 100_000 + b"\n"), "not an export"),
        (lambda whole: whole[:-1], "damaged"),
        (lambda whole: whole[: len(whole) * 3 // 4], "damaged"),
        (lambda whole: whole[:-8] + b"\0" * 8, "damaged"),
        (lambda whole: whole + gzip.compress(b"more\n"), "damaged"),
        (lambda whole: gzip.compress(gzip.decompress(whole).replace(b"tide", b"tidy")), "damaged"),
        (lambda whole: gzip.compress(b"".join(gzip.decompress(whole).splitlines(True)[:-1])), "damaged"),
    ],
)
def test_a_damaged_file_changes_nothing(
    tmp_path: Path, small_export: bytes, spoil: Callable[[bytes], bytes], message: str
) -> None:
    """Cut off, altered or another file: a clear refusal, and the state stays empty."""
    _assert_refused(tmp_path / "new", spoil(small_export), message)


def _assert_refused(folder: Path, content: bytes, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        import_into(_settings(folder), content)
    assert refused.value.detail
    assert _is_empty(export_of(_settings(folder), with_secrets=False))


def _is_empty(export: bytes) -> bool:
    """Return whether the only row is the operator, whom the migrations made."""
    (operator,) = (line for line in _content(export) if isinstance(line, list))
    return operator == _rows(export, "users")[0]


def test_a_state_that_is_not_empty_is_left_alone(tmp_path: Path, small_export: bytes) -> None:
    """Importing a second time is refused, with what to do instead."""
    new = _settings(tmp_path / "new")
    import_into(new, small_export)
    before = _content(export_of(new, with_secrets=False))
    with pytest.raises(Conflict, match=r"This state already has registered apps\."):
        import_into(new, small_export)
    assert _content(export_of(new, with_secrets=False)) == before


def test_a_state_on_which_a_host_has_run_is_named_so(tmp_path: Path, small_export: bytes) -> None:
    """A host writes rows before the first app is installed, and they prevent an import as well."""
    new = _settings(tmp_path / "new")
    on_host(new, Host.remember_address)
    with pytest.raises(Conflict, match="A host has run on this state already"):
        import_into(new, small_export)


@pytest.mark.slow
def test_a_killed_import_leaves_an_empty_state(tmp_path: Path, small_export: bytes) -> None:
    """`kill -9` when many rows are written but not the end: nothing is stored, and it can be repeated."""
    lines = lines_of(small_export)
    made_on = "2026-01-01T00:00:00+00:00"
    rest = [None] * (len(API_TOKENS.columns) - 6)
    tokens = [[number, "ci", os.urandom(32).hex(), made_on, None, 1, *rest] for number in range(40_000)]
    place = lines.index({"table": "api_tokens", "columns": list(API_TOKENS.columns)})
    lines[0]["rows"] += len(tokens)
    large = packed([*lines[: place + 1], *tokens, *lines[place + 1 :]])
    written_ahead = tmp_path / "new" / "roadstead.db-wal"
    command = [sys.executable, "-m", "roadstead", "import", "-", "--data", str(tmp_path / "new")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.write(large[:-20])
        process.stdin.flush()
        while not (written_ahead.exists() and written_ahead.stat().st_size > 1_000_000):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert _is_empty(export_of(_settings(tmp_path / "new"), with_secrets=False))
    import_into(_settings(tmp_path / "new"), large)


def test_the_file_is_private_and_never_replaced(tmp_path: Path) -> None:
    """The command writes mode 0600, refuses an existing name, and leaves no draft."""
    environment = {**os.environ, "ROADSTEAD_DATA": str(tmp_path / "data")}
    file = tmp_path / "state.gz"
    command = [sys.executable, "-m", "roadstead", "export", str(file)]
    assert subprocess.run(command, env=environment, check=False, capture_output=True).returncode == 0
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.read_bytes()
    second = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert second.returncode == 1
    assert b"exists already" in second.stderr
    assert file.read_bytes() == before
    assert sorted(found.name for found in tmp_path.iterdir()) == ["data", "state.gz"]


def test_an_export_into_a_missing_folder_names_the_folder(tmp_path: Path) -> None:
    """The message names the missing folder, not the disk's space."""
    command = [sys.executable, "-m", "roadstead", "export", str(tmp_path / "no" / "state.gz"), "--data", str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: The folder {tmp_path / 'no'} does not exist.")


def test_an_export_that_finds_no_room_says_so(tmp_path: Path) -> None:
    """A full device behind stdout gives one sentence, not a traceback."""
    command = [sys.executable, "-m", "roadstead", "export", "-", "--data", str(tmp_path)]
    with Path("/dev/full").open("wb") as full:
        # Without a buffer each write would fail by itself, and not once more at the end.
        buffered = os.environ | {"PYTHONUNBUFFERED": ""}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=buffered, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        b"error: stdout cannot be written: No space left on device.",
        b"       Free some space or name another file, and export again.",
    ]

"""A pooler in front of PostgreSQL: PgBouncer in session mode, otherwise with its default configuration."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from roadstead.cli.state import on_host
from roadstead.domain.apps.installations import register
from roadstead.errors import StorageUnavailable
from roadstead.settings import Settings
from tests.live import AppClient, RecordingApp, live_host
from tests.ports import free_port
from tests.postgres import Server

VALUES = "/2.0/addon/linkers/tickets/values"


@contextmanager
def _pooled(server: Server, folder: Path) -> Iterator[str]:
    """Yield the address of a pooler of every database of the server. Skip if there is none."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("`pgbouncer` is not there; install it to run the tests behind a real pooler")
    port = free_port()
    (folder / "users.txt").write_text('"roadstead" ""')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host=127.0.0.1 port={server.port}\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
        f"auth_type = trust\nauth_file = {folder}/users.txt\npool_mode = session\n"
    )
    with subprocess.Popen(
        [program, "pgbouncer.ini"], cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, **server.account
    ) as process:
        try:
            _wait_for(port, process)
            yield f"postgresql://roadstead@127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    assert process.stderr is not None
    raise AssertionError(process.stderr.read().decode())


@pytest.fixture
def pooler(postgresql: Server) -> Iterator[str]:
    """Yield a pooler, with its files beside the server's data, because the server's user may not read pytest's."""
    folder = postgresql.folder / "pgbouncer"
    folder.mkdir()
    try:
        with _pooled(postgresql, folder) as url:
            yield url
    finally:
        shutil.rmtree(folder)


def test_a_host_works_behind_a_pooler(
    tmp_path: Path, postgresql: Server, pooler: str, connect_app: RecordingApp
) -> None:
    """The schema is made, an app is installed under its lease, values are written, searched and linked."""
    url = f"{pooler}{urlsplit(postgresql.new_database()).path}"
    with live_host(tmp_path, database_url=url) as host:
        api = AppClient(host.url, host.install(connect_app))
        assert api("PUT", VALUES, json=[f"V{number}" for number in range(3_000)]).status_code == 204
        assert api("POST", VALUES, json={"value": "BB"}).status_code == 201
        assert api("GET", f"{VALUES}?q=value~%22bb%22").json()["size"] == 1
        assert api("DELETE", "/2.0/addon").status_code == 204
        assert connect_app.calls("uninstalled")


@pytest.mark.parametrize(
    ("rest", "said"),
    [("/no_such_database", "no_such_database"), ("/postgres?search_path=elsewhere", "search_path")],
)
def test_what_a_pooler_refuses_is_said(tmp_path: Path, pooler: str, rest: str, said: str) -> None:
    """It answers, so it is not unreachable: the message has its reason."""
    settings = Settings(data=tmp_path / "data", database_url=f"{pooler}{rest}")
    with pytest.raises(StorageUnavailable) as refused:
        on_host(settings, lambda host: register(host, "tide", "https://tide.example/"))
    assert "unreachable" not in refused.value.message
    assert said in refused.value.detail

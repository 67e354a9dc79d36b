"""A real nginx, the system's, in front of a host."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live import listening_socket


@contextlib.contextmanager
def proxied(folder: Path, url: str, *, listens_at: str = "127.0.0.1", more: str = "") -> Iterator[str]:
    """Yield the address of an nginx with nothing but `proxy_pass` to `url`, and `more` lines. Skip if there is none."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("`nginx` is not there; install it to run the tests behind a real proxy")
    with listening_socket() as free:
        port = free.getsockname()[1]
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    location = f"location / {{ proxy_pass {url}; {more} }}"
    server = f"server {{ listen {listens_at}:{port}; {location} }}"
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr; "
        f"events {{}} http {{ access_log off; {temporary} {server} }}"
    )
    command = [program, "-p", str(folder), "-e", "stderr", "-c", str(configuration)]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        try:
            _wait_for(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    while process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    assert process.stderr is not None
    raise AssertionError(process.stderr.read().decode())

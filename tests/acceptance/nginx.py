"""A real nginx, the system's, in front of a host."""

import contextlib
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.ports import free_port

_DEPLOYED = Path(__file__).parent.parent.parent / "deploy/nginx.conf"


@contextlib.contextmanager
def proxied(folder: Path, url: str, *, listens_at: str = "127.0.0.1", more: str = "") -> Iterator[str]:
    """Yield the address of an nginx with nothing but `proxy_pass` to `url`, and `more` lines. Skip if there is none."""
    with _serving(
        folder, lambda port: f"server {{ listen {listens_at}:{port}; location / {{ proxy_pass {url}; {more} }} }}"
    ) as address:
        yield address


@contextlib.contextmanager
def deployed(folder: Path, url: str) -> Iterator[str]:
    """Yield the address of an nginx with `deploy/nginx.conf` in front of `url`, without TLS. Skip if there is none."""
    text = _DEPLOYED.read_text("utf-8").replace("127.0.0.1:7990", urlsplit(url).netloc)
    text = re.sub(r" +(listen \[|ssl_).*\n", "", text).partition("server {\n    listen 80;")[0]
    with _serving(folder, lambda port: text.replace("listen 443 ssl", f"listen 127.0.0.1:{port}")) as address:
        yield address


@contextlib.contextmanager
def _serving(folder: Path, servers: Callable[[int], str]) -> Iterator[str]:
    """Yield the address of an nginx with the configuration of servers that a port leads to."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if program is None:
        pytest.skip("`nginx` is not there; install it to run the tests behind a real proxy")
    port = free_port()
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in kinds)
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log stderr; "
        f"events {{}} http {{ access_log off; {temporary} {servers(port)} }}"
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

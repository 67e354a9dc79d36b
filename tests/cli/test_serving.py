"""The host as a process: its output, how it stops, and the commands beside it."""

import http.client
import json
import re
import signal
import socket
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from tests.cli.conftest import PROGRAM, Roadstead, ServeApp, running


def get(url: str, **headers: str) -> tuple[int, object]:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return answer.status, json.load(answer)


@pytest.mark.parametrize("stop", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_serve_answers_and_stops_quietly(roadstead: Roadstead, stop: signal.Signals) -> None:
    """It prints its base URL, how to sign in and the next command; a signal to stop is not a failure."""
    with running(roadstead) as (process, base_url):
        assert re.fullmatch(r"http://localhost:\d+", base_url)
        assert get(f"{base_url}/-/health/ready")[0] == 200
        process.send_signal(stop)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert f"{base_url}/-/sign-in?code=".encode() in out
    assert b"roadstead install DESCRIPTOR_URL" in out
    assert err == b""


@pytest.mark.slow
def test_commands_beside_a_host_use_its_address(roadstead: Roadstead, sample_app: str) -> None:
    """A token made beside the running host opens its API; the links in the answer are the host's."""
    with running(roadstead) as (_, base_url):
        assert roadstead.call("install", sample_app).returncode == 0
        path = "/2.0/addon/linkers/tickets/values?q=value%3D%22BB%22"
        signed = roadstead.read("token", "roadstead-sample-app", "GET", path)
        assert signed.keys() == {"header", "token", "canonical_request", "url"}
        assert signed["url"] == f"{base_url}{path}"
        assert signed["canonical_request"].startswith("GET&/2.0/addon/linkers/tickets/values&q=")
        status, page = get(signed["url"], Authorization=f"JWT {signed['token']}")
        plain = roadstead.call("token", "roadstead-sample-app", "GET", path)
    assert status == 200
    assert isinstance(page, dict)
    assert [value["value"] for value in page["values"]] == ["BB"]
    assert plain.stdout.startswith(b"Authorization: JWT ")
    assert b"GET&/2.0/addon/linkers/tickets/values&q=" in plain.stderr


def test_taken_port_is_a_clear_error(roadstead: Roadstead) -> None:
    """The message names the port, and a solution."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = roadstead.run("serve", "--port", str(other.getsockname()[1]))
    assert done.returncode == 1
    assert b"Address already in use" in done.stderr
    assert b"--port" in done.stderr
    assert done.stdout == b""


@pytest.mark.parametrize("is_unmounted", [True, False])
def test_repositories_that_are_elsewhere_are_a_clear_error(roadstead: Roadstead, is_unmounted: bool) -> None:
    """A host on a database whose repositories are in another data folder, or not mounted, does not start."""
    assert roadstead.call("workspace", "create", "acme").returncode == 0
    assert roadstead.call("repo", "create", "acme/widgets").returncode == 0
    git = roadstead.data / "git"
    git.rename(roadstead.data / "elsewhere")
    if is_unmounted:
        git.mkdir()
    done = roadstead.run("serve", "--port", "0")
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"error: The database has repositories, and the data folder has none.\n")
    assert f"Restore {git}".encode() in done.stderr
    if is_unmounted:
        git.rmdir()
    git.symlink_to(roadstead.data / "elsewhere")
    with running(roadstead):
        pass


def test_unusable_state_is_a_clear_error(roadstead: Roadstead) -> None:
    """A file that is not a database prevents start-up with a sentence, not with a traceback."""
    roadstead.data.mkdir()
    (roadstead.data / "roadstead.db").write_bytes(b"certainly not a database" * 100)
    done = roadstead.run("serve", "--port", "0")
    assert done.returncode == 1
    assert done.stderr.startswith(b"error: ")
    assert b"Traceback" not in done.stderr


@pytest.mark.slow
def test_host_that_others_can_reach_says_what_follows(roadstead: Roadstead) -> None:
    """Off loopback, the operator learns what --base-url is for."""
    with running(roadstead, "--host", "0.0.0.0", "--base-url", "http://host.example") as (process, base_url):
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert base_url == "http://host.example"
    assert b"--base-url" in err


@pytest.mark.parametrize("workers", ["1", pytest.param("2", marks=pytest.mark.slow)])
def test_what_was_accepted_is_finished(roadstead: Roadstead, serve_app: ServeApp, workers: str) -> None:
    """Stopped in the middle of a large PUT, it accepts no more connections, and answers when all is stored."""
    body = json.dumps([f"V{number}" for number in range(100_000)]).encode()
    path = "/2.0/addon/linkers/tickets/values"
    with running(roadstead, "--workers", workers) as (process, base_url):
        roadstead.read("install", serve_app(status=204, body=b""))
        signed = roadstead.read("token", "stub", "PUT", path)
        port = int(base_url.rpartition(":")[2])
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.putrequest("PUT", path)
        connection.putheader("Authorization", f"JWT {signed['token']}")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:1000])
        # Once a later request has been answered, a worker has received this one.
        assert [get(f"{base_url}/-/health/ready")[0] for _ in range(20)] == [200] * 20
        process.send_signal(signal.SIGTERM)
        _wait_until_refused(port)
        connection.send(body[1000:])
        assert connection.getresponse().status == 204
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"")
    shown = roadstead.read("apps", "show", "stub")
    assert shown["linkers"][0]["value_count"] == 100_000


def _wait_until_refused(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < deadline, "it still takes connections"
        time.sleep(0.02)


@pytest.mark.slow
def test_workers_share_the_port(roadstead: Roadstead, tmp_path: Path) -> None:
    """Several processes answer at the same address, with the settings of the one that started them."""
    with running(roadstead, "--workers", "2") as (process, base_url):
        port = int(base_url.rpartition(":")[2])
        for _ in range(20):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            connection.request("GET", "/-/health/ready")
            assert connection.getresponse().read() == b'{"status":"ok"}'
            connection.close()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert err == b""


@pytest.mark.parametrize(
    ("soft", "hard", "connections"), [(256, 1024, 896), pytest.param(256, 256, 192, marks=pytest.mark.slow)]
)
def test_as_many_files_may_be_open_as_is_allowed(roadstead: Roadstead, soft: int, hard: int, connections: int) -> None:
    """The limit is raised as far as possible, and if that is too low, the log names the consequence."""
    limits = ["sh", "-c", f'ulimit -Sn {soft} && ulimit -Hn {hard} && exec "$@"', "sh"]
    with subprocess.Popen(
        [*limits, *PROGRAM, "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=roadstead.environment,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"Roadstead is at")
        limit = re.search(r"Max open files +(\d+)", Path(f"/proc/{process.pid}/limits").read_text("ascii"))
        process.terminate()
        _, err = process.communicate(timeout=20)
    assert limit is not None
    assert int(limit[1]) == hard
    assert f"at most {connections} connections".encode() in err

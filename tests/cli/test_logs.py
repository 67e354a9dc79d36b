"""The log of a host: JSON for a collector, lines for a terminal."""

import json
import os
import pty
import subprocess
import urllib.request

import pytest

from tests.cli.conftest import PROGRAM, Roadstead, running


@pytest.mark.slow
def test_each_line_is_an_object_where_no_terminal_is(roadstead: Roadstead) -> None:
    """A collector can read each line separately, and find the request by the id in its answer."""
    with running(roadstead, "--log-requests", "all") as (process, base_url):
        with urllib.request.urlopen(f"{base_url}/-/health/ready", timeout=10) as answer:
            named = answer.headers["X-Request-Id"]
        process.terminate()
        _, err = process.communicate(timeout=20)
    (line,) = map(json.loads, err.splitlines())
    assert line.pop("time").endswith("Z")
    assert line.pop("duration_ms") > 0
    assert line.pop("message").startswith("GET /-/health/ready 200 ")
    assert line == {
        "level": "INFO",
        "logger": "roadstead.requests",
        "request_id": named,
        "method": "GET",
        "path": "/-/health/ready",
        "status": 200,
        "request_size": 0,
        "answer_size": 15,
    }


def test_a_terminal_gets_lines_to_read(roadstead: Roadstead) -> None:
    """Without braces: time, request, outcome, and the id."""
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "serve", "--port", "0", "--log-requests", "all"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=roadstead.environment) as process:
        os.close(theirs)
        assert process.stdout is not None
        base_url = process.stdout.readline().decode().split()[-1]
        asked = urllib.request.Request(f"{base_url}/-/health/live", headers={"X-Request-Id": "by-me"})
        urllib.request.urlopen(asked, timeout=10).close()
        line = os.read(ours, 4096).decode()
        process.terminate()
    os.close(ours)
    assert " INFO roadstead.requests: GET /-/health/live 200 " in line
    assert line.endswith(" ms [by-me]\r\n")

"""`roadstead receive` and `roadstead events tail`: what they print and answer, and how Ctrl-C ends them."""

import json
import re
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from socketserver import BaseServer
from typing import IO

import httpx
import pytest

from roadstead.connect import canonical_request, issue
from roadstead.outbound.webhooks import hub_signature
from roadstead.receiver import NO_SECRETS, USUAL, Arrived, Receiver, Secrets, check_signature
from roadstead.settings import Settings
from tests.cli.conftest import Roadstead
from tests.events.scene import Scene, run

SECRET, SHARED = "the secret of a hook", "the shared secret of an app"
BOTH = Secrets(hook=SECRET, app=SHARED)
BODY = b'{"push": {"changes": []}}'


def _token(*, secret: str = SHARED, path: str = "/hooks", now: float | None = None) -> str:
    return issue(
        issuer="app",
        audience="app",
        subject=None,
        now=now or time.time(),
        lifetime=3600,  # it is made before the first test runs
        shared_secret=secret,
        canonical=canonical_request("POST", path, "a=b"),
    )


SIGNED = {"x-hub-signature": hub_signature(SECRET, BODY)}


@pytest.mark.parametrize(
    ("headers", "body", "secrets", "is_valid", "said"),
    [
        (SIGNED, BODY, BOTH, True, "signature valid"),
        (SIGNED, BODY + b" ", BOTH, False, "signature wrong"),
        (SIGNED, BODY, Secrets(hook="another"), False, "signature wrong"),
        ({"x-hub-signature": "sha256=ü"}, BODY, BOTH, False, "signature wrong"),
        (SIGNED, BODY, NO_SECRETS, None, "signature not checked: give --secret"),
        ({}, BODY, BOTH, False, "not signed"),
        ({}, BODY, NO_SECRETS, None, "not signed"),
        ({"authorization": f"JWT {_token()}"}, BODY, BOTH, True, "token valid"),
        ({"authorization": f"JWT {_token(secret='another')}"}, BODY, BOTH, False, "token refused"),
        ({"authorization": f"JWT {_token(path='/other')}"}, BODY, BOTH, False, "token refused"),
        ({"authorization": f"JWT {_token(now=1_000_000_000)}"}, BODY, BOTH, False, "token refused"),
        ({"authorization": "JWT nonsense"}, BODY, BOTH, False, "token refused"),
        ({"authorization": f"JWT {_token()}"}, BODY, Secrets(hook=SECRET), None, "token not checked"),
    ],
)
def test_a_signature_is_judged(
    headers: Mapping[str, str], body: bytes, secrets: Secrets, is_valid: bool | None, said: str
) -> None:
    """By the secret that the receiver was given, over the exact bytes; without one it is not judged."""
    judged, told = check_signature("POST", "/hooks?a=b", dict(headers), body, secrets)
    assert (judged, told[: len(said)]) == (is_valid, said)


class _OneByOne(Receiver):
    """A receiver that handles a request where `handle_request` is called, not in a thread."""

    process_request = BaseServer.process_request


@pytest.mark.parametrize(
    ("length", "is_reset", "answer"),
    [
        (b"\xb2", False, b"HTTP/1.1 411 "),
        (b"9" * 5000, False, b"HTTP/1.1 411 "),
        (b"-1", False, b"HTTP/1.1 411 "),
        (b"9" * 18, False, b"HTTP/1.1 413 "),
        (b"9", True, b""),
    ],
)
def test_a_receiver_bears_odd_senders(
    length: bytes, is_reset: bool, answer: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    """A length that is none is refused, and one who hangs up leaves no traceback; neither is told."""
    arrived: list[Arrived] = []
    with (
        _OneByOne(0, NO_SECRETS, USUAL, arrived.append) as receiver,
        socket.create_connection(("127.0.0.1", receiver.server_port)) as sender,
    ):
        sender.sendall(b"POST / HTTP/1.1\r\nContent-Length: " + length + b"\r\n\r\n")
        if is_reset:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sender.close()
        receiver.handle_request()
        assert is_reset or sender.recv(100).startswith(answer)
    assert (arrived, capsys.readouterr()) == ([], ("", ""))


@contextmanager
def _receiver(roadstead: Roadstead, *options: str) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """Run a receiver at a free port; yield it and its address."""
    with roadstead.start("receive", "--port", "0", *options) as process:
        try:
            yield process, _said(process.stderr).split()[2].rstrip(".")
        finally:
            process.kill()


def _said(stream: "IO[bytes] | None") -> str:
    assert stream is not None
    return stream.readline().decode()


def _interrupted(process: "subprocess.Popen[bytes]") -> tuple[int, str]:
    """Press Ctrl-C; return the exit code, and what the program still says."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    return process.returncode, (out + err).decode()


def test_a_receiver_prints_what_arrives(roadstead: Roadstead) -> None:
    """It judges signatures, answers as told, and ends with Ctrl-C."""
    event = {"X-Event-Key": "repo:push", "X-Attempt-Number": "2"}
    with _receiver(roadstead, "--secret", SECRET, "--status", "503") as (process, url):
        for headers in (SIGNED, {"X-Hub-Signature": "sha256=0"}):
            assert httpx.post(f"{url}/hooks", content=BODY, headers={**event, **headers}).status_code == 503
        lines = [_said(process.stdout) for _ in range(2)]
        what = r"\d\d:\d\d:\d\d  repo:push \(attempt 2\)  /hooks  25 bytes  signature "
        assert re.fullmatch(f"{what}valid\n", lines[0])
        assert re.fullmatch(f"{what}wrong: another secret, or a changed body\n", lines[1])
        assert _interrupted(process) == (0, "\n")


def test_a_receiver_prints_documents(roadstead: Roadstead) -> None:
    """`--json` prints everything that arrived, and `--close` answers nothing."""
    with _receiver(roadstead, "--json", "--close") as (process, url):
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(f"{url}/?a=b", content="ü".encode(), headers={"X-Event-Key": "repo:push"})
        arrived = json.loads(_said(process.stdout))
        assert (arrived["method"], arrived["target"], arrived["body"]) == ("POST", "/?a=b", "ü")
        assert (arrived["event"], arrived["is_valid"], arrived["signature"]) == ("repo:push", None, "not signed")
        assert arrived["headers"]["X-Event-Key"] == "repo:push"


def test_a_receiver_is_late(roadstead: Roadstead) -> None:
    """`--delay` keeps the sender waiting, and Ctrl-C waits for no answer that is late."""
    with _receiver(roadstead, "--delay", "3600") as (process, url):
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, content=BODY, timeout=0.2)
        assert "no event" in _said(process.stdout)
        assert _interrupted(process) == (0, "\n")


def test_a_port_that_is_taken_is_named(roadstead: Roadstead) -> None:
    """Two receivers cannot listen at one port."""
    with _receiver(roadstead) as (_, url):
        port = url.rpartition(":")[2]
        done = roadstead.call("receive", "--port", port)
        assert (done.returncode, done.stderr.decode().splitlines()[0]) == (
            1,
            f"error: Port {port} cannot be used: Address already in use.",
        )


@pytest.mark.parametrize("as_json", [False, True])
def test_events_are_followed(roadstead: Roadstead, as_json: bool) -> None:
    """What happens from then on is printed, in order, until Ctrl-C; what happened before is not."""
    options = ["--json"] if as_json else []

    async def scenario(scene: Scene) -> None:
        await scene.event(0)
        with roadstead.start("events", "tail", *options) as process:
            try:
                assert _said(process.stderr) == "Waiting for events. Press Ctrl-C to end.\n"
                for number in (1, 2):
                    await scene.event(number)
                lines = [_said(process.stdout) for _ in range(2)]
                assert _interrupted(process) == (0, "\n")
            finally:
                process.kill()
        if as_json:
            told = [json.loads(line) for line in lines]
            assert [(one["event"], one["place"], one["told"]) for one in told] == [
                ("repo:push", "acme/repo-0", {"number": number}) for number in (1, 2)
            ]
        else:
            assert all(re.fullmatch(r"\S.*  repo:push  acme/repo-0\n", line) for line in lines)

    run(Settings(data=roadstead.data), scenario)

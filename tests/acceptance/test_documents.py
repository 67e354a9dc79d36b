"""Documents and code keep each other honest."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from starlette.routing import Route

from roadstead import __version__
from roadstead.api.resource import Resource
from roadstead.api.routes import ROUTES

ROOT = Path(__file__).parent.parent.parent


def _text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def _commands(document: str) -> list[str]:
    """The commands of a document's shell blocks, lines that go on joined."""
    blocks = re.findall(r"^```sh\n(.*?)^```", document, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.replace("\\\n", " ").splitlines() if line]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_every_address_is_documented_with_its_methods() -> None:
    """The table of docs/reference/api.md and the routes are the same list."""
    documented = dict(re.findall(r"^\| `(/[^`]+)` \| ([A-Z, ]+) \|", _text("docs/reference/api.md"), re.MULTILINE))
    served = {}
    for route in ROUTES:
        assert isinstance(route, Route)
        assert isinstance(route.app, Resource)
        served[route.path] = set(route.app.operations) - {"HEAD"}
    assert {path: set(methods.split(", ")) for path, methods in documented.items()} == served


def test_the_version_has_its_place_in_the_changelog() -> None:
    """The changelog's newest section is the version that the program prints."""
    newest = re.search(r"^## (\S+)", _text("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__


def test_links_between_documents_lead_somewhere() -> None:
    """Every relative link of every document points at a file that exists."""
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.relative_to(ROOT)} → {target}"


def test_the_readme_names_make_targets_that_exist() -> None:
    """The two commands of the README are in the Makefile."""
    targets = {
        command.removeprefix("make ") for command in _commands(_text("README.md")) if command.startswith("make ")
    }
    assert targets == {"demo", "test"}
    for target in targets:
        assert re.search(rf"^{target}:", _text("Makefile"), re.MULTILINE)


def test_the_tutorial_works_as_it_is_written(tmp_path: Path) -> None:
    """Every command of the tutorial runs, in order, and says what the text promises."""
    port, app_port = _free_port(), _free_port()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "ROADSTEAD_DATA": str(tmp_path),
        "ROADSTEAD_PORT": str(port),
    }
    running: list[subprocess.Popen[str]] = []
    said = ""
    try:
        for command in _commands(_text("docs/tutorial.md")):
            line = command.replace("7990", str(port)).replace("8080", str(app_port))
            if line.startswith("export "):
                continue
            if line.startswith(("roadstead serve", "python -m roadstead.sample_app")):
                running.append(subprocess.Popen(line.split(), env=environment, stdout=subprocess.PIPE, text=True))
                _wait(port if "serve" in line else app_port)
            else:
                done = subprocess.run(
                    ["bash", "-c", line], env=environment, capture_output=True, check=False, text=True, timeout=60
                )
                assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
                said += done.stdout
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
    assert f"[BB-1234](http://127.0.0.1:{app_port}/tickets/BB-1234)" in said
    assert "[RFC 9110](https://www.rfc-editor.org/rfc/rfc9110)" in said
    assert "unlike ZZ-9" in said
    assert f"[ZZ-9](http://127.0.0.1:{app_port}/tickets/ZZ-9)" in said


def _wait(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nothing listens at {port}")


def test_promises_name_tests_that_exist() -> None:
    """Every test file that the page on security names is there."""
    named = set(re.findall(r"`(test_\w+\.py)`", _text("docs/security.md")))
    assert named
    assert named <= {file.name for file in ROOT.glob("tests/**/test_*.py")}

"""Several hosts on one state: the second host's warning, and the address that commands beside them use."""

import json
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from roadstead.cli.serve import prepare
from roadstead.cli.state import on_host
from roadstead.settings import Settings
from tests.cli.conftest import Roadstead, ServeApp, running
from tests.conftest import NewDatabase

NOBODY = b"No host is running"


@pytest.mark.slow
def test_a_second_host_on_one_folder_says_so_and_leaves_the_address(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """Commands and apps keep the address of the first host until it ends, even by kill -9, then the second's."""
    with running(roadstead) as (first, first_url), running(roadstead) as (second, second_url):
        assert NOBODY not in roadstead.call("install", serve_app(status=204, body=b"")).stderr
        assert _addresses(roadstead) == {first_url}
        first.kill()
        first.wait()
        assert _addresses(roadstead) == {second_url}
        second.send_signal(signal.SIGTERM)
        _, said = second.communicate(timeout=20)
    warning = json.loads(said)
    assert warning["level"] == "WARNING"
    assert f"process {first.pid} at {first_url}" in warning["message"]


def _addresses(roadstead: Roadstead) -> set[str]:
    """Return the hosts of sign-in links and tokens; no command may say that there is none."""
    done = [
        roadstead.call("sign-in", "--json"),
        roadstead.call("token", "stub", "GET", "/2.0/addon", "--json"),
    ]
    assert not any(NOBODY in one.stderr for one in done)
    return {json.loads(one.stdout)["url"].partition("/-/")[0].partition("/2.0/")[0] for one in done}


@pytest.mark.sample(2)
@pytest.mark.parametrize("command", [("sign-in",), ("install", "APP"), ("token", "stub", "GET", "/2.0/addon")], ids=str)
def test_without_a_running_host_commands_say_so(
    roadstead: Roadstead, serve_app: ServeApp, command: tuple[str, ...]
) -> None:
    """No server answers yet at the address that is printed or given to the app, and a note beside the
    result says so.
    """
    app = serve_app(status=204, body=b"")
    assert roadstead.call("install", app).returncode == 0
    done = roadstead.call(*(app if word == "APP" else word for word in command))
    assert done.returncode == 0
    assert done.stdout
    assert NOBODY in done.stderr
    assert b"http://localhost:7990" in done.stderr
    assert b"roadstead serve" in done.stderr


def test_a_changed_base_url_is_told_where_others_may_share_the_state(tmp_path: Path, new_database: NewDatabase) -> None:
    """On PostgreSQL hosts run on other machines, too, and one that starts with another base URL logs the
    consequence.
    """
    database_url = new_database()

    def start(base_url: str) -> str:
        settings = Settings(tmp_path, base_url=base_url, database_url=database_url)
        with ExitStack() as until_the_end:
            _, warning = on_host(settings, lambda host: prepare(host, until_the_end))
        return warning

    warnings = [start(base_url) for base_url in ("http://one", "http://two", "http://two")]
    assert ["http://one" in warning for warning in warnings] == [False, database_url is not None, False]
    assert (warnings[0], warnings[2]) == ("", "")

"""`--allow-target` at every command that makes calls, and the effect of its absence."""

import signal

import pytest

from tests.cli.conftest import Outcome, Roadstead, ServeApp, running

ALLOWED = ("--allow-target", "127.0.0.0/8")


@pytest.fixture
def app(serve_app: ServeApp) -> str:
    return serve_app(status=200, body=b"")


@pytest.fixture
def exposed(roadstead: Roadstead) -> Roadstead:
    """Return the command line of a host that others can reach, which may not call apps on its machine."""
    roadstead.data.mkdir(mode=0o700)
    (roadstead.data / "roadstead.toml").write_text('host = "0.0.0.0"')
    return roadstead


def refused(done: Outcome) -> bool:
    assert b"Traceback" not in done.stderr
    return done.returncode == 1 and b"may not be called" in done.stderr and b"--allow-target 127.0.0.1" in done.stderr


@pytest.mark.parametrize("command", ["install", "check"])
def test_a_command_that_fetches_takes_the_setting(exposed: Roadstead, app: str, command: str) -> None:
    """The command is refused without it, with a sentence that names it, and works with it, as an option or as a line of
    the file.
    """
    assert refused(exposed.call(command, app))
    assert refused(exposed.call(command, app, "--allow-target", "10.0.0.0/8"))
    assert exposed.call(command, app, "--allow-target", "10.0.0.0/8", *ALLOWED).returncode == 0
    with (exposed.data / "roadstead.toml").open("a") as file:
        file.write('\nallow_target = ["127.0.0.1"]')
    assert exposed.call(command, app).returncode == 0


def test_uninstall_takes_the_setting(exposed: Roadstead, app: str) -> None:
    """The app is notified where the setting allows it; elsewhere it is uninstalled nevertheless."""
    told: list[bool] = []
    for options in (ALLOWED, ()):
        assert exposed.call("install", app, *ALLOWED).returncode == 0
        told.append(b"it answered 200" in exposed.call("uninstall", "stub", *options).stdout)
    assert told == [True, False]
    assert exposed.read("apps") == []


@pytest.mark.parametrize("command", ["serve", "install http://a.example", "uninstall stub", "check http://a.example"])
def test_an_entry_that_cannot_be_is_a_wrong_argument(roadstead: Roadstead, command: str) -> None:
    """Exit code 2, a sentence with the entry, and no change."""
    done = roadstead.call(*command.split(), "--allow-target", "10.0.0.1/8")
    assert done.returncode == 2
    assert b"--allow-target cannot be used: '10.0.0.1/8' has bits beyond its network" in done.stderr
    assert not roadstead.data.exists()


@pytest.mark.sample(1)
@pytest.mark.parametrize("options", [(), ALLOWED])
def test_commands_beside_a_host_call_what_it_may_call(roadstead: Roadstead, app: str, options: tuple[str, ...]) -> None:
    """Beside a host that others can reach, no app on this machine is installed unless the setting allows it."""
    with running(roadstead, "--host", "0.0.0.0", "--base-url", "http://host.example", *options) as (process, _):
        assert refused(roadstead.call("install", app))
        assert roadstead.call("install", app, *ALLOWED).returncode == 0
        process.send_signal(signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)
    assert " ".join(("roadstead install DESCRIPTOR_URL", *options)).encode() + b"\n" in printed


@pytest.mark.slow
def test_an_address_that_others_reach_counts_at_once(roadstead: Roadstead, app: str) -> None:
    """The address counts, although the host last listened on loopback."""
    with running(roadstead):
        assert roadstead.call("install", app).returncode == 0
    (roadstead.data / "roadstead.toml").write_text('host = "0.0.0.0"')
    assert refused(roadstead.call("install", app))

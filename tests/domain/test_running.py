"""Hosts that are running on a state, and the remains of dead ones."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from roadstead.domain.running import announced, running_hosts
from roadstead.settings import Settings

_HOLD = """
import sys
from pathlib import Path
from roadstead.domain.running import announced
from roadstead.settings import Settings
data, base_url = sys.argv[1:]
with announced(Settings(Path(data), base_url=base_url)):
    print("running", flush=True)
    sys.stdin.read()
"""


@contextmanager
def _host_elsewhere(data: Path, base_url: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process that counts as a host until its input ends."""
    command = [sys.executable, "-c", _HOLD, str(data), base_url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        yield process


def _urls(settings: Settings) -> list[str]:
    return [one.base_url for one in running_hosts(settings)]


def test_hosts_are_seen_in_the_order_of_their_start(tmp_path: Path) -> None:
    """Each new host sees the running ones, and every command sees all of them, the oldest first."""
    one, two = (Settings(tmp_path, base_url=f"http://{name}") for name in ("one", "two"))
    assert _urls(one) == []
    with announced(one) as before_one:
        assert before_one == []
        with announced(two) as before_two:
            assert [host.base_url for host in before_two] == ["http://one"]
            assert _urls(Settings(tmp_path)) == ["http://one", "http://two"]
        assert _urls(two) == ["http://one"]
    assert _urls(two) == []


@pytest.mark.parametrize("end", ["exit", "kill"])
def test_a_host_that_ends_in_any_way_is_no_longer_running(tmp_path: Path, end: str) -> None:
    """A killed host has left its file behind, and yet the next is the oldest; a later start cleans up."""
    with _host_elsewhere(tmp_path, "http://first") as first, _host_elsewhere(tmp_path, "http://second"):
        assert _urls(Settings(tmp_path)) == ["http://first", "http://second"]
        if end == "kill":
            first.kill()
            first.wait()
        else:
            first.communicate()
        assert _urls(Settings(tmp_path)) == ["http://second"]
        with announced(Settings(tmp_path, base_url="http://third")) as others:
            assert [host.base_url for host in others] == ["http://second"]
            assert len(list((tmp_path / "hosts").iterdir())) == 2


def test_looking_at_a_dead_host_twice_at_once_does_not_revive_it(tmp_path: Path) -> None:
    """Two commands that look at the same moment do not mistake each other for a host."""
    with _host_elsewhere(tmp_path, "http://dead") as process:
        process.kill()
        process.wait()
    (left,) = (tmp_path / "hosts").iterdir()
    looking = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, fcntl.LOCK_SH); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", looking, str(left)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"\n"
        assert _urls(Settings(tmp_path)) == []
        other.communicate(b"\n")


def test_another_database_in_the_same_folder_is_another_state(tmp_path: Path) -> None:
    """Hosts on two databases that share a folder do not see each other."""
    other = Settings(tmp_path, database_url=f"sqlite:///{tmp_path}/other.db")
    remote = Settings(tmp_path, database_url="postgresql://roadstead:secret@db.example/roadstead")
    with announced(Settings(tmp_path, base_url="http://one")):
        assert _urls(other) == []
        assert _urls(remote) == []
        with announced(other) as others:
            assert others == []

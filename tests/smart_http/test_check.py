"""`repo check` beside pushes: it finds what is wrong, and nothing else."""

import threading
from collections.abc import Sequence

import pytest

from roadstead.domain.host import Host
from roadstead.domain.upkeep.repository_check import check_repositories
from roadstead.git.maintenance import maintain
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work, git


def _faults(place: Place) -> Sequence[str]:
    async def check(host: Host) -> Sequence[str]:
        (checked,) = [one async for one in check_repositories(host, place.repository)]
        return checked.faults

    found: Sequence[str] = place.host.work(check)
    return found


def test_a_push_meanwhile_is_no_fault(place: Place, work: Work) -> None:
    """While branches come and go, every check finds nothing."""
    work.git("push", place.url(), "main")
    stop = threading.Event()

    def push() -> None:
        while not stop.is_set():
            work.git("push", place.url(), "main:other")
            work.git("push", place.url(), ":other")

    pusher = threading.Thread(target=push)
    pusher.start()
    found = [_faults(place) for _ in range(5)]
    stop.set()
    pusher.join()
    assert found == [[]] * 5


def test_a_change_without_an_event_is_a_fault(place: Place, work: Work) -> None:
    """A ref that was changed behind the host's back is not what its last event and the database say."""
    first = work.head()
    second = work.commit("second")
    work.git("push", place.url(), "main")
    assert git("--git-dir", str(place.folder), "update-ref", "refs/heads/main", first).returncode == 0
    assert _faults(place) == [
        f"branch main is {first}, and in the database {second}.",
        f"branch main is {first}, and by its last event {second}.",
    ]


@pytest.mark.parametrize("date", [2**63 - 1, 18_000_000_000])
def test_a_commit_of_a_late_year_is_no_fault(place: Place, work: Work, date: int) -> None:
    """git's own graph of commits cannot have its date, and git's check says so; it is the user's date, and harmless."""
    who = f"A <a@b.c> {date} +0000"
    links = f"tree {work.head('HEAD^{tree}')}\nparent {work.head()}"
    raw = f"{links}\nauthor {who}\ncommitter {who}\n\nlate\n"
    (work.folder / "raw").write_text(raw, "utf-8")
    commit = work.git("hash-object", "-t", "commit", "-w", "raw").strip()
    work.git("push", place.url(), f"{commit}:refs/heads/late")
    place.host.work(lambda host: maintain(place.folder))
    assert list(place.folder.glob("objects/info/commit-graphs/*"))
    assert _faults(place) == []

"""Maintenance beside pushes and reads: nothing fails, and no object is lost."""

import threading

import pytest

from roadstead.domain.host import Host
from roadstead.domain.upkeep.repository_check import check_repositories
from roadstead.git.maintenance import maintain, prune
from roadstead.git.transfer import programs
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work

PUSHES, READS, ROUNDS = 20, 200, 10


def _maintain(place: Place) -> None:
    """Pack small packs together, and pack everything anew without what nothing leads to, as far as pushes let it."""

    async def job(host: Host) -> None:
        for number in range(ROUNDS):
            await (prune(place.folder, older_than="now") if number % 3 == 2 else maintain(place.folder))

    place.host.work(job)


@pytest.mark.slow
def test_maintenance_disturbs_neither_pushes_nor_reads(
    place: Place, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every push goes through and every read is answered, while packs come and go; all commits are there afterwards."""
    work.git("push", place.url(), "main")
    # Each push is a pack, of which many make maintenance pack them together.
    monkeypatch.setitem(programs._SETTINGS, "receive.unpackLimit", "1")
    statuses: list[int] = []

    def read() -> None:
        below = f"/2.0/repositories/{place.repository.full_name}"
        paths = ("commits/main?pagelen=50", "src/main/file", "diff/main", "refs/branches")
        for number in range(READS):
            path = f"{below}/{paths[number % len(paths)]}"
            answer = place.get(path, headers={"Authorization": f"Bearer {place.ann}"}, follow_redirects=True)
            statuses.append(answer.status_code)

    beside = [threading.Thread(target=read), threading.Thread(target=_maintain, args=(place,))]
    for thread in beside:
        thread.start()
    pushed = []
    for number in range(PUSHES):
        pushed.append(work.commit(f"change {number}"))
        work.git("push", place.url(), f"HEAD:refs/heads/b{number}", "HEAD:refs/heads/main")
    for thread in beside:
        thread.join()
    assert statuses == [200] * READS

    async def faults(host: Host) -> list[str]:
        return [fault async for one in check_repositories(host, place.repository) for fault in one.faults]

    assert place.host.work(faults) == []
    assert place.refs() == {"refs/heads/main": pushed[-1]} | {f"refs/heads/b{n}": id_ for n, id_ in enumerate(pushed)}
    assert place.is_whole()

"""Commits as the host knows them: found by what callers name, and shown with the accounts of their authors."""

from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from roadstead.domain.access.git_places import GitPlaces
from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import NoSuchCommit, find_hash
from roadstead.domain.repositories.reading import Reading
from roadstead.domain.repositories.transfers import Transfer, archive
from roadstead.errors import HostBusy
from roadstead.model.credentials import UNIDENTIFIED
from roadstead.settings import Settings
from tests.git import plain
from tests.git.plain import git
from tests.live import opened


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Return a repository with a merge of `side` into `main`."""
    folder = plain.repository(tmp_path / "source")
    plain.commit(folder, "Begin <b>\n\nBody & more", a="1\n")
    git(folder, "switch", "--quiet", "-c", "feature/side")
    plain.commit(folder, "Side", b="2\n")
    git(folder, "switch", "--quiet", "main")
    git(folder, "-c", "user.name=Bob", "-c", "user.email=b@x", "merge", "--quiet", "--no-ff", "-m", "M", "feature/side")
    git(folder, "tag", "-m", "One", "v1", "main~1")
    return folder


@pytest.mark.sample(2)
@pytest.mark.parametrize("named", ["main", "feature/side", "v1", "HEAD", "refs/heads/main", "main~1"])
def test_a_commit_is_found_as_git_finds_it(source: Path, named: str) -> None:
    """By branch, tag, whole name, id and its beginning; an expression of git names nothing."""
    folder = source / ".git"
    if "~" in named:
        with pytest.raises(NoSuchCommit, match="Commit not found"):
            find_hash(folder, named)
        return
    id_ = git(source, "rev-parse", f"{named}^{{commit}}").decode().strip()
    assert [find_hash(folder, one) for one in (named, id_, id_[:7], id_.upper())] == [id_] * 4


def test_a_caller_has_a_share_of_the_processes(tmp_path: Path) -> None:
    """One who has as many as a caller may is refused after a while, also an archive, and others are not."""

    async def work(host: Host) -> None:
        object.__setattr__(host, "computing", GitPlaces(4, 1, 0.01, "comparisons"))
        mine, others = (Reading(host, None, caller, None) for caller in "ab")  # type: ignore[arg-type]
        transfer = Transfer(host, UNIDENTIFIED, SimpleNamespace(uuid=f"{{{uuid4()}}}"), "a")  # type: ignore[arg-type]
        async with mine.process(), others.process():
            with pytest.raises(HostBusy, match="comparisons"):
                async with mine.process():
                    pass
            with pytest.raises(HostBusy, match="comparisons"):
                await anext(archive(transfer, "main", "zip", "widgets"))

    with opened(Settings(data=tmp_path)) as on_host:
        on_host(work)

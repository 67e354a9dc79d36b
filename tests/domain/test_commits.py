"""Commits as the host knows them: found by what callers name, and shown with the accounts of their authors."""

from pathlib import Path

import pytest

from roadstead.accounts import SessionUser
from roadstead.bitbucket.commits.shapes import CommitShapes
from roadstead.domain.host import Host
from roadstead.domain.people import users
from roadstead.domain.people.workspaces import create_workspace
from roadstead.domain.repositories.commits import NoSuchCommit, find_commit, find_hash
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.known import known_of_commits
from roadstead.git.objects import Signature
from roadstead.settings import Settings
from roadstead.storage.users import add_email
from tests.conftest import NewDatabase
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


@pytest.mark.each_database
def test_shapes_name_the_account_whose_address_is_confirmed(
    tmp_path: Path, source: Path, new_database: NewDatabase
) -> None:
    """Whatever the case of the address; one that nobody has confirmed names no account, or anyone could be anyone."""
    folder = source / ".git"
    commits = [find_commit(folder, name) for name in ("main", "v1")]

    async def work(host: Host) -> None:
        ada = await users.create_user(host, "ada", email="ADA@Example.com")
        impostor = await users.create_user(host, "impostor")
        async with host.store.database.transaction() as tx:
            await add_email(tx, impostor.id, "bob@example.com", is_confirmed=False)
        await create_workspace(host, "acme", name=None, owner="ada")
        repository = await create_repository(host, SessionUser(ada), "acme", "widgets", RepositoryChanges(name="W"))
        shapes = CommitShapes(repository, host.base_url, await known_of_commits(host, repository, commits))
        merge, first = (shapes.full(commit, []) for commit in commits)
        assert ("patch" in merge["links"], "patch" in first["links"]) == (False, True)
        assert first["author"].get("user", {}).get("uuid") == ada.uuid
        assert first["summary"]["html"] == "<p>Begin &lt;b&gt;</p>\n<p>Body &amp; more</p>"
        assert first["date"] == "2026-09-21T14:13:20+00:00"
        unconfirmed = shapes.author(Signature("Bob", "bob@example.com", 0, 0))
        assert unconfirmed == {"type": "author", "raw": "Bob <bob@example.com>"}

    with opened(Settings(data=tmp_path / "data", database_url=new_database())) as on_host:
        on_host(work)

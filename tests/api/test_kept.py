"""Answers that are kept are as new as all others: whatever changes, here or in another process, the next one tells."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from roadstead.domain.access.credentials import find_token
from roadstead.domain.apps.installations import list_apps
from roadstead.domain.host import Host
from roadstead.domain.linking.linkers import add_value
from roadstead.domain.people import permissions
from roadstead.domain.people.users import create_user, find_user
from roadstead.domain.people.users import rename as rename_user
from roadstead.domain.people.workspaces import add_member, remove_member
from roadstead.domain.repositories.changes import put_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.model import Privilege
from tests.api.stocked import Stocked, stocked, workspace
from tests.conftest import NewDatabase
from tests.live import RecordingApp, live_host, recording_app

SLUG = "kept"


@dataclass(frozen=True)
class Acme:
    """A repository by its UUID, which stays the same, with two commits; an app that makes links of keys."""

    repository: Stocked
    app: RecordingApp
    later: str
    """A commit that the message of the second one names, and that the repository does not have yet."""

    @property
    def below(self) -> str:
        return f"/2.0/repositories/{SLUG}/{quote(self.repository.place.repository.uuid)}"

    def get(self, path: str, send: Callable[..., httpx.Response] | None = None) -> Any:
        """Return what an address answers to the owner, or to another caller: its JSON, or the status of a refusal."""
        target = path if path.startswith("/2.0") else f"{self.below}{path}"
        answer = (send or self.repository.send)("GET", target)
        if answer.status_code != 200:
            return answer.status_code
        # The host measures the size of a repository some time after a push.
        return {name: value for name, value in answer.json().items() if name != "size"}

    def elsewhere(self, job: Callable[[Host], Any]) -> None:
        """Do a job in another process."""
        self.repository.place.host.work(job)


@pytest.fixture(scope="module")
def acme(tmp_path_factory: pytest.TempPathFactory, new_database: NewDatabase) -> Iterator[Acme]:
    folder = tmp_path_factory.mktemp("kept")
    with live_host(folder / "data", database_url=new_database()) as host, recording_app() as app:
        repository = stocked(host, folder / "work", SLUG, workspace(host, SLUG))
        work = repository.work
        work.commit("PROJ-1: the first")
        work.git("checkout", "--quiet", "-b", "later")
        later = work.commit("later")
        work.git("checkout", "--quiet", "main")
        work.commit(f"as {later[:12]} says")
        repository.push("main")
        yield Acme(repository, app, later)


def _grant(privilege: Privilege | None) -> Callable[[Acme], None]:
    def change(acme: Acme) -> None:
        async def job(host: Host) -> None:
            place, owner = acme.repository.place, await find_token(host, acme.repository.place.ann)
            assert owner is not None
            ben = await find_user(host, f"{SLUG}stranger")
            if privilege is None:
                await permissions.take_back(host, owner, place.repository, ben)
            else:
                await permissions.grant(host, owner, place.repository, ben, privilege)

        acme.elsewhere(job)

    return change


def _become_member(acme: Acme) -> None:
    acme.elsewhere(lambda host: add_member(host, SLUG, f"{SLUG}stranger", "member"))


def _leave(acme: Acme) -> None:
    acme.elsewhere(lambda host: remove_member(host, SLUG, f"{SLUG}stranger"))


def _put(**members: Any) -> Callable[[Acme], None]:
    def change(acme: Acme) -> None:
        async def job(host: Host) -> None:
            owner, uuid = await find_token(host, acme.repository.place.ann), acme.repository.place.repository.uuid
            assert owner is not None
            await put_repository(host, owner, SLUG, uuid, RepositoryChanges(**members))

        acme.elsewhere(job)

    return change


def _author_joins(acme: Acme) -> None:
    acme.elsewhere(lambda host: create_user(host, "author", email="ann@example.com"))


def _author_is_renamed(acme: Acme) -> None:
    async def job(host: Host) -> None:
        await rename_user(host, await find_user(host, "author"), display_name="Ann Marie", nickname="ann")

    acme.elsewhere(job)


def _approve(acme: Acme) -> None:
    assert acme.repository.send("POST", f"{acme.below}/commit/main/approve").status_code == 200


def _create_project(acme: Acme) -> None:
    target = f"/2.0/workspaces/{SLUG}/projects"
    assert acme.repository.send("POST", target, json={"key": "NEW", "name": "New"}).status_code == 201


def _add_a_value(acme: Acme) -> None:
    async def job(host: Host) -> None:
        (installation,) = await list_apps(host, app_key=acme.app.key)
        await add_value(host, installation.id, "tickets", "OTHER")

    acme.elsewhere(job)


def _push_a_commit(acme: Acme) -> None:
    acme.repository.work.commit("another", file="another")
    acme.repository.push("main")


def _commit_here(acme: Acme) -> None:
    sent = acme.repository.send("POST", f"{acme.below}/src", data={"docs/new.txt": "new", "branch": "main"})
    assert sent.status_code == 201


COMMITS = ("/commit/main", "/commits/main", "/commits")
PROJECTS = f"/2.0/workspaces/{SLUG}/projects"

OF_OWNER: dict[str, tuple[Callable[[Acme], object], tuple[str, ...]]] = {
    "the author gets an account": (_author_joins, (*COMMITS, "/refs/branches/main")),
    "the author is renamed": (_author_is_renamed, (*COMMITS, "/refs/branches/main")),
    "a commit is approved": (_approve, ("/commit/main",)),
    "an app with linkers is installed": (lambda acme: acme.repository.place.host.install(acme.app, SLUG), COMMITS[1:]),
    "a linker gets its first value, another one": (_add_a_value, COMMITS[1:]),
    "a commit comes that a message names": (lambda acme: acme.repository.push("later"), COMMITS),
    "a project is created": (_create_project, (PROJECTS,)),
    "the repository is renamed": (_put(name="Renamed"), (*COMMITS, "", "/refs/branches/main", "/src/main/")),
    "git pushes": (_push_a_commit, (*COMMITS, "", "/refs/branches/main", "/src/main/")),
    "files are committed": (_commit_here, (*COMMITS, "", "/refs/branches/main", "/src/main/")),
}
"""The changes, one after the other, with the addresses that then answer otherwise."""


def test_a_kept_answer_tells_every_change(acme: Acme) -> None:
    """The next answer after each change is another one, and the same as at an address that was never asked before."""
    for number, (name, (change, paths)) in enumerate(OF_OWNER.items()):
        before = [[acme.get(path) for path in paths] for _ in range(2)]
        assert before[0] == before[1], name
        change(acme)
        for path, old in zip(paths, before[0], strict=True):
            new = acme.get(path)
            assert isinstance(new, dict), (name, path)
            assert (new != old, new) == (True, acme.get(f"{path}?number={number}")), (name, path)


OF_OTHERS: dict[str, tuple[Callable[[Acme], object], int, int]] = {
    "nothing": (lambda acme: None, 404, 404),
    "the stranger becomes a member": (_become_member, 404, 404),
    "the member may read": (_grant("read"), 200, 404),
    "the member may no more": (_grant(None), 404, 404),
    "the member may write": (_grant("write"), 200, 404),
    "the member leaves": (_leave, 404, 404),
    "it is made public": (_put(is_private=False), 200, 200),
    "it is made private": (_put(is_private=True), 404, 404),
}
"""The changes, one after the other, and the status for a stranger, and without a credential."""


def test_no_answer_is_kept_for_longer_than_the_caller_may_see_it(acme: Acme) -> None:
    """What another process has decided is in force at the next request, for each caller, while the owner reads on."""
    paths = (*COMMITS, "", "/refs/branches/main", "/src/main/", "/src/main/file")
    for name, (change, of_stranger, of_anonymous) in OF_OTHERS.items():
        change(acme)
        for path in paths:
            assert acme.repository.send("GET", f"{acme.below}{path}").status_code == 200, (name, path)
            for send, expected in ((acme.repository.stranger, of_stranger), (acme.repository.anonymous, of_anonymous)):
                answers = [send("GET", f"{acme.below}{path}") for _ in range(2)]
                assert [answer.status_code for answer in answers] == [expected, expected], (name, path)

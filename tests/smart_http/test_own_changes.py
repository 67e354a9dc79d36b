"""Changes of refs that the host makes for the API take the steps of a push."""

from pkgutil import resolve_name
from typing import Any

import pytest

from roadstead.domain.access.credentials import find_token
from roadstead.domain.access.git_places import GitPlaces, account_of
from roadstead.domain.host import Host
from roadstead.domain.repositories.committing import WantedCommit, commit_files
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.domain.repositories.pushing import push_changes
from roadstead.domain.repositories.refs import create_tag
from roadstead.errors import HostBusy, InvalidInput, NotFound, RoadsteadError, WrongCredential
from roadstead.git.maintenance import prune
from roadstead.git.refs import RefChanged
from roadstead.git.writing import FileWrite
from roadstead.pushed import NO_OBJECT, RefChange
from tests.smart_http.conftest import Place
from tests.smart_http.git_client import Work

MAIN, OTHER = "refs/heads/main", "refs/heads/other"


def _change(place: Place, *changes: RefChange, token: str | None = None) -> None:
    async def job(host: Host) -> None:
        caller = await find_token(host, token or place.ann)
        assert caller is not None
        await push_changes(host, caller, place.repository, changes)

    place.host.work(job)


def test_refs_are_created_moved_and_deleted(place: Place, work: Work) -> None:
    """In one call or in several; each call is one event, of the caller."""
    first, second = work.head(), work.commit("second")
    work.git("push", place.url(), "main")
    _change(place, RefChange(second, first, MAIN), RefChange(NO_OBJECT, second, OTHER))
    assert place.mirror() == {MAIN: first, OTHER: second}
    _change(place, RefChange(second, NO_OBJECT, OTHER))
    assert place.changes() == [
        ("main", None, second),
        ("main", second, first),
        ("other", None, second),
        ("other", second, None),
    ]
    assert [change["forced"] for event in place.events() for change in event.payload["changes"]][1] is True
    assert place.is_whole()


def test_a_caller_has_a_share_of_the_changes(place: Place, work: Work) -> None:
    """One who has as many under way as a caller may is refused, changes nothing, and keeps no place."""
    work.git("push", place.url(), "main")
    new = RefChange(NO_OBJECT, work.head(), OTHER)
    objects = sorted(place.folder.glob("objects/??/*"))

    async def job(host: Host) -> None:
        ann = await find_token(host, place.ann)
        assert ann is not None
        object.__setattr__(host, "writing", GitPlaces(4, 1, 0.01, "changes of repositories"))
        commit = WantedCommit([FileWrite(b"new", b"content")])
        async with host.writing.place(account_of(ann)), host.writing.place("another"):
            for change in (
                push_changes(host, ann, place.repository, [new]),
                commit_files(host, ann, place.repository, commit),
                create_tag(host, ann, place.repository, "v1", "main", "A release"),
                create_repository(host, ann, "acme-git", "one-too-many", RepositoryChanges(is_private=True)),
            ):
                with pytest.raises(HostBusy, match="changes of repositories"):
                    await change
        await push_changes(host, ann, place.repository, [new])

    place.host.work(job)
    assert place.mirror() == {MAIN: work.head(), OTHER: work.head()}
    assert sorted(place.folder.glob("objects/??/*")) == objects
    assert place.is_whole()


@pytest.mark.sample(1)
@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ([RefChange("{first}", "{second}", MAIN)], RefChanged),
        ([RefChange(NO_OBJECT, "{first}", MAIN)], RefChanged),
        ([RefChange("{first}", NO_OBJECT, OTHER)], RefChanged),
        ([RefChange("{second}", "{first}", MAIN), RefChange("{first}", "{second}", OTHER)], RefChanged),
        ([RefChange(NO_OBJECT, "a" * 40, OTHER)], InvalidInput),
        ([RefChange(NO_OBJECT, "{first}", f"{MAIN}/below")], RefChanged),
        ([RefChange(NO_OBJECT, "{first}", "refs/heads/a..b")], InvalidInput),
        ([RefChange("{second}", "{second}", MAIN)], InvalidInput),
        ([RefChange(NO_OBJECT, NO_OBJECT, MAIN)], InvalidInput),
        ([RefChange(NO_OBJECT, "{first}", "refs/replace/x")], InvalidInput),
    ],
)
def test_what_cannot_be_done_changes_nothing(
    place: Place, work: Work, changes: list[RefChange], refusal: type[RoadsteadError]
) -> None:
    """A ref that moved meanwhile, an object that is not there, a name that cannot be: all changes are left out."""
    ids = {"first": work.head(), "second": work.commit("second")}
    work.git("push", place.url(), "main")
    named = [RefChange(old.format(**ids), new.format(**ids), ref) for old, new, ref in changes]
    with pytest.raises(refusal):
        _change(place, *named)
    assert place.refs() == {MAIN: ids["second"]}
    assert len(place.events()) == 1
    assert place.is_whole()


def test_only_who_may_write_changes_refs(place: Place, public_place: Place, work: Work) -> None:
    """The caller's privilege is read in the transaction that begins the change."""
    for one, refusal in ((place, NotFound), (public_place, WrongCredential)):
        work.git("push", one.url(), "main")
        with pytest.raises(refusal):
            _change(one, RefChange(work.head(), NO_OBJECT, MAIN), token=one.ben)
        assert one.refs() == {MAIN: work.head()}
        assert one.is_whole()


@pytest.mark.parametrize("written", ["refs.write_tag", "committing.write_commit"])
def test_what_is_written_is_not_pruned_before_a_ref_leads_to_it(
    place: Place, work: Work, monkeypatch: pytest.MonkeyPatch, written: str
) -> None:
    """Pruning needs the lock alone, and waits from the first object of a commit or a tag to the ref."""
    work.git("push", place.url(), "main")
    address = f"roadstead.domain.repositories.{written}"
    write, pruned = resolve_name(address), []

    async def write_while_pruning(*arguments: Any) -> Any:
        pruned.append(await prune(place.folder, older_than="now"))
        return await write(*arguments)

    monkeypatch.setattr(address, write_while_pruning)

    async def change(host: Host) -> None:
        ann = await find_token(host, place.ann)
        assert ann is not None
        await create_tag(host, ann, place.repository, "v1", "main", "")
        await commit_files(host, ann, place.repository, WantedCommit([FileWrite(b"new", b"content")]))

    place.host.work(change)
    assert pruned == [False]
    assert place.is_whole()

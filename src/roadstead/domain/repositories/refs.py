"""Branches and tags: read from the mirror in the database, changed as a push changes them."""

from collections.abc import Mapping, Sequence

from roadstead.domain.access.git_places import account_of
from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.people import signature_of
from roadstead.domain.repositories.pushing import push_changes
from roadstead.errors import HostBusy, InvalidInput, NotFound, invalid_member
from roadstead.git import locks, revisions
from roadstead.git.ref_names import PLACES, reason_against
from roadstead.git.refs import RefChanged
from roadstead.git.writing import write_tag
from roadstead.listing import Listing, PageRequest, Slice
from roadstead.model import Identity, Repository
from roadstead.pushed import NO_OBJECT, Ref, RefChange, RefKind
from roadstead.storage import refs as rows

_TRIES = 3
_SHORT = 12


class NoSuchRef(NotFound):
    """The repository has no branch or tag of this name."""

    def __init__(self, kind: RefKind, name: str) -> None:
        super().__init__(f"{kind.capitalize()} not found: {name}")


class RefExists(InvalidInput):
    """The repository has a branch or tag of this name, or one with which git cannot have it."""

    def __init__(self, kind: RefKind, name: str) -> None:
        self.data: Mapping[str, str] = {"key": f"{kind.upper()}_ALREADY_EXISTS"}
        super().__init__(
            f'{kind.capitalize()} "{name}" already exists.',
            'Or there is one that git cannot have beside it, as "a" beside "a/b".',
            fields={"name": ["Already exists."]},
        )


async def page_of_refs(
    host: Host, repository: Repository, kinds: Sequence[RefKind], listing: Listing, wanted: PageRequest
) -> Slice[Ref]:
    """Return a page of the branches or tags of a repository, or of both."""
    return await rows.page_of_refs(host.store.database, repository.id, kinds, listing, wanted)


async def find_ref(host: Host, repository: Repository, kind: RefKind, name: str) -> Ref:
    """Return a branch or tag. Raise `NoSuchRef`."""
    # No ref has such a name, and PostgreSQL refuses to look for it.
    found = None if "\0" in name else await rows.find_ref(host.store.database, repository.id, kind, name)
    if found is None:
        raise NoSuchRef(kind, name)
    return found


async def find_main_branch(host: Host, repository: Repository) -> Ref | None:
    """Return the main branch of a repository, which an empty one does not have."""
    name = repository.mainbranch
    return None if name is None else await rows.find_ref(host.store.database, repository.id, "branch", name)


async def create_branch(host: Host, identity: Identity, repository: Repository, name: str, target: str) -> Ref:
    """Create a branch at a commit, which is named in any way. Raise `InvalidInput`, and as `push_changes` does."""
    check_name("branch", name)
    return await _create(host, identity, repository, "branch", name, _commit(host, repository, target))


async def create_tag(
    host: Host, identity: Identity, repository: Repository, name: str, target: str, message: str
) -> Ref:
    """Create an annotated tag of a commit. Without a message, it has the cloud's. Raise as `create_branch` does."""
    check_name("tag", name)
    commit = _commit(host, repository, target)
    text = message.strip() or f"Added tag {name} for changeset {commit[:_SHORT]}"
    tagger = await signature_of(host, identity)
    folder = folder_of(host, repository)
    async with locks.wait_for(locks.shared, folder):  # keeps pruning from removing the tag before a ref leads to it
        async with host.writing.place(account_of(identity)):  # not around the push, which takes one
            tag = await write_tag(folder, name, commit, "commit", tagger, f"{text}\n")
        return await _create(host, identity, repository, "tag", name, tag)


async def delete_ref(host: Host, identity: Identity, repository: Repository, kind: RefKind, name: str) -> None:
    """Delete a branch that is not the main one, or a tag. Raise `NoSuchRef`, and as `push_changes` does."""
    for _ in range(_TRIES):
        found = await find_ref(host, repository, kind, name)
        if kind == "branch" and name == repository.mainbranch:
            raise InvalidInput("The main branch is not allowed to be deleted.", "Make another branch the main one.")
        try:
            change = RefChange(found.target, NO_OBJECT, PLACES[kind] + name)
            return await push_changes(host, identity, repository, [change])
        except RefChanged:
            continue
    raise HostBusy(f"Other pushes keep changing {name}.", "Try again when they are done.")


def check_name(kind: RefKind, name: str, member: str = "name") -> None:
    """Raise `InvalidInput` for a name that no new branch or tag can have, or that says more than the name."""
    reason = f"Leave out {PLACES[kind]}." if name.startswith("refs/") else reason_against(PLACES[kind] + name)
    if reason is not None:
        raise invalid_member(member, reason)


def _commit(host: Host, repository: Repository, target: str) -> str:
    found = revisions.find(folder_of(host, repository), target)
    if found is None:
        raise invalid_member("target", f"Commit not found: {target}")
    return found


async def _create(
    host: Host, identity: Identity, repository: Repository, kind: RefKind, name: str, object_id: str
) -> Ref:
    try:
        await push_changes(host, identity, repository, [RefChange(NO_OBJECT, object_id, PLACES[kind] + name)])
    except RefChanged as exc:
        raise RefExists(kind, name) from exc
    return await find_ref(host, repository, kind, name)

"""Comments on commits. All readers of a repository may write them; only the author changes one."""

from dataclasses import dataclass

import msgspec

from roadstead.domain.happened import actor_of, happened
from roadstead.domain.host import Host
from roadstead.domain.repositories.access import hold_repository
from roadstead.errors import NotFound, WrongCredential, invalid_member
from roadstead.listing import PageRequest, Slice
from roadstead.model import Identity, Repository
from roadstead.model.reviews import CommitComment, Inline
from roadstead.storage import commit_comments as rows
from roadstead.storage.database import Reader, Transaction

LONGEST = 65_536
"""Characters of a comment. It is rendered whenever it is shown."""
_HIGHEST_LINE = 2**31
_LARGER_THAN_IDS = 2**63
"""No database looks for such an id."""


class NoSuchComment(NotFound):
    """There is no such comment on the commit. The message is the cloud's: just the id."""

    def __init__(self, comment_id: int) -> None:
        super().__init__(str(comment_id), "A comment's id is in the answer that created it, and in the list.")


@dataclass(frozen=True, slots=True)
class NewComment:
    """What a caller says about a commit, perhaps at a line, or as the reply to another comment."""

    content: str
    inline: Inline | None = None
    parent_id: int | None = None


async def page_of_comments(
    host: Host, repository: Repository, commit_hash: str, wanted: PageRequest
) -> Slice[CommitComment]:
    """Return a page of the comments on a commit."""
    return await rows.page_of_comments(host.store.database, repository.id, commit_hash, wanted)


async def get_comment(reader: Reader, repository: Repository, commit_hash: str, comment_id: int) -> CommitComment:
    """Return a comment on a commit. Raise `NoSuchComment`."""
    found = await rows.find_comment(reader, repository.id, commit_hash, comment_id)
    if found is None:
        raise NoSuchComment(comment_id)
    return found


async def find_comment(host: Host, repository: Repository, commit_hash: str, comment_id: int) -> CommitComment | None:
    """Return a comment on a commit, as it is now; `None` if it is gone."""
    return await rows.find_comment(host.store.database, repository.id, commit_hash, comment_id)


async def find_last_comment(host: Host, repository: Repository) -> CommitComment | None:
    """Return the last comment on any commit of a repository."""
    return await rows.find_last_comment(host.store.database, repository.id)


async def add_comment(
    host: Host, identity: Identity, repository: Repository, commit_hash: str, given: NewComment
) -> CommitComment:
    """Add a comment on a commit. Raise `InvalidInput`, `NoSuchComment` for a parent, and as `hold_repository` does."""
    _check(given)
    now = host.now()
    user, installation = identity.user, identity.installation_id
    async with host.store.database.transaction() as tx:
        repository = await hold_repository(host, tx, identity, repository, "read")
        inline = given.inline or await _inline_of_parent(tx, repository, commit_hash, given.parent_id)
        comment = CommitComment(
            0, commit_hash, installation, given.parent_id, given.content, False, now, now, inline, user
        )
        comment = msgspec.structs.replace(comment, id=await rows.add_comment(tx, repository.id, comment))
        told = {"comment": comment.id, "commit": commit_hash, "content": comment.content}
        await happened(host, tx, "repo:commit_comment_created", actor_of(identity), repository, told)
    return comment


async def change_comment(
    host: Host, identity: Identity, repository: Repository, commit_hash: str, comment_id: int, content: str
) -> CommitComment:
    """Change the text of the caller's own comment. Raise `WrongCredential`, and as `add_comment` does."""
    _check(NewComment(content))
    async with host.store.database.transaction() as tx:
        repository = await hold_repository(host, tx, identity, repository, "read")
        comment = await get_comment(tx, repository, commit_hash, comment_id)
        if not _is_by(comment, identity):
            raise WrongCredential("Only its author changes a comment.")
        if comment.is_deleted:
            raise NoSuchComment(comment_id)
        changed = msgspec.structs.replace(comment, content=content, updated_on=host.now())
        await rows.change_comment(tx, repository.id, comment_id, content, changed.updated_on)
    return changed


async def delete_comment(
    host: Host, identity: Identity, repository: Repository, commit_hash: str, comment_id: int
) -> None:
    """Delete the caller's own comment; an administrator deletes any. One with a reply stays without its text.

    Raise `NoSuchComment`, and as `hold_repository` does.
    """
    async with host.store.database.transaction() as tx:
        repository = await hold_repository(host, tx, identity, repository, "read")
        comment = await get_comment(tx, repository, commit_hash, comment_id)
        if not _is_by(comment, identity):
            await hold_repository(host, tx, identity, repository, "admin")
        await rows.blank_comment(tx, repository.id, comment_id, host.now())
        gone: int | None = comment_id
        while gone is not None:  # a deleted comment to which it was the last reply goes, too
            gone = await rows.delete_unanswered(tx, repository.id, gone)


async def _inline_of_parent(
    tx: Transaction, repository: Repository, commit_hash: str, parent_id: int | None
) -> Inline | None:
    """Return the file and line of the comment to reply to. Raise `InvalidInput` if it is on another commit."""
    if parent_id is None:
        return None
    parent = await rows.find_comment(tx, repository.id, commit_hash, parent_id)
    if parent is not None:
        return parent.inline
    if await rows.find_commit_of(tx, repository.id, parent_id) is None:
        raise NoSuchComment(parent_id)
    raise invalid_member("parent", "The parent is a comment on another commit.")


def _is_by(comment: CommitComment, identity: Identity) -> bool:
    """Return whether a caller wrote a comment. An app that acts for a user is that user."""
    if identity.user is not None:
        return comment.user is not None and comment.user.id == identity.user.id
    return comment.user is None and comment.installation_id == identity.installation_id is not None


def _check(given: NewComment) -> None:
    if not given.content.strip():
        raise invalid_member("content", "This field may not be blank.")
    if len(given.content) > LONGEST:
        raise invalid_member("content", f"At most {LONGEST} characters are taken.")
    if "\0" in given.content:
        raise invalid_member("content", "It has a NUL character.")
    if given.parent_id is not None and not 0 < given.parent_id < _LARGER_THAN_IDS:
        raise NoSuchComment(given.parent_id)
    if given.inline is not None:
        _check_inline(given.inline)


def _check_inline(inline: Inline) -> None:
    if not inline.path or "\0" in inline.path or len(inline.path) > 4096:
        raise invalid_member("inline", "This is no path of a file.")
    lines = inline.line_from, inline.line_to, inline.start_from, inline.start_to
    if not all(line is None or 1 <= line < _HIGHEST_LINE for line in lines):
        raise invalid_member("inline", "A line is a number from 1 on.")

"""`/2.0/repositories/{workspace}/{repo_slug}/commit` and `/commits`."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

from roadstead.api.answers import Answer, json_answer, no_content, text_answer
from roadstead.api.bodies import ReadByHandler, read_pairs
from roadstead.api.kept import kept_in_repository
from roadstead.api.listing import Page, Partial, link_to, page_answer, shaped
from roadstead.api.needs import OpenScope, Scope
from roadstead.api.operation import Call, Media
from roadstead.api.streams import Stream
from roadstead.bitbucket.commits import rules
from roadstead.bitbucket.commits.shapes import (
    COMMENT_TEXT,
    DIFFSTAT_LIST,
    NEW_COMMENT,
    ChosenCommits,
    CommentResource,
    CommitPage,
    CommitResource,
    CommitShapes,
    CommitsQuery,
    DiffQuery,
    DiffStat,
    PageQuery,
    Participant,
    StatQuery,
)
from roadstead.bitbucket.map import COMMITS as OPERATIONS
from roadstead.domain.repositories import approvals, comments, comparing, history
from roadstead.domain.repositories.comments import NewComment
from roadstead.domain.repositories.commits import find_hash
from roadstead.domain.repositories.known import NOTHING, Known, html_of, known_of_commits
from roadstead.domain.repositories.reading import Reading
from roadstead.git import objects
from roadstead.listing import PageRequest, cut
from roadstead.model.reviews import COMMENT_LIST, CommitComment
from roadstead.shapes.repositories import repository_url

READ = OpenScope("repository", "read:repository:bitbucket") & "read"
COMMENT = Scope("repository", "read:repository:bitbucket") & "read"
APPROVE = Scope("repository:write", "read:repository:bitbucket", "write:repository:bitbucket") & "read"
WITHDRAW = Scope("repository:write", "write:repository:bitbucket") & "read"
_CHOICE = ReadByHandler(ChosenCommits | None)
_TEXT = Media("text/plain")
_NO_GUESSING = {"X-Content-Type-Options": "nosniff"}
"""No browser may take what a commit contains for a page."""
_PLACE = ("ctx", "page", "include", "exclude", "path")


@OPERATIONS.get("/commit/{commit}", needs=READ, query=Partial, gives={200: CommitResource})
async def get_commit(call: Call) -> Answer:
    """Return a commit, by its id, the beginning of one, a branch or a tag."""
    reading = rules.reading(call)
    return await _commit(call, reading, find_hash(reading.folder, call.path["commit"]))


@OPERATIONS.get("/commits", needs=READ, query=CommitsQuery, gives={200: CommitPage}, refuses=(555,))
async def list_commits(call: Call) -> Answer:
    """List the commits of all branches and tags, or of some revisions, the latest first."""
    return await _page(call, rules.pairs_of(call))


@OPERATIONS.post("/commits", needs=READ, takes=_CHOICE, query=PageQuery, gives={200: CommitPage}, refuses=(555,))
async def list_chosen_commits(call: Call) -> Answer:
    """List commits as GET does; a form has the revisions, of which there may be many."""
    return await _page(call, [*rules.pairs_of(call), *await read_pairs(call.request)])


@OPERATIONS.get("/commits/{revision:rest}", needs=READ, query=CommitsQuery, gives={200: CommitPage}, refuses=(555,))
async def list_commits_of_revision(call: Call) -> Answer:
    """List the commits of a revision, the latest first. A branch may have slashes in its name."""
    return await _page(call, rules.pairs_of(call))


@OPERATIONS.post(
    "/commits/{revision:rest}", needs=READ, takes=_CHOICE, query=PageQuery, gives={200: CommitPage}, refuses=(555,)
)
async def list_chosen_commits_of_revision(call: Call) -> Answer:
    """List the commits of a revision as GET does; a form has more revisions."""
    return await _page(call, [*rules.pairs_of(call), *await read_pairs(call.request)])


async def _page(call: Call, given: rules.Pairs) -> Answer:
    wanted = rules.wanted_page(call)
    reading = rules.reading(call)
    start = await history.with_tips(reading, rules.start_in(call, given, wanted))
    about = start, wanted, await rules.linkers_of(reading)
    return await kept_in_repository(call, about, partial(_new_page, call, reading, start, wanted))


async def _new_page(call: Call, reading: Reading, start: history.PageStart, wanted: PageRequest) -> Answer:
    found = await history.page(reading, start, wanted.length)
    shapes = _shapes(call, await known_of_commits(reading, found.commits))
    body: CommitPage = {"values": [shapes.listed(commit) for commit in found.commits], "pagelen": wanted.length}
    if found.next is not None:
        following = f"ctx={history.text_of(found.next)}&page={wanted.number + 1}"
        body["next"] = link_to(call, following, instead_of=_PLACE)
    return shaped(call, body)


async def _commit(call: Call, reading: Reading, hash_: str) -> Answer:
    about = hash_, await rules.linkers_of(reading)
    return await kept_in_repository(call, about, partial(_new_commit, call, reading, hash_))


async def _new_commit(call: Call, reading: Reading, hash_: str) -> Answer:
    commit = objects.commit(reading.folder, hash_)
    shapes = _shapes(call, await known_of_commits(reading, [commit]))
    approved = await approvals.approvals_of(call.host, call.repository, commit.hash)
    return shaped(call, shapes.full(commit, [shapes.participant(approval) for approval in approved]))


def _shapes(call: Call, known: Known) -> CommitShapes:
    return CommitShapes(call.repository, call.host.base_url, known)


# Comments

_COMMENTS = "/commit/{commit}/comments"


@OPERATIONS.get(_COMMENTS, needs=READ, lists=COMMENT_LIST, gives={200: Page[CommentResource]})
async def list_comments(call: Call, wanted: PageRequest) -> Answer:
    """List the comments on a commit, the earliest first."""
    page = await comments.page_of_comments(call.host, call.repository, _hash(call), wanted)
    return page_answer(call, page.of(await _comments(call, page.items)))


@OPERATIONS.post(_COMMENTS, needs=COMMENT, takes=NEW_COMMENT, gives={201: CommentResource})
async def create_comment(call: Call, given: NewComment) -> Answer:
    """Comment on a commit, perhaps at a line of a file, or as a reply."""
    comment = await comments.add_comment(call.host, call.identity, call.repository, _hash(call), given)
    return await _written(call, comment)


@OPERATIONS.get(f"{_COMMENTS}/{{comment_id:int}}", needs=READ, query=Partial, gives={200: CommentResource})
async def get_comment(call: Call) -> Answer:
    """Return a comment on a commit."""
    reader = call.host.store.database
    comment = await comments.get_comment(reader, call.repository, _hash(call), call.path["comment_id"])
    return shaped(call, (await _comments(call, [comment]))[0])


@OPERATIONS.put(f"{_COMMENTS}/{{comment_id:int}}", needs=COMMENT, takes=COMMENT_TEXT, gives={201: CommentResource})
async def update_comment(call: Call, text: str) -> Answer:
    """Change the text of a comment. Only its author may."""
    comment = await comments.change_comment(
        call.host, call.identity, call.repository, _hash(call), call.path["comment_id"], text
    )
    return await _written(call, comment)


@OPERATIONS.delete(f"{_COMMENTS}/{{comment_id:int}}", needs=COMMENT, gives={204: None})
async def delete_comment(call: Call) -> Answer:
    """Delete a comment. One with replies stays, as deleted and without its text."""
    await comments.delete_comment(call.host, call.identity, call.repository, _hash(call), call.path["comment_id"])
    return no_content()


async def _written(call: Call, comment: CommitComment) -> Answer:
    """Return a comment that was added or changed: the cloud documents a 201 with its address for both."""
    (resource,) = await _comments(call, [comment])
    return json_answer(resource, 201, headers={"Location": resource["links"]["self"]["href"]})


async def _comments(call: Call, found: Sequence[CommitComment]) -> list[CommentResource]:
    html = await html_of(rules.reading(call), [comment.content for comment in found if not comment.is_deleted])
    shapes = _shapes(call, Known({}, html))
    return [shapes.comment(comment) for comment in found]


def _hash(call: Call) -> str:
    return find_hash(rules.reading(call).folder, call.path["commit"])


# Approvals


@OPERATIONS.post("/commit/{commit}/approve", needs=APPROVE, gives={200: Participant})
async def approve_commit(call: Call) -> Answer:
    """Approve a commit. Only users may to whom something was granted in the repository."""
    approval = await approvals.approve(call.host, call.identity, call.repository, _hash(call))
    return json_answer(_shapes(call, NOTHING).participant(approval))


@OPERATIONS.delete("/commit/{commit}/approve", needs=WITHDRAW, gives={204: None})
async def unapprove_commit(call: Call) -> Answer:
    """Withdraw the approval of a commit."""
    await approvals.withdraw(call.host, call.identity, call.repository, _hash(call))
    return no_content()


# Comparisons


@OPERATIONS.get("/diff/{spec:rest}", needs=READ, query=DiffQuery, gives={200: _TEXT}, refuses=(555,))
async def get_diff(call: Call) -> Answer:
    """Return how a commit differs from its first parent, or A from B for `A..B`, as git writes it."""
    reading, options, binary = rules.reading(call), rules.options_of(call), rules.is_on(call, "binary", default=True)
    sides = await comparing.sides_of(reading, call.path["spec"], topic=rules.wants_topic(call))
    return await _text(comparing.diff(reading, sides, options, binary=binary))


@OPERATIONS.get("/patch/{spec:rest}", needs=READ, gives={200: _TEXT}, refuses=(400, 555))
async def get_patch(call: Call) -> Answer:
    """Return a commit as a patch, or for `A..B` the series of commits that A has and B has not."""
    return await _text(comparing.patch(rules.reading(call), call.path["spec"]))


@OPERATIONS.get(
    "/diffstat/{spec:rest}",
    needs=READ,
    lists=DIFFSTAT_LIST,
    query=StatQuery,
    gives={200: Page[DiffStat]},
    refuses=(555,),
)
async def get_diffstat(call: Call, wanted: PageRequest) -> Answer:
    """List the files that differ in a commit from its first parent, or in A from B for `A..B`."""
    reading = rules.reading(call)
    sides = await comparing.sides_of(reading, call.path["spec"], topic=rules.wants_topic(call))
    files = await comparing.files_of(reading, sides, rules.options_of(call))
    shapes, page = _shapes(call, NOTHING), cut(files, wanted)
    differences = page.of([shapes.difference(file, *sides) for file in page.items])
    return page_answer(call, differences, address=_fixed(call, sides))


def _fixed(call: Call, sides: comparing.Sides) -> str:
    """Return the address of a comparison by its commits: after a push, branches would begin another list there."""
    spec = f"{sides.new}..{sides.old}" if ".." in call.path["spec"] else sides.new
    return f"{repository_url(call.repository, call.host.base_url)}/diffstat/{spec}"


@OPERATIONS.get("/merge-base/{revspec:rest}", needs=READ, query=Partial, gives={200: CommitResource}, refuses=(555,))
async def get_merge_base(call: Call) -> Answer:
    """Return the best common ancestor of the two commits of `A..B`."""
    reading = rules.reading(call)
    return await _commit(call, reading, (await comparing.common_ancestor(reading, call.path["revspec"])).hash)


async def _text(pieces: AsyncGenerator[bytes]) -> Answer:
    """Return a text: whole if git has made it in one piece, else as a stream."""
    try:
        first = await anext(pieces, b"")
        second = await anext(pieces, None)
    except BaseException:
        await pieces.aclose()
        raise
    if second is None:
        answer = text_answer(first, "text/plain")
        answer.add_headers(_NO_GUESSING)
        return answer
    return Stream(_rest(first, second, pieces), "text/plain", headers=_NO_GUESSING)


async def _rest(first: bytes, second: bytes, pieces: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    async with aclosing(pieces):
        yield first
        yield second
        async for piece in pieces:
            yield piece

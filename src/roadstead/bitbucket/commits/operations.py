"""`/2.0/repositories/{workspace}/{repo_slug}/commit` and `/commits`."""

from roadstead.api.answers import Answer
from roadstead.api.bodies import ReadByHandler, read_pairs
from roadstead.api.listing import Partial, link_to, page_request, shaped
from roadstead.api.needs import OpenScope
from roadstead.api.operation import Call
from roadstead.bitbucket.commits import rules
from roadstead.bitbucket.commits.shapes import (
    COMMIT_LIST,
    ChosenCommits,
    CommitPage,
    CommitResource,
    CommitShapes,
    CommitsQuery,
    PageQuery,
)
from roadstead.bitbucket.map import COMMITS as OPERATIONS
from roadstead.domain.repositories import history
from roadstead.domain.repositories.commits import find_commit
from roadstead.domain.repositories.known import known_of_commits

READ = OpenScope("repository", "read:repository:bitbucket") & "read"
_CHOICE = ReadByHandler(ChosenCommits | None)
_PLACE = ("ctx", "page", "include", "exclude", "path")


@OPERATIONS.get("/commit/{commit}", needs=READ, query=Partial, gives={200: CommitResource})
async def get_commit(call: Call) -> Answer:
    """Return a commit, by its id, the beginning of one, a branch or a tag."""
    reading = rules.reading(call)
    commit = find_commit(reading.folder, call.path["commit"])
    shapes = CommitShapes(call.repository, call.host.base_url, await known_of_commits(reading, [commit]))
    return shaped(call, shapes.full(commit, []))


@OPERATIONS.get("/commits", needs=READ, query=CommitsQuery, gives={200: CommitPage})
async def list_commits(call: Call) -> Answer:
    """List the commits of all branches and tags, or of some revisions, the latest first."""
    return await _page(call, rules.pairs_of(call))


@OPERATIONS.post("/commits", needs=READ, takes=_CHOICE, query=PageQuery, gives={200: CommitPage})
async def list_chosen_commits(call: Call) -> Answer:
    """List commits as GET does; a form has the revisions, of which there may be many."""
    return await _page(call, [*rules.pairs_of(call), *await read_pairs(call.request)])


@OPERATIONS.get("/commits/{revision:rest}", needs=READ, query=CommitsQuery, gives={200: CommitPage})
async def list_commits_of_revision(call: Call) -> Answer:
    """List the commits of a revision, the latest first. A branch may have slashes in its name."""
    return await _page(call, rules.pairs_of(call))


@OPERATIONS.post("/commits/{revision:rest}", needs=READ, takes=_CHOICE, query=PageQuery, gives={200: CommitPage})
async def list_chosen_commits_of_revision(call: Call) -> Answer:
    """List the commits of a revision as GET does; a form has more revisions."""
    return await _page(call, [*rules.pairs_of(call), *await read_pairs(call.request)])


async def _page(call: Call, given: rules.Pairs) -> Answer:
    wanted = page_request(call.query, COMMIT_LIST)
    reading = rules.reading(call)
    found = await history.page(reading, rules.place_in(call, given, wanted), wanted.length)
    shapes = CommitShapes(call.repository, call.host.base_url, await known_of_commits(reading, found.commits))
    body: CommitPage = {"values": [shapes.listed(commit) for commit in found.commits], "pagelen": wanted.length}
    if found.next is not None:
        place = f"ctx={history.text_of(found.next)}&page={wanted.number + 1}"
        body["next"] = link_to(call, place, instead_of=_PLACE)
    return shaped(call, body)

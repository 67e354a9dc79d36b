"""`/2.0/repositories/{workspace}/{repo_slug}/refs`: branches and tags."""

from collections.abc import Sequence
from functools import partial

from roadstead.api.answers import Answer, json_answer, no_content
from roadstead.api.kept import kept_in_repository
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import OpenScope, Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.commits.shapes import CommitShapes
from roadstead.bitbucket.map import REFS as OPERATIONS
from roadstead.bitbucket.refs import rules, shapes
from roadstead.bitbucket.refs.shapes import BranchResource, NewRef, RefResource, RefShapes, TagResource
from roadstead.domain.repositories import refs
from roadstead.listing import Listing, PageRequest
from roadstead.pushed import BRANCH_LIST, REF_LIST, TAG_LIST, Ref, RefKind
from roadstead.shapes.repositories import repository_page, repository_url

READ = OpenScope("repository", "read:repository:bitbucket") & "read"
WRITE = Scope("repository:write", "write:repository:bitbucket", "read:repository:bitbucket") & "write"
DELETE = Scope("repository:write", "write:repository:bitbucket") & "write"


@OPERATIONS.get(needs=READ, lists=REF_LIST, gives={200: Page[RefResource]})
async def list_refs(call: Call, wanted: PageRequest) -> Answer:
    """List branches, then tags, in the order of their names' bytes; sorted by `name`, in that of numbers in them."""
    return await _page(call, ("branch", "tag"), REF_LIST, wanted)


@OPERATIONS.get("/branches", needs=READ, lists=BRANCH_LIST, gives={200: Page[BranchResource]})
async def list_branches(call: Call, wanted: PageRequest) -> Answer:
    """List branches, in the order of their names' bytes; sorted by `name`, in that of numbers in them."""
    return await _page(call, ("branch",), BRANCH_LIST, wanted)


@OPERATIONS.post("/branches", needs=WRITE, takes=shapes.NEW_BRANCH, gives={201: BranchResource})
async def create_branch(call: Call, given: NewRef) -> Answer:
    """Create a branch at a commit, which is given by its hash, the beginning of that, a branch or a tag."""
    return await _created(
        call, await refs.create_branch(call.host, call.identity, call.repository, given.name, given.target)
    )


@OPERATIONS.get("/branches/{name:rest}", needs=READ, query=Partial, gives={200: BranchResource})
async def get_branch(call: Call) -> Answer:
    """Return a branch. Slashes in its name may be encoded."""
    return await _one(call, "branch")


@OPERATIONS.delete("/branches/{name:rest}", needs=DELETE, gives={204: None}, refuses=(400,))
async def delete_branch(call: Call) -> Answer:
    """Delete a branch. The main branch is a 400."""
    return await _deleted(call, "branch")


@OPERATIONS.get("/tags", needs=READ, lists=TAG_LIST, gives={200: Page[TagResource]})
async def list_tags(call: Call, wanted: PageRequest) -> Answer:
    """List tags, in the order of their names' bytes; sorted by `name`, in that of numbers in them."""
    return await _page(call, ("tag",), TAG_LIST, wanted)


@OPERATIONS.post("/tags", needs=WRITE, takes=shapes.NEW_TAG, gives={201: TagResource})
async def create_tag(call: Call, given: NewRef) -> Answer:
    """Create an annotated tag of a commit, which is given as for a branch."""
    return await _created(call, await refs.create_tag(call.host, call.identity, call.repository, *given))


@OPERATIONS.get("/tags/{name:rest}", needs=READ, query=Partial, gives={200: TagResource})
async def get_tag(call: Call) -> Answer:
    """Return a tag. Slashes in its name may be encoded."""
    return await _one(call, "tag")


@OPERATIONS.delete("/tags/{name:rest}", needs=DELETE, gives={204: None})
async def delete_tag(call: Call) -> Answer:
    """Delete a tag."""
    return await _deleted(call, "tag")


async def _page(call: Call, kinds: Sequence[RefKind], listing: Listing, wanted: PageRequest) -> Answer:
    page = await refs.page_of_refs(call.host, call.repository, kinds, listing, wanted)
    return page_answer(call, page.of(await _resources(call, page.items)))


async def _one(call: Call, kind: RefKind) -> Answer:
    found = await refs.find_ref(call.host, call.repository, kind, call.path["name"])
    return await kept_in_repository(call, found, partial(_resource, call, found))


async def _resource(call: Call, found: Ref) -> Answer:
    return shaped(call, (await _resources(call, [found]))[0])


async def _created(call: Call, ref: Ref) -> Answer:
    resource = (await _resources(call, [ref]))[0]
    return json_answer(resource, 201, headers={"Location": resource["links"]["self"]["href"]})


async def _deleted(call: Call, kind: RefKind) -> Answer:
    await refs.delete_ref(call.host, call.identity, call.repository, kind, call.path["name"])
    return no_content()


async def _resources(call: Call, found: Sequence[Ref]) -> list[BranchResource | TagResource]:
    repository, base_url = call.repository, call.host.base_url
    read, known = await rules.read(call.host, repository, found)
    commits = CommitShapes(repository, base_url, known)
    of_repository = RefShapes(repository_url(repository, base_url), repository_page(repository, base_url), commits)
    return [of_repository.ref(one) for one in read]

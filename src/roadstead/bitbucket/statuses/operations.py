"""`…/commit/{commit}/statuses`: what builds and checks say about a commit."""

from roadstead.api.answers import Answer, json_answer
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import OpenScope, Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.map import STATUSES as OPERATIONS
from roadstead.bitbucket.statuses import shapes
from roadstead.bitbucket.statuses.shapes import OfRef, StatusResource, StatusShapes
from roadstead.domain.repositories import statuses
from roadstead.domain.repositories.commits import find_hash, folder_of
from roadstead.domain.repositories.statuses import StatusChanges
from roadstead.listing import PageRequest
from roadstead.model.statuses import STATUS_LIST

READ = OpenScope("repository", "read:repository:bitbucket") & "read"
WRITE = Scope("repository", "read:repository:bitbucket") & "write"


@OPERATIONS.get("/statuses", needs=READ, lists=STATUS_LIST, query=OfRef, gives={200: Page[StatusResource]})
async def list_statuses(call: Call, wanted: PageRequest) -> Answer:
    """List the statuses of a commit, the earliest first."""
    refname = call.query.get("refname")
    page = await statuses.page_of_statuses(call.host, call.repository, _hash(call), refname, wanted)
    return page_answer(call, page.of([_shapes(call).status(one) for one in page.items]))


@OPERATIONS.post("/statuses/build", needs=WRITE, takes=shapes.STATUS, gives={200: StatusResource, 201: StatusResource})
async def put_status(call: Call, given: StatusChanges) -> Answer:
    """Give a commit a status. One with the same key is replaced, which is a 200."""
    status, is_new = await statuses.put_status(call.host, call.identity, call.repository, _hash(call), given)
    resource = _shapes(call).status(status)
    if not is_new:
        return json_answer(resource)
    return json_answer(resource, 201, headers={"Location": resource["links"].to_self.href})


@OPERATIONS.get("/statuses/build/{key}", needs=READ, query=Partial, gives={200: StatusResource})
async def get_status(call: Call) -> Answer:
    """Return the status of a key."""
    status = await statuses.get_status(call.host, call.repository, _hash(call), call.path["key"])
    return shaped(call, _shapes(call).status(status))


@OPERATIONS.put("/statuses/build/{key}", needs=WRITE, takes=shapes.CHANGES, gives={200: StatusResource})
async def change_status(call: Call, given: StatusChanges) -> Answer:
    """Change a status. Its key stays."""
    key: str = call.path["key"]
    status = await statuses.change_status(call.host, call.identity, call.repository, _hash(call), key, given)
    return json_answer(_shapes(call).status(status))


def _hash(call: Call) -> str:
    return find_hash(folder_of(call.host, call.repository), call.path["commit"])


def _shapes(call: Call) -> StatusShapes:
    return StatusShapes(call.repository, call.host.base_url)

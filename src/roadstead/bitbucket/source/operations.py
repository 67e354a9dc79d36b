"""`/2.0/repositories/{workspace}/{repo_slug}/src` and `…/filehistory`: files and folders, as commits have them."""

from functools import partial
from typing import Annotated, Literal, TypedDict
from urllib.parse import unquote_to_bytes

import msgspec

from roadstead.api.answers import Answer, Redirect, created_at
from roadstead.api.bodies import ReadByHandler
from roadstead.api.files import file_answer
from roadstead.api.kept import kept_answer
from roadstead.api.listing import UncountedPage, shaped, uncounted_answer
from roadstead.api.multipart import read_parts
from roadstead.api.needs import OpenScope, Scope
from roadstead.api.operation import Call, Media
from roadstead.bitbucket.commits.rules import is_on, reading
from roadstead.bitbucket.commits.shapes import CommitShapes
from roadstead.bitbucket.map import SOURCE as OPERATIONS
from roadstead.bitbucket.source import rules
from roadstead.bitbucket.source.shapes import (
    HISTORY_LIST,
    SOURCE_LIST,
    HistoryEntry,
    NewCommit,
    SourceShapes,
    TreeEntry,
    history_entry,
    wanted_commit,
)
from roadstead.domain.repositories.committed_files import content_of
from roadstead.domain.repositories.committing import commit_files
from roadstead.domain.repositories.known import NOTHING, Known
from roadstead.domain.repositories.people import users_of
from roadstead.domain.repositories.source import Place, find_main_commit, find_place
from roadstead.errors import InvalidInput
from roadstead.listing import PageRequest, slice_of
from roadstead.shapes.links import in_path
from roadstead.shapes.rendered import Rendered
from roadstead.shapes.repositories import repository_url

READ = OpenScope("repository", "read:repository:bitbucket") & "read"
WRITE = Scope("repository:write", "write:repository:bitbucket") & "write"

_REVISION_AT = 6
"""Which segment of `/2.0/repositories/{workspace}/{repo_slug}/src/{commit}/{path}` the revision is."""
_DEEPEST = 10**6


class SourceQuery(TypedDict, total=False):
    """How to show a file or folder."""

    format: Annotated[
        Literal["meta", "rendered"],
        msgspec.Meta(
            description="`meta` describes a file or folder, without its content; `rendered` gives a text with its HTML."
        ),
    ]
    max_depth: Annotated[
        int, msgspec.Meta(ge=1, le=_DEEPEST, description="How many levels of folders to list. Default 1.")
    ]


class HistoryQuery(TypedDict, total=False):
    """Which changes of a file to list."""

    renames: Annotated[
        Literal["true", "false"], msgspec.Meta(description="`false` to end at the commit that gave the file its name.")
    ]


@OPERATIONS.get("/src", needs=READ, gives={302: None})
async def get_main_source(call: Call) -> Answer:
    """Redirect to the root folder of the newest commit of the main branch."""
    commit = find_main_commit(call.host, call.repository)
    query = call.request.scope["query_string"].decode("latin-1")
    return Redirect(302, f"{_url(call)}/src/{commit}/{'?' if query else ''}{query}")


@OPERATIONS.post("/src", needs=WRITE, takes=ReadByHandler(NewCommit), gives={201: None}, refuses=(409,))
async def create_commit(call: Call) -> Answer:
    """Commit files, which are sent as a form: multipart, or urlencoded. `Location` has the address of the commit."""
    wanted = wanted_commit(await read_parts(call.request))
    commit = await commit_files(call.host, call.identity, call.repository, wanted)
    return created_at(f"{_url(call)}/commit/{commit}")


@OPERATIONS.get(
    "/src/{commit}/{path:rest?}",
    needs=READ,
    lists=SOURCE_LIST,
    query=SourceQuery,
    gives={200: (Media("*/*"), UncountedPage[TreeEntry], TreeEntry, Rendered), 206: Media("*/*"), 304: None},
    refuses=(416, 555),
)
async def get_source(call: Call, wanted: PageRequest) -> Answer:
    """Return the content of a file, or list a folder."""
    form = _format(call)
    place = find_place(call.host, call.repository, _parts(call))
    if form == "rendered":
        return shaped(call, await rules.rendered(reading(call), place))
    if form == "meta":
        return shaped(call, _shapes(call, place).listed(rules.listed(place)))
    if place.entry.kind == "folder":
        # What a commit has never changes, whatever is pushed.
        names = call.repository.uuid, call.repository.full_name
        return await kept_answer(call, place.commit, names, partial(_folder, call, place, wanted))
    return file_answer(call.request, await content_of(reading(call), place))


@OPERATIONS.get(
    "/filehistory/{commit}/{path:rest}",
    needs=READ,
    lists=HISTORY_LIST,
    query=HistoryQuery,
    gives={200: UncountedPage[HistoryEntry]},
    refuses=(555,),
)
async def list_file_history(call: Call, wanted: PageRequest) -> Answer:
    """List the commits that changed a file, the latest first. `q` and `sort` look at the last thousand."""
    place = find_place(call.host, call.repository, _parts(call))
    renames = is_on(call, "renames", default=True)
    changes, has_next = await rules.changes_of(reading(call), place, wanted, renames=renames)
    people = await users_of(call.host, [change.commit.author for change in changes])
    shapes = CommitShapes(call.repository, call.host.base_url, Known(people, {}))
    entries = [history_entry(_url(call), change, shapes) for change in changes]
    address = _fixed(call, "filehistory", place)
    if wanted.filter is None and wanted.sort is None:
        return uncounted_answer(call, wanted, entries, has_next=has_next, address=address)
    page = slice_of(entries, wanted)
    return uncounted_answer(call, wanted, page.items, has_next=page.has_next, address=address)


async def _folder(call: Call, place: Place, wanted: PageRequest) -> Answer:
    page = await rules.page_of_folder(place, wanted, _depth(call))
    shapes = _shapes(call, place)
    entries = [shapes.listed(one) for one in page.items]
    return uncounted_answer(call, wanted, entries, has_next=page.has_next, address=_fixed(call, "src", place))


def _fixed(call: Call, below: str, place: Place) -> str:
    """Return the address of a place by its commit: after a push, a branch would begin another list there."""
    return f"{_url(call)}/{below}/{place.commit}/{in_path(place.entry.path)}"


def _shapes(call: Call, place: Place) -> SourceShapes:
    return SourceShapes(_url(call), place.commit, CommitShapes(call.repository, call.host.base_url, NOTHING))


def _url(call: Call) -> str:
    return repository_url(call.repository, call.host.base_url)


def _parts(call: Call) -> list[bytes]:
    """Return the decoded segments of the address from the revision on; names of files need not be texts."""
    raw: bytes = call.request.scope["raw_path"]
    return [unquote_to_bytes(segment) for segment in raw.rstrip(b"/").split(b"/")[_REVISION_AT:]]


def _format(call: Call) -> str:
    wanted: str = call.query.get("format") or ""
    if wanted not in ("", "meta", "rendered"):
        raise InvalidInput(
            "Invalid format", "Give `meta` or `rendered`, or leave it out.", fields={"format": ["Unknown."]}
        )
    return wanted


def _depth(call: Call) -> int:
    text = call.query.get("max_depth", "1")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_DEEPEST)) and 1 <= int(text) <= _DEEPEST):
        message = f"Give a whole number from 1 to {_DEEPEST}."
        raise InvalidInput("Invalid max_depth", message, fields={"max_depth": ["Out of range."]})
    return int(text)

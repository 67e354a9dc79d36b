"""`/2.0/repositories/{workspace}/{repo_slug}/downloads`: files that people upload for others to download."""

from collections.abc import AsyncIterator
from urllib.parse import quote

from roadstead.api.answers import Answer, Redirect, created_at, no_content
from roadstead.api.bodies import ReadByHandler, body_in_pieces, check_body, content_type
from roadstead.api.errors import RequestRefused
from roadstead.api.incoming import Incoming
from roadstead.api.listing import Page, page_answer
from roadstead.api.multipart import Head, boundary_of, parts_of
from roadstead.api.needs import OpenScope, Scope
from roadstead.api.operation import Call
from roadstead.bitbucket.downloads import shapes
from roadstead.bitbucket.downloads.shapes import DownloadResource, UploadForm
from roadstead.bitbucket.map import DOWNLOADS as OPERATIONS
from roadstead.domain.repositories import downloads
from roadstead.domain.repositories.downloads import Begun
from roadstead.errors import InvalidInput
from roadstead.listing import PageRequest
from roadstead.model.downloads import DOWNLOAD_LIST, Download

READ = OpenScope("repository", "read:repository:bitbucket") & "read"
WRITE = Scope("repository:write", "write:repository:bitbucket") & "write"

MOST_BYTES = 2 * 1024**3
"""Of an upload. Bitbucket documents no limit."""


@OPERATIONS.get("", needs=READ, lists=DOWNLOAD_LIST, gives={200: Page[DownloadResource]})
async def list_downloads(call: Call, wanted: PageRequest) -> Answer:
    """List the files that can be downloaded from a repository, the newest first."""
    page = await downloads.page_of_downloads(call.host, call.repository, wanted)
    return page_answer(call, page.of([_resource(call, one) for one in page.items]))


@OPERATIONS.post(
    "",
    needs=WRITE,
    takes=ReadByHandler(UploadForm, media_type="multipart/form-data"),
    gives={201: None},
    refuses=(406,),
)
async def upload(call: Call) -> Answer:
    """Upload files, each of which replaces that of the same name."""
    check_body(call.request, MOST_BYTES)
    boundary = boundary_of(call.request)
    if content_type(call.request) != "multipart/form-data" or boundary is None:
        raise RequestRefused(406, "Unsupported Content-Type. Use multipart/form-data.")
    with body_in_pieces(call.request.scope):
        body = Incoming(call.request.receive, most=MOST_BYTES)
        await downloads.upload(call.host, call.identity, call.repository, _files(parts_of(body, boundary)))
    return created_at(call.url(list_downloads, call.repository.workspace.slug, call.repository.slug))


@OPERATIONS.get("/{filename}", needs=READ, gives={302: None})
async def get_download(call: Call) -> Answer:
    """Redirect to the content of a file; the address works for some minutes, without a credential."""
    name: str = call.path["filename"]
    link = await downloads.link_to(call.host, call.repository, name, counts=call.request.method == "GET")
    query = f"expires={link.expires}&signature={link.signature}"
    return Redirect(302, f"{call.host.base_url}/-/downloads/{link.download_id}/{quote(name, safe='')}?{query}")


@OPERATIONS.delete("/{filename}", needs=WRITE, gives={204: None})
async def delete_download(call: Call) -> Answer:
    """Delete a file."""
    await downloads.delete_download(call.host, call.identity, call.repository, call.path["filename"])
    return no_content()


async def _files(parts: AsyncIterator[Head | bytes]) -> AsyncIterator[Begun | bytes]:
    """Yield the files of a form; what is no file is left out. Raise `InvalidInput`."""
    is_file = False
    async for part in parts:
        if isinstance(part, Head):
            is_file = part.filename is not None
            if part.filename is not None:
                yield Begun(_text(part.filename))
        elif is_file:
            yield part


def _text(name: bytes) -> str:
    try:
        return name.decode()
    except UnicodeDecodeError as exc:
        raise InvalidInput("The form cannot be read.", f"The name {name[:100]!r} is no UTF-8.") from exc


def _resource(call: Call, found: Download) -> DownloadResource:
    workspace = call.repository.workspace
    url = call.url(get_download, workspace.slug, call.repository.slug, found.name)
    return shapes.download(found, workspace, url, call.host.base_url)

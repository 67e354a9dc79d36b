"""`/-/downloads`: the content of files for downloading, at the signed links to which Bitbucket's API redirects."""

from functools import partial
from urllib.parse import quote

from roadstead.api.answers import Answer
from roadstead.api.files import file_answer
from roadstead.api.needs import ANYONE
from roadstead.api.operation import Call, Media
from roadstead.control.map import DOWNLOADS as OPERATIONS
from roadstead.domain.repositories import downloads
from roadstead.domain.repositories.content import Content
from roadstead.domain.repositories.downloads import SignedLink
from roadstead.domain.repositories.stored_files import read_pieces

_TYPE = "application/octet-stream"


@OPERATIONS.get(
    "/{download_id:int}/{filename}",
    needs=ANYONE,
    gives={200: Media(_TYPE), 206: Media(_TYPE), 304: None},
    refuses=(416,),
)
async def get_content(call: Call) -> Answer:
    """Return the content of a file, or the range of it that is asked for."""
    found, place = await downloads.follow(call.host, _link(call))
    name = f"attachment; filename*=UTF-8''{quote(found.name, safe='')}"
    content = Content(downloads.tag_of(found), _TYPE, found.size, partial(read_pieces, place), disposition=name)
    return file_answer(call.request, content)


def _link(call: Call) -> SignedLink:
    expires = call.query.get("expires", "")
    is_number = expires.isascii() and expires.isdigit() and len(expires) <= 12
    return SignedLink(call.path["download_id"], int(expires) if is_number else 0, call.query.get("signature", ""))

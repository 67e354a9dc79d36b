"""Downloads over the wire."""

from typing import Annotated, Literal, TypedDict

import msgspec

from roadstead.model import Workspace
from roadstead.model.downloads import Download
from roadstead.shapes.accounts import Account, account
from roadstead.shapes.links import Link
from roadstead.shapes.moments import moment


class DownloadLinks(TypedDict):
    self: Link


class DownloadResource(TypedDict):
    """A file for downloading. Its link redirects to the content."""

    type: Literal["download"]
    name: str
    size: int
    downloads: int
    created_on: str
    user: Account
    links: DownloadLinks


class UploadForm(TypedDict):
    """The form with which files are uploaded."""

    files: Annotated[
        list[Annotated[str, msgspec.Meta(extra_json_schema={"contentMediaType": "application/octet-stream"})]],
        msgspec.Meta(description="Each file in a part of its own. One replaces that of the same name.", min_length=1),
    ]


def download(found: Download, workspace: Workspace, url: str, base_url: str) -> DownloadResource:
    """Return a file for downloading."""
    return {
        "type": "download",
        "name": found.name,
        "size": found.size,
        "downloads": found.downloads,
        "created_on": moment(found.created_on),
        "user": account(found.user or workspace, base_url),
        "links": {"self": Link(url)},
    }

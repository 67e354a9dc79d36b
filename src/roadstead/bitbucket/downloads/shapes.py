"""Downloads over the wire."""

from typing import Annotated, Literal, TypedDict, cast

import msgspec

from roadstead.downloads import Download
from roadstead.model import Workspace
from roadstead.shapes.accounts import Account, account, team
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
    """Return a file for downloading. What an app uploaded is by the workspace, which is the app's account."""
    by = cast("Account", team(workspace, base_url)) if found.user is None else account(found.user, base_url)
    return {
        "type": "download",
        "name": found.name,
        "size": found.size,
        "downloads": found.downloads,
        "created_on": moment(found.created_on),
        "user": by,
        "links": {"self": Link(url)},
    }

"""Files that people upload to a repository for others to download."""

from datetime import datetime

import msgspec

from roadstead.listing import Field, Listing
from roadstead.model.people import User


class Download(msgspec.Struct, frozen=True):
    """A file for downloading. `downloads` counts the links to it that were given out.

    `user` uploaded it; without one, an app did. `file` is the name on this machine, which no answer contains: links are
    signed with it.
    """

    id: int
    name: str
    size: int
    downloads: int
    created_on: datetime
    file: str
    repository_uuid: str
    user: User | None


DOWNLOAD_LIST = Listing(
    Field("id", int, "d.id", unique=True, queryable=False),
    Field("name", str, "d.name"),
    Field("size", int, "d.size"),
    Field("downloads", int, "d.downloads"),
    Field("created_on", datetime, "d.created_on"),
    order="-id",
)

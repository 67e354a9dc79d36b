"""Files and folders of commits: their kinds, sizes and media types, which need no look at their contents."""

from functools import lru_cache
from typing import Any, Literal, NamedTuple

from roadstead.domain.repositories.source import mimetype_of
from roadstead.git.objects import Commit
from roadstead.git.trees import Entry
from roadstead.shapes.paths import shown

Attribute = Literal["link", "executable", "subrepository", "binary", "lfs"]

_TEXTS = ("text/", "application/javascript", "application/json", "application/xml")
_ENDINGS_OF_TEXTS = ("+xml", "+json", "x-sh", "x-csh", "x-tex", "x-latex", "x-texinfo", "msdos-program", "postscript")


class Listed(NamedTuple):
    """A file or folder, and the size of the file. The content of a submodule is the hash of its commit.

    With `is_lfs`, git has only a pointer, and the size is that of the object of git LFS.
    """

    entry: Entry
    size: int
    is_lfs: bool = False


class FileVersion(NamedTuple):
    """A commit that changed a file or folder, and the file or folder then: `None` if the commit deleted it."""

    commit: Commit
    path: bytes
    listed: Listed | None


@lru_cache(4096)
def _is_binary(kind: str | None) -> bool:
    return kind is not None and not kind.startswith(_TEXTS) and not kind.endswith(_ENDINGS_OF_TEXTS)


def attributes_of(listed: Listed, kind: str | None) -> list[Attribute]:
    """Return the attributes of a file. Its media type, which is that of its name, tells whether it is binary."""
    entry = listed.entry
    if entry.kind == "submodule":
        return ["subrepository"]
    if entry.is_link:
        return ["link"]
    found: list[Attribute] = ["executable"] if entry.is_executable else []
    if _is_binary(kind):
        found.append("binary")
    if listed.is_lfs:
        found.append("lfs")
    return found


def facts_of(listed: Listed) -> dict[str, Any]:
    """Return the members of a file or folder that `q` and `sort` can name, and under `listed` itself."""
    entry = listed.entry
    if entry.kind == "folder":
        return {"listed": listed, "type": "commit_directory", "path": shown(entry.path)}
    kind = mimetype_of(entry.path)
    return {
        "listed": listed,
        "type": "commit_file",
        "path": shown(entry.path),
        "size": listed.size,
        "attributes": attributes_of(listed, kind),
        "mimetype": kind,
    }

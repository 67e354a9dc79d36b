"""What a repository has at an address: a revision and a path."""

from collections.abc import AsyncGenerator, Sequence
from functools import lru_cache
from mimetypes import MimeTypes
from pathlib import Path
from typing import NamedTuple

from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import NoSuchCommit, find_hash, folder_of
from roadstead.domain.repositories.reading import Reading
from roadstead.git import blobs, objects, revisions, trees
from roadstead.git.ref_names import BRANCH
from roadstead.git.trees import Entry
from roadstead.model import Repository

_MIMETYPES = MimeTypes()
_MIMETYPES.add_type("application/x-msdos-program", ".bat")  # as on the cloud, whose table is Debian's


class Place(NamedTuple):
    """A file or folder as a commit has it. `folder` is where git has the repository."""

    folder: Path
    commit: str
    entry: Entry


def find_place(host: Host, repository: Repository, parts: Sequence[bytes]) -> Place:
    """Return what is at the parts of an address: first those of a revision, then those of a path.

    The revision is the longest name of a branch or tag that the address begins with, or else its first part. Raise
    `NoSuchCommit` and `NoSuchPath`.
    """
    folder = folder_of(host, repository)
    names = [part.decode("utf-8", "replace") for part in parts]
    found = revisions.find_longest(folder, names)
    if found is None:
        raise NoSuchCommit(names[0])
    commit, length = found
    path = b"/".join(parts[length:]).strip(b"/")
    return Place(folder, commit, trees.entry(folder, objects.tree_of(folder, commit), path))


def find_main_commit(host: Host, repository: Repository) -> str:
    """Return the newest commit of the main branch. Raise `NoSuchCommit` if the repository is empty."""
    if repository.mainbranch is None:
        raise NoSuchCommit("HEAD")
    return find_hash(folder_of(host, repository), BRANCH + repository.mainbranch)


def mimetype_of(path: bytes) -> str | None:
    """Return the media type that a name promises."""
    name = path.rpartition(b"/")[2]
    return None if name.rfind(b".") < 1 else _type_of(b".".join(name.rsplit(b".", 2)[-2:]))


@lru_cache(4096)
def _type_of(endings: bytes) -> str | None:
    """Return the media type of the last two endings of a name, such as `tar.gz`."""
    kind, encoding = _MIMETYPES.guess_type(f"name.{endings.decode('utf-8', 'replace')}")
    return kind if encoding is None else f"application/{encoding}"


def pieces_of(reading: Reading, blob: str, start: int, end: int) -> AsyncGenerator[bytes]:
    """Yield a long file from one byte to before another: it takes a process all the time. Raise `HostBusy`."""
    return reading.pieces(blobs.pieces(reading.folder, blob, start=start, end=end))

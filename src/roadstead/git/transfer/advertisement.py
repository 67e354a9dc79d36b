"""The refs that a client is told before it pushes, read without a process where they are few.

`receive-pack` says the same. It runs where there are many refs, or one that no push can have made.
"""

import os
import re
from itertools import islice
from pathlib import Path

from roadstead.git.disk import fail
from roadstead.git.ref_names import reason_against
from roadstead.git.transfer.pktlines import FLUSH, pkt_line
from roadstead.pushed import NO_OBJECT

_CAPABILITIES = (
    "report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta object-format=sha1 agent=roadstead"
)
"""Those of git 2.39 but for the name of the agent, which must be there: libgit2 refuses `object-format` at the end."""
_MOST = 100
"""Refs, which are read in two milliseconds at most, as long as git takes to start."""
_MOST_PACKED = _MOST * 256
"""Bytes of the file of packed refs."""
_PACKED = re.compile(r"^([0-9a-f]{40}) (.*)$", re.MULTILINE)
_ID = re.compile("[0-9a-f]{40}")


def advertisement(folder: Path) -> bytes | None:
    """Return what `receive-pack` would say first, or `None` if it has to run."""
    try:
        # Loose ones first: what is packed meanwhile is read twice, and not missed.
        loose, packed = _loose(folder), _packed(folder)
    except OSError:  # a file has vanished meanwhile, or the repository
        return None
    if packed is None:
        return None
    refs = packed | loose
    if len(refs) > _MOST or any(_is_unusual(name, id_) for name, id_ in refs.items()):
        return None
    return _told(refs)


def _loose(folder: Path) -> dict[str, str]:
    """Return the names and ids of refs that have files of their own, at most `_MOST` and one."""
    files = (
        f"{place}/{name}"
        for place, _, names in os.walk(folder / "refs", onerror=fail)
        for name in names
        if not name.endswith(".lock")
    )
    beginning = len(f"{folder}/")
    return {file[beginning:]: _content(file) for file in islice(files, _MOST + 1)}


def _content(file: str) -> str:
    with open(file, "rb", buffering=0) as opened:  # noqa: PTH123  # half the time
        return opened.read(64).decode("latin-1").removesuffix("\n")


def _packed(folder: Path) -> dict[str, str] | None:
    """Return the names and ids of the refs in the file of packed refs, or `None` if it is long."""
    try:
        with (folder / "packed-refs").open("rb") as file:
            content = file.read(_MOST_PACKED + 1)
    except FileNotFoundError:
        return {}
    if len(content) > _MOST_PACKED:
        return None
    return {name: id_ for id_, name in _PACKED.findall(os.fsdecode(content))}


def _is_unusual(name: str, id_: str) -> bool:
    return reason_against(name) is not None or _ID.fullmatch(id_) is None


def _told(refs: dict[str, str]) -> bytes:
    """Return the lines of refs, of which the first has the capabilities."""
    named = [f"{id_} {name}" for name, id_ in sorted(refs.items())]
    first, *others = named or [f"{NO_OBJECT} capabilities^{{}}"]
    return b"".join(pkt_line(f"{line}\n".encode()) for line in (f"{first}\0{_CAPABILITIES}", *others)) + FLUSH

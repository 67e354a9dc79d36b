"""How much of a process each caller may use, so that no caller can use it up.

A request takes a place once it is complete, and has it until its answer has been handed to the system: while the host
waits for the client, there is only a connection, which can be closed to make room. Each address has a share of the
places, and so has each installation. A stream has its place until its end, or until its client first makes it wait:
one that reads slowly keeps no place that others need. The operator's addresses have separate places, and health needs
none.
"""

import ipaddress
import re
import resource
from collections import defaultdict
from functools import lru_cache
from typing import Any

from roadstead.domain.access.shares import Crowd, Places, Shares
from roadstead.domain.access.starts import MOST_IN_A_TURN, Starts

MAX_CONNECTIONS = 4_000
MAX_REQUESTS = 1_000
MAX_OPERATOR_REQUESTS = 100
MAX_BODY_BYTES = 256 * 1024 * 1024
"""Of the long bodies of all running requests."""
BODY_SHARE = MAX_BODY_BYTES // 4
MAX_UNSENT_BYTES = 256 * 1024 * 1024
"""Of unread answers."""

HEALTH = "/-/health/"
"""Where a request never waits for others."""
_CALLERS = ("/2.0/", "/site/", "/-/linkify", "/-/downloads/")
"""The addresses for apps and strangers, beside those of repositories. All others are for operators."""
_OF_REPOSITORY = re.compile(r"/(?!account/|atlassian-connect/)[^/]+/(?!workspace/)[^/]")
"""How the address of a page of a repository begins. Strangers read the public ones."""
GIT_ENDINGS = ("/info/refs", "/git-upload-pack", "/git-receive-pack")
"""The ends of the addresses that git asks for, below that of a repository. They are for strangers, too."""
_LFS = "info/lfs/"
_ARCHIVE_ENDINGS = (".tar.gz", ".tar.bz2", ".zip")
_OTHER_FILES = 64
"""For the database, calls to apps and the log, at least; an eighth of all files if that is more."""
_USUAL_FILES = 1024


class Admission:
    """The capacity of one process, which may have `files` open."""

    def __init__(
        self,
        files: int,
        *,
        most_requests: int = MAX_REQUESTS,
        body_bytes: int = MAX_BODY_BYTES,
        body_share: int = BODY_SHARE,
        begin_in_a_turn: int = MOST_IN_A_TURN,
    ) -> None:
        connections = max(1, min(MAX_CONNECTIONS, files - max(_OTHER_FILES, files // 8)))
        requests = max(1, min(most_requests, connections // 2))
        self.connections: Crowd[Any] = Crowd(connections, MAX_UNSENT_BYTES)
        self.callers = Places(requests, (3 * requests + 3) // 4)
        self.few_requests = self.callers.share // 8
        """While fewer requests run, a new one takes no place: to count it would take longer than much of its work."""
        # Independent of callers' running requests from the same address.
        self.operators = Places(MAX_OPERATOR_REQUESTS, requests + MAX_OPERATOR_REQUESTS)
        self.of_installations: defaultdict[int, int] = defaultdict(int)
        """Running requests, by installation."""
        # Less than the share of an address, which several installations may have in common.
        self.share_of_installation = (requests + 1) // 2
        self.bodies = Shares(body_bytes, body_share)
        self.starts = Starts(begin_in_a_turn)

    def places(self, path: str) -> Places | None:
        """Return the places for requests to an address of this host; `None` if no place is needed."""
        if path.startswith(_CALLERS) or path.endswith(GIT_ENDINGS):
            return self.callers
        if path.startswith("/-/"):
            return None if path.startswith(HEALTH) else self.operators
        return self.callers if _OF_REPOSITORY.match(path) else self.operators


def is_of_git(path: str) -> bool:
    """Return whether an address is one that git or git LFS asks for, or that of an archive of files.

    Deeper below a repository, files may have such names.
    """
    rest = path.split("/", 3)[-1]
    return (
        f"/{rest}" in GIT_ENDINGS
        or rest.startswith(_LFS)
        or (rest.startswith("get/") and rest.endswith(_ARCHIVE_ENDINGS))
    )


def open_files() -> int:
    """Return how many files this process may have open."""
    try:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except OSError:  # a sandbox that does not report it
        return _USUAL_FILES
    return limit if limit != resource.RLIM_INFINITY else MAX_CONNECTIONS * 2


@lru_cache(maxsize=1024)
def caller_at(address: str) -> str:
    """Return the holder of an address's share: for IPv6 the whole network of one customer, a /64."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


@lru_cache(maxsize=1024)
def forwarded_for(header: bytes) -> str | None:
    """Return the client that our proxy names: the last address of `X-Forwarded-For`; others can be forged."""
    last = header.decode("latin-1").rpartition(",")[2].strip()
    try:
        ipaddress.ip_address(last)
    except ValueError:
        return None
    return caller_at(last)

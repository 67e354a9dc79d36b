"""How much of a process is for whom, so that no caller can take it from the others.

A request takes a place once it has come whole, and has it until its answer has been handed to the system: as long as
the host waits for the client there is only a connection, which can be closed to make room. Each address has a share of
the places, and each installation. What operators use has places of its own, and health needs none.
"""

import ipaddress
import resource
from collections import defaultdict
from functools import lru_cache
from typing import Any

from roadstead.domain.access.shares import Crowd, Places, Shares

MAX_CONNECTIONS = 4_000
MAX_REQUESTS = 1_000
MAX_OPERATOR_REQUESTS = 100
MAX_BODY_BYTES = 256 * 1024 * 1024
"""Of the long bodies of all requests under way."""
BODY_SHARE = MAX_BODY_BYTES // 4
MAX_UNSENT_BYTES = 256 * 1024 * 1024
"""Of answers that wait to be taken."""

HEALTH = "/-/health/"
"""Where no request ever waits for others."""
_CALLERS = ("/2.0/", "/site/", "/-/linkify")
"""What apps and strangers may ask for. The other addresses are for operators, and refuse others at once."""
_OTHER_FILES = 64
"""For the database, calls to apps and the log, at least; an eighth of all where that is more."""
_USUAL_FILES = 1024


class Admission:
    """What there is to share in one process, which may have `files` open."""

    def __init__(self, files: int) -> None:
        connections = max(1, min(MAX_CONNECTIONS, files - max(_OTHER_FILES, files // 8)))
        requests = max(1, min(MAX_REQUESTS, connections // 2))
        self.connections: Crowd[Any] = Crowd(connections, MAX_UNSENT_BYTES)
        self.callers = Places(requests, (3 * requests + 3) // 4)
        # Whatever callers have under way from the same address.
        self.operators = Places(MAX_OPERATOR_REQUESTS, requests + MAX_OPERATOR_REQUESTS)
        self.of_installations: defaultdict[int, int] = defaultdict(int)
        """Requests under way, by installation."""
        # Less than the share of an address, which several installations may have in common.
        self.share_of_installation = (requests + 1) // 2
        self.bodies = Shares(MAX_BODY_BYTES, BODY_SHARE)

    def places(self, path: str) -> Places | None:
        """The places for requests to an address of ours; `None` where no place is needed."""
        if path.startswith(_CALLERS):
            return self.callers
        return None if path.startswith(HEALTH) else self.operators


def open_files() -> int:
    """How many files this process may have open."""
    try:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    except OSError:  # a sandbox that does not tell
        return _USUAL_FILES
    return limit if limit != resource.RLIM_INFINITY else MAX_CONNECTIONS * 2


@lru_cache(maxsize=1024)
def caller_at(address: str) -> str:
    """Who shares a share with an address: of IPv6 the whole network that one customer gets, a /64."""
    if ":" not in address:
        return address
    try:
        found = ipaddress.IPv6Address(address.partition("%")[0])
    except ValueError:
        return address
    return str(found.ipv4_mapped or ipaddress.ip_network((found, 64), strict=False))


@lru_cache(maxsize=1024)
def forwarded_for(header: bytes) -> str | None:
    """Who a proxy of ours says is calling: the last address of `X-Forwarded-For`; those before it anybody can write."""
    last = header.decode("latin-1").rpartition(",")[2].strip()
    try:
        ipaddress.ip_address(last)
    except ValueError:
        return None
    return caller_at(last)

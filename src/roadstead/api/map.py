"""The map of an API: its groups of operations, and the operation of a request."""

import asyncio
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from starlette.types import Scope

from roadstead.api.address import PATH_VALUES, Address
from roadstead.api.operation import Group, Operation
from roadstead.api.tree import Tree

PAUSE_SECONDS = 0.05
"""Between the imports of two groups, which take some milliseconds each."""


class Map:
    """The addresses of all operations of some groups.

    A group's operations are put on the map, and so its module imported, when the first request below its address comes:
    a host of many groups starts as fast as one of few.
    """

    def __init__(self, groups: Iterable[Group]) -> None:
        self.groups = list(groups)
        self._tree: Tree[Address] = Tree()
        self._addresses: dict[Operation, Address] = {}
        self._cold = list(self.groups)

    @property
    def operations(self) -> list[Operation]:
        """Return all operations, in the order of the groups."""
        return [operation for group in self.groups for operation in group.operations]

    @property
    def addresses(self) -> list[Address]:
        """Return all addresses, in the order of their first operations."""
        self._put_on(self.groups)
        return list(dict.fromkeys(self._addresses[operation] for operation in self.operations))

    async def warm(self) -> None:
        """Put one group after the other on the map, with pauses in which requests are answered.

        Those that read git stay off it until the first request for one, because not every host has repositories.
        """
        for group in [group for group in self._cold if not group.reads_git]:
            await asyncio.sleep(PAUSE_SECONDS)
            self._put_on([group])

    def _put_on(self, groups: Iterable[Group]) -> None:
        for group in groups:
            if group in self._cold:
                for operation in group.operations:
                    address = self._tree.add(operation.template.segments, Address(operation.template.path))
                    address.add(operation)
                    self._addresses[operation] = address
                self._cold.remove(group)

    def find(self, scope: Scope) -> Address | None:
        """Return the address of a request, and store the values of its parameters in the scope.

        `…/values/` is served as `…/values`, without a redirect: clients send both, and a redirect breaks a signed call.
        `raw_path` stays as it was sent, because the token's hash is over that. In `path`, too, `%2F` is a character of
        a segment, as in the links of answers, and not a separator.
        """
        path: str = scope["path"]
        raw: bytes = scope["raw_path"]
        if len(raw) != len(path) and b"%" in raw:  # an escape is longer than its character
            segments = [unquote(segment) for segment in raw.decode("latin-1").split("/")]
            path = scope["path"] = "/".join(segment.replace("/", "%2F") for segment in segments)
        else:
            segments = path.split("/")
        if path[-1:] == "/" and path != "/":
            scope["path"] = path[:-1]
            segments.pop()
        found = self._tree.find(segments) or self._find_cold(segments)
        if found is None:
            return None
        address, scope[PATH_VALUES] = found
        return address

    def _find_cold(self, segments: Sequence[str]) -> tuple[Address, list[str]] | None:
        """Look for an address that no group on the map has in those that are not on it yet.

        No address of a group leads to an operation of another one, so the map needs no look at cold groups before.
        """
        self._put_on([group for group in self._cold if group.may_have(segments)])
        return self._tree.find(segments)

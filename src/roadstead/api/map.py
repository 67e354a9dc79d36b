"""The map of an API: its groups of operations, and the operation of a request."""

from collections.abc import Iterable
from urllib.parse import unquote

from starlette.types import Scope

from roadstead.api.address import PATH_VALUES, Address
from roadstead.api.operation import Group
from roadstead.api.tree import Tree


class Map:
    """The addresses of all operations of some groups."""

    def __init__(self, groups: Iterable[Group]) -> None:
        self._tree: Tree[Address] = Tree()
        self.operations = [operation for group in groups for operation in group.operations]
        places = [self._tree.add(one.template.segments, Address(one.template.path)) for one in self.operations]
        for address, operation in zip(places, self.operations, strict=True):
            address.add(operation)
        self.addresses = list(dict.fromkeys(places))

    def find(self, scope: Scope) -> Address | None:
        """Return the address of a request, and store the values of its parameters in the scope.

        `…/values/` is served as `…/values`, without a redirect: clients send both, and a redirect breaks a signed call.
        `raw_path` stays as it was sent, because the token's hash is over that. In `path`, too, `%2F` is a character of
        a segment, as in the links of answers, and not a separator.
        """
        raw: str = scope["raw_path"].decode("latin-1")
        if raw.endswith("/") and raw != "/":
            raw = raw[:-1]
            scope["path"] = scope["path"][:-1]
        segments = raw.split("/")
        if "%" in raw:
            segments = [unquote(segment) for segment in segments]
            scope["path"] = "/".join(segment.replace("/", "%2F") for segment in segments)
        found = self._tree.find(segments)
        if found is None:
            return None
        address, scope[PATH_VALUES] = found
        return address

"""Operations, each declared once: what it needs, takes and gives. The router, the OpenAPI document, the tables of the
docs and `roadstead routes` are made from the declarations.
"""

from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from typing import Any, NotRequired, TypedDict, Unpack
from urllib.parse import parse_qsl

from starlette.requests import Request

from roadstead.api.answers import Answer
from roadstead.api.auth import sharer_of
from roadstead.api.bodies import ReadByHandler, Shape
from roadstead.api.eras import Removal
from roadstead.api.listing import in_part, page_request
from roadstead.api.needs import Need
from roadstead.api.partial import parse_fields
from roadstead.api.streams import Stream
from roadstead.api.template import Template
from roadstead.domain.host import Host
from roadstead.errors import Removed
from roadstead.listing import Listing
from roadstead.model import Identity, Privilege, Repository

Body = Shape[Any] | ReadByHandler
Handler = Callable[..., Awaitable[Answer]]
"""Takes the `Call` and the body of an operation that takes one, or the `PageRequest` of one that lists."""


class Declared(TypedDict):
    """The declaration besides method and address; `Operation` has the meanings."""

    needs: Need
    gives: Mapping[int, Any]
    takes: NotRequired[Body]
    query: NotRequired[Any]
    lists: NotRequired[Listing]
    refuses: NotRequired[tuple[int, ...]]
    in_turn: NotRequired[bool]
    removed: NotRequired[Removal]


@dataclass(frozen=True, slots=True)
class Media:
    """The body of a stream in the document: its media type, without parameters."""

    type: str


def kinds_of(kind: Any) -> tuple[Any, ...]:
    """Return the types of a body that has one of several, or one."""
    return kind if isinstance(kind, tuple) else (kind,)


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """A method of an address.

    `gives` has the type of the body by status: `None` for an empty one, as that of a redirect, `str` for plain text,
    `Media` for a stream, several types in a tuple. `takes` reads the body,
    `lists` is the list that it returns a page of, `query` the type of the query parameters beside those of a list, and
    `refuses` are the statuses of refusals that follow from none of these.
    `in_turn` says that each app runs one request of such operations at a time, because it may change so much.
    `removed` is the change with which the cloud removed the operation: it is served in the eras before.
    `within` finds what the address is within, if `needs` has a privilege, before the body is read.
    """

    group: str
    method: str
    template: Template
    handler: Handler
    needs: Need
    gives: Mapping[int, Any]
    takes: Body | None = None
    query: Any = None
    lists: Listing | None = None
    refuses: tuple[int, ...] = ()
    in_turn: bool = False
    removed: Removal | None = None
    within: "Within | None" = None
    answer: Handler = field(init=False)
    """Answers a call: the handler, after the body, or the request for a page of a list, has been read."""

    @property
    def name(self) -> str:
        """Return the name of the handler after that of its group."""
        return f"{self.group}_{self.handler.__name__}"

    @property
    def summary(self) -> str:
        """Return the docstring of the handler."""
        return self.handler.__doc__ or ""

    @property
    def is_anywhere(self) -> bool:
        """Return whether the operation is within nothing that is found before it runs."""
        return self.within is None or self.needs.least is None

    @property
    def has_parts(self) -> bool:
        """Return whether `fields` chooses members of the answer to a change. For GET, the handlers see to it."""
        is_change = self.method in ("POST", "PUT") and self.template.path.startswith("/2.0/")
        kinds = [kind for given in self.gives.values() for kind in kinds_of(given)]
        return is_change and any(kind is not None and not isinstance(kind, Media) for kind in kinds)

    def __post_init__(self) -> None:
        if self.in_turn:
            answer: Handler = self._answer_in_turn
        elif self.lists is not None:
            answer = self._answer_with_page
        else:
            answer = self._answer_with_body if isinstance(self.takes, Shape) else self.handler
        if any(isinstance(one, Media) for kind in self.gives.values() for one in kinds_of(kind)):
            answer = partial(_answer_with_stream, answer)
        if self.has_parts:
            answer = partial(_answer_in_part, answer)
        if not self.is_anywhere:
            assert self.within is not None  # noqa: S101  # see `is_anywhere`
            assert self.needs.least is not None  # noqa: S101
            answer = partial(_answer_within, self.within, self.needs.least, self.template, answer)
        if self.removed is not None:
            answer = partial(_answer_unless_removed, self.removed, answer)
        object.__setattr__(self, "answer", answer)

    async def _answer_with_body(self, call: "Call") -> Answer:
        assert isinstance(self.takes, Shape)  # noqa: S101  # see `answer`
        return await self.handler(call, await self.takes.read(call.request))

    async def _answer_with_page(self, call: "Call") -> Answer:
        assert self.lists is not None  # noqa: S101  # see `answer`
        return await self.handler(call, page_request(call.query, self.lists))

    async def _answer_in_turn(self, call: "Call") -> Answer:
        """Decode the body in the app's turn as well, because the result takes ten times as much memory."""
        takes = self.takes if isinstance(self.takes, Shape) else None
        text = await takes.text(call.request) if takes else b""
        async with call.host.changing.turn(call.installation_id):
            return await self.handler(call, *([await takes.decoded(text)] if takes else []))


async def _answer_unless_removed(removed: Removal, answer: Handler, call: "Call") -> Answer:
    if removed.is_past(call.host.settings.era):
        raise Removed(removed.change)
    return await answer(call)


async def _answer_in_part(answer: Handler, call: "Call") -> Answer:
    """Read `fields` before anything changes, so that a mistake there is refused in time."""
    asked = call.query.get("fields")
    if asked is None:
        return await answer(call)
    fields = parse_fields(asked)
    return in_part(await answer(call), fields)


async def _answer_within(
    within: "Within", least: Privilege, template: Template, answer: Handler, call: "Call"
) -> Answer:
    return await within(call, least, template) or await answer(call)


async def _answer_with_stream(answer: Handler, call: "Call", *given: Any) -> Answer:
    """Make the beginning of a stream, because only now can a failure become an answer."""
    made = await answer(call, *given)
    if isinstance(made, Stream):
        made.installation = call.identity.installation_id
        await made.begin()
    return made


class Call:
    """One request to an operation, after its caller is known."""

    __slots__ = ("_held", "_query", "host", "identity", "path", "request")

    def __init__(self, request: Request, host: Host, identity: Identity, path: dict[str, Any]) -> None:
        self.request = request
        self.host = host
        self.identity = identity
        self.path = path
        """The parameters of the address by name."""
        self._query: dict[str, str] | None = None
        self._held: tuple[Repository, Privilege] | None = None

    def is_within(self, repository: Repository, privilege: Privilege) -> None:
        """Note the repository of the address, and what the caller may do there."""
        self._held = repository, privilege

    @property
    def repository(self) -> Repository:
        """Return the repository of the address of an operation that needs a privilege within one."""
        assert self._held is not None  # noqa: S101  # `within` has found it
        return self._held[0]

    @property
    def privilege(self) -> Privilege:
        """Return what the caller may do in that repository."""
        assert self._held is not None  # noqa: S101  # `within` has found it
        return self._held[1]

    @property
    def caller(self) -> Hashable:
        """Return to whom a share of what is limited belongs."""
        return sharer_of(self.identity, self.request)

    @property
    def installation_id(self) -> int:
        """Return the installation of the app that calls an operation for apps only."""
        installation = self.identity.installation_id
        assert installation is not None  # noqa: S101  # the operation needs an app
        return installation

    @property
    def state(self) -> Mapping[str, Any]:
        """Return the state that `app.py` has opened for all requests."""
        state: Mapping[str, Any] = self.request.scope["state"]
        return state

    @property
    def query(self) -> dict[str, str]:
        """Return the decoded query parameters; of a repeated one, the last."""
        if self._query is None:
            text = self.request.scope["query_string"]
            self._query = dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True)) if text else {}
        return self._query

    def url(self, operation: Operation, *values: str | int) -> str:
        """Return the URL of an operation; with fewer values than parameters, the common beginning of all such URLs."""
        return operation.template.url(self.host.base_url, *values)


Within = Callable[[Call, Privilege, Template], Awaitable[Answer | None]]
"""Finds what an address is within, and raises if the caller may do less there than a privilege.

Returns an answer if the call is not for this address.
"""


class Group:
    """The operations of one subject, whose addresses begin with `below`, and go on with one of `then` if it is given.

    `module` declares them. It is imported when a request for such an address comes, or when `operations` are listed.
    `within` finds what those operations are within that need a privilege there. A group that `reads_git` imports the
    library for it, which takes memory: it is not imported before it is used.
    """

    def __init__(
        self,
        name: str,
        *,
        below: str,
        then: AbstractSet[str] = frozenset(),
        module: str | None = None,
        within: Within | None = None,
        reads_git: bool = False,
    ) -> None:
        self.name = name
        self.below = below.split("/") if below else []
        self.then = then
        self.module = module
        self.within = within
        self.reads_git = reads_git
        self._below = below
        self._operations: list[Operation] = []

    @property
    def operations(self) -> list[Operation]:
        """The operations in the order in which the module declares them."""
        if self.module is not None:
            import_module(self.module)
        return self._operations

    def may_have(self, segments: Sequence[str]) -> bool:
        """Return whether a path of these segments is below the group's address."""
        return (
            len(segments) >= len(self.below)
            and all(mine.startswith("{") or mine == given for mine, given in zip(self.below, segments, strict=False))
            and (not self.then or not self.then.isdisjoint(segments[len(self.below) :][:1]))
        )

    def get(self, template: str = "", **declared: Unpack[Declared]) -> Callable[[Handler], Operation]:
        """Declare a GET; it includes HEAD."""
        return self._declare("GET", template, declared)

    def post(self, template: str = "", **declared: Unpack[Declared]) -> Callable[[Handler], Operation]:
        """Declare a POST."""
        return self._declare("POST", template, declared)

    def put(self, template: str = "", **declared: Unpack[Declared]) -> Callable[[Handler], Operation]:
        """Declare a PUT."""
        return self._declare("PUT", template, declared)

    def patch(self, template: str = "", **declared: Unpack[Declared]) -> Callable[[Handler], Operation]:
        """Declare a PATCH."""
        return self._declare("PATCH", template, declared)

    def delete(self, template: str = "", **declared: Unpack[Declared]) -> Callable[[Handler], Operation]:
        """Declare a DELETE."""
        return self._declare("DELETE", template, declared)

    def _declare(self, method: str, template: str, declared: Declared) -> Callable[[Handler], Operation]:
        def declare(handler: Handler) -> Operation:
            operation = Operation(
                self.name, method, Template(self._below + template), handler, within=self.within, **declared
            )
            self._operations.append(operation)
            return operation

        return declare

"""The addresses that git LFS asks for, below that of a repository. Bodies and refusals are JSON of a type of its own.

A client asks at `objects/batch`, with its credential, for what it wants to transfer. The addresses in the answer have
the UUID of the repository, because it may get another name meanwhile, and work with the header that comes with each.
"""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import msgspec
from starlette.requests import Request

from roadstead.api.answers import Answer, json_answer
from roadstead.api.bodies import Shape, content_type
from roadstead.api.errors import RequestRefused, expect_method, headers_of, status_of
from roadstead.api.files import file_answer
from roadstead.api.incoming import Incoming
from roadstead.api.streams import Stream
from roadstead.domain.host import Host
from roadstead.domain.repositories import lfs, tickets
from roadstead.domain.repositories.access import RepositoryMoved
from roadstead.domain.repositories.content import Content
from roadstead.domain.repositories.lfs import LfsObject, Offer
from roadstead.domain.repositories.tickets import BadTicket, Purpose, Ticket
from roadstead.domain.repositories.transfers import Transfer
from roadstead.errors import Conflict, InvalidInput, NotAuthenticated, RoadsteadError
from roadstead.pushed import Service

T = TypeVar("T")

BELOW = "info/lfs/"
CHALLENGE = 'Basic realm="Roadstead"'
MEDIA_TYPE = "application/vnd.git-lfs+json"
_TYPES = (MEDIA_TYPE, "application/json")
_BATCH = "objects/batch"
_VERIFY = "objects/verify"
_OBJECTS = "objects/"
_SERVICES: dict[Purpose, Service] = {"download": "git-upload-pack", "upload": "git-receive-pack"}
_TYPE = (b"content-type", MEDIA_TYPE.encode())
_MOST_ASKED_BYTES = 1024 * 1024
_FRESH = {"Cache-Control": "no-store"}
_PRIVATE = {"Cache-Control": "private"}
"""A cache that others share would keep a content otherwise, because a request for it needs no `Authorization`."""

_NOTHING_HERE = RequestRefused(404, "There is nothing at this address.", "This host has no locks of files.")


class Visit(NamedTuple):
    """A request for an address `below` that of LFS, of the repository of a `name`.

    `admit` checks a credential for a service of git, and returns the transfer.
    """

    host: Host
    request: Request
    name: str
    below: str
    admit: Callable[[Service], Awaitable[Transfer]]


class _Object(msgspec.Struct):
    oid: str
    size: int


class _Batch(msgspec.Struct):
    operation: Purpose
    objects: list[_Object]
    transfers: Sequence[str] = ("basic",)
    hash_algo: str = "sha256"


def _unfit(body: bytes, complaint: str) -> InvalidInput:
    return InvalidInput("This is no question of git LFS.", complaint)


_BATCHES: Shape[_Batch] = Shape(_Batch, lambda batch: batch, _unfit)
_OBJECT: Shape[_Object] = Shape(_Object, lambda one: one, _unfit)


def template_of(address: str) -> str:
    """Return an address of LFS below a repository, as metrics name it; an unknown one has no name."""
    below = address.removeprefix(BELOW)
    if below in (_BATCH, _VERIFY):
        return address
    return f"{BELOW}{_OBJECTS}{{oid}}" if below.startswith(_OBJECTS) else ""


async def answer(visit: Visit) -> Answer:
    """Return the answer. Raise `RepositoryMoved`."""
    try:
        return await _answer(visit)
    except RepositoryMoved:
        raise
    except RoadsteadError as exc:
        return _refusal(exc)


async def _answer(visit: Visit) -> Answer:
    method, below = visit.request.method, visit.below
    if below in (_BATCH, _VERIFY):
        expect_method(method, "POST")
        return await (_batch(visit) if below == _BATCH else _verified(visit))
    if not below.startswith(_OBJECTS):
        raise _NOTHING_HERE
    expect_method(method, "GET", "HEAD", "PUT")
    oid = below.removeprefix(_OBJECTS)
    return await (_uploaded(visit, oid) if method == "PUT" else _downloaded(visit, oid))


async def _batch(visit: Visit) -> Answer:
    """Offer a transfer of each object."""
    asked = await _read(visit.request, _BATCHES)
    if "basic" not in asked.transfers:
        raise InvalidInput("This host has only the transfer adapter basic.")
    if asked.hash_algo != "sha256":
        raise Conflict("This host has only the hash algorithm sha256.")
    transfer = await _admitted(visit, asked.operation)
    found = await lfs.offers(transfer, asked.operation, [LfsObject(one.oid, one.size) for one in asked.objects])
    objects = [_offered(transfer, asked.operation, one) for one in found]
    return _json({"transfer": "basic", "objects": objects, "hash_algo": "sha256"})


async def _admitted(visit: Visit, purpose: Purpose) -> Transfer:
    """Return the transfer of a caller with a ticket for all objects, or with a credential or none."""
    header = visit.request.headers.get("authorization", "")
    if not header.startswith(tickets.SCHEME):
        return await visit.admit(_SERVICES[purpose])
    return (await _held(visit, header, purpose, ""))[0]


def _offered(transfer: Transfer, purpose: Purpose, offer: Offer) -> dict[str, Any]:
    """Return the shape of an offer."""
    told: dict[str, Any] = {"oid": offer.wanted.oid, "size": offer.wanted.size}
    if offer.error is not None:
        return told | {"error": {"code": _status(offer.error), "message": _text(offer.error)}}
    if offer.ticket is None:
        return told
    place = lfs.address_of(transfer.host, transfer.repository)
    header = {"header": {tickets.HEADER: offer.ticket}, "expires_in": tickets.SECONDS}
    actions: dict[str, Any] = {purpose: {"href": f"{place}/{_OBJECTS}{offer.wanted.oid}", **header}}
    if purpose == "upload":
        actions["verify"] = {"href": f"{place}/{_VERIFY}", **header}
    return told | {"authenticated": True, "actions": actions}


async def _uploaded(visit: Visit, oid: str) -> Answer:
    """Take the content of an object."""
    transfer, wanted = await _held(visit, _sent(visit), "upload", oid)
    if visit.request.headers.get("content-encoding", "identity") != "identity":
        raise RequestRefused(415, "A compressed object is not taken.", "Send it without Content-Encoding.")
    await lfs.upload(transfer, wanted, Incoming(visit.request.receive))
    return _json(None)


async def _downloaded(visit: Visit, oid: str) -> Answer:
    """Return the content of an object, or the range of it that is asked for."""
    transfer, wanted = await _held(visit, _sent(visit), "download", oid)
    place = await lfs.find(transfer, wanted)
    content = Content(oid, "application/octet-stream", wanted.size, partial(lfs.download, transfer, place))
    made = file_answer(visit.request, content)
    made.add_headers(_PRIVATE)
    if isinstance(made, Stream):
        await made.begin()
    return made


async def _verified(visit: Visit) -> Answer:
    """Say whether an object that was uploaded is there."""
    asked = await _read(visit.request, _OBJECT)
    transfer, wanted = await _held(visit, _sent(visit), "upload", asked.oid)
    await lfs.find(transfer, wanted._replace(size=asked.size))
    return _json(None)


def _sent(visit: Visit) -> str:
    """Return the header with the ticket of an object."""
    return visit.request.headers.get(tickets.HEADER, "")


async def _held(visit: Visit, header: str, purpose: Purpose, oid: str) -> tuple[Transfer, LfsObject]:
    """Return the transfer that the ticket in a header allows: of one object, or of none to ask. Raise `BadTicket`."""
    ticket: Ticket = tickets.read(visit.host, header)
    if (ticket.purpose, ticket.oid, ticket.repository) != (purpose, oid, visit.name):
        raise BadTicket
    return await lfs.transfer_with(visit.host, ticket), LfsObject(oid, ticket.size)


async def _read(request: Request, shape: Shape[T]) -> T:
    """Return a body. Raise `InvalidInput` and `RequestRefused`."""
    if content_type(request) not in _TYPES:
        raise RequestRefused(415, f"This address takes {MEDIA_TYPE}.")
    pieces = [piece async for piece in Incoming(request.receive, most=_MOST_ASKED_BYTES)]
    return await shape.decoded(b"".join(pieces))


def _json(body: object, status: int = 200) -> Answer:
    made = json_answer(body, status, headers=_FRESH)
    made.headers[0] = _TYPE
    return made


def _refusal(error: RoadsteadError) -> Answer:
    """Return a refusal, of which git-lfs shows the message to its user."""
    made = _json({"message": _text(error)}, _status(error))
    made.add_headers(headers_of(error))
    if isinstance(error, NotAuthenticated):
        made.add_headers({"LFS-Authenticate": CHALLENGE, "WWW-Authenticate": CHALLENGE})
    return made


def _status(error: RoadsteadError) -> int:
    """Return the status of an error. What is understood and cannot be done is a 422 in the API of LFS."""
    return 422 if isinstance(error, InvalidInput) else status_of(error)


def _text(error: RoadsteadError) -> str:
    return f"{error.message} {error.detail}".strip()

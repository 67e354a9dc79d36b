"""Tickets: signed texts that let a client do one thing with the LFS objects of one repository, for a limited time.

A ticket needs no row and no credential beside it. Before it is issued, the host checks what the caller may do; a
permission that is withdrawn later ends with the ticket.
"""

import base64
from collections.abc import Hashable
from typing import Any, Literal

import msgspec

from roadstead.domain.host import Host
from roadstead.errors import WrongCredential

SECONDS = 3480
"""As long as those of the cloud: a client transfers many large objects, one after another, after it asked for them."""
SCHEME = "RoadsteadTicket"
"""Before a ticket."""
HEADER = "X-LFS-Token"
"""Of a request for an object. git-lfs adds the `Authorization` that git's setting `http.extraHeader` has, and reverse
proxies refuse a request with two.
"""

_SIGNED = "ticket "
"""Before the signed content: the same key may sign other things one day."""

Purpose = Literal["upload", "download"]
"""An object's ticket for uploading is also that for verifying the upload."""


class Ticket(msgspec.Struct, frozen=True, array_like=True):
    """What a client may do. Without an `oid`, it may ask for tickets of objects. `caller` has a share of all places."""

    purpose: Purpose
    repository: str
    expires: int
    caller: Any
    oid: str = ""
    size: int = 0

    @property
    def sharer(self) -> Hashable:
        """Return the caller as the key of a share."""
        return tuple(self.caller) if isinstance(self.caller, list) else self.caller


class BadTicket(WrongCredential):
    """The host has not signed the ticket, it has expired, or it is for something else."""

    def __init__(self) -> None:
        super().__init__("This address works only with the header that came with it, for a time.", "Ask for it again.")


def issue(host: Host, purpose: Purpose, repository: str, caller: Hashable, *, oid: str = "", size: int = 0) -> str:
    """Return a ticket for a purpose, as a header has it."""
    ticket = Ticket(purpose, repository, int(host.clock()) + SECONDS, caller, oid, size)
    content = base64.urlsafe_b64encode(msgspec.json.encode(ticket)).decode()
    return f"{SCHEME} {content}.{host.store.secrets.sign(_SIGNED + content)}"


def read(host: Host, header: str) -> Ticket:
    """Return the ticket in a header. Raise `BadTicket`."""
    scheme, _, text = header.partition(" ")
    content, _, signature = text.partition(".")
    if scheme != SCHEME or not host.store.secrets.has_signed(_SIGNED + content, signature):
        raise BadTicket
    found = msgspec.json.decode(base64.urlsafe_b64decode(content), type=Ticket)
    if found.expires < host.clock():
        raise BadTicket
    return found

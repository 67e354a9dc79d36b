"""One session: find who connects, judge what is asked for, and run it on the path that transfers over HTTP take."""

import asyncio
import re
from collections.abc import AsyncGenerator, Hashable
from contextlib import aclosing
from typing import NamedTuple

import msgspec
from starlette.types import Message, Receive

from roadstead.api.errors import RequestRefused
from roadstead.api.incoming import Incoming
from roadstead.domain.access.key_holders import find_holder, find_user_of, is_known
from roadstead.domain.host import Host
from roadstead.domain.repositories import lfs, transfers
from roadstead.domain.repositories.access import RepositoryMoved, find_repository
from roadstead.domain.repositories.transfers import MOST_ASKED_BYTES, Transfer
from roadstead.errors import NotAuthenticated, NotFound, RoadsteadError, WrongCredential
from roadstead.model import Privilege, Repository
from roadstead.model.keys import KeyHolder
from roadstead.pushed import Service
from roadstead.ssh.commands import Asked, read_command
from roadstead.ssh.connection import ERRORS, OUTPUT, Connection

_LONGEST_UPLOAD = 4 * 3600.0
"""How long a client may take to ask for what it wants; while it gets nothing, it must ask within `IDLE_SECONDS`."""
_LONGEST_ASKING = 600.0
"""How long a client may ask for one thing after another. Each answer gives it more time, so only this ends a session
that asks for all refs every minute.
"""
_FLUSH = b"0000"
"""What a client says at the end, however long it has received objects."""
_PROTOCOL = re.compile(r"[\x21-\x7e]{1,64}")
_NO_SHELL = "\n\nYou can use git to connect to Roadstead. Shell access is disabled.\n"


class Session(NamedTuple):
    """A connection with a key, of which the host knows the fingerprint, and what its client asks for."""

    host: Host
    connection: Connection
    fingerprint: str
    protocol: str
    command: str

    @property
    def route(self) -> str:
        """The program, as metrics name it: below the address of any repository."""
        try:
            return f"/{{workspace}}/{{repo_slug}}/{read_command(self.command).program}"
        except RoadsteadError:
            return "none"

    async def run(self) -> None:
        """Do what is asked for. Raise refusals, whose texts are for the user."""
        if not self.command:
            return await self._greet()
        asked = read_command(self.command)
        transfer = await self._admit(asked)
        if asked.program == "git-lfs-authenticate":
            return await self._authenticate(transfer, asked)
        return await (self._receive(transfer) if asked.writes else self._upload(transfer))

    async def _greet(self) -> None:
        """Tell a user who tests the connection that it works."""
        if not await is_known(self.host, self.fingerprint):
            raise NotAuthenticated("This key does not connect anyone any more.")
        how = "ssh key" if await find_user_of(self.host, self.fingerprint) else "a deploy key"
        await self.connection.write(OUTPUT, f"authenticated via {how}.{_NO_SHELL}".encode())

    async def _admit(self, asked: Asked) -> Transfer:
        """Return the transfer, if the holder of the key may. Raise refusals in the cloud's words."""
        try:
            holder = await find_holder(self.host, self.fingerprint, asked.workspace, asked.slug)
            repository = await self._find(holder, asked)
        except NotFound as exc:
            raise NotFound("The requested repository either does not exist or you do not have access.") from exc
        if asked.writes and holder.owner is not None:
            raise WrongCredential("repository access denied. access via a deployment key is read-only.")
        return Transfer(self.host, holder, repository, self._sharer(holder))

    async def _find(self, holder: KeyHolder, asked: Asked) -> Repository:
        """Return the repository; of one with another name by now, tell that name."""
        least: Privilege = "write" if asked.writes and holder.owner is None else "read"
        try:
            held = await find_repository(self.host, holder, asked.workspace, asked.slug, least)
        except RepositoryMoved as moved:
            now = moved.repository
            held = await find_repository(self.host, holder, now.workspace.slug, now.slug, least)
            told = f"This repository is now {now.full_name}. Change the URL of the remote.\n"
            await self.connection.write(ERRORS, told.encode())
        return held.repository

    def _sharer(self, holder: KeyHolder) -> Hashable:
        """Return to whom shares belong: a user has one for all ways of connecting."""
        return ("deploy key", self.fingerprint) if holder.user is None else (holder.user.id, None)

    async def _authenticate(self, transfer: Transfer, asked: Asked) -> None:
        """Tell git-lfs where it transfers objects, over HTTP."""
        access = lfs.authenticate(self.host, transfer.repository, asked.purpose, transfer.sender)
        await self.connection.write(OUTPUT, msgspec.json.encode(access._asdict()))

    async def _upload(self, transfer: Transfer) -> None:
        body = Incoming(self._asking(), most=MOST_ASKED_BYTES, idle_seconds=_LONGEST_UPLOAD)
        await self._send(transfers.upload(transfer, body, self._spoken, stateless=False))

    def _asking(self) -> Receive:
        """Return what receives what the client asks for, for as long as it may ask."""
        clock = asyncio.get_running_loop().time
        until = clock() + _LONGEST_ASKING

        async def receive() -> Message:
            message = await self.connection.receive()
            if clock() > until and message.get("body", b"") not in (b"", _FLUSH):
                raise RequestRefused(408, "The client has asked for too long.", "Fetch again.")
            return message

        return receive

    async def _receive(self, transfer: Transfer) -> None:
        service: Service = "git-receive-pack"
        await self._send(transfers.advertise(transfer, service, self._spoken, named=False))
        if await self.connection.begins():
            await self._send(transfers.receive(transfer, Incoming(self.connection.receive)))

    async def _send(self, pieces: AsyncGenerator[bytes, None]) -> None:
        async with aclosing(pieces):
            await self.connection.send(pieces)

    @property
    def _spoken(self) -> str:
        """Return the versions of the protocol that the client speaks. What git would not send is ignored."""
        return self.protocol if _PROTOCOL.fullmatch(self.protocol) else ""

"""Answer the programs that sshd starts: which keys it takes, and the sessions of those who connect with one."""

import logging
import os
import pwd
import time
from asyncio import StreamReader, StreamWriter
from collections.abc import Sequence
from contextlib import suppress

from roadstead.api.errors import RequestRefused, status_of
from roadstead.domain.access.key_holders import is_known
from roadstead.domain.access.public_keys import read_key
from roadstead.domain.access.shares import Shares
from roadstead.domain.host import Host
from roadstead.errors import HostBusy, InvalidInput, RoadsteadError
from roadstead.ssh.connection import END, ERRORS, IDLE_SECONDS, OUTPUT, ClientLeft, Connection
from roadstead.ssh.session import Session

MOST_SESSIONS = 100
"""At a time, in one process; each is a process of sshd and one of ours beside it."""
SESSIONS_OF_A_KEY = 16

log = logging.getLogger("roadstead.git")


class Answers:
    """The connections to one process of a host."""

    def __init__(
        self,
        host: Host,
        most: int = MOST_SESSIONS,
        share: int = SESSIONS_OF_A_KEY,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._host = host
        self._sessions = Shares(most, share)
        self._idle_seconds = idle_seconds
        self._open = set[StreamWriter]()

    @property
    def running(self) -> int:
        """Return how many sessions are open."""
        return self._sessions.held

    def hang_up(self) -> None:
        """Close all connections. A push that has begun ends as if its client had left."""
        for writer in self._open:
            writer.transport.abort()

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Answer one program."""
        self._open.add(writer)
        connection = Connection(reader, writer, self._idle_seconds)
        try:
            with suppress(ClientLeft):
                await self._answer_in_time(connection)
        finally:
            self._open.discard(writer)
            writer.close()

    async def _answer_in_time(self, connection: Connection) -> None:
        """Answer a program, and end when nothing has passed for too long."""
        try:
            async with connection.deadline:
                await self._answer(connection, await connection.request())
        except TimeoutError:
            await connection.write(ERRORS, b"Roadstead has waited too long for the client.\n")
            await connection.write(END, b"1")

    async def _answer(self, connection: Connection, request: Sequence[str]) -> None:
        code = 1
        match request:
            case "keys", account, kind, encoded:
                code = await self._tell_key(connection, account, f"{kind} {encoded}")
            case "serve", fingerprint, protocol, *command:
                code = await self._run(Session(self._host, connection, fingerprint, protocol, "\0".join(command)))
        await connection.write(END, str(code).encode())

    async def _tell_key(self, connection: Connection, account: str, text: str) -> int:
        """Send the fingerprint of a key if someone may connect with it, to the host's own account alone."""
        with suppress(InvalidInput, KeyError):  # the host's user may have no name
            fingerprint = read_key(text).fingerprint
            try:
                known = account == pwd.getpwuid(os.getuid()).pw_name and await is_known(self._host, fingerprint)
            except RoadsteadError as exc:
                log.warning("sshd is not told whose a key is: %s %s", exc.message, exc.detail)
                return 1
            if known:
                await connection.write(OUTPUT, fingerprint.encode())
        return 0

    async def _run(self, session: Session) -> int:
        """Run a session, count it unless its client leaves, and return its exit code."""
        began = time.perf_counter()
        error = await self._failure_of(session)
        status = 200 if error is None else status_of(error)
        self._host.metrics.answered("SSH", session.route, status, time.perf_counter() - began)
        if error is None:
            return 0
        await session.connection.write(ERRORS, f"{error.lines}\n".encode())
        return 1

    async def _failure_of(self, session: Session) -> RoadsteadError | None:
        """Run a session within the share of its key, and return why it fails, if it does."""
        if self._sessions.take(session.fingerprint) is not None:
            return HostBusy("There are as many SSH sessions as there can be.", "Try again in a moment.")
        try:
            await session.run()
        except ClientLeft:
            raise
        except RoadsteadError as exc:
            return exc
        except Exception:
            log.exception("A session over SSH failed")
            return RequestRefused(500, "Roadstead failed with an internal error.", "The log has the details.")
        finally:
            self._sessions.give_back(session.fingerprint)
        return None

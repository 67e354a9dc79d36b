"""Clones, fetches and pushes by git's own protocol. Each takes a place, and flows through pipes in flat memory."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Hashable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from roadstead.domain.host import Host
from roadstead.domain.repositories.commits import folder_of
from roadstead.domain.repositories.folders import folders_of
from roadstead.domain.repositories.journal import begin, finish, new_id
from roadstead.domain.repositories.sizes import expect_room
from roadstead.errors import RoadsteadError
from roadstead.git import locks
from roadstead.git.ref_names import BRANCH, reason_against
from roadstead.git.refs import head
from roadstead.git.sizes import size_below
from roadstead.git.transfer import archives, programs
from roadstead.git.transfer.commands import Commands, read_commands
from roadstead.git.transfer.outcome import refs_now
from roadstead.git.transfer.programs import Body, Pushing
from roadstead.git.transfer.report import Report, failure_report
from roadstead.git.transfer.verdict import Question, write_hook
from roadstead.model import Identity, Repository
from roadstead.pushed import ArchiveFormat, Push, Ref, RefChange, Service
from roadstead.turns import by_turns

MOST_ASKED_BYTES = 10 * 1024 * 1024
"""Of a request for objects, which lists what the client has and wants, unpacked."""
_MOST_REASONS = 10
"""Of a refusal. The user who pushes reads them in a terminal."""
_MOST_LINKS = 5

log = logging.getLogger("roadstead.git")


class Transfer(NamedTuple):
    """A caller and the repository to transfer with. `sender` is the key of the caller's share of places."""

    host: Host
    identity: Identity
    repository: Repository
    sender: Hashable

    @property
    def folder(self) -> Path:
        """Return where git has the repository."""
        return folder_of(self.host, self.repository)

    def pieces(self, made: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
        """Yield what a generator makes, while the sender has a place. Raise `HostBusy`."""
        return self.host.transfers.pieces(self.sender, made)


def advertise(transfer: Transfer, service: Service, protocol: str, *, named: bool = True) -> AsyncGenerator[bytes]:
    """Yield what the repository has for a client that is about to fetch or to push; see `programs` for `named`."""
    return transfer.pieces(programs.advertise(transfer.folder, service, protocol, named=named))


def upload(transfer: Transfer, body: Body, protocol: str, *, stateless: bool = True) -> AsyncGenerator[bytes]:
    """Yield the objects that a client asks for in its body; see `programs` for `stateless`."""
    return transfer.pieces(programs.upload_pack(transfer.folder, body, protocol, stateless=stateless))


def archive(transfer: Transfer, commit: str, wanted: ArchiveFormat, name: str) -> AsyncGenerator[bytes]:
    """Yield an archive of a commit, with all files below a folder of that name. Raise `HostBusy`."""
    made = archives.archive(transfer.folder, commit, wanted, name)
    return transfer.host.computing.pieces(transfer.sender, made)


async def receive(transfer: Transfer, body: Body) -> AsyncGenerator[bytes]:
    """Yield git's answers to a push. A push that has begun is completed even if the client leaves."""
    output: asyncio.Queue[bytes | Exception | None] = asyncio.Queue()
    transfer.host.run_later(_Receiving(transfer, body, output).run())
    while (piece := await output.get()) is not None:
        if isinstance(piece, Exception):
            raise piece
        yield piece


class _Receiving:
    """One push, from its commands to its report."""

    def __init__(self, transfer: Transfer, body: Body, output: "asyncio.Queue[bytes | Exception | None]") -> None:
        self._host, self._identity, self._repository, self._sender = transfer
        self._folder = transfer.folder
        self._body = body
        self._output = output
        self._push_id = new_id()
        self._push: Push | None = None
        """Set when the push is in the journal, and may change refs."""

    async def run(self) -> None:
        """Take the push. What fails is raised where the output is read."""
        try:
            async with self._host.transfers.place(self._sender):
                commands = await read_commands(self._body)
                if commands.changes:
                    await self._answer(commands)
        except RoadsteadError as exc:
            self._output.put_nowait(exc)
        except Exception as exc:
            log.exception("A push to %s failed", self._repository.full_name)
            self._output.put_nowait(exc)
        finally:
            self._output.put_nowait(None)

    async def _answer(self, commands: Commands) -> None:
        """Take the push, and tell the client why if it fails."""
        try:
            await self._take(commands)
        except RoadsteadError as exc:
            told = failure_report(commands.capabilities, exc.lines)
            if told is None:
                raise
            self._send(told)

    async def _take(self, commands: Commands) -> None:
        hooks = _hooks(self._host)
        async with locks.wait_for(locks.shared, self._folder) as lock:
            pushing = Pushing(self._push_id, hooks, self._judge, lock)
            try:
                report = await programs.receive_pack(self._folder, commands, self._body, pushing, self._send)
            except Exception:
                if self._push is not None:
                    await finish(self._host, self._repository, self._push)
                raise
            message = "" if self._push is None else await self._finish(self._push, report)
        self._send(report.end(message))

    async def _finish(self, push: Push, report: Report) -> str:
        """Record the push, and return the message for the user."""
        accepted = report.accepted
        reported = None if accepted is None else [change for change in push.changes if change.ref in accepted]
        return _message(self._host, self._repository, await finish(self._host, self._repository, push, reported))

    async def _judge(self, question: Question) -> str | None:
        """Return why the push is refused, or put it into the journal: from then on it may change refs."""
        there = await refs_now(self._folder, [change.ref for change in question.changes if change.deletes])
        main = head(self._folder)
        found = [_reason_against(change, there, main) async for change in by_turns(question.changes)]
        reasons = [reason for reason in found if reason is not None]
        if reasons:
            return "\n".join(reasons[:_MOST_REASONS])
        # git reports the deletion of a ref that is not there as done.
        changes = [change for change in question.changes if not change.deletes or there[change.ref] is not None]
        try:
            if self._host.settings.repository_limit and question.quarantine is not None:
                added = await asyncio.to_thread(size_below, question.quarantine)
                expect_room(self._host, self._repository, added)
            self._push = await begin(self._host, self._identity, self._repository, self._push_id, changes)
        except RoadsteadError as exc:
            return exc.lines
        return None

    def _send(self, piece: bytes) -> None:
        if piece:
            self._output.put_nowait(piece)


def _reason_against(change: RefChange, there: Mapping[str, Ref | None], main: str) -> str | None:
    """Return why a change is refused. git itself deletes a ref, whatever its value, if it lacks the old object."""
    now = there.get(change.ref)
    if now is not None and now.target != change.old:
        return f"{change.ref} was changed meanwhile."
    if change.deletes and change.ref == main:
        return f"The main branch is not allowed to be deleted: {main.removeprefix(BRANCH)}"
    return reason_against(change.ref)


def _hooks(host: Host) -> Path:
    """Return the folder of our hook, which is written if it is not there."""
    folder = folders_of(host).root / "hooks"
    write_hook(folder)
    return folder


def _message(host: Host, repository: Repository, changes: Sequence[RefChange]) -> str:
    """Return the message for the client, as on the cloud: an address for each new branch, and others but the main one.

    Programs read the address behind `Create pull request for`.
    """
    pushed = [
        change.ref.removeprefix(BRANCH)
        for change in changes
        if change.ref.startswith(BRANCH)
        and not change.deletes
        and (change.creates or change.ref != f"{BRANCH}{repository.mainbranch}")
    ]
    page = f"{host.base_url}/{repository.full_name}/pull-requests/new?source="
    told = [f"\nCreate pull request for {name}:\n  {page}{quote(name)}&t=1\n\n" for name in pushed[:_MOST_LINKS]]
    return "".join(told)

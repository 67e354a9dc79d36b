"""Listen for the programs that sshd starts, while the host runs. What answers them is imported with the first."""

import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from roadstead.domain.host import Host
from roadstead.domain.local_sockets import listening
from roadstead.frames import SSH

if TYPE_CHECKING:
    from roadstead.ssh.answers import Answers

log = logging.getLogger("roadstead.git")


@asynccontextmanager
async def serving_ssh(host: Host) -> AsyncIterator[None]:
    """Answer sshd's programs while in the block, if the setting `ssh_url` says that there is an sshd."""
    if host.settings.ssh_url is None:
        yield
        return
    door = _Door(host)
    async with AsyncExitStack() as until_the_end:
        try:
            await until_the_end.enter_async_context(listening(host.settings.data, SSH, door.serve))
        except OSError as exc:
            log.warning("git over SSH does not work: %s.", exc)
        until_the_end.callback(door.hang_up)
        yield


class _Door:
    def __init__(self, host: Host) -> None:
        self._host = host

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        await self._answers.serve(reader, writer)

    def hang_up(self) -> None:
        if "_answers" in vars(self):
            self._answers.hang_up()

    @cached_property
    def _answers(self) -> "Answers":
        from roadstead.ssh.answers import Answers

        return Answers(self._host)

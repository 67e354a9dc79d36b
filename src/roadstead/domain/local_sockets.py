"""The host's side of its Unix sockets: listen where only the host's own user can connect, and read frames."""

import asyncio
import os
import socket
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from roadstead.frames import LENGTH_BYTES, MOST_BYTES, socket_folder

Serve = Callable[[StreamReader, StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(data: Path, ending: str, serve: Serve) -> AsyncIterator[None]:
    """Serve each connection to a socket in the data folder while in the block. Raise `OSError` if it cannot be made.

    At the end of the block, `serve` must be about to return from all connections.
    """
    made, file = _listen(Path(socket_folder(str(data))), ending)
    async with await asyncio.start_unix_server(serve, sock=made) as accepting:
        try:
            yield
        finally:
            with suppress(OSError):  # its disk is read-only now: the next host that starts does it
                file.unlink()
            accepting.close()


def _listen(folder: Path, ending: str) -> tuple[socket.socket, Path]:
    """Return a listening socket that only its owner can reach, and its file. Delete those of dead hosts."""
    folder.mkdir(mode=0o700, exist_ok=True)
    _sweep(folder, ending)
    file = folder / f"{os.getpid()}{ending}"
    new = file.with_suffix(f"{ending}.new")
    new.unlink(missing_ok=True)
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind(str(new))
        new.chmod(0o600)  # before anyone can connect
        made.listen()
        new.rename(file)
    except OSError:
        made.close()
        raise
    return made, file


def _sweep(folder: Path, ending: str) -> None:
    for file in folder.glob(f"*{ending}"):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(file))
            except ConnectionRefusedError:
                file.unlink(missing_ok=True)


async def read_frame(reader: StreamReader) -> bytes:
    """Return the content of the next frame. Raise `EOFError`, `OSError`, and `ValueError` if it is too long."""
    length = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
    if length > MOST_BYTES:
        raise ValueError(length)
    return await reader.readexactly(length)

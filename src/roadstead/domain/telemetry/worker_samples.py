"""The samples of all workers of one host, through files: each worker writes its own; the one that is scraped reads all.

A file stays when its worker dies, so its counts are not lost; its state no longer matters. A worker reports a figure
only after it is in a file, so no reported counter goes back when a worker is killed.
"""

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from roadstead.domain.telemetry.samples import FAMILIES, Sample

PAUSE_SECONDS = 1.0
"""The maximum age of the other workers' figures."""

_decoder = msgspec.msgpack.Decoder(list[Sample])
_encode = msgspec.msgpack.Encoder().encode


class WorkerSamples:
    """The samples of the workers whose files are in `folder`; without a folder there is only this process."""

    def __init__(self, own: Callable[[], list[Sample]], folder: Path | None) -> None:
        self._own = own
        self._folder = folder
        # A later process may have the same id.
        self._file = folder / f"{os.getpid()}.{secrets.token_hex(4)}" if folder else None

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Share this worker's samples with the other workers until the block ends."""
        if self._file is None:
            yield
            return
        writing = asyncio.create_task(self._go_on_writing())
        try:
            yield
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            self._write()

    async def _go_on_writing(self) -> None:
        while True:
            self._write()
            await asyncio.sleep(PAUSE_SECONDS)

    def _write(self) -> list[Sample]:
        samples = self._own()
        if self._file is not None:
            draft = self._file.with_suffix(".draft")
            with contextlib.suppress(OSError):  # the other workers will soon report a full disk
                draft.write_bytes(_encode(samples))
                draft.replace(self._file)
        return samples

    def all(self) -> list[Sample]:
        """Return the samples of all workers, our own current. The same labels may come more than once."""
        samples = self._write()
        return samples if self._folder is None else [*samples, *self._of_others(self._folder)]

    def _of_others(self, folder: Path) -> Iterator[Sample]:
        for file in folder.iterdir():
            if file == self._file or file.suffix == ".draft":
                continue
            alive = _is_alive(int(file.stem))
            for sample in _decoder.decode(file.read_bytes()):
                if alive or FAMILIES[sample.family].kind != "gauge":
                    yield sample


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

"""The input text of a command, in lines, as they arrive."""

import io
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, TypeAlias

from roadstead.errors import InvalidInput

Chunks: TypeAlias = Iterable[list[bytes]]
"""Lines with their ends, as many at a time as have arrived."""

CHUNK_BYTES = 64 * 1024
LONGEST_LINE = 1024 * 1024
"""Bytes. Longer input without a line end is cut into texts of this size, so that no input fills the memory."""


def lines_as_they_come(source: BinaryIO) -> Iterator[list[bytes]]:
    """Yield the lines of a stream, as many at a time as have arrived, each with its end."""
    read = source.read1 if isinstance(source, io.BufferedReader) else source.read
    begun = b""
    while chunk := read(CHUNK_BYTES):
        begun += chunk
        end = len(begun) if len(begun) > LONGEST_LINE else begun.rfind(b"\n") + 1
        yield io.BytesIO(begun[:end]).readlines()
        begun = begun[end:]
    if begun:
        yield [begun]


@contextmanager
def opened(file: str) -> Iterator[tuple[BinaryIO, Chunks]]:
    """Open a file, or standard input for `-`; yield it and its lines. Raises `InvalidInput`."""
    with ExitStack() as until_the_end:
        if file != "-":
            source = until_the_end.enter_context(_open(file))
            yield source, _watched(source, until_the_end)
            return
        if sys.stdin.isatty():
            from roadstead.cli.output import tell

            tell("Type or paste the text, then press Ctrl-D.")
        yield sys.stdin.buffer, lines_as_they_come(sys.stdin.buffer)


def _open(file: str) -> BinaryIO:
    try:
        return open(file, "rb")  # noqa: PTH123  # the caller closes it; pathlib is slow
    except (OSError, ValueError) as exc:
        reason = exc.strerror if isinstance(exc, OSError) else str(exc)
        raise InvalidInput(f"{file} cannot be read: {reason}.", "Give a text file, or - for standard input.") from exc


def _watched(source: BinaryIO, until_the_end: ExitStack) -> Chunks:
    """Return the lines, with a progress bar while many of them are read from a file and not printed on the terminal."""
    if not sys.stderr.isatty() or sys.stdout.isatty():
        return lines_as_they_come(source)
    size = os.fstat(source.fileno()).st_size
    if size <= LONGEST_LINE:
        return lines_as_they_come(source)
    from rich.progress import Progress

    from roadstead.cli.output import console

    # The output is not on the terminal, so it need not move the bar.
    bar = until_the_end.enter_context(Progress(console=console(stderr=True), transient=True, redirect_stdout=False))
    return lines_as_they_come(bar.wrap_file(source, total=size, description="Linking"))

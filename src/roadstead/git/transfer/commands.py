"""The commands of a push: which refs it wants to change, and how. The pack follows them."""

import re
from collections.abc import AsyncIterator, Iterator, Set
from typing import NamedTuple

from roadstead.errors import InvalidInput
from roadstead.git.transfer.pktlines import FLUSH, Lines, MalformedLine, pkt_line
from roadstead.pushed import RefChange

MOST_BYTES = 4 * 1024 * 1024
"""Of all commands of a push: some 30,000 refs."""
_COMMAND = re.compile(rb"([0-9a-f]{40}) ([0-9a-f]{40}) ([^\x00-\x20\x7f]+)\n?")
_SHALLOW = re.compile(rb"shallow [0-9a-f]{40}\n?")


class MalformedPush(InvalidInput):
    """The body is not a push as git sends it."""

    def __init__(self, reason: str) -> None:
        super().__init__("This is not a push that can be read.", reason)


class TooManyCommands(InvalidInput):
    """The commands of a push are longer than the host reads."""

    def __init__(self) -> None:
        super().__init__("The push changes too many refs at once.", "Push some of them at a time.")


class Commands(NamedTuple):
    """The commands of a push, what its client is capable of, and all bytes that were read, also those of the pack.

    `for_git` are these bytes with the capability `atomic`, by which git changes all refs or none.
    """

    changes: list[RefChange]
    capabilities: frozenset[str]
    raw: bytes
    for_git: bytes


async def read_commands(body: AsyncIterator[bytes]) -> Commands:
    """Return the commands at the beginning of a body. Raise `MalformedPush` and `TooManyCommands`."""
    reading = _Reading()
    async for piece in body:
        if reading.is_complete_with(piece):
            return reading.commands
    if reading.read:
        raise MalformedPush("It ends within its commands.")
    return reading.commands


class _Reading:
    def __init__(self) -> None:
        self.read = bytearray()
        self._lines = Lines()
        self._changes: list[RefChange] = []
        self._names: set[bytes] = set()
        self._capabilities: frozenset[str] = frozenset()
        self._passed = 0
        """Bytes of the lines that were taken."""
        self._first = slice(0)
        """Where the first command is among the bytes."""

    @property
    def commands(self) -> Commands:
        raw = bytes(self.read)
        one_by_one = not self._changes or "atomic" in self._capabilities or _has_folders(self._names)
        for_git = raw if one_by_one else raw[: self._first.start] + _atomic(raw[self._first]) + raw[self._first.stop :]
        return Commands(self._changes, self._capabilities, raw, for_git)

    def is_complete_with(self, piece: bytes) -> bool:
        """Add a piece, and return whether the commands end in it."""
        self.read += piece
        self._lines.add(piece)
        try:
            for line in self._lines.take():
                if line.payload is None:
                    return True
                self._add(line.payload)
                self._passed += len(line.raw)
                if len(self._changes) == 1 and not self._first.stop:
                    self._first = slice(self._passed - len(line.raw), self._passed)
        except MalformedLine as exc:
            raise MalformedPush(str(exc)) from exc
        if len(self.read) > MOST_BYTES:
            raise TooManyCommands
        return False

    def _add(self, payload: bytes) -> None:
        command, _, capabilities = payload.partition(b"\0")
        if _SHALLOW.fullmatch(command):
            return
        found = _COMMAND.fullmatch(command)
        if found is None:
            raise MalformedPush("A command is not: old id, new id, name of a ref.")
        if not self._changes:
            self._capabilities = frozenset(capabilities.decode("latin-1").split())
        old, new, name = found.groups()
        if old == new:  # git would delete a ref for nothing to nothing, whatever it is at
            raise MalformedPush("A command changes nothing.")
        if name in self._names:  # git would carry out both, and report one result
            raise MalformedPush("Two commands name the same ref.")
        self._names.add(name)
        self._changes.append(RefChange(old.decode(), new.decode(), name.decode("utf-8", "surrogateescape")))


def _atomic(line: bytes) -> bytes:
    """Return the pkt-line of a command with one capability more. Raise `MalformedPush` if there is no room for it."""
    payload = line[len(FLUSH) :].removesuffix(b"\n")
    try:
        return pkt_line(payload + (b" atomic" if b"\0" in payload else b"\0 atomic"))
    except MalformedLine as exc:
        raise MalformedPush(str(exc)) from exc


def _has_folders(names: Set[bytes]) -> bool:
    """Return whether a name is the folder of another, as `a` of `a/b`: git cannot swap these two at once."""
    return any(folder in names for name in names for folder in _folders(name))


def _folders(name: bytes) -> Iterator[bytes]:
    parts = name.split(b"/")
    return (b"/".join(parts[:length]) for length in range(1, len(parts)))

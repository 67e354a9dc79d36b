"""The output of `receive-pack`: progress is sent at once, the report once the push is recorded."""

import os

from roadstead.git.transfer.pktlines import FLUSH, Lines, pkt_line

_REPORT, _PROGRESS, _FAILURE = b"\1", b"\2", b"\3"
_SIDE_BAND = "side-band-64k"


class Report:
    """The output of one push, whose client has the `capabilities`. Without side-bands, all of it is the report."""

    def __init__(self, capabilities: frozenset[str]) -> None:
        self._has_bands = _SIDE_BAND in capabilities
        self._lines = Lines()
        self._held = bytearray()

    def add(self, piece: bytes) -> bytes:
        """Add output, and return what may be sent at once. Raise `MalformedLine`."""
        if not self._has_bands:
            self._held += piece
            return b""
        at_once = bytearray()
        self._lines.add(piece)
        for payload, raw in self._lines.take():
            # An empty line of the report keeps the connection alive while git checks a pack.
            is_report = payload is None or (payload[:1] == _REPORT and len(payload) > 1)
            (self._held if is_report else at_once).extend(raw)
        return bytes(at_once)

    @property
    def accepted(self) -> frozenset[str] | None:
        """The refs that git has changed; `None` without a report, or with one in another form than was expected.

        git reads capabilities from every command, and takes `side-band-64k=1` for `side-band-64k`.
        """
        lines, inner = Lines(), bytes(self._held)
        if self._has_bands:
            lines.add(inner)
            inner = b"".join(payload[1:] for payload, _ in lines.take() if payload)
            lines = Lines()
        lines.add(inner)
        said = [payload.rstrip(b"\n") for payload, _ in lines.take() if payload]
        if not said or not said[0].startswith(b"unpack "):
            return None
        return frozenset(os.fsdecode(line.removeprefix(b"ok ")) for line in said if line.startswith(b"ok "))

    def end(self, message: str = "") -> bytes:
        """Return the report, after a message for the user who pushes."""
        shown = b"".join(map(_progress, message.splitlines(keepends=True))) if self._has_bands else b""
        return shown + bytes(self._held)


def failure_report(capabilities: frozenset[str], message: str) -> bytes | None:
    """Return the message that tells a client why its push failed. Of an error status, git shows only the number.

    A client without side-bands has no other way, so there is no such report for it.
    """
    return pkt_line(_FAILURE + message.encode()) + FLUSH if _SIDE_BAND in capabilities else None


def _progress(line: str) -> bytes:
    return pkt_line(_PROGRESS + line.encode())

"""What `roadstead linkify` and a running host say to each other over a Unix socket.

The command sends the form of the output and the workspace, then the lines, some at a time, and in the end nothing. The
host answers the first with nothing, each of the others with the lines as they are printed, and the end with the limits
that linkers met, as JSON. When something is wrong the host hangs up, and the command links the lines itself.

Each of these is a frame: the length of its content in four bytes, then the content. The command must start at once, so
this module imports nothing that takes long.
"""

from pathlib import Path

MOST_BYTES = 2 * 1024 * 1024
"""Of a frame. The longest line that the command does not cut has half as many."""
LENGTH_BYTES = 4
SUFFIX = ".sock"


def socket_folder(data: Path) -> Path:
    """Return where running hosts have their sockets. Only the user enters it who started the first host there."""
    return data / "hosts"


def framed(content: bytes) -> bytes:
    """Return content as a frame."""
    return len(content).to_bytes(LENGTH_BYTES, "big") + content

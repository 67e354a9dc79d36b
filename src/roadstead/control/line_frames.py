"""The protocol of `roadstead linkify` and a running host over a Unix socket.

The command sends the output format and the workspace, then the lines, some at a time, and at the end nothing. The host
answers the first frame with nothing, each of the others with the lines as they are printed, and the end with the limits
that linkers met, as JSON. On an error the host closes the connection, and the command links the lines itself.

Each message is a frame: the length of its content in four bytes, then the content. The command must start fast, so this
module imports nothing slow.
"""

MOST_BYTES = 2 * 1024 * 1024
"""Of a frame. The longest line that the command does not cut has half as many."""
LENGTH_BYTES = 4
SUFFIX = ".sock"


def socket_folder(data: str) -> str:
    """Return the folder of running hosts' sockets. Only the user who started the first host there can enter it."""
    return f"{data}/hosts"


def framed(content: bytes) -> bytes:
    """Return content as a frame."""
    return len(content).to_bytes(LENGTH_BYTES, "big") + content

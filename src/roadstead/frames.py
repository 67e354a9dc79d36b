"""The Unix sockets of running hosts, and the frames that commands and hosts exchange over them.

Each process of a host has a file of its own in the folder of sockets, one for each service. Each message is a frame:
the length of its content in four bytes, then the content. The commands must start fast, so this module imports nothing
slow.
"""

import os

MOST_BYTES = 2 * 1024 * 1024
"""Of a frame. The longest line that `roadstead linkify` does not cut has half as many."""
LENGTH_BYTES = 4
LINES = ".sock"
"""The end of the name of a socket for `roadstead linkify`."""
SSH = ".ssh"
"""The end of the name of a socket for the programs that sshd starts."""


def socket_folder(data: str) -> str:
    """Return the folder of running hosts' sockets. Only the user who started the first host there can enter it."""
    return f"{data}/hosts"


def sockets_in(folder: str, ending: str) -> list[str]:
    """Return the sockets of a service, of running hosts and of some that were killed."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  # pathlib is slow
    except OSError:  # no host has run here
        return []
    return [f"{folder}/{name}" for name in sorted(names) if name.endswith(ending)]


def framed(content: bytes) -> bytes:
    """Return content as a frame."""
    return len(content).to_bytes(LENGTH_BYTES, "big") + content

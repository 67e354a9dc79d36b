"""The message to systemd that the host answers requests."""

import os
import socket
from contextlib import suppress


def tell_ready() -> None:
    """Notify systemd, if it started the host as a service of type `notify`.

    The message is one datagram: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, suppress(OSError):
        told.sendto(b"READY=1", address.replace("@", "\0", 1) if address[0] == "@" else address)

"""Telling systemd that we serve, so that what is started after us finds us."""

import os
import socket
from contextlib import suppress


def tell_ready() -> None:
    """Do so where we were started as a service of type `notify`.

    It is one datagram: https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told, suppress(OSError):
        told.sendto(b"READY=1", address.replace("@", "\0", 1) if address[0] == "@" else address)

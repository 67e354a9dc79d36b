"""`roadstead ssh-serve`: what sshd runs for those who connect with a known key, whatever command they ask for."""

import os
from typing import Annotated

from roadstead.cli.declared import Argument
from roadstead.cli.options import Data


def ssh_serve(
    fingerprint: Annotated[str, Argument(metavar="FINGERPRINT", help="Of the key: roadstead ssh-keys-for gives it.")],
    data: Data = None,
) -> None:
    """Serve git to a client of SSH, for sshd.

    It takes the command of the client from SSH_ORIGINAL_COMMAND, and connects it with the running host.
    """
    from roadstead.cli.ssh_host import connect, relay

    command, protocol = os.environ.get("SSH_ORIGINAL_COMMAND", ""), os.environ.get("GIT_PROTOCOL", "")
    try:
        code = relay(connect(data, "serve", fingerprint, protocol, command))
    except BrokenPipeError:  # git leaves so when there is nothing to push
        code = 0
    os._exit(code)  # at once: a thread may wait for input

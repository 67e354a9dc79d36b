"""`roadstead ssh-keys-for`: sshd's question whether a key connects anyone, and what it may then do."""

import os
import shlex
import sys
from typing import Annotated

from roadstead.cli.declared import Argument
from roadstead.cli.options import Data
from roadstead.errors import InvalidInput


def ssh_keys_for(
    account: Annotated[str, Argument(metavar="ACCOUNT", help="The account of the system to log in to: %u in sshd.")],
    kind: Annotated[str, Argument(metavar="TYPE", help="The type of the offered key: %t.")],
    key: Annotated[str, Argument(metavar="KEY", help="The key in Base64: %k.")],
    data: Data = None,
) -> None:
    """Print the line of a known SSH key, for sshd.

    It is the program for AuthorizedKeysCommand. The key may run roadstead ssh-serve, and nothing else.
    """
    from roadstead.cli.ssh_host import answer, connect
    from roadstead.data_folder import data_folder

    fingerprint = answer(connect(data, "keys", account, kind, key)).decode()
    if fingerprint:
        print(_line(fingerprint, f"{kind} {key}", data_folder(data, os.environ)))


def _line(fingerprint: str, key: str, data: str) -> str:
    """Return the line as OpenSSH reads it: a quote in an option follows a backslash."""
    # Isolated, so that no variable of the client changes what Python runs.
    words = [sys.executable, "-I", "-m", "roadstead", "ssh-serve", fingerprint, "--data", data]
    command = shlex.join(words).replace('"', '\\"')
    if not command.isprintable():
        raise InvalidInput("The path of the data folder is not printable.", "Give another with --data.")
    return f'command="{command}",restrict {key}'

"""`roadstead ssh-key`: the public keys with which users connect over SSH."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from roadstead.cli.declared import Argument, Option
from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import print_json, print_list, tell
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row
from roadstead.cli.tokens import OfUser
from roadstead.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.model import User
    from roadstead.model.keys import SshKey

HELP = "Add, list or remove SSH keys of users."
_LONGEST = 16 * 1024


def add(
    file: Annotated[str, Argument(metavar="FILE|-", help="The public key, as in id_ed25519.pub; - is standard input.")],
    user: OfUser = None,
    label: Annotated[str, Option("--label", metavar="TEXT", help="What the key is called in lists.")] = "",
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Add a public key of a user."""
    from roadstead.domain.access import ssh_keys

    text = _read(file)

    async def make(host: "Host") -> "SshKey":
        return await ssh_keys.add_key(host, await _find(host, user or "operator"), text, label=label)

    made = on_host(read_settings(data=data, database_url=database_url), make)
    if as_json:
        print_json(_as_data(made))
    else:
        print(f"SHA256:{made.fingerprint}")


def list_keys(
    user: Annotated[
        str | None, Option("--user", metavar="USER", help="Only those of this user, by name or e-mail address.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the SSH keys of all users."""
    from roadstead.domain.access import ssh_keys

    async def find(host: "Host") -> "list[SshKey]":
        return await ssh_keys.list_keys(host, None if user is None else await _find(host, user))

    found = on_host(read_settings(data=data, database_url=database_url), find)
    headings = ("FINGERPRINT", "USER", "LABEL", "COMMENT", "ADDED", "EXPIRES", "LAST USED")
    nothing = "There are no SSH keys. Add one with: roadstead ssh-key add FILE --user USER"
    print_list(found, headings, _row, _as_data, nothing, as_json=as_json)


def remove(
    fingerprint: Annotated[str, Argument(metavar="FINGERPRINT", help="Of the key, as in roadstead ssh-key list.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Remove a user's SSH key at once."""
    from roadstead.domain.access import ssh_keys

    wanted = fingerprint.removeprefix("SHA256:")

    async def end(host: "Host") -> None:
        found = [key for key in await ssh_keys.list_keys(host) if key.fingerprint == wanted]
        if not found:
            raise NotFound("There is no such SSH key.", "List them with: roadstead ssh-key list")
        await ssh_keys.remove_key(host, found[0])

    on_host(read_settings(data=data, database_url=database_url), end)
    if as_json:
        print_json({"fingerprint": f"SHA256:{wanted}"})
    else:
        tell(f"The SSH key SHA256:{wanted} is removed.")


def _read(file: str) -> str:
    """Return the beginning of a file. Raise `InvalidInput`."""
    try:
        content = sys.stdin.buffer.read(_LONGEST) if file == "-" else Path(file).read_bytes()[:_LONGEST]
    except OSError as exc:
        raise InvalidInput(f"{file} cannot be read.", f"{exc.strerror}.") from exc
    return content.decode("utf-8", "replace")


async def _find(host: "Host", name: str) -> "User":
    from roadstead.domain.people import users

    return await host.find_operator() if name == "operator" else await users.find_user(host, name)


def _row(key: "SshKey") -> Row:
    return Row(
        (
            f"SHA256:{key.fingerprint}",
            key.user.username,
            key.label,
            key.comment,
            key.created_on,
            key.expires_on or "never",
            key.last_used_on or "never",
        )
    )


def _as_data(key: "SshKey") -> dict[str, Any]:
    return {
        "uuid": key.uuid,
        "user": key.user.username,
        "fingerprint": f"SHA256:{key.fingerprint}",
        "key": key.key,
        "label": key.label,
        "comment": key.comment,
        "created_on": key.created_on.isoformat(),
        "expires_on": key.expires_on.isoformat() if key.expires_on else None,
        "last_used_on": key.last_used_on.isoformat() if key.last_used_on else None,
    }

"""The addresses from which git clones a repository."""

from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote, urlsplit

Protocol = Literal["https", "ssh"]
"""As the cloud names them: `https` is also that of a host without TLS."""


def clone_addresses(
    full_name: str, base_url: str, ssh_url: str | None, username: str | None = None
) -> Mapping[Protocol, str]:
    """Return the address of a repository by protocol: that over HTTP, and that over SSH if the host serves it.

    The one over HTTP names the caller, if given, whose password git then asks for.
    """
    host = urlsplit(base_url)
    named = f"{quote(username, safe='')}@" if username else ""
    addresses: dict[Protocol, str] = {"https": f"{host.scheme}://{named}{host.netloc}{host.path}/{full_name}.git"}
    if ssh_url is not None:
        addresses["ssh"] = _over_ssh(full_name, ssh_url)
    return addresses


def _over_ssh(full_name: str, ssh_url: str) -> str:
    """Return the address for git over SSH: in the cloud's short form, which has no place for a port."""
    if urlsplit(ssh_url).port is None:
        return f"{ssh_url.removeprefix('ssh://')}:{full_name}.git"
    return f"{ssh_url}/{full_name}.git"

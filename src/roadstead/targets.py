"""What the operator lets us call although it is not at a public address: the setting `allow_target`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

_NAME = re.compile(r"(\*\.)?([a-z0-9_\-]+\.)*(?!\d+$|0x)[a-z0-9_\-]+")
"""A host name, or `*.` before one. A last part that is a number would make it an address."""


@dataclass(frozen=True, slots=True)
class AllowedTargets:
    """Networks by number, and hosts by name. `str()` gives the entries with commas, which `read` takes again."""

    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> "AllowedTargets":
        """Read entries such as `10.0.0.0/8`, `fd12::7`, `app.corp` and `*.corp`; commas part them too.

        Raises `ValueError` with a sentence that names the entry.
        """
        networks, names = [], []
        for entry in filter(None, (part.strip() for part in ",".join(entries).split(","))):
            name = entry.lower().removesuffix(".")
            if _NAME.fullmatch(name):
                names.append(name)
            else:
                networks.append(_network(entry))
        return cls(tuple(networks), tuple(names))

    def has_name(self, host: str) -> bool:
        """Whether the host is named, or stands below a name that begins with `*.`."""
        host = host.lower().removesuffix(".")
        return any(host.endswith(name[1:]) if name.startswith("*") else host == name for name in self.names)

    def has_address(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether the address is in one of the networks."""
        return any(address in network for network in self.networks)

    def has_this_address_alone(self, address: IPv4Address | IPv6Address) -> bool:
        """Whether an entry is this address and not a network around it."""
        return any(address in network and network.num_addresses == 1 for network in self.networks)

    def __str__(self) -> str:
        return ",".join(map(str, (*self.networks, *self.names)))


def _network(entry: str) -> IPv4Network | IPv6Network:
    try:
        wide = ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(f"{entry!r} is neither a network, nor an address, nor a host name.") from None
    if "%" in entry:
        raise ValueError(f"{entry!r} has a zone, which cannot be told apart when we connect.")
    try:
        return ip_network(entry)
    except ValueError:
        raise ValueError(f"{entry!r} has bits beyond its network, which would be {wide}.") from None

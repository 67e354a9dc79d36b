"""The setting `allow_target`: the targets that the host may call although their addresses are not public."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NAME = re.compile(r"(\*\.)?([a-z0-9_\-]+\.)*(?!\d+$|0x)[a-z0-9_\-]+")
"""A host name, or `*.` before one. A number as the last part would make it an address."""
_WITH_PORT = re.compile(r"(?:\[([^\[\]]*)\]|([^:]*)):([^:]*)")
"""A target that contains colons is in brackets, as in a URL."""
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Target:
    """One entry: a network by number or a host by name, and the only port that it allows; `None` allows all."""

    place: Network | str
    port: int | None = None

    @property
    def is_one_address(self) -> bool:
        """Return whether the entry is an address, not a network or a name."""
        return not isinstance(self.place, str) and self.place.num_addresses == 1

    def covers(self, host: str, address: Address, port: int) -> bool:
        """Return whether the entry allows a connection to this address of the host."""
        if self.port not in (None, port):
            return False
        if not isinstance(self.place, str):
            return address in self.place
        name = host.lower().removesuffix(".")
        return name.endswith(self.place[1:]) if self.place.startswith("*") else name == self.place

    def __str__(self) -> str:
        if self.port is None:
            return str(self.place)
        place = f"[{self.place}]" if ":" in str(self.place) else str(self.place)
        return f"{place}:{self.port}"


@dataclass(frozen=True, slots=True)
class AllowedTargets:
    """All entries. `str()` joins them with commas, which `read` accepts."""

    entries: tuple[Target, ...] = ()

    @classmethod
    def read(cls, entries: Iterable[str]) -> "AllowedTargets":
        """Read entries such as `10.0.0.0/8`, `fd12::7`, `app.corp`, `*.corp` and `[::1]:3000`, also separated by
        commas.

        Raise `ValueError` with a sentence that names the entry.
        """
        return cls(tuple(_target(part.strip()) for part in ",".join(entries).split(",") if part.strip()))

    def covering(self, host: str, address: Address, port: int) -> list[Target]:
        """Return the entries that allow a connection to this address of the host."""
        return [entry for entry in self.entries if entry.covers(host, address, port)]

    def __str__(self) -> str:
        return ",".join(map(str, self.entries))


def _target(entry: str) -> Target:
    with_port = _WITH_PORT.fullmatch(entry)
    if with_port is None:
        return Target(_place(entry, entry))
    bracketed, plain, port = with_port.groups()
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise ValueError(f"{entry!r} has an impossible port.")
    place = _place(bracketed or plain or "", entry)
    if (bracketed is None) == (not isinstance(place, str) and place.version == 6):
        raise ValueError(f"{entry!r} is not written like a URL's host and port.")
    return Target(place, int(port))


def _place(text: str, entry: str) -> Network | str:
    name = text.lower().removesuffix(".")
    return name if _NAME.fullmatch(name) else _network(text, entry)


def _network(text: str, entry: str) -> Network:
    try:
        wide = ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{entry!r} is neither a network, nor an address, nor a host name.") from None
    if "%" in text:
        raise ValueError(f"{entry!r} has a zone, which a connection does not tell.")
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"{entry!r} has bits beyond its network, which would be {wide}.") from None

"""Hosts with ports, which of them are the same place, and which are this host itself."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from roadstead.targets import Address

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Place:
    """A host as a URL names it, and a port. All names of this machine make the same place."""

    host: str
    port: int

    @classmethod
    def at(cls, host: str, port: int) -> "Place":
        """Return the place, for any spelling of the host."""
        name = host.lower().removesuffix(".")
        address = address_in(name)
        name = name if address is None else str(address)
        is_here = name in _NAMES_OF_THIS_MACHINE or name.endswith(".localhost")
        return cls("localhost" if is_here else name, port)

    @classmethod
    def of(cls, url: SplitResult) -> "Place":
        """Return the place of a valid URL."""
        return cls.at(url.hostname or "", url.port or _PORTS[url.scheme])

    @property
    def is_here_by_name(self) -> bool:
        """Return whether the host name means this machine, without asking a name server."""
        address = address_in(self.host)
        return self.host == "localhost" or (address is not None and address.is_loopback)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_NAMES_OF_THIS_MACHINE = frozenset(("localhost", "127.0.0.1", "::1", socket.gethostname().lower()))


@dataclass(frozen=True, slots=True)
class Ourselves:
    """The places of this host itself: its `ports` on this machine, and its base URL."""

    ports: frozenset[int] = frozenset()
    base: Place | None = None

    @classmethod
    def at(cls, base_url: str, ports: Iterable[int]) -> "Ourselves":
        """Return the places of a host with this base URL that listens at the ports."""
        return cls(frozenset(ports), Place.of(urlsplit(base_url)))

    def includes(self, place: Place, address: Address, *, here: bool) -> bool:
        """Return whether a connection to the address of the place reaches this host; `here` if it is loopback in some
        form.
        """
        return place == self.base or (place.port in self.ports and (here or _is_ours(address)))


def _is_ours(address: Address) -> bool:
    """Return whether the address is one of this machine: the operating system refuses to listen at any other."""
    try:
        with socket.socket(socket.AF_INET6 if address.version == 6 else socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind((str(address), 0))
    except OSError:
        return False
    return True


def address_in(host: str) -> Address | None:
    """Return the address that a host of a URL is, or `None` for a name."""
    try:
        return ip_address(host)
    except ValueError:
        return None

"""Addresses that may be called: public ones, and those that the operator allows.

The networks are those of IANA's special-purpose registries for IPv4 and IPv6, written out here because `is_global` of
`ipaddress` differs between Python versions. An address that wraps an IPv4 address (IPv4-mapped, 6to4, NAT64, Teredo …)
is refused for every embedded address: no app is served at such an address, and a gateway could forward it anywhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from roadstead.errors import TargetForbidden
from roadstead.outbound.places import Ourselves, Place
from roadstead.targets import Address, AllowedTargets

_LOOPBACK = "loopback (this machine)"
_METADATA = "a metadata address, where a cloud keeps the credentials of its machines"

# The first network that contains an address names its kind.
_SPECIAL = {
    "unspecified": ("0.0.0.0/8", "::/128"),
    _LOOPBACK: ("127.0.0.0/8", "::1/128"),
    "private": ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    "shared by the customers of a provider (CGNAT)": ("100.64.0.0/10",),
    "link-local": ("169.254.0.0/16", "fe80::/10"),
    "for documentation": ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "3fff::/20"),
    "for benchmarks": ("198.18.0.0/15", "2001:2::/48"),
    "multicast": ("224.0.0.0/4", "ff00::/8"),
    "broadcast": ("255.255.255.255/32",),
    "IPv4-mapped": ("::ffff:0:0/96", "::ffff:0:0:0/96"),
    "IPv4-compatible": ("::/96",),
    "NAT64": ("64:ff9b::/96", "64:ff9b:1::/48"),
    "Teredo": ("2001::/32",),
    "6to4": ("2002::/16", "192.88.99.0/24"),
    "reserved": ("192.0.0.0/24", "240.0.0.0/4", "2001::/23"),
}
_KINDS = tuple((kind, ip_network(network)) for kind, networks in _SPECIAL.items() for network in networks)
_HERE = tuple(ip_network(network) for kind in ("unspecified", _LOOPBACK) for network in _SPECIAL[kind])
_PUBLIC_IPV6 = ip_network("2000::/3")
_WRAPPING = tuple(ip_network(network) for network in ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48"))

METADATA_ADDRESSES = frozenset(
    map(
        ip_address,
        (
            "169.254.169.254",  # AWS, Azure, Google, Oracle, DigitalOcean, OpenStack and others
            "fd00:ec2::254",  # AWS
            "169.254.170.2",  # AWS, containers
            "169.254.170.23",  # AWS, Kubernetes
            "fd00:ec2::23",
            "fd20:ce::254",  # Google
            "fd00:c1::a9fe:a9fe",  # Oracle
            "192.0.0.192",
            "168.63.129.16",  # Azure's channel to its machines; public by its number
            "100.100.100.200",  # Alibaba
            "169.254.0.23",  # Tencent
            "169.254.42.42",  # Scaleway
            "fd00:42::42",
        ),
    )
)
"""As the documentation of each cloud says."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The permitted targets beside public addresses: this machine if `loopback`, and those that the operator allowed.

    This machine is called only at `home`, where the operator said that an app is, or where an entry with a port allows
    it, and never at this host's own ports: an app would choose the requests to its neighbours there, and to the host.

    The metadata addresses of clouds need an entry of exactly that address. A network around it, or a name that happens
    to resolve to it, is too easily allowed by accident.
    """

    loopback: bool = False
    allowed: AllowedTargets = field(default_factory=AllowedTargets)
    ourselves: Ourselves = field(default_factory=Ourselves)
    home: Place | None = None
    sent_by_public: bool = False
    """A public server redirected the call, and none of the above is permitted."""

    def from_public(self) -> "Reach":
        """Return the permitted targets after a redirect by a public server."""
        return replace(self, loopback=False, allowed=AllowedTargets(), sent_by_public=True)

    def check(self, host: str, port: int, address: Address) -> None:
        """Raise `TargetForbidden` unless a connection to this address of the host is permitted."""
        place, here = Place.at(host, port), _leads_here(address)
        if self.ourselves.includes(place, address, here=here):
            raise TargetForbidden(
                f"{Place(host, port)} is Roadstead itself, and may not be called.", "Give the address of the app."
            )
        kind = kind_of(address)
        if kind is None or self._permits(host, place, address, kind, here=here):
            return
        subject = str(address) if host == str(address) else f"{host} has the address {address}, which"
        raise TargetForbidden(
            f"{subject} is not public but {kind}, and may not be called.",
            self._advice(host, port, address, kind, here=here),
        )

    def _permits(self, host: str, place: Place, address: Address, kind: str, *, here: bool) -> bool:
        entries = self.allowed.covering(host, address, place.port)
        if kind == _METADATA:
            return any(entry.is_one_address for entry in entries)
        if not here or any(entry.port for entry in entries):
            return bool(entries)
        if self._names(place):
            return True
        if place != self.home:
            return False
        # The owner of a name may make it resolve to this machine at any time: it must be a name of this machine, or be
        # allowed itself.
        if any(isinstance(entry.place, str) for entry in entries):
            return True
        return place.is_here_by_name and (bool(entries) or (self.loopback and kind == _LOOPBACK))

    def _names(self, place: Place) -> bool:
        """Return whether an entry with a port names this place of this machine, by any name of the machine."""
        return any(
            entry.port == place.port and Place.at(str(entry.place).partition("/")[0], place.port) == place
            for entry in self.allowed.entries
        )

    def _advice(self, host: str, port: int, address: Address, kind: str, *, here: bool) -> str:
        if self.sent_by_public:
            return "A public server redirected there, which no setting allows: give the URL that it redirects to."
        # Name the setting by a host name that resolves here, because it may have several addresses.
        named = host if host.rpartition(".")[2][:1].isalpha() else str(address)
        target = Place(named, port) if here else address
        advice = f"If you trust the server there, allow it: --allow-target {target}, or allow_target in roadstead.toml."
        if kind == _METADATA:
            advice += " Only an entry of exactly this address allows it, no name and no network."
        elif here and self.loopback and self.home is not None:
            advice += f" Without that an app is called on this machine only where its descriptor is, at {self.home}."
        elif here:
            advice += " Apps on this machine may be called, too, while Roadstead listens on loopback only."
        return advice


def _leads_here(address: Address) -> bool:
    """Return whether a connection to the address, or to one embedded in it, ends on this machine."""
    return any(form in network for form in _unwrapped(address) for network in _HERE)


def kind_of(address: Address) -> str | None:
    """Return the kind of a non-public address, to follow "is not public but" in a sentence; `None` for a public one."""
    if any(form in METADATA_ADDRESSES for form in _unwrapped(address)):
        return _METADATA
    for kind, network in _KINDS:
        if address in network:
            return kind
    return "reserved" if address.version == 6 and address not in _PUBLIC_IPV6 else None


def _unwrapped(address: Address) -> Iterator[Address]:
    """Yield the address, and the IPv4 addresses embedded in it."""
    yield address
    if isinstance(address, IPv6Address):
        yield from filter(None, (address.ipv4_mapped, address.sixtofour, *(address.teredo or ())))
        if any(address in network for network in _WRAPPING):
            yield IPv4Address(int(address) & 0xFFFFFFFF)

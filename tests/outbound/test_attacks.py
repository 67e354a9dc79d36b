"""Addresses that must not be called, in every spelling, and by every way to make the host call them.

Each is refused with a sentence that says why, before any connection is tried: the network of the tests records every
attempt.
"""

import asyncio
import re
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest

from roadstead.domain.apps.fetching import fetch_descriptor
from roadstead.errors import OutgoingCallFailed
from roadstead.outbound.addresses import METADATA_ADDRESSES
from roadstead.outbound.calls import Answer, Outbound
from roadstead.targets import AllowedTargets
from tests.outbound.conftest import OK, PUBLIC, Internet, Server, redirect_to

LOOPBACK, UNSPECIFIED, PRIVATE, LINK_LOCAL = "but loopback", "but unspecified", "but private", "but link-local"
METADATA, MAPPED, COMPATIBLE, NAT64 = "but a metadata address", "but IPv4-mapped", "but IPv4-compatible", "but NAT64"
TEREDO, SIX_TO_FOUR, CGNAT, MULTICAST = "but Teredo", "but 6to4", "CGNAT", "but multicast"
DOCUMENTATION, BENCHMARKS, RESERVED = "but for documentation", "but for benchmarks", "but reserved"
NO_SUCH_NAME, NO_HOST, NO_PORT = "cannot be resolved", "has no host", "impossible"
CHARACTER, USER_NAME, SCHEME = "a character that is not allowed in a URL", "user name", "not an http or https URL"

# A redirect may name these as well as a person.
HOSTS = [
    # every network that is not public, by its ends
    ("0.0.0.0", UNSPECIFIED),
    ("0.255.255.255", UNSPECIFIED),
    ("10.0.0.0", PRIVATE),
    ("10.255.255.255", PRIVATE),
    ("100.64.0.0", CGNAT),
    ("100.127.255.255", CGNAT),
    ("127.0.0.1", LOOPBACK),
    ("127.255.255.255", LOOPBACK),
    ("169.254.0.0", LINK_LOCAL),
    ("169.254.255.255", LINK_LOCAL),
    ("172.16.0.0", PRIVATE),
    ("172.31.255.255", PRIVATE),
    ("192.0.0.0", RESERVED),
    ("192.0.0.255", RESERVED),
    ("192.0.2.1", DOCUMENTATION),
    ("192.88.99.1", SIX_TO_FOUR),
    ("192.168.0.0", PRIVATE),
    ("192.168.255.255", PRIVATE),
    ("198.18.0.0", BENCHMARKS),
    ("198.19.255.255", BENCHMARKS),
    ("198.51.100.1", DOCUMENTATION),
    ("203.0.113.1", DOCUMENTATION),
    ("224.0.0.0", MULTICAST),
    ("239.255.255.255", MULTICAST),
    ("240.0.0.0", RESERVED),
    ("255.255.255.254", RESERVED),
    ("255.255.255.255", "but broadcast"),
    ("[::]", UNSPECIFIED),
    ("[::1]", LOOPBACK),
    ("[100::1]", RESERVED),
    ("[2001:2::1]", BENCHMARKS),
    ("[2001:10::1]", RESERVED),
    ("[2001:db8::1]", DOCUMENTATION),
    ("[3fff::1]", DOCUMENTATION),
    ("[4000::1]", RESERVED),
    ("[5f00::1]", RESERVED),
    ("[fc00::1]", PRIVATE),
    ("[fdff:ffff::1]", PRIVATE),
    ("[fe80::1]", LINK_LOCAL),
    ("[febf::1]", LINK_LOCAL),
    ("[fec0::1]", PRIVATE),
    ("[ff02::1]", MULTICAST),
    # metadata
    ("169.254.169.254", METADATA),
    ("169.254.170.2", METADATA),
    ("100.100.100.200", METADATA),
    ("168.63.129.16", METADATA),
    ("192.0.0.192", METADATA),
    ("[fd00:ec2::254]", METADATA),
    ("[fd20:ce::254]", METADATA),
    ("metadata.google.internal", METADATA),
    ("metadata.google.internal.", METADATA),
    # IPv4 inside IPv6; public inside is refused all the same
    ("[::ffff:127.0.0.1]", MAPPED),
    ("[::ffff:7f00:1]", MAPPED),
    ("[0:0:0:0:0:FFFF:0A00:0001]", MAPPED),
    ("[::ffff:8.8.8.8]", MAPPED),
    ("[::ffff:0:10.0.0.1]", MAPPED),
    ("[::127.0.0.1]", COMPATIBLE),
    ("[::a00:1]", COMPATIBLE),
    ("[64:ff9b::10.0.0.1]", NAT64),
    ("[64:ff9b::8.8.8.8]", NAT64),
    ("[64:ff9b:1::a00:1]", NAT64),
    ("[2002:7f00:1::]", SIX_TO_FOUR),
    ("[2002:a00:1::1]", SIX_TO_FOUR),
    ("[2001:0:7f00:1::]", TEREDO),
    ("[2001::f5ff:fffe]", TEREDO),
    ("[::ffff:169.254.169.254]", METADATA),
    ("[::169.254.169.254]", METADATA),
    ("[::ffff:0:a9fe:a9fe]", METADATA),
    ("[64:ff9b::a9fe:a9fe]", METADATA),
    ("[64:ff9b:1::a9fe:a9fe]", METADATA),
    ("[2002:a9fe:a9fe::]", METADATA),
    ("[2001::5601:5601]", METADATA),
    # IPv4 as C reads it
    ("2130706433", LOOPBACK),
    ("0x7f000001", LOOPBACK),
    ("0X7F.1", LOOPBACK),
    ("0177.0.0.1", LOOPBACK),
    ("00000177.1", LOOPBACK),
    ("127.1", LOOPBACK),
    ("127.0.1", LOOPBACK),
    ("0", UNSPECIFIED),
    ("012.1", PRIVATE),
    ("0xa.0x0.0x0.0x1", PRIVATE),
    ("167772161", PRIVATE),
    ("0xc0.0250.1", PRIVATE),
    ("2852039166", METADATA),
    ("0xA9FEA9FE", METADATA),
    ("0251.0376.0251.0376", METADATA),
    ("127.0.0.1.", "(cannot be resolved|but loopback)"),
    ("4294967297", NO_SUCH_NAME),
    ("256.256.256.256", NO_SUCH_NAME),
    ("1.2.3.4.5", NO_SUCH_NAME),
    # names
    ("localhost", LOOPBACK),
    ("LocalHost", LOOPBACK),
    ("localhost.", LOOPBACK),
    ("inside.example", PRIVATE),
    ("INSIDE.example.", PRIVATE),
    ("inside6.example", PRIVATE),
    ("mapped.example", MAPPED),
    ("public-then-private.example", PRIVATE),
    ("private-then-public.example", PRIVATE),
    ("public-and-metadata.example", METADATA),
    ("unknown.example", NO_SUCH_NAME),
    # hosts that are none
    ("[::1];sandbox", f"{NO_HOST}|{NO_PORT}"),
    ("[::1]inside.example", f"{NO_HOST}|{NO_PORT}"),
    ("inside.example;sandbox", NO_HOST),
    ("[fe80::1%25eth0]", NO_HOST),
    ("[fe80::1%eth0]", NO_HOST),
    ("[::1%lo]", NO_HOST),
    ("[::ffff:127.0.0.1%25lo]", NO_HOST),
    ("%31%32%37.0.0.1", NO_HOST),
    ("%6cocalhost", NO_HOST),
    ("localhost%00.public.example", NO_HOST),
    ("127.0.0.1%2f.public.example", NO_HOST),
    ("127.0.0.1&.public.example", NO_HOST),
    ("inside.example;.public.example", NO_HOST),
    ("inside..example", NO_HOST),
    (".", NO_HOST),
    ("*", NO_HOST),
    ("a" * 300, NO_HOST),
    ("127。0。0。1", CHARACTER),
    ("１２７.0.0.1", CHARACTER),
    ("①②⑦.⓪.⓪.①", CHARACTER),
    ("ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", CHARACTER),
    ("١٢٧.0.0.1", CHARACTER),
    ("inside\u00ad.example", CHARACTER),
    (r"public.example\@inside.example", CHARACTER),
    (r"inside.example\.public.example", CHARACTER),
    # a user before the host
    ("public.example@inside.example", USER_NAME),
    ("public.example:80@10.0.0.1", USER_NAME),
    ("10.0.0.1@public.example", USER_NAME),
    ("@public.example", USER_NAME),
    (":@public.example", USER_NAME),
    ("public.example%40@inside.example", USER_NAME),
    # ports; the part before them is judged, too
    ("public.example:0", NO_PORT),
    ("public.example:65536", NO_PORT),
    ("public.example:-1", NO_PORT),
    ("public.example:8o", NO_PORT),
    ("public.example:80:80", NO_PORT),
    ("10.0.0.1:443", PRIVATE),
    ("[::1]:22", LOOPBACK),
]
URLS = [
    *((f"http://{host}/descriptor.json", why) for host, why in HOSTS),
    ("https://10.0.0.1/", PRIVATE),
    ("HTTP://10.0.0.1", PRIVATE),
    ("http://10.0.0.1?public.example", PRIVATE),
    ("http://10.0.0.1#@public.example/", PRIVATE),
    *(
        (f"{scheme}://public.example/", SCHEME)
        for scheme in ("file", "ftp", "gopher", "dict", "ldap", "ws", "unix", "http+unix", "httpx", "jar:http")
    ),
    ("file:///etc/passwd", SCHEME),
    ("data:application/json,{}", SCHEME),
    ("javascript:alert(1)", SCHEME),
]
TYPED = [
    *URLS,
    ("", SCHEME),
    ("public.example", SCHEME),
    ("//public.example/", SCHEME),
    ("http:public.example", NO_HOST),
    ("http:///public.example", NO_HOST),
    ("http://", NO_HOST),
    # Python's versions differ in how they refuse these.
    ("http://[::1", f"{NO_HOST}|{NO_PORT}"),
    ("http://[10.0.0.1]/", f"{NO_HOST}|{NO_PORT}"),
    ("http://[v1.10]/", f"{NO_HOST}|{NO_PORT}"),
    ("http://public.example\t/", CHARACTER),
    ("http://10.0.0.1\x00.public.example/", CHARACTER),
    (" http://public.example/", CHARACTER),
    ("ht\ntp://public.example/", CHARACTER),
    ("http://public.example/\r\nHost: inside.example", CHARACTER),
    ("http://public.example/a b", CHARACTER),
    ("http://public.example/\u202e", CHARACTER),
]


@pytest.fixture
def hostile_names(internet: Internet) -> Internet:
    internet.names |= {
        "metadata.google.internal": [["169.254.169.254"]],
        "inside.example": [["10.0.0.1"]],
        "inside6.example": [["fd12::7"]],
        "mapped.example": [["::ffff:10.0.0.1"]],
        "public-then-private.example": [[PUBLIC, "10.0.0.1"]],
        "private-then-public.example": [["10.0.0.1", PUBLIC]],
        "public-and-metadata.example": [[PUBLIC, "169.254.169.254"]],
    }
    return internet


def test_metadata_addresses_are_documented() -> None:
    """An operator in a cloud can look up whether its address is known."""
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text("utf-8")
    (listed,) = (paragraph for paragraph in page.split("\n\n") if paragraph.startswith("`169.254.169.254`, "))
    assert {ip_address(address) for address in re.findall("`(.+?)`", listed)} == METADATA_ADDRESSES


def get(url: str, *, redirects: int = 0, loopback: bool = False, allowed: str = "") -> Answer:
    outbound = Outbound(allow_loopback=loopback, allowed=AllowedTargets.read([allowed]))
    return asyncio.run(outbound.send("GET", url, home=url, headers={}, redirects=redirects))


@pytest.mark.sample(30)
@pytest.mark.parametrize(("url", "why"), TYPED)
def test_refused_before_any_connection(hostile_names: Internet, url: str, why: str) -> None:
    """No spelling of a forbidden address leads to a connection."""
    with pytest.raises(OutgoingCallFailed, match=why):
        get(url)
    assert hostile_names.connected_to == []


@pytest.mark.sample(20)
@pytest.mark.parametrize(("url", "why"), URLS)
def test_refused_as_the_target_of_a_redirect(hostile_names: Internet, server: Server, url: str, why: str) -> None:
    """A redirect is checked like the first URL: only the server that redirects is connected to."""
    hostile_names.servers[PUBLIC] = server.port
    server.answers = [redirect_to(url)]
    with pytest.raises(OutgoingCallFailed, match=why):
        get("http://public.example/", redirects=3)
    assert hostile_names.connected_to == [PUBLIC]


@pytest.mark.parametrize("host", ["public.example", PUBLIC, "1572394766", "[2606:2800:220:1::1]", "192.0.1.1"])
def test_public_addresses_are_called(internet: Internet, host: str) -> None:
    """A refusal is because of the address: the same attempt on a public address reaches the network."""
    with pytest.raises(OutgoingCallFailed, match="Connection refused"):
        get(f"http://{host}/")
    assert len(internet.connected_to) == 1


def test_the_address_that_was_checked_is_the_one_connected_to(internet: Internet, server: Server) -> None:
    """A name that resolves differently the second time gains nothing: one call resolves it once."""
    internet.names["rebinding.example"] = [[PUBLIC], ["10.0.0.1"]]
    internet.servers |= {PUBLIC: server.port, "10.0.0.1": server.port}
    assert get("http://rebinding.example/").body == b"ok"
    assert internet.looked_up == ["rebinding.example"]
    assert internet.connected_to == [PUBLIC]
    with pytest.raises(OutgoingCallFailed, match=PRIVATE):
        get("http://rebinding.example/")
    assert internet.connected_to == [PUBLIC]


def test_a_redirect_to_the_same_name_is_resolved_and_checked_again(internet: Internet, server: Server) -> None:
    """Rebinding between two hops of one call is seen."""
    internet.names["rebinding.example"] = [[PUBLIC], ["10.0.0.1"]]
    internet.servers |= {PUBLIC: server.port, "10.0.0.1": server.port}
    server.answers = [redirect_to("/again")]
    with pytest.raises(OutgoingCallFailed, match=PRIVATE):
        get("http://rebinding.example/", redirects=3)
    assert internet.connected_to == [PUBLIC]


def test_the_next_address_is_tried_when_one_does_not_answer(internet: Internet, server: Server) -> None:
    """A host with several addresses is as reachable as its best one."""
    internet.names["two.example"] = [["93.184.215.1", PUBLIC]]
    internet.servers[PUBLIC] = server.port
    assert get("http://two.example/").body == b"ok"
    assert internet.connected_to == ["93.184.215.1", PUBLIC]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("host", "permission"),
    [
        ("10.0.0.1", {"allowed": "10.0.0.0/8"}),
        ("inside.example", {"allowed": "inside.example"}),
        ("127.0.0.1", {"loopback": True}),
    ],
)
def test_a_public_server_cannot_send_us_to_what_was_permitted(
    hostile_names: Internet, server: Server, host: str, permission: dict[str, Any]
) -> None:
    """The operator's permission is for the operator's own servers: the answer could be read from the refusal."""
    hostile_names.servers |= {PUBLIC: server.port, "10.0.0.1": server.port, "127.0.0.1": server.port}
    assert get(f"http://{host}/", **permission).body == b"ok"
    server.answers = [redirect_to("/twice"), redirect_to(f"http://{host}/"), OK]
    with pytest.raises(OutgoingCallFailed, match="may not be called") as refused:
        get("http://public.example/", redirects=3, **permission)
    assert "A public server redirected there" in refused.value.detail
    server.answers = [redirect_to("http://127.0.0.1/"), OK]
    assert get(f"http://{host}/", redirects=3, allowed="10.0.0.0/8,127.0.0.1:80,inside.example").body == b"ok"


def test_a_descriptor_may_move_three_times(internet: Internet, server: Server) -> None:
    """Three redirects are followed, a fourth is not, and neither is a loop."""
    internet.servers[PUBLIC] = server.port
    outbound = Outbound(allow_loopback=False)
    server.answers = [redirect_to("/a"), redirect_to("//public.example/b"), redirect_to("http://public.example/c"), OK]
    assert asyncio.run(fetch_descriptor(outbound, "http://public.example/")) == b"ok"
    server.answers = [redirect_to("/")]
    with pytest.raises(OutgoingCallFailed, match="redirects too often"):
        asyncio.run(fetch_descriptor(outbound, "http://public.example/"))
    assert len(internet.connected_to) == len(server.requests) == 8

"""Permitted targets on this machine: the place of an app that the operator gave, and entries with a port."""

import asyncio
import socket

import pytest

from roadstead.errors import OutgoingCallFailed
from roadstead.outbound.calls import Outbound
from roadstead.outbound.places import Ourselves
from roadstead.targets import AllowedTargets
from tests.outbound.conftest import PUBLIC, Internet, Server, redirect_to

OURS = Ourselves.at("https://roadstead.example", (7990, 7995))
HERE = socket.gethostname()
NAMES = {
    "app.localhost": ["127.0.0.1"],
    HERE: ["127.0.1.1"],
    "here.corp": ["127.0.0.1"],
    "here6.corp": ["::1"],
    "evil.example": ["127.0.0.1"],
    "app.corp": ["10.1.2.3"],
    "roadstead.example": [PUBLIC],
    "own.corp": ["10.1.2.4"],
}


@pytest.fixture
def names(internet: Internet) -> Internet:
    internet.names |= {name: [addresses] for name, addresses in NAMES.items()}
    return internet


def call(url: str, home: str, allowed: str = "", *, loopback: bool = True, redirects: int = 0) -> None:
    outbound = Outbound(allow_loopback=loopback, allowed=AllowedTargets.read([allowed]), ourselves=OURS)
    asyncio.run(outbound.send("GET", url, home=home, headers={}, redirects=redirects))


PERMITTED = [
    # the place of the descriptor, by any name of this machine
    ("http://127.0.0.1:3000/installed", "http://127.0.0.1:3000/descriptor.json", ""),
    ("http://localhost:3000/", "http://127.0.0.1:3000/", ""),
    ("http://127.0.0.1:3000/", "http://LOCALHOST:3000/", ""),
    ("http://[::1]:3000/", "http://localhost:3000/", ""),
    ("http://localhost.:3000/", "http://[0:0::1]:3000/", ""),
    ("http://app.localhost:3000/", "http://127.0.0.1:3000/", ""),
    (f"http://{HERE}:3000/", "http://localhost:3000/", ""),
    ("http://localhost/", "http://127.0.0.1:80/", ""),
    ("https://localhost/", "https://127.0.0.1:443/", ""),
    ("http://127.0.0.2:3000/", "http://127.0.0.2:3000/", ""),
    # elsewhere on this machine, by an entry with a port
    ("http://localhost:4000/", "http://localhost:3000/", "localhost:4000"),
    ("http://127.0.0.1:4000/", "http://localhost:3000/", "127.0.0.1:4000"),
    ("http://127.0.0.1:4000/", "http://localhost:3000/", "127.0.0.0/8:4000"),
    ("http://[::1]:4000/", "http://localhost:3000/", "[::1]:4000"),
    ("http://127.0.0.1:4000/", "http://localhost:3000/", "localhost:4000"),
    ("http://[::1]:4000/", "https://app.example/", "127.0.0.1:4000"),
    ("http://here.corp:4000/", "https://app.example/", "here.corp:4000"),
    ("http://here6.corp:4000/", "https://app.example/", "*.corp:4000"),
    # an entry without a port permits what listening on loopback does
    ("http://here.corp:3000/", "http://here.corp:3000/", "here.corp"),
    ("http://here.corp:3000/", "http://here.corp:3000/", "*.corp"),
    # what is not this machine
    ("http://app.corp:8080/", "https://app.example/", "app.corp:8080"),
    ("http://app.corp:8080/", "https://app.example/", "10.0.0.0/8:8080"),
    ("http://app.corp:8080/", "https://app.example/", "10.0.0.0/8"),
    ("http://public.example:3000/", "http://localhost:3000/", ""),
    # beside ourselves
    ("http://localhost:7991/", "http://localhost:7991/", ""),
    ("https://roadstead.example:8443/", "http://localhost:3000/", ""),
    ("http://app.corp:7990/", "http://localhost:3000/", "app.corp"),
]


@pytest.mark.sample(10)
@pytest.mark.parametrize(("url", "home", "allowed"), PERMITTED)
def test_what_is_permitted(names: Internet, url: str, home: str, allowed: str) -> None:
    """The call reaches the network, where no server listens."""
    with pytest.raises(OutgoingCallFailed, match="Connection refused"):
        call(url, home, allowed)
    assert len(names.connected_to) == 1


REFUSED = [
    # another port, another address of this machine, another scheme
    ("http://127.0.0.1:4000/", "http://127.0.0.1:3000/", ""),
    ("http://localhost:4000/", "http://localhost:3000/", ""),
    ("http://localhost/", "http://localhost:3000/", ""),
    ("https://localhost/", "http://localhost/", ""),
    ("http://127.0.0.2:3000/", "http://127.0.0.1:3000/", ""),
    ("http://127.0.0.1:3000/", "http://127.0.0.2:3000/", ""),
    ("http://127.1:4000/", "http://localhost:3000/", ""),
    ("http://0.0.0.0:3000/", "http://localhost:3000/", ""),
    ("http://[::]:3000/", "http://localhost:3000/", ""),
    ("http://[::ffff:127.0.0.1]:3000/", "http://localhost:3000/", ""),
    # an app from elsewhere
    ("http://localhost:443/", "https://app.example/", ""),
    ("http://localhost:5432/", "https://app.example:5432/", ""),
    ("http://[::1]:443/", "https://app.example/", ""),
    # a name that its owner makes resolve here, also if the operator gave it
    ("http://evil.example:5432/", "http://evil.example:5432/", ""),
    ("http://evil.example:3000/", "http://localhost:3000/", ""),
    ("http://evil.example:5432/", "http://evil.example:5432/", "127.0.0.0/8"),
    # an entry without a port, with another one, or for another name
    ("http://127.0.0.1:4000/", "http://127.0.0.1:3000/", "127.0.0.1"),
    ("http://localhost:4000/", "http://localhost:3000/", "127.0.0.0/8,::1,localhost"),
    ("http://here.corp:4000/", "http://here.corp:3000/", "here.corp"),
    ("http://here.corp:4000/", "https://app.example/", "*.corp"),
    ("http://localhost:4000/", "http://localhost:3000/", "localhost:4001"),
    ("http://127.0.0.2:4000/", "http://localhost:3000/", "localhost:4000"),
    ("http://evil.example:4000/", "http://localhost:3000/", "localhost:4000"),
    ("http://0.0.0.0:4000/", "http://localhost:3000/", "0.0.0.0/0"),
    ("http://[::ffff:127.0.0.1]:4000/", "http://localhost:3000/", "::/0"),
    ("http://app.corp:8081/", "http://localhost:3000/", "app.corp:8080"),
    ("http://10.1.2.3:8081/", "http://localhost:3000/", "10.0.0.0/8:8080"),
]


@pytest.mark.sample(8)
@pytest.mark.parametrize(("url", "home", "allowed"), REFUSED)
def test_what_is_refused(names: Internet, url: str, home: str, allowed: str) -> None:
    """Before any connection, with the setting that would allow it, ready to be used."""
    with pytest.raises(OutgoingCallFailed, match="may not be called") as refused:
        call(url, home, allowed)
    assert names.connected_to == []
    given = refused.value.detail.partition("--allow-target ")[2].partition(",")[0]
    with pytest.raises(OutgoingCallFailed, match="Connection refused"):
        call(url, home, given)


OURSELVES = [
    "http://localhost:7990/",
    "http://LOCALHOST.:7990/",
    "http://127.0.0.1:7990/-/metrics",
    "http://127.0.0.2:7990/",
    "http://127.1:7990/",
    "http://[::1]:7990/",
    "http://0.0.0.0:7990/",
    "http://[::]:7990/",
    "http://[::ffff:127.0.0.1]:7990/",
    f"http://{HERE}:7990/",
    "http://evil.example:7990/",
    "http://here.corp:7995/",
    "http://own.corp:7990/",
    "http://10.1.2.4:7990/",
    "https://roadstead.example/",
    "https://ROADSTEAD.example.:443/site/oauth2/access_token",
]
EVERYTHING = "0.0.0.0/0,::/0,*.corp:7990,*.corp:7995,127.0.0.1:7990,[::1]:7990,0.0.0.0/0:7990,evil.example:7990"


@pytest.mark.sample(8)
@pytest.mark.parametrize("url", OURSELVES)
def test_this_host_is_never_called(names: Internet, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """By none of its names, addresses and ports, with any permission, also if the operator says that an app
    is there.
    """
    bind = socket.socket.bind

    def bind_as_if_ours(self: socket.socket, address: tuple[str, int]) -> None:
        bind(self, ("127.0.0.1", 0) if address[0] == "10.1.2.4" else address)

    monkeypatch.setattr(socket.socket, "bind", bind_as_if_ours)
    with pytest.raises(OutgoingCallFailed, match="is Roadstead itself, and may not be called"):
        call(url, url, EVERYTHING)
    assert names.connected_to == []


def test_an_app_at_home_redirects_to_no_neighbour(names: Internet, server: Server) -> None:
    """The operator named the app's place, not the redirect's."""
    names.servers["127.0.0.1"] = server.port
    server.answers = [
        redirect_to("/again"),
        redirect_to("http://127.0.0.1:4000/"),
        redirect_to("http://localhost:7990/"),
    ]
    for said in ("but loopback", "is Roadstead itself"):
        with pytest.raises(OutgoingCallFailed, match=said):
            call("http://127.0.0.1:3000/", "http://127.0.0.1:3000/", redirects=3)
    assert len(server.requests) == 3


def test_a_host_that_others_reach_calls_no_app_here(names: Internet) -> None:
    """Until an entry names the app, with its port or without."""
    url = "http://127.0.0.1:3000/"
    with pytest.raises(OutgoingCallFailed, match="but loopback"):
        call(url, url, loopback=False)
    for allowed in ("127.0.0.1", "127.0.0.1:3000"):
        with pytest.raises(OutgoingCallFailed, match="Connection refused"):
            call(url, url, allowed, loopback=False)

"""Shares of common capacity, and which caller makes room."""

import pytest

from roadstead.domain.access.admission import Admission, caller_at, forwarded_for
from roadstead.domain.access.shares import Address, Crowd, Places, Shares, Shortage

OK, SHARE, ALL = None, Shortage.SHARE, Shortage.ALL


@pytest.mark.parametrize(
    ("takes", "granted"),
    [
        ([("a", 1), ("a", 1), ("a", 1)], [OK, OK, SHARE]),
        ([("a", 3)], [SHARE]),
        ([("a", 2), ("b", 2), ("c", 1)], [OK, OK, ALL]),
        ([("a", 1), ("b", 2), ("c", 2), ("c", 1)], [OK, OK, ALL, OK]),
        ([("a", 2), ("a", -2), ("a", 2)], [OK, OK, OK]),
        ([("a", 2), ("b", 2), ("a", -1), ("c", 2), ("c", 1)], [OK, OK, OK, ALL, OK]),
    ],
)
def test_nobody_takes_more_than_a_share_nor_all_more_than_there_is(
    takes: list[tuple[str, int]], granted: list[Shortage | None]
) -> None:
    """Of 4 with a share of 2: a refusal takes nothing, and what is given back (below 0) can be taken again."""
    shares = Shares(4, 2)
    given: list[Shortage | None] = []
    for caller, amount in takes:
        if amount < 0:
            shares.give_back(caller, -amount)
            given.append(OK)
        else:
            given.append(shares.take(caller, amount))
    assert given == granted


@pytest.mark.parametrize(
    ("takes", "granted"),
    [
        ("a a a", [OK, OK, SHARE]),
        ("a a b c", [OK, OK, OK, ALL]),
        ("a b a a-", [OK, OK, OK, OK]),
        ("a a a- a b b", [OK, OK, OK, OK, OK, ALL]),
    ],
)
def test_an_address_has_a_share_of_the_places(takes: str, granted: list[Shortage | None]) -> None:
    """Of 3 places an address has 2 at most; a place that is given back (-) can be taken again, and is forgotten."""
    crowd: Crowd[str] = Crowd(10, 0)
    places = Places(3, 2)
    given: list[Shortage | None] = []
    for what in takes.split():
        address = crowd.address(what[0])
        if what.endswith("-"):
            places.give_back(address)
            given.append(OK)
        else:
            given.append(places.take(address))
    assert given == granted
    for name in "abc":
        address = crowd.address(name)
        while address.requests:
            places.give_back(address)
        crowd.forget_if_empty(address)
    assert (places.held, crowd._addresses) == (0, {})


@pytest.mark.parametrize(
    ("events", "closed"),
    [
        ("a1 a2 b3 b4", ""),
        ("a1 a2 a3", "a1"),
        ("a1 a2 a1+ a3", "a2"),
        ("a1 a2 a1+ a1- a3", "a2"),
        ("a1 a2 a1. a3", "a2"),
        ("a1 a1+ a2 a2+ a3", "a3"),
        ("a1 b2 b3 c4 c5", "b2"),
        ("a1 b2 b3 b2+ c4 c5", "b3"),
        ("a1 b2 b3 b2+ b3+ c4 c5", "c4"),
        ("a1 a1x a2 a3", ""),
    ],
)
def test_who_has_waited_longest_where_most_are_makes_room(events: str, closed: str) -> None:
    """With 4 places, 2 for an address (the letter): a connection comes, is worked for (+), waits again (-), sends
    something (.) or ends (x); the last that comes gets in, and one that waits for its client goes for it.
    """
    crowd: Crowd[str] = Crowd(4, 0)
    addresses: dict[str, Address[str]] = {}
    in_the_way = None
    for event in events.split():
        name, what = event[:2], event[2:]
        if what == "+":
            addresses[name].waiting.pop(name)
        elif what == "-":
            addresses[name].wait(name)
        elif what == ".":
            addresses[name].wait_on(name)
        elif what == "x":
            crowd.remove(name, addresses.pop(name))
        else:
            assert in_the_way is None
            addresses[name], in_the_way = crowd.add(name, name[0])
    assert (in_the_way or "") == closed


@pytest.mark.parametrize(
    ("unsent", "closed"),
    [
        ([("a1", 5), ("b1", 5)], [None, None]),
        ([("a1", 11)], ["a1"]),
        ([("a1", 4), ("a2", 4), ("b1", 4)], [None, None, "a1"]),
        ([("b1", 4), ("a1", 4), ("a2", 4)], [None, None, "a1"]),
        ([("a1", 4), ("a1", 8), ("b1", 2)], [None, None, None]),
        ([("a1", 9), ("a1", 0), ("b1", 9)], [None, None, None]),
    ],
)
def test_answers_that_are_not_taken_make_room(unsent: list[tuple[str, int]], closed: list[str | None]) -> None:
    """Beyond 10 bytes the oldest answer of the address with most bytes is dropped; 0 means that it was read."""
    crowd: Crowd[str] = Crowd(100, 10)
    addresses = {name: crowd.add(name, name[0])[0] for name in ("a1", "a2", "b1")}
    given_up: list[str | None] = []
    for name, size in unsent:
        if not size:
            crowd.taken(name, addresses[name])
        given_up.append(crowd.not_taken(name, addresses[name], size) if size else None)
    assert given_up == closed


def test_a_crowd_forgets_who_has_gone() -> None:
    """Neither addresses nor unsent bytes stay behind."""
    crowd: Crowd[int] = Crowd(4, 10)
    for number in range(100):
        address, in_the_way = crowd.add(number, f"address {number}")
        assert in_the_way is None
        assert crowd.not_taken(number, address, 9) is None
        crowd.remove(number, address)
    assert crowd.connections == 0
    assert not crowd._addresses


@pytest.mark.parametrize(
    ("address", "caller"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("no:address", "no:address"),
        ("", ""),
    ],
)
def test_an_address_stands_for_who_has_it(address: str, caller: str) -> None:
    """One customer has all of an IPv6 network, and one IPv4 address has one share in every spelling."""
    assert caller_at(address) == caller


@pytest.mark.parametrize(
    ("header", "caller"),
    [
        (b"203.0.113.9", "203.0.113.9"),
        (b"198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (b"203.0.113.9,2001:db8::1", "2001:db8::/64"),
        (b"", None),
        (b"203.0.113.9,", None),
        (b"unknown", None),
        (b"203.0.113.9:4711", None),
        (b"\xff", None),
    ],
)
def test_the_last_forwarded_address_counts(header: bytes, caller: str | None) -> None:
    """A client can write anything before the address that the proxy adds; text that is not an address has no share."""
    assert forwarded_for(header) == caller


@pytest.mark.parametrize(
    ("files", "connections", "requests"),
    [(1_000_000, 4_000, 1_000), (8_000, 4_000, 1_000), (1_024, 896, 448), (256, 192, 96), (20, 1, 1)],
)
def test_there_is_room_for_other_files(files: int, connections: int, requests: int) -> None:
    """An eighth of the files is not for connections, and at most half of these have a running request."""
    admission = Admission(files)
    assert (admission.connections.most, admission.callers.most) == (connections, requests)
    assert admission.share_of_installation <= admission.callers.share <= requests


@pytest.mark.parametrize(
    ("path", "places"),
    [
        ("/2.0/addon", "callers"),
        ("/site/oauth2/access_token", "callers"),
        ("/-/linkify", "callers"),
        ("/-/health/live", None),
        ("/-/health/ready", None),
        ("/-/requests", "operators"),
        ("/-/metrics", "operators"),
        ("/-/healthy", "operators"),
        ("/", "operators"),
        ("/nothing", "operators"),
    ],
)
def test_operators_and_health_have_ways_of_their_own(path: str, places: str | None) -> None:
    """Apps' requests take no place from operators, and health needs none."""
    admission = Admission(8_000)
    assert admission.places(path) is (getattr(admission, places) if places else None)

"""Which of the matches in a text become links."""

from bisect import bisect_right, insort
from collections.abc import Collection, Iterator, Sequence

from roadstead.linkify.linker import Link, Linker
from roadstead.linkify.matching.families import Found
from roadstead.linkify.target.template import UrlTemplate
from roadstead.linkify.text.addresses import Address


def winners(
    chars: str,
    found: list[Found],
    taken: Iterator[Address],
    linkers: Sequence[Linker],
    templates: Sequence[UrlTemplate],
) -> Iterator[Link]:
    """Yield the addresses that are links and, between all that are `taken`, the matches that win.

    The earliest match wins, then the longest, then that of the first linker. A match without a usable URL does not
    compete, so URLs are made here, for those that could win.
    """
    found.sort()
    ahead = _Ahead(taken)
    position = at = 0
    while at < len(found):
        start, minus_end, _, owners, match = found[at]
        at += 1
        if start < position:
            continue
        address = ahead.first
        if address:
            if address.end <= start:
                yield from ahead.links_before(start, chars)
                address = ahead.first
            if address and address.start < -minus_end:
                continue
        owner = owners[0]
        url = templates[owner].fill(match, chars)
        if url:
            position = -minus_end
            yield Link(start, position, chars[start:position], url, linkers[owner])
        elif len(owners) > 1:
            insort(found, (start, minus_end, owners[1], owners[1:], match), lo=at)
    yield from ahead.links_before(len(chars), chars)


def without_owners(found: list[Found], left_out: Collection[int]) -> list[Found]:
    """Return the matches without those of some linkers."""
    kept: list[Found] = []
    for start, minus_end, _, all_owners, match in found:
        owners = tuple(owner for owner in all_owners if owner not in left_out)
        if owners:
            kept.append((start, minus_end, owners[0], owners, match))
    return kept


def without_those_in(hyperlinks: Sequence[Address], addresses: Iterator[Address]) -> Iterator[Address]:
    """Return both in their order, without the addresses that overlap a hyperlink."""
    starts = [hyperlink.start for hyperlink in hyperlinks]
    apart = [
        address
        for address in addresses
        if (at := bisect_right(starts, address.end - 1)) == 0 or hyperlinks[at - 1].end <= address.start
    ]
    return iter(sorted([*apart, *hyperlinks], key=lambda one: one.start))


class _Ahead:
    """The addresses from a place of the text on; `first` is the next one."""

    def __init__(self, addresses: Iterator[Address]) -> None:
        self._addresses = addresses
        self.first = next(addresses, None)

    def links_before(self, place: int, chars: str) -> Iterator[Link]:
        """Advance to a place, and yield the addresses before it that are links."""
        while (address := self.first) and address.end <= place:
            if address.url:
                yield Link(address.start, address.end, chars[address.start : address.end], address.url, None)
            self.first = next(self._addresses, None)

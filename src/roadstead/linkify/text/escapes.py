r"""Remove the escape sequences from a terminal's text, and find places of the rest in the whole.

ECMA-48 defines the sequences: control sequences (`ESC [ … m`), strings up to their terminator (`ESC ] 8 ; … ST`, or
BEL, as xterm accepts), and escapes of two bytes or more (`ESC ( B`). A broken sequence ends where it cannot continue: a
string ends with its line or at the next escape. The text of a hyperlink (OSC 8) is a link already.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from roadstead.linkify.linker import Stretch
from roadstead.linkify.text.addresses import Address

_SEQUENCE = re.compile(
    r"""
    (?:\x1b\[|\x9b) [0-?]{0,128} [\ -/]{0,8} [@-~]?             # a control sequence, of no more than any terminal reads
    |(?P<opening>\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])              # a string, its content, its terminator
     (?P<content>[^\x07\x18\x1a\x1b\x9c\r\n]*) (?:\x1b\\|[\x07\x18\x1a\x9c])?
    |\x1b [\ -/]* [0-~]?                                        # any other
    """,
    re.VERBOSE,
)
_OPENINGS_OF_ONE_BYTE = "\x90\x98\x9b\x9d\x9e\x9f"
_HYPERLINK = re.compile(r"8;[^;]*;(.*)")


def has_escapes(text: str) -> bool:
    """Return whether there is an escape sequence in the text."""
    return "\x1b" in text or (not text.isascii() and any(opening in text for opening in _OPENINGS_OF_ONE_BYTE))


S = TypeVar("S", bound=Stretch)


class Visible(NamedTuple):
    """The visible part of a `whole` text.

    `starts` are the beginnings of its pieces, and `shifts` how much later each of them begins in the whole.
    `hyperlinks` are its stretches that are links already.
    """

    whole: str
    text: str
    starts: list[int]
    shifts: list[int]
    hyperlinks: list[Address]

    def restored(self, found: Iterable[S]) -> Iterator[S]:
        """Yield each stretch of `text` as a stretch of the `whole`, from its first visible character to its last."""
        for one in found:
            start, end = self._place(one.start), self._place(one.end - 1) + 1
            yield replace(one, start=start, end=end, text=self.whole[start:end])

    def _place(self, at: int) -> int:
        return at + self.shifts[bisect_right(self.starts, at) - 1]


def visible(text: str) -> Visible:
    """Return a text without its escape sequences."""
    stretches: list[str] = []
    starts, shifts = [0], [0]
    hyperlinks: list[Address] = []
    begun: int | None = None  # where the text of a hyperlink begins
    length = position = 0
    for sequence in _SEQUENCE.finditer(text):
        stretches.append(text[position : sequence.start()])
        length += sequence.start() - position
        position = sequence.end()
        starts.append(length)
        shifts.append(position - length)
        hyperlink = _HYPERLINK.match(sequence["content"]) if sequence["opening"] in ("\x1b]", "\x9d") else None
        if hyperlink:
            if begun is not None and begun < length:
                hyperlinks.append(Address(begun, length))
            begun = length if hyperlink[1] else None
    stretches.append(text[position:])
    if begun is not None:
        hyperlinks.append(Address(begun, length + len(text) - position))
    return Visible(text, "".join(stretches), starts, shifts, hyperlinks)

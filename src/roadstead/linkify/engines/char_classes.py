"""Sets of characters, spelled out for an engine."""

from collections.abc import Callable

from roadstead.linkify.pattern.alphabet import Alphabet
from roadstead.linkify.pattern.charset import CharSet


def byte_class(alphabet: Alphabet) -> Callable[[CharSet], str]:
    """Return a function that writes a set as a class of the bytes that stand for it in the alphabet."""
    written: dict[CharSet, str] = {}

    def write(chars: CharSet) -> str:
        if chars not in written:
            codes = CharSet.of((code, code) for code in alphabet.codes(chars))
            written[chars] = _class(codes, r"\x{:02x}", everything=r"\x00-\xff")
        return written[chars]

    return write


def full_class(chars: CharSet) -> str:
    """Write a set as a class of characters."""
    return _class(chars, r"\U{:08x}", everything=r"\U00000000-\U0010ffff")


def _class(codes: CharSet, escape: str, *, everything: str) -> str:
    match codes.ranges:
        case ():
            return f"[^{everything}]"
        case ((low, high),) if low == high:
            return escape.format(low)
        case ranges:
            return "[" + "".join(f"{escape.format(low)}-{escape.format(high)}" for low, high in ranges) + "]"

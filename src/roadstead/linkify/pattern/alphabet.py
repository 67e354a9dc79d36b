r"""Rewrite a text with one byte for each character, so that no match of a pattern changes.

A pattern asks of a character only whether it is in certain sets. It cannot distinguish two characters that are in the
same of its sets, so one byte can represent a whole block of such characters. ASCII is unchanged, and the few blocks
beyond ASCII get bytes from 0x80 on. This has three advantages:

* an offset in the bytes is the offset in the `str`, for any character, lone surrogates included;
* one small program of a pattern serves every text, with `\w`, `\d`, `\s` and IGNORECASE as Python has them;
* nearly all patterns distinguish only letters, digits, spaces and the rest, so a text is rewritten once for all of
  them.

The engines decide `\b` by ASCII rules. Where a pattern uses `\b` with Unicode words, each of its blocks of word
characters therefore borrows an ASCII letter or digit that is in the same of its sets.

A back-reference compares characters with each other, so its text must not be rewritten.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import pairwise

from roadstead.linkify.pattern.charset import CharSet
from roadstead.linkify.pattern.classes import category

_FIRST_CODE = 0x80
_MAX_BLOCKS = 128
_REMEMBERED = 4_096
_BEYOND_ASCII = CharSet(((0x80, 0x10FFFF),))
_RARE = 8
"""If one character in so many is beyond ASCII, translating all is faster than searching for these."""
_WORD_BYTES = b"zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA_9876543210"  # rare in patterns first


@dataclass(frozen=True, slots=True)
class Block:
    """Characters beyond ASCII that share one byte."""

    chars: CharSet
    code: int


class Alphabet:
    """The bytes of characters beyond ASCII. Make one with `alphabet_for`."""

    def __init__(self, blocks: tuple[Block, ...]) -> None:
        self._blocks = blocks
        self._table = _Table(blocks)

    def encode(self, text: str, rough: bytes) -> bytes:
        """Return `text` with one byte for each character. `rough` is `text` with `?` for those beyond ASCII."""
        marks, many = rough.count(b"?"), len(text) // _RARE
        if marks > many and marks - text.count("?") > many:
            return text.translate(self._table).encode("latin-1")
        data, table = bytearray(rough), self._table
        at = rough.find(b"?")
        while at >= 0:
            code = ord(text[at])
            if code >= _FIRST_CODE:
                data[at] = table[code]
            at = rough.find(b"?", at + 1)
        return bytes(data)

    def codes(self, chars: CharSet) -> list[int]:
        """Return the bytes of the characters of the set."""
        ascii_codes = [
            code for low, high in chars.ranges if low < _FIRST_CODE for code in range(low, min(high, 127) + 1)
        ]
        codes = {block.code for block in self._blocks if block.chars.ranges[0][0] in chars}
        return sorted(codes.union(ascii_codes))


@cache
def ascii_alphabet() -> Alphabet:
    """Return the alphabet of a program that only ever reads ASCII."""
    return Alphabet(())


@cache
def basic_alphabet() -> Alphabet:
    r"""Return the alphabet that distinguishes `\w`, `\d`, `\s` and the rest."""
    return _interned(_numbered(_basic_blocks()))


def alphabet_for(sets: Iterable[CharSet], *, word_edges: bool) -> Alphabet | None:
    r"""Return an alphabet for a pattern that asks for these sets, or `None` if there is no such alphabet.

    `word_edges` says whether the pattern uses `\b` with Unicode words.
    """
    distinct = frozenset(sets)
    unusual = [chars for chars in {chars.beyond_ascii() for chars in distinct} if chars not in _basic_unions()]
    blocks = _split(unusual) if unusual else _basic_blocks()
    if len(blocks) > _MAX_BLOCKS:
        return None
    if not word_edges:
        return _interned(_numbered(blocks))
    return _with_ascii_words(blocks, distinct)


def _numbered(blocks: Iterable[CharSet]) -> tuple[Block, ...]:
    return tuple(Block(chars, code) for code, chars in enumerate(blocks, _FIRST_CODE))


def _with_ascii_words(blocks: Iterable[CharSet], sets: frozenset[CharSet]) -> Alphabet | None:
    """Return an alphabet in which each block of word characters has the byte of an ASCII one, or `None`."""
    words = category("w", ascii_only=False)
    numbered = []
    for block in _numbered(blocks):
        sample = block.chars.ranges[0][0]
        code: int | None = block.code
        if sample in words:
            alike = (byte for byte in _WORD_BYTES if all((byte in chars) == (sample in chars) for chars in sets))
            code = next(alike, None)
        if code is None:
            return None
        numbered.append(Block(block.chars, code))
    return _interned(tuple(numbered))


def _split(sets: Iterable[CharSet]) -> tuple[CharSet, ...]:
    """Split everything beyond ASCII into blocks, each of them wholly inside or wholly outside of each set."""
    asked = [*sets, *_basic_blocks()]
    starts = {_FIRST_CODE}
    for chars in asked:
        for low, high in chars.ranges:
            starts.update((max(low, _FIRST_CODE), max(high + 1, _FIRST_CODE)))
    starts.discard(0x110000)
    bounds = [*sorted(starts), 0x110000]
    blocks: dict[tuple[bool, ...], list[tuple[int, int]]] = {}
    for start, end in pairwise(bounds):
        blocks.setdefault(tuple(start in chars for chars in asked), []).append((start, end - 1))
    return tuple(CharSet.of(ranges) for ranges in blocks.values())


@cache
def _basic_blocks() -> tuple[CharSet, ...]:
    words, digits, spaces = (category(name, ascii_only=False) & _BEYOND_ASCII for name in ("w", "d", "s"))
    return (words & ~digits, digits, spaces, _BEYOND_ASCII & ~words & ~spaces)


@cache
def _basic_unions() -> frozenset[CharSet]:
    unions = [CharSet(())]
    for block in _basic_blocks():
        unions += [union | block for union in unions]
    return frozenset(unions)


@lru_cache(maxsize=256)
def _interned(blocks: tuple[Block, ...]) -> Alphabet:
    """Return the one alphabet of these blocks, so that a text is rewritten once for all patterns that share it."""
    return Alphabet(blocks)


class _Table(dict[int, int]):
    """A table for `str.translate` that learns each character when it first occurs, up to a number."""

    def __init__(self, blocks: tuple[Block, ...]) -> None:
        super().__init__()
        self._blocks = blocks

    def __missing__(self, char: int) -> int:
        code = char
        if char >= _FIRST_CODE:
            code = next(block.code for block in self._blocks if char in block.chars)
        if len(self) < _REMEMBERED:
            self[char] = code
        return code

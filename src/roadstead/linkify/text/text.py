"""A text as the engines read it. Each form of it is made once, when a pattern first needs it."""

from collections.abc import Mapping
from functools import cached_property

from roadstead.linkify.pattern.alphabet import Alphabet, basic_alphabet


def rough_form(chars: str) -> bytes:
    """Return a text with `?` in place of each character beyond ASCII."""
    return chars.encode("ascii", "replace")


class Text:
    """A text, with its forms in bytes and in other characters."""

    def __init__(self, chars: str, rough: bytes | None = None) -> None:
        self.chars = chars
        self.is_ascii = chars.isascii()
        self.rough = rough_form(chars) if rough is None else rough
        self._encoded: dict[Alphabet, bytes] = {}
        self._translated: dict[int, Text] = {}

    def encoded(self, alphabet: Alphabet) -> bytes:
        """Return the text with one byte of the alphabet for each character."""
        if self.is_ascii:
            return self.rough
        if alphabet not in self._encoded:
            self._encoded[alphabet] = alphabet.encode(self.chars, self.rough)
        return self._encoded[alphabet]

    def translated(self, table: Mapping[int, int]) -> "Text":
        """Return the text after `str.translate`."""
        if id(table) not in self._translated:
            self._translated[id(table)] = Text(self.chars.translate(table))
        return self._translated[id(table)]

    @cached_property
    def basic_bytes(self) -> bytes:
        """Return the text in the alphabet that nearly all patterns share."""
        return self.encoded(basic_alphabet())

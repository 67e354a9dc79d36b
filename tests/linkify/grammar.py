"""Random patterns, with values and texts that are likely to match."""

from dataclasses import dataclass, field
from random import Random

_LITERALS = [
    "a",
    "b",
    "A",
    "B",
    "1",
    "2",
    r"\-",
    "_",
    " ",
    r"\n",
    "é",
    "É",
    "ß",
    "ſ",
    "s",
    "K",
    "k",
    "ı",
    "٣",
    "中",
    r"\.",
    "𐐨",
]
_CLASSES = [
    r"\w",
    r"\d",
    r"\s",
    r"\W",
    r"\D",
    r"\S",
    ".",
    "[ab]",
    "[a-z]",
    "[A-Z]",
    "[^a]",
    r"[^\W_]",
    r"[\w\-]",
    "[é-ü]",
    r"[^\d\n]",
    "[K-Z]",
    "[0-9a-f]",
]
_ANCHORS = ["^", "$", r"\b", r"\B", r"\A", r"\Z"]
_QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{0,2}", "{2,}"]
_FLAGS = ["i", "s", "m", "a", "im", "ai"]
_VALUES = ["a", "ab", "AB", "b-1", "é", "K", "1", "aB2", "ss", "ſ", "_", "-", "٣a", "ıa", "中", "中a", "ノ1"]
_CHARS = [
    *"aabbAB12--__  \n\n.",
    "é",
    "É",
    "ß",
    "ſ",
    "s",
    "K",
    "k",
    "ı",
    "İ",
    "٣",
    "中",
    "の",
    "ノ",
    "ー",
    "한",
    "ª",
    "①",
    "𐐀",
    "𐐨",
    "\u0301",
    "\ud800",
    "\u2028",
]


@dataclass
class Grammar:
    """Writes patterns. Without `beyond_linear`, only those that the linear engine can express."""

    random: Random
    beyond_linear: bool = True
    groups: int = 0
    value_groups: list[int] = field(default_factory=list)

    def pattern(self) -> str:
        flags = f"(?{self.random.choice(_FLAGS)})" if self.random.random() < 0.3 else ""
        return flags + self._choice(3)

    def _choice(self, depth: int) -> str:
        branches = 1 + (self.random.random() < 0.25) + (self.random.random() < 0.1)
        return "|".join(self._sequence(depth) for _ in range(branches))

    def _sequence(self, depth: int) -> str:
        return "".join(self._item(depth) for _ in range(self.random.choice([0, 1, 1, 2, 2, 3])))

    def _item(self, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.12:
            return self.random.choice(_ANCHORS)
        if kind < 0.2 and self.beyond_linear:
            return self._beyond_linear(depth)
        return self._atom(depth) + self._quantifier()

    def _atom(self, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.15:
            self.groups += 1
            self.value_groups.append(self.groups)
            return "(?K)"
        if depth == 0 or kind < 0.45:
            return self.random.choice(_LITERALS)
        if kind < 0.7:
            return self.random.choice(_CLASSES)
        return self._group(depth)

    def _group(self, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.3:
            return f"(?:{self._choice(depth - 1)})"
        if kind < 0.45:
            flags = self.random.choice(["i", "-i", "s", "m", "a", "u"])
            return f"(?{flags}:{self._choice(depth - 1)})"
        self.groups += 1
        name = f"?P<g{self.groups}>" if kind < 0.55 else ""
        return f"({name}{self._choice(depth - 1)})"

    def _quantifier(self) -> str:
        if self.random.random() < 0.6:
            return ""
        modes = ["", "", "?", "+"] if self.beyond_linear else ["", "?"]
        return self.random.choice(_QUANTIFIERS) + self.random.choice(modes)

    def _beyond_linear(self, depth: int) -> str:
        if self.groups and self.random.random() < 0.4:
            number = self.random.randint(1, self.groups)
            if self.random.random() < 0.7:
                return rf"(?:\{number})"
            return f"(?({number}){self._sequence(0)}|{self._sequence(0)})"
        opening = self.random.choice(["(?=", "(?!", "(?<=", "(?<!", "(?>"])
        return f"{opening}{self._choice(max(depth - 1, 0))})"


def values(random: Random) -> frozenset[str]:
    """Return a few values, often none."""
    return frozenset(random.sample(_VALUES, random.choice([0, 1, 2, 4])))


def text(random: Random, known: frozenset[str]) -> str:
    """Return a text in which some of the known values occur."""
    words = [*_CHARS, *known, *known, *known]
    if random.random() < 0.5:
        words = [word for word in words if word.isascii()]
    return "".join(random.choice(words) for _ in range(random.randint(0, 16)))

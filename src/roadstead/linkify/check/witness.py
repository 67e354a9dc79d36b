"""Find a text on which a backtracking engine takes far more steps than the text is long.

`check/hostile_texts.py` makes such texts from the pattern. Counting steps decides whether one is a witness: twice the
run must take at least three times as many.
"""

from dataclasses import dataclass
from functools import lru_cache

from roadstead.linkify.check.backtracking import MOST_STEPS, steps
from roadstead.linkify.check.hostile_texts import hostile_texts
from roadstead.linkify.pattern.reading import read_pattern

TIMES = 24
_GROWTH = 3


@dataclass(frozen=True, slots=True)
class Witness:
    """A text for a pattern: `before`, then `pump` repeated, then `after`.

    With `pump` 48 times, a backtracking engine takes `steps` steps, or more if that is 20,000.
    """

    before: str
    pump: str
    after: str
    steps: int

    def text(self, times: int) -> str:
        """Return the text with `pump` repeated so many times."""
        return self.before + self.pump * times + self.after

    def in_short(self) -> str:
        """Return a short form of the text, as in `aaaa…!`."""
        return f"{self.before}{self.pump * 4}…{self.after}"

    def in_words(self) -> str:
        """Return the text described in words."""
        parts = [repr(self.before)] if self.before else []
        parts.append(f"{self.pump!r} repeated")
        if self.after:
            parts.append(repr(self.after))
        return ", then ".join(parts)


@lru_cache(maxsize=1024)
def find_witness(regex: str) -> Witness | None:
    """Return the most hostile text that is found for this pattern, or `None`, although there may be one."""
    tree = read_pattern(regex).tree
    found: Witness | None = None
    left = 3 * MOST_STEPS  # some 100 ms
    for before, pump, after in dict.fromkeys(hostile_texts(tree)):
        few = steps(tree, before + pump * TIMES + after)
        many = steps(tree, before + pump * 2 * TIMES + after)
        is_witness = 0 < _GROWTH * few <= many or few >= MOST_STEPS
        if is_witness and (found is None or many > found.steps):
            found = Witness(before, pump, after, many)
        left -= few + many
        if left < 0 or many >= MOST_STEPS:
            break
    return found

"""The table of hostile patterns, `hostile.toml`, and texts of any size for each."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

from roadstead.linkify import Linker

VALUES = frozenset({"BB", "OPS"})


@dataclass(frozen=True, slots=True)
class Hostile:
    """A pattern, its source, its verdict, and the parts of texts that are hard for it."""

    origin: str
    regex: str
    verdict: str
    before: str
    pump: str
    after: str

    def text(self, size: int) -> str:
        """Return a text of about this `size` in characters."""
        times = max(1, (size - len(self.before) - len(self.after)) // len(self.pump))
        return self.before + self.pump * times + self.after

    def linker(self, url: str) -> Linker:
        return Linker("hostile", self.regex, url, values=VALUES)


def hostile_patterns() -> list[Hostile]:
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))["pattern"]
    return [
        Hostile(row["from"], row["regex"], row["verdict"], row.get("before", ""), row["pump"], row.get("after", ""))
        for row in rows
    ]

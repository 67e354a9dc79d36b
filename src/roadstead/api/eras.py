"""Eras: what the cloud had at a time and removed later. The setting `era` chooses the time.

This is the one table of removals; docs/reference/configuration.md has it, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from roadstead.settings import Era

ERAS: tuple[Era, ...] = get_args(Era)
"""The oldest first."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A change of the cloud that removed operations: its number, and the last era that has them."""

    change: str
    last: Era

    def is_past(self, era: Era) -> bool:
        """Return whether the operations are gone in an era."""
        return ERAS.index(era) > ERAS.index(self.last)


CROSS_WORKSPACE_LISTS = Removal("CHANGE-2770", last="before-2026-04")
NEVER_SERVED: Mapping[str, Removal] = {"/2.0/snippets": CROSS_WORKSPACE_LISTS}
"""Lists that the cloud has removed and that this host has in no era, by their addresses."""

"""Values that differ only in case."""

from collections.abc import Collection, Mapping

from roadstead.linkify.pattern.case import case_folding
from roadstead.linkify.values.layers import Layers


def respelled(spellings: Layers[Collection[str]], changes: Mapping[str, object]) -> dict[str, Collection[str] | None]:
    """Return the new spellings of those values of which one has changed.

    In `changes` a value without any owner left has `None`.
    """
    changed: dict[str, Collection[str] | None] = {}
    for value, owners in changes.items():
        key = value.translate(case_folding())
        known = set((changed[key] if key in changed else spellings.find(key)) or ())
        known = known | {value} if owners else known - {value}
        changed[key] = tuple(known) or None
    return changed

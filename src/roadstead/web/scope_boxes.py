"""Boxes of scopes in a form: one for each, with what it permits."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from roadstead.web.descriptor_view import Scope

_FIELD = "scope:"
"""The beginning of the name of a scope's box."""


@dataclass(frozen=True, slots=True)
class Box:
    """The box of a scope."""

    field: str
    scope: Scope
    ticked: bool


def boxes_of(scopes: Iterable[Scope], ticked: Collection[str]) -> list[Box]:
    """Return the boxes of scopes, those in `ticked` with a tick."""
    return [Box(f"{_FIELD}{one.name}", one, one.name in ticked) for one in scopes]


def ticked_in(form: Mapping[str, str]) -> tuple[str, ...]:
    """Return the names of the scopes whose boxes a submitted form ticks."""
    return tuple(name.removeprefix(_FIELD) for name in form if name.startswith(_FIELD))

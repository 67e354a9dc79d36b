"""Partial responses: the `fields` parameter.

`a,b.c` asks for only these, `-a` leaves out, `+a` adds to the default. `*` is every field of a level, so `-*,+a` means
only `a`. Paths that match nothing are ignored; in a list a path goes through every item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from roadstead.errors import InvalidInput

MAX_FIELDS = 100
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldSelection:
    only: tuple[Path, ...]
    added: tuple[Path, ...]
    removed: tuple[Path, ...]

    def apply(self, value: dict[str, Any], on_request: Sequence[Path] = ()) -> dict[str, Any]:
        """Return the requested parts of a resource, or of a page of them. The input is not changed.

        What is there `on_request` is in the answer only if it is asked for.
        """
        kept: Any = _pick(value, self.only) if self.only else _drop(value, on_request)
        kept = _drop(kept, self.removed) if self.removed else kept
        kept = _merge(kept, _pick(value, self.added)) if self.added else kept
        return kept if isinstance(kept, dict) else {}


def parse_fields(text: str) -> FieldSelection:
    """Read `fields`. Raise `InvalidInput`."""
    only: list[Path] = []
    added: list[Path] = []
    removed: list[Path] = []
    items = text.split(",")
    if len(items) > MAX_FIELDS:
        raise InvalidInput("`fields` has too many entries.", f"At most {MAX_FIELDS} are taken.")
    for item in items:
        name = item.strip()
        # A plus that was not sent as %2B arrives as a space, and then requests no addition, as on Bitbucket.
        path = tuple(name.lstrip("+-").split("."))
        target = removed if name.startswith("-") else added if name.startswith("+") else only
        if all(path):
            target.append(path)
    return FieldSelection(tuple(only), tuple(added), tuple(removed))


def _heads(paths: Sequence[Path], name: str) -> list[Path]:
    """Return the rests of the paths that lead through `name`."""
    return [path[1:] for path in paths if path[0] in (name, "*")]


def _pick(value: Any, paths: Sequence[Path]) -> Any:
    if isinstance(value, list):
        return [_pick(item, paths) for item in value]
    if not isinstance(value, dict):
        return value
    picked = {}
    for name, member in value.items():
        rest = _heads(paths, name)
        if any(not path for path in rest):
            picked[name] = member
        elif rest and isinstance(member, dict | list):
            picked[name] = _pick(member, rest)
    return picked


def _drop(value: Any, paths: Sequence[Path]) -> Any:
    if isinstance(value, list):
        return [_drop(item, paths) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, member in value.items():
        rest = _heads(paths, name)
        if not any(not path for path in rest):
            kept[name] = _drop(member, rest) if rest else member
    return kept


def _merge(base: Any, extra: Any) -> Any:
    if isinstance(base, dict) and isinstance(extra, dict):
        return {
            **base,
            **{name: _merge(base[name], part) if name in base else part for name, part in extra.items()},
        }
    if isinstance(base, list) and isinstance(extra, list) and len(base) == len(extra):
        return [_merge(left, right) for left, right in zip(base, extra, strict=True)]
    return extra

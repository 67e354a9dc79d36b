"""Folders as git stores them. Two versions of one are compared without a look at each entry that they share."""

import re
from typing import NamedTuple

_ENTRY = re.compile(rb"([0-7]+) ([^\0]+)\0(.{20})", re.DOTALL)
_ID = 20
_TYPE, _FOLDER, _FILE = 0o170000, 0o040000, 0o100000
_PROGRAM = 0o100


class _Entry(NamedTuple):
    """An entry. `place` is what git sorts it by, where a folder's name ends with a slash; `length` is in bytes."""

    name: bytes
    place: bytes
    mode: int
    id: bytes
    length: int


_NONE = _Entry(b"", b"", 0, b"", 0)


class TreeVersion:
    """A folder as a commit has it, in the bytes of its tree."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._ends: list[int] | None = None

    def names(self) -> set[bytes]:
        """Return the names of all entries."""
        return {name for _, name, _ in _ENTRY.findall(self._data)}

    def changed_since(self, before: "TreeVersion") -> set[bytes]:
        """Return the names of the entries that an earlier version lacks, or has with another mode or id."""
        changed: set[bytes] = set()
        if before is self:
            return changed
        new, old, ends = self._data, before._data, self._entry_ends()
        only_ids = len(new) == len(old)
        at = shift = 0
        while (at := self._same_until(before, at, shift)) < len(ends) - 1:
            start, id_ = ends[at], ends[at + 1] - _ID
            if new[start:id_] == old[start + shift : id_ + shift]:
                changed.add(new[start : id_ - 1].partition(b" ")[2])
                at += 1
                continue
            only_ids = False
            entry, other = self._entry(start), before._entry(start + shift)
            if _NONE.place < other.place < entry.place:
                shift += other.length
                continue
            if other.place != entry.place:
                other = _NONE
            if (other.mode, other.id) != (entry.mode, entry.id):
                changed.add(entry.name)
            shift += other.length - entry.length
            at += 1
        if only_ids:
            before._ends = ends
        return changed

    def _same_until(self, before: "TreeVersion", low: int, shift: int) -> int:
        """Return the number of the first entry from `low` on that an earlier version does not have `shift` bytes on."""
        new, old, ends = self._data, before._data, self._entry_ends()
        start, high = ends[low], len(ends) - 1
        if low and new[start:] == old[start + shift :]:
            return high
        while low < high:
            middle = (low + high + 1) // 2
            end = ends[middle]
            if new[start:end] == old[start + shift : end + shift]:
                low, start = middle, end
            else:
                high = middle - 1
        return low

    def _entry(self, start: int) -> _Entry:
        found = _ENTRY.match(self._data, start)
        if found is None:
            return _NONE
        digits, name, id_ = found.groups()
        mode = _as_git_reads(int(digits, 8))
        place = name + b"/" if mode == _FOLDER else name
        return _Entry(name, place, mode, id_, found.end() - start)

    def _entry_ends(self) -> list[int]:
        """Return where the entries end, after 0. Where only ids differ, versions share one list."""
        if self._ends is None:
            self._ends = [0, *(found.end() for found in _ENTRY.finditer(self._data))]
        return self._ends


def _as_git_reads(mode: int) -> int:
    """Return the mode for which git takes another: of a file, only whether its owner may run it counts."""
    if mode & _TYPE != _FILE:
        return mode & _TYPE
    return _FILE | (0o755 if mode & _PROGRAM else 0o644)


def folder_finder(name: bytes) -> re.Pattern[bytes]:
    """Return what finds the folder of this name in the bytes of a tree; the id is its first group."""
    return re.compile(rb"(?:[^\0]++\0.{20})*?0*4[0-7]{4} " + re.escape(name) + rb"\0(.{20})", re.DOTALL)

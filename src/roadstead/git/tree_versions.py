"""Folders as git stores them. Two versions of one are compared without a look at each entry that they share."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import msgspec

from roadstead.git.tree_format import ENTRY, EXECUTABLE, FILE, PROGRAM, TYPE, sort_key

_ID = 20
_FEW = 8
"""Differences that are found by bisection. After so many, comparing each entry is quicker."""


class _Entry(NamedTuple):
    """An entry, with its sort key. `length` is in bytes."""

    name: bytes
    key: bytes
    mode: int
    id: bytes
    length: int


_NONE = _Entry(b"", b"", 0, b"", 0)


class TreeVersion(msgspec.Struct, eq=False, gc=False):
    """A folder as a commit has it, in the bytes of its tree.

    `ends` are where its entries end, after 0, once that is known. Where only ids differ, versions share one list.
    """

    data: bytes
    ends: list[int] | None = None

    def names(self) -> set[bytes]:
        """Return the names of all entries."""
        return {name for _, name, _ in ENTRY.findall(self.data)}

    def changed_since(self, before: "TreeVersion") -> set[bytes]:
        """Return the names of the entries that an earlier version lacks, or has with another mode or id."""
        changed: set[bytes] = set()
        if before is self:
            return changed
        new, old = self.data, before.data
        ends = self.ends = self.ends or _ends(new)
        only_ids = len(new) == len(old)
        at = shift = 0
        for _ in range(_FEW):
            at = _same_until(new, old, ends, at, shift)
            if at == len(ends) - 1:
                if only_ids:
                    before.ends = ends
                return changed
            start, id_ = ends[at], ends[at + 1] - _ID
            if new[start:id_] == old[start + shift : id_ + shift]:
                changed.add(new[start : id_ - 1].partition(b" ")[2])
                at += 1
                continue
            only_ids = False
            name, length, old_length = _compared(_entry(new, start), _entry(old, start + shift))
            if name:
                changed.add(name)
            at += length > 0
            shift += old_length - length
        return changed | _changed_from(new, ends[at], old, ends[at] + shift)


def _compared(entry: _Entry, other: _Entry) -> tuple[bytes, int, int]:
    """Return the name of an entry if the other differs, and how many bytes of each side were compared."""
    if _NONE.key < other.key < entry.key:
        return b"", 0, other.length
    if other.key != entry.key:
        other = _NONE
    is_same = (other.mode, other.id) == (entry.mode, entry.id)
    return b"" if is_same else entry.name, entry.length, other.length


def _changed_from(new: bytes, start: int, old: bytes, old_start: int) -> set[bytes]:
    """Return what `changed_since` returns, from some places on, by comparing each entry."""
    there = {(name, _as_git_reads(mode), id_) for mode, name, id_ in ENTRY.findall(old, old_start)}
    listed = ENTRY.findall(new, start)
    return {name for mode, name, id_ in listed if (name, _as_git_reads(mode), id_) not in there}


def _ends(data: bytes) -> list[int]:
    return [0, *(found.end() for found in ENTRY.finditer(data))]


def _same_until(new: bytes, old: bytes, ends: Sequence[int], low: int, shift: int) -> int:
    """Return the number of the first entry from `low` on that differs from the old version's at `shift` bytes later."""
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


def _entry(data: bytes, start: int) -> _Entry:
    found = ENTRY.match(data, start)
    if found is None:
        return _NONE
    digits, name, id_ = found.groups()
    mode = _as_git_reads(digits)
    return _Entry(name, sort_key(name, mode), mode, id_, found.end() - start)


@lru_cache(100)
def _as_git_reads(digits: bytes) -> int:
    """Return the mode that git takes another for: old versions wrote other permissions of files."""
    mode = int(digits, 8)
    if mode & TYPE != FILE & TYPE:
        return mode & TYPE
    return PROGRAM if mode & EXECUTABLE else FILE


def folder_finder(name: bytes) -> re.Pattern[bytes]:
    """Return what finds the folder of this name in the bytes of a tree; the id is its first group."""
    return re.compile(rb"(?:[^\0]++\0.{20})*?0*4[0-7]{4} " + re.escape(name) + rb"\0(.{20})", re.DOTALL)

"""The mirror of the refs of repositories, which lists of branches and tags read. Recording a push changes it."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from roadstead.listing import Listing, PageRequest, Slice
from roadstead.pushed import BRANCH_LIST, TAG_LIST, WHOLE_NAME, Ref, RefKind
from roadstead.storage.database import Reader, Row, Transaction
from roadstead.storage.filters import Clause
from roadstead.storage.listing import Part, Source, read_page
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.tables import REFS

_COLUMNS = REFS.of(Ref)
_WIDTH = _COLUMNS.count(",") + 1
_NUMBER = re.compile(r"[0-9]+")
_AT_ONCE = 1000
"""Rows that are made before other tasks have their turn."""
_LISTS: Mapping[RefKind, Listing] = {"branch": BRANCH_LIST, "tag": TAG_LIST}
_KEY = "WHERE repository_id = ? AND kind = ? AND name = ?"


async def find_ref(reader: Reader, repository_id: int, kind: RefKind, name: str) -> Ref | None:
    """Return a ref by its kind and its name without the beginning."""
    rows = await reader.read(f"SELECT {_COLUMNS} FROM refs {_KEY}", repository_id, kind, name)
    return ref_of(rows[0]) if rows else None


async def list_refs(reader: Reader, repository_id: int) -> list[Ref]:
    """Return all refs of a repository, by kind and name."""
    rows = await reader.scan(f"SELECT {_COLUMNS} FROM refs WHERE repository_id = ? ORDER BY kind, name", repository_id)
    return [ref_of(row) for row in rows]


async def list_tips(reader: Reader, repository_id: int, most: int) -> list[str]:
    """Return the commits that branches and tags lead to, of at most so many refs: branches by name, then tags."""
    rows = await reader.read(
        "SELECT commit_hash FROM refs WHERE repository_id = ? AND kind <> 'note' AND commit_hash IS NOT NULL "
        "ORDER BY kind, name LIMIT ?",
        repository_id,
        most,
    )
    return [commit for (commit,) in rows]


async def page_of_refs(
    reader: Reader, repository_id: int, kinds: Sequence[RefKind], listing: Listing, wanted: PageRequest
) -> Slice[Ref]:
    """Return a page of the refs of some kinds."""
    columns = f"{REFS.of(Ref, 'f')}, f.natural_name, {WHOLE_NAME}"
    is_indexed = wanted.sort is None or wanted.sort.field != "target.hash"
    parts = [Part(_of(repository_id, kind), _LISTS[kind]) for kind in kinds] if len(kinds) > 1 and is_indexed else ()
    source = Source("refs f", columns, _of(repository_id, *kinds), parts=parts)
    page = await read_page(reader.scan, source, listing, wanted)
    return page.of([ref_of(row[:_WIDTH]) for row in page.items])


async def keep_refs(tx: Transaction, repository_id: int, refs: Sequence[Ref]) -> None:
    """Add refs, or change those that are there."""
    changes = "target = excluded.target, commit_hash = excluded.commit_hash, committed_on = excluded.committed_on"
    statement = f"{REFS.adding(REFS.columns)} ON CONFLICT (repository_id, kind, name) DO UPDATE SET {changes}"
    for start in range(0, len(refs), _AT_ONCE):
        await tx.run_many(statement, [_cells(repository_id, ref) for ref in refs[start : start + _AT_ONCE]])


async def replace_refs(tx: Transaction, repository_id: int, refs: Sequence[Ref]) -> None:
    """Make these all the refs of a repository."""
    await tx.run("DELETE FROM refs WHERE repository_id = ?", repository_id)
    await keep_refs(tx, repository_id, refs)


async def delete_refs(tx: Transaction, repository_id: int, named: Sequence[tuple[RefKind, str]]) -> None:
    """Delete refs, each by its kind and its name without the beginning."""
    await tx.run_many(f"DELETE FROM refs {_KEY}", [(repository_id, kind, name) for kind, name in named])


def ref_of(row: Row) -> Ref:
    """Return the ref of a row with the columns of `Ref`."""
    kind, name, target, commit_hash, committed_on = row
    return Ref(kind, name, target, commit_hash, None if committed_on is None else from_text(committed_on))


def natural(name: str) -> str:
    """Return a text whose order among others is that of names, and of the numbers in them."""
    return _NUMBER.sub(lambda found: f"{len(digits := found[0].lstrip('0')):03}{digits}", name)


def _of(repository_id: int, *kinds: RefKind) -> Clause:
    return Clause(f"f.repository_id = ? AND f.kind IN ({', '.join('?' * len(kinds))})", (repository_id, *kinds))


def _cells(repository_id: int, ref: Ref) -> tuple[int | str | None, ...]:
    moment = _text(ref.committed_on)
    return repository_id, ref.kind, ref.name, ref.target, ref.commit_hash, moment, natural(ref.name)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else to_text(moment)

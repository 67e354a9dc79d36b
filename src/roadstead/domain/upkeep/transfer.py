"""Export and import the whole state as one file.

The file is gzip of JSON lines in UTF-8, the same for every kind of database:

    {"format": "roadstead-export", "version": 1, "secrets": false, "rows": 3, "created_on": "…"}
    {"table": "workspaces", "columns": ["id", "slug", …]}
    [1, "local", …]                                             a row of that table; then more, then the next table
    {"repository": "{8c3f…}", …}                                after all tables: see `repository_files.py`
    {"file": "lfs", …}                                          after all repositories: see `attached_files.py`
    {"end": true, "rows": 3, "sha256": "…"}                     over every byte before this line

Secrets are in the clear, because the host that reads the file has another key, or empty when they were left out.
An unknown table or column means the file is from a newer version; refuse it rather than import part of it.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from roadstead.domain.apps.handshakes import new_secret
from roadstead.domain.host import Host
from roadstead.domain.upkeep.attached_files import Heading, ReceivingFiles, lines_of_files
from roadstead.domain.upkeep.audit import secret_will_be_shown
from roadstead.domain.upkeep.repository_files import Unpacking, lines_of_repositories
from roadstead.errors import Conflict, InvalidInput
from roadstead.model import Installation
from roadstead.storage import transfer as rows
from roadstead.storage.audit import add_entry
from roadstead.storage.database import Reader, Transaction
from roadstead.storage.facts import find_fact, keep_fact
from roadstead.storage.members import ensure_owners
from roadstead.storage.moments import from_text, to_text
from roadstead.storage.sealing import hold_key
from roadstead.storage.tables import TRAVELLING, Table
from roadstead.storage.transfer import PAGE
from roadstead.storage.users import adopt_operator

FORMAT = "roadstead-export"
VERSION = 3
"""Raised when earlier versions would misread a file. Since 2, repositories come after the rows, and since 3 files."""

_LONGEST_LINE = 64 << 20
"""Four times the largest request body: a descriptor with every character escaped fits, and memory is bounded."""

_SECRETS_LOST_ON = "secrets_lost_on"

Progress = Callable[[int, int], None]
"""Called with the number of finished rows, and of all."""


@dataclass(frozen=True, slots=True)
class Transferred:
    """The rows that were written or read, and whether the secrets were among them."""

    rows: int
    with_secrets: bool


class DamagedExport(InvalidInput):
    """The file is not a complete export."""

    def __init__(self, reason: str) -> None:
        super().__init__("The export is damaged or cut off.", f"{reason} Nothing was imported; get the file again.")


# Export


async def export_state(
    host: Host, out: BinaryIO, *, with_secrets: bool, progress: Progress = lambda done, of: None
) -> Transferred:
    """Write one committed state, while others may keep writing. Raise `StorageUnavailable` and `OSError`."""
    if with_secrets:
        await secret_will_be_shown(host, "export of all apps")
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=6, filename="", mtime=0) as packed:
        writer = _Writer(packed)
        async with host.store.database.snapshot() as snapshot:
            repositories, downloads = await rows.repository_ids(snapshot), await rows.download_files(snapshot)
            done = await _write_rows(host, snapshot, writer, with_secrets=with_secrets, progress=progress)
        # After the snapshot, which holds up a database's own cleaning: files may take hours.
        for lines in (lines_of_repositories(host, repositories), lines_of_files(host, repositories, downloads)):
            async for line in lines:
                writer.write(line)
        writer.write({"end": True, "rows": done, "sha256": writer.digest()})
    return Transferred(done, with_secrets)


async def _write_rows(
    host: Host, snapshot: Reader, writer: "_Writer", *, with_secrets: bool, progress: Progress
) -> int:
    """Write the first line and all rows; return their number."""
    total = await rows.count_rows(snapshot)
    writer.write(
        {
            "format": FORMAT,
            "version": VERSION,
            "secrets": with_secrets,
            "rows": total,
            "created_on": to_text(host.now()),
        }
    )
    done = 0
    for table in TRAVELLING:
        writer.write({"table": table.name, "columns": table.travelling})
        async for page in rows.read_pages(host.store, snapshot, table, with_secrets=with_secrets):
            writer.write(*page)
            done += len(page)
            progress(done, total)
    return done


class _Writer:
    """Lines, and the hash over them."""

    def __init__(self, out: gzip.GzipFile) -> None:
        self._out = out
        self._hash = hashlib.sha256()

    def write(self, *documents: object) -> None:
        lines = "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents).encode()
        self._hash.update(lines)
        self._out.write(lines)

    def digest(self) -> str:
        return self._hash.hexdigest()


# Import


async def import_state(host: Host, source: BinaryIO, *, progress: Progress = lambda done, of: None) -> Transferred:
    """Fill an empty state, wholly or not at all.

    Raise `Conflict` when the state is not empty, and `InvalidInput` when the file is not an export, is damaged, or was
    written by a newer version.
    """
    lines = _Lines(source)
    header = _header(lines)
    async with Unpacking(host) as repositories, ReceivingFiles(host) as files, host.store.database.transaction() as tx:
        await hold_key(tx)
        await expect_empty(tx)
        done = await _fill(host, tx, _Files(repositories, files), lines, int(header["rows"]), progress)
        await rows.go_on_after_ids(tx)
        await adopt_operator(tx)
        await ensure_owners(tx)
        await add_entry(
            tx, actor=host.operator, action="state imported", subject="state", details={"rows": done}, now=host.now()
        )
        if not header["secrets"]:
            await keep_fact(tx, _SECRETS_LOST_ON, to_text(host.now()))
    return Transferred(done, bool(header["secrets"]))


async def expect_empty(tx: Transaction) -> None:
    """Raise `Conflict` when there is a row in any exported table."""
    filled = await rows.find_filled_tables(tx)
    if filled:
        found = [words for table, words in _IN_WORDS.items() if table in filled]
        raise Conflict(
            f"This state already has {_listed(found)}." if found else "A host has run on this state already.",
            "An empty one is needed: name a new folder with --data, or an empty database.",
        )


_IN_WORDS = {
    "installations": "apps",
    "linker_values": "linker values",
    "registrations": "registered apps",
    "api_tokens": "API tokens",
    "users": "users",
    "workspaces": "workspaces",
}


def _listed(words: list[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


async def apps_without_secret(host: Host, installed: list[Installation]) -> list[Installation]:
    """Return the apps that came with an import without secrets, and must be installed again before they can call."""
    lost_on = await find_fact(host.store.database, _SECRETS_LOST_ON)
    if lost_on is None:
        return []
    return [installation for installation in installed if installation.updated_on <= from_text(lost_on)]


def _header(lines: "_Lines") -> dict[str, Any]:
    try:
        header = lines.next()
    except DamagedExport as exc:
        raise InvalidInput("This is not an export of Roadstead.", "Give a file that roadstead export wrote.") from exc
    if not isinstance(header, dict) or header.get("format") != FORMAT:
        raise InvalidInput("This is not an export of Roadstead.", "Give a file that roadstead export wrote.")
    version = header.get("version")
    if not isinstance(version, int) or version > VERSION:
        raise _newer(f"Its format has version {version}, and this Roadstead reads up to {VERSION}.")
    if not isinstance(header.get("rows"), int) or not isinstance(header.get("secrets"), bool):
        raise DamagedExport("Its first line is incomplete.")
    return header


def _newer(reason: str) -> InvalidInput:
    return InvalidInput("The export was written by a newer version of Roadstead.", f"{reason} Upgrade Roadstead.")


async def _fill(host: Host, tx: Transaction, files: "_Files", lines: "_Lines", total: int, progress: Progress) -> int:
    """Add all rows and files up to the last line, which must agree with them. Return the number of rows."""
    done = 0
    for part in _parts(lines):
        match part:
            case _Page(table, columns, page):
                # A random secret replaces each one that was left out: no app can sign with it.
                await rows.add_rows(host.store, tx, table, columns, page, make_secret=new_secret)
                done += len(page)
                progress(done, total)
            case _:
                await files.take(part)
    await files.check(tx)
    if done != total:
        raise DamagedExport(f"It has {done} of {total} rows.")
    return done


class _Files(NamedTuple):
    """What comes after the rows."""

    repositories: Unpacking
    attached: ReceivingFiles

    async def take(self, part: "_FilePart") -> None:
        """Take a heading, a piece or an end. Raise `DamagedExport`, and `InvalidInput`."""
        try:
            await self._take(part)
        except ValueError as exc:
            raise DamagedExport(str(exc)) from exc

    async def _take(self, part: "_FilePart") -> None:
        match part:
            case _Repository(uuid, head):
                await self.repositories.begin(uuid, head)
            case Heading():
                await self.repositories.end()
                await self.attached.begin(part)
            case _End(sha256):
                await self.attached.end(sha256)
            case str() if self.attached.is_open:
                await self.attached.add(part)
            case str():
                self.repositories.add(part)

    async def check(self, tx: Transaction) -> None:
        """Complete the last one, and raise `InvalidInput` for what has no row."""
        await self.repositories.end()
        await self.repositories.mirror(tx)
        await self.attached.check(tx)


class _Page(NamedTuple):
    """Rows of a table."""

    table: Table
    columns: list[str]
    rows: list[list[Any]]


class _Repository(NamedTuple):
    """The heading of a repository."""

    uuid: str
    head: str


class _End(NamedTuple):
    """The end of a file, with the hash of its content."""

    sha256: str


_FilePart = _Repository | Heading | _End | str


def _parts(lines: "_Lines") -> Iterator[_Page | _FilePart]:
    """Yield the parts of an export: pages of rows, then headings, pieces and ends of repositories and files."""
    page = _Page(TRAVELLING[0], [""], [])
    while True:
        before = lines.digest()
        line: Any = lines.next()
        if isinstance(line, list):
            if not _fits(line, page.columns):
                raise DamagedExport(f"A row of {page.table.name} is not a row.")
            page.rows.append(line)
        if page.rows and (len(page.rows) == PAGE or not isinstance(line, list)):
            yield page
            page = page._replace(rows=[])
        match line:
            case list():
                pass
            case {"table": _}:
                page = _Page(*_section(line), [])
            case {"end": True}:
                if line.get("sha256") != before:
                    raise DamagedExport("Its checksum is not that of its content.")
                lines.expect_end()
                return
            case _:
                yield _file_part(line)


def _file_part(line: Any) -> _FilePart:
    """Return what a line is that comes after the rows."""
    match line:
        case str():
            return line
        case {"repository": str(uuid), "head": str(head)}:
            return _Repository(uuid, head)
        case {"file": str(kind), "repository": str(uuid), "name": str(name), "size": int(size)}:
            return Heading(kind, uuid, name, size)
        case {"sha256": str(sha256)}:
            return _End(sha256)
        case _:
            raise DamagedExport("A line is neither a row nor a heading.")


def _section(line: dict[str, Any]) -> tuple[Table, list[str]]:
    table = next((table for table in TRAVELLING if table.name == line["table"]), None)
    columns = line.get("columns")
    if not isinstance(columns, list) or not columns:
        raise DamagedExport("A heading names no columns.")
    if table is None:
        raise _newer(f"It has {line['table']!r}, which this version does not know.")
    if unknown := [column for column in columns if column not in table.travelling]:
        raise _newer(f"Its {table.name} have {unknown[0]!r}, which this version does not know.")
    return table, columns


def _fits(row: list[Any], columns: list[str]) -> bool:
    return len(row) == len(columns) and all(cell is None or type(cell) in (str, int) for cell in row)


class _Lines:
    """The lines of a packed file, each a JSON document, and the hash over those that were read."""

    def __init__(self, source: BinaryIO) -> None:
        self._packed = gzip.GzipFile(fileobj=source)
        self._hash = hashlib.sha256()

    def next(self) -> object:
        """Return the next line. Raise `DamagedExport`."""
        line = self._read()
        if not line.endswith(b"\n"):
            raise DamagedExport("It ends in the middle.")
        self._hash.update(line)
        try:
            return json.loads(line)
        except (ValueError, RecursionError) as exc:
            raise DamagedExport("A line is not JSON.") from exc

    def expect_end(self) -> None:
        """Read to the end of the packed file, where its own checksum is."""
        if self._read():
            raise DamagedExport("There is more after its end.")

    def digest(self) -> str:
        return self._hash.hexdigest()

    def _read(self) -> bytes:
        try:
            return self._packed.readline(_LONGEST_LINE)
        except (gzip.BadGzipFile, EOFError, zlib.error) as exc:
            raise DamagedExport("It cannot be unpacked.") from exc

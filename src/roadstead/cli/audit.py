"""The audit log at the terminal."""

from typing import TYPE_CHECKING, Annotated

from roadstead.cli.declared import Option
from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import print_list, tell
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row
from roadstead.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import datetime

    from roadstead.domain.host import Host
    from roadstead.model import AuditEntry
    from roadstead.settings import Settings


def audit(
    limit: Annotated[
        int,
        Option(
            "--limit", metavar="N", between=(1, 1_000_000), show_default=False, help="How many entries. Default: 50."
        ),
    ] = 50,
    export: Annotated[
        str | None, Option("--export", metavar="FILE", help="Write the log to a file that does not exist yet.")
    ] = None,
    before: Annotated[
        str | None,
        Option("--before", metavar="DATE", help="With --export: write older entries only, and remove them."),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List who did what, the newest first."""
    from roadstead.domain.upkeep import audit as log

    settings = read_settings(data=data, database_url=database_url)
    if export is not None or before is not None:
        _archive(settings, export, None if before is None else _moment(before))
        return
    entries = on_host(settings, lambda host: log.latest_entries(host, limit))
    headings = ("TIME", "WHO", "ACTION", "SUBJECT")
    print_list(entries, headings, _row, _as_data, "The audit log is empty.", as_json=as_json)


def _as_data(entry: "AuditEntry") -> object:
    from roadstead.control.audit import audit_entry

    return audit_entry(entry)


def _archive(settings: "Settings", export: str | None, before: "datetime | None") -> None:
    from roadstead.cli.transfer import written
    from roadstead.domain.upkeep import audit as log

    if export is None or (export == "-" and before is not None):
        raise InvalidInput("Entries are removed only once they are in a file.", "Name a new one: --export FILE")

    async def archive(host: "Host") -> "log.Archived":
        with written(export) as out:
            archived = await log.archive(host, out, before=before)
        # The file is on the disk now, under its name.
        if before is not None and archived.entries:
            await log.cut(host, archived)
        return archived

    archived = on_host(settings, archive)
    removed = ", and removed from the log" if before is not None else ""
    tell(f"Entries written{removed}: {archived.entries}")


def _moment(text: str) -> "datetime":
    """Return a date, or a date and time, in the local time zone. Raises `InvalidInput`."""
    from datetime import datetime

    try:
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError) as exc:
        raise InvalidInput(f"{text!r} is not a date.", "Write it as 2026-10-01, or 2026-10-01T12:00.") from exc


def _row(entry: "AuditEntry") -> Row:
    """Return an entry with its details below; only the JSON document has the client key of an app that acted."""
    who = entry.actor.partition(" ari:")[0]
    details = ", ".join(f"{name}: {value}" for name, value in entry.details.items())
    return Row((entry.time, who, entry.action, entry.subject), details)

"""The audit log at the terminal."""

from typing import TYPE_CHECKING, Annotated

import typer

from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import print_json, print_table, tell
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row

if TYPE_CHECKING:
    from roadstead.model import AuditEntry


def audit(
    limit: Annotated[
        int,
        typer.Option(
            "--limit", metavar="N", min=1, max=1_000_000, show_default=False, help="How many entries. Default: 50."
        ),
    ] = 50,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List who did what, the newest first."""
    from roadstead.domain import audit as log

    settings = read_settings(data=data, database_url=database_url)
    entries = on_host(settings, lambda host: log.latest_entries(host, limit))
    if as_json:
        from roadstead.api.audit import audit_entry

        print_json([audit_entry(entry) for entry in entries])
    elif entries:
        print_table(("TIME", "WHO", "ACTION", "SUBJECT"), map(_row, entries))
    else:
        tell("Nothing has been done yet.")


def _row(entry: "AuditEntry") -> Row:
    """Return an entry with its details below; the client key of an app that acted stands in the JSON document only."""
    who = entry.actor.partition(" ari:")[0]
    details = ", ".join(f"{name}: {value}" for name, value in entry.details.items())
    return Row((entry.time, who, entry.action, entry.subject), details)

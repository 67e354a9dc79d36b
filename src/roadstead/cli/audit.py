"""The audit log at the terminal."""

from typing import Annotated

import typer

from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import print_json, print_table, tell
from roadstead.cli.state import on_host


def audit(
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=1_000_000, help="How many entries. Default: 50.")
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
        details = [", ".join(f"{name}: {value}" for name, value in entry.details.items()) for entry in entries]
        lines = [
            (entry.time.isoformat(timespec="seconds"), entry.actor, entry.action, entry.subject, more)
            for entry, more in zip(entries, details, strict=True)
        ]
        print_table(("TIME", "WHO", "DID", "TO", "DETAILS"), lines)
    else:
        tell("Nothing has been done yet.")

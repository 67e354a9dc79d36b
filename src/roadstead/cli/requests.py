"""The recorded requests at the terminal."""

from typing import TYPE_CHECKING, Annotated

import typer

from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import print_json, print_table, tell
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row, Url

if TYPE_CHECKING:
    from roadstead.model import RecordedRequest


def requests(
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=1, max=10_000, help="How many requests. Default: 50.")
    ] = 50,
    wanted: Annotated[
        str | None, typer.Option("--filter", metavar="Q", help='Which, as in: status >= 400 AND app = "my-app"')
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the last calls of apps to the host and of the host to apps, the newest first."""
    from roadstead.api.requests import FIELDS, recorded_request
    from roadstead.domain.requests import page_of_requests
    from roadstead.query import parse_filter

    expression = parse_filter(wanted, FIELDS) if wanted else None
    settings = read_settings(data=data, database_url=database_url)
    found, _ = on_host(settings, lambda host: page_of_requests(host, expression, limit=limit))
    if as_json:
        print_json([recorded_request(one) for one in found])
    elif found:
        print_table(("ID", "TIME", "APP", "METHOD", "URL", "STATUS"), map(_row, found))
    else:
        tell("No request of that kind is kept.")


def _row(request: "RecordedRequest") -> Row:
    cells = (request.id, request.time, request.app, request.method, Url(request.url), request.status)
    return Row(cells, request.error or "")

"""`roadstead debug-jwt`: why a token is refused."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import plain, print_json, print_table
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row

if TYPE_CHECKING:
    from roadstead.connect.diagnosis import Diagnosis


def debug_jwt(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Of the request the token was meant for.")],
    url: Annotated[str, typer.Argument(metavar="URL", help="Its address or its path, as it was sent, with the query.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say why a token is refused. It is read from standard input, as a token, a header, or a curl command.

    Exits 1 when it would be refused. Nothing of it is kept.
    """
    from roadstead.domain.diagnosis import LONGEST_PASTE, explain_pasted

    settings = read_settings(data=data, database_url=database_url)
    pasted = sys.stdin.read(LONGEST_PASTE + 1)
    found = on_host(settings, lambda host: explain_pasted(host, pasted, method, url))
    if as_json:
        from roadstead.api.diagnosis import explained_token

        print_json(explained_token(found))
    else:
        _print(found)
    raise typer.Exit(0 if found.cause is None else 1)


def _print(found: "Diagnosis") -> None:
    print_table(("CHECK", "VERDICT", "FOUND"), [Row((one.name, one.verdict, one.finding)) for one in found.checks])
    print()
    print(f"the host hashed   {plain(found.canonical)}")
    if found.hashed is not None and found.difference is not None:
        print(f"the token hashed  {plain(found.hashed.canonical)}")
        print(f"                  {'':{found.difference}}^")
    cause = found.cause
    print()
    if cause is None:
        print("The token is good for this request.")
    else:
        print(plain(f"{cause.finding} {cause.fix}"))

"""`roadstead debug-jwt`: explain why a token is refused."""

import sys
from typing import Annotated

import typer

from roadstead.cli.declared import Argument
from roadstead.cli.diagnoses import print_diagnosis
from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import print_json, tell
from roadstead.cli.state import on_host


def debug_jwt(
    method: Annotated[str, Argument(metavar="METHOD", help="The method of the request it was made for.")],
    url: Annotated[str, Argument(metavar="URL", help="Its URL or path as it was sent, with the query.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Explain why a token is refused.

    Reads the token from standard input, alone, in a header, or in a curl command. Exits 1 when the host would refuse
    it. Nothing of it is kept.
    """
    from roadstead.domain.access.diagnosis import LONGEST_PASTE, explain_pasted

    settings = read_settings(data=data, database_url=database_url)
    if sys.stdin.isatty():
        tell("Paste the token, then press Ctrl-D.")
    pasted = sys.stdin.read(LONGEST_PASTE + 1)
    found = on_host(settings, lambda host: explain_pasted(host, pasted, method, url))
    if as_json:
        from roadstead.control.debug_jwt import explained_token

        print_json(explained_token(found))
    else:
        print_diagnosis(found)
    raise typer.Exit(0 if found.cause is None else 1)

"""The whole map of the command line, and what every command has in common: how it fails."""

import os
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

import typer

from roadstead.cli import (
    apps,
    audit,
    check,
    debug_jwt,
    demo,
    doctor,
    keys,
    linkify,
    queue,
    requests,
    serve,
    token,
    tokens,
    transfer,
    version,
)
from roadstead.cli.output import refuse
from roadstead.errors import InvalidInput, RoadsteadError

app = typer.Typer(
    name="roadstead",
    help="A self-hosted home for Bitbucket Connect apps.",
    no_args_is_help=True,
    add_completion=False,
    # Plain help can be searched and piped, and Rich would double the time it takes to show.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
installed_apps = typer.Typer(rich_markup_mode=None)
owed_calls = typer.Typer(rich_markup_mode=None)


def run() -> None:
    """Parse the arguments and run the command they name."""
    _open_missing_streams()
    for stream in (sys.stdout, sys.stderr):
        # What an app calls itself may not fit the terminal's encoding; that is no reason to fail.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # they are real text files here
    app(prog_name="roadstead")


def _open_missing_streams() -> None:
    """Whoever starts us may have closed a standard stream, and Python then has `None` in its place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115  # open to the end


def _failing_clearly(command: Callable[..., None]) -> Callable[..., None]:
    """Show what the domain refuses, and exit 1, or 2 when the fault is in a setting."""

    @wraps(command)
    def checked(**arguments: Any) -> None:
        as_json = arguments.get("as_json", False)
        try:
            command(**arguments)
        except RoadsteadError as error:
            raise typer.Exit(refuse(error, as_json=as_json)) from error
        except UnicodeEncodeError as error:
            refusal = InvalidInput("An argument holds bytes that are not UTF-8.", "Type it again.")
            raise typer.Exit(refuse(refusal, as_json=as_json)) from error

    return checked


app.command()(_failing_clearly(serve.serve))
app.command()(_failing_clearly(demo.demo))
app.command()(_failing_clearly(apps.install))
app.command()(_failing_clearly(apps.uninstall))
app.add_typer(installed_apps, name="apps")
installed_apps.callback(invoke_without_command=True)(_failing_clearly(apps.list_apps))
installed_apps.command()(_failing_clearly(apps.show))
app.command()(_failing_clearly(apps.register))
app.add_typer(owed_calls, name="queue")
owed_calls.callback(invoke_without_command=True)(_failing_clearly(queue.list_owed))
owed_calls.command()(_failing_clearly(queue.retry))
app.command()(_failing_clearly(linkify.linkify))
app.command()(_failing_clearly(token.token))
app.command()(_failing_clearly(requests.requests))
app.command()(_failing_clearly(debug_jwt.debug_jwt))
app.command()(_failing_clearly(check.check))
app.command()(_failing_clearly(tokens.sign_in))
app.command()(_failing_clearly(tokens.token_create))
app.command()(_failing_clearly(tokens.token_list))
app.command()(_failing_clearly(tokens.token_revoke))
app.command()(_failing_clearly(audit.audit))
app.command()(_failing_clearly(keys.rotate_key))
app.command("export")(_failing_clearly(transfer.export_state))
app.command("import")(_failing_clearly(transfer.import_state))
app.command("migrate-data")(_failing_clearly(transfer.migrate_data))
app.command()(_failing_clearly(doctor.doctor))
app.command()(_failing_clearly(version.version))

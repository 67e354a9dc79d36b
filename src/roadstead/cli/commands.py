"""All commands of the command line, and how each of them reports a failure."""

import sys
from collections.abc import Callable
from functools import wraps
from inspect import Parameter, signature
from typing import Annotated, Any, get_args

import typer
from typer.core import TyperGroup

from roadstead.cli import (
    apps,
    audit,
    check,
    consumers,
    debug_jwt,
    deliveries,
    demo,
    doctor,
    events,
    groups,
    keys,
    linkify,
    queue,
    receive,
    repositories,
    repository_changes,
    requests,
    routes,
    serve,
    ssh_keys,
    ssh_keys_for,
    ssh_serve,
    token,
    tokens,
    transfer,
    users,
    version,
    workspaces,
)
from roadstead.cli.declared import Argument, Declared, Option, WrongUsage
from roadstead.cli.output import program, refuse
from roadstead.cli.streams import mend_streams, output
from roadstead.errors import InvalidInput, RoadsteadError

PANELS = {
    "Run": ("serve", "demo", "sign-in", "doctor", "version"),
    "Apps": ("install", "uninstall", "apps", "register", "queue"),
    "Linkers": ("check", "linkify"),
    "Repositories": ("repo",),
    "People": ("user", "workspace", "group", "consumer", "token-create", "token-list", "token-revoke"),
    "SSH": ("ssh-key", "ssh-keys-for", "ssh-serve"),
    "Events": ("events", "deliveries", "receive"),
    "Debug": ("routes", "requests", "debug-jwt", "token"),
    "Operate": ("audit", "rotate-key", "export", "import", "migrate-data"),
}
"""The commands in the groups and the order in which the help lists them."""


class _InPanels(TyperGroup):
    """A list of commands in groups, each with the whole first sentence of its help."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        width = max(map(len, self.commands))
        for panel, names in PANELS.items():
            with formatter.section(panel):
                formatter.write_dl(
                    [(f"{name:<{width}}", self.commands[name].get_short_help_str(formatter.width)) for name in names]
                )


app = typer.Typer(
    name="roadstead",
    cls=_InPanels,
    help="A self-hosted home for Bitbucket Connect apps.",
    no_args_is_help=True,
    # Plain help can be searched and piped, and Rich would double the time it takes to show.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
installed_apps = typer.Typer(rich_markup_mode=None)
pending_calls = typer.Typer(rich_markup_mode=None)
recorded_calls = typer.Typer(rich_markup_mode=None)

_COMPLETION = {"--install-completion", "--show-completion"}


def run() -> None:
    """Parse the arguments and run the command they name."""
    mend_streams()
    # A shell completes what is typed behind a name, not behind a path.
    name = "roadstead" if _COMPLETION & set(sys.argv) else program()
    app(prog_name=name, complete_var="_ROADSTEAD_COMPLETE")


def _failing_clearly(command: Callable[..., None]) -> Callable[..., None]:
    """Give Typer the command: it prints the error that it raises, and exits with 1, or with 2 for a wrong setting."""

    @wraps(command)
    def checked(**arguments: Any) -> None:
        as_json = arguments.get("as_json", False)
        try:
            with output():
                command(**arguments)
        except RoadsteadError as error:
            raise typer.Exit(refuse(error, as_json=as_json)) from error
        except WrongUsage as error:
            raise typer.BadParameter(error.message, param_hint=error.option) from error
        except UnicodeEncodeError as error:
            refusal = InvalidInput("An argument contains bytes that are not UTF-8.", "Type it again.")
            raise typer.Exit(refuse(refusal, as_json=as_json)) from error

    asked = signature(command)
    parameters = [_for_typer(parameter) for parameter in asked.parameters.values()]
    checked.__signature__ = asked.replace(parameters=parameters)  # type: ignore[attr-defined]  # where Typer looks
    return checked


_IN_TYPER: dict[type[Declared], Callable[..., Any]] = {Option: typer.Option, Argument: typer.Argument}


def _for_typer(parameter: Parameter) -> Parameter:
    """Return the parameter with what it declares in Typer's own class."""
    match get_args(parameter.annotation):
        case kind, Declared() as declared:
            number = {"parser": _number_between(*declared.between)} if declared.between else {}
            told = _IN_TYPER[type(declared)](*declared.names, **number, **declared.settings)
            return parameter.replace(annotation=Annotated[kind, told])
    return parameter


def _number_between(least: int, most: int) -> Callable[[str], int]:
    """Return a function that reads a number; Typer's own messages about one are not English."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = least - 1
        if not least <= number <= most:
            raise typer.BadParameter(f"{text} is not a whole number from {least} to {most}.")
        return number

    return read


def _print_version(wanted: bool) -> None:
    if wanted:
        version.version()
        raise typer.Exit


@app.callback()
def _options_of_the_program(
    print_version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_print_version, help="Print the version and exit.")
    ] = False,
) -> None:
    """Take the options that need no command."""


def _add_group(name: str, text: str, *commands: Callable[..., None]) -> None:
    """Add a command that consists of others. Each is named by the first word of its function."""
    group = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help=text)
    for command in commands:
        group.command(command.__name__.partition("_")[0])(_failing_clearly(command))
    app.add_typer(group, name=name)


app.command()(_failing_clearly(serve.serve))
app.command()(_failing_clearly(demo.demo))
app.command()(_failing_clearly(apps.install))
app.command()(_failing_clearly(apps.uninstall))
app.add_typer(installed_apps, name="apps")
installed_apps.callback(invoke_without_command=True)(_failing_clearly(apps.list_apps))
installed_apps.command()(_failing_clearly(apps.show))
app.command()(_failing_clearly(apps.register))
app.add_typer(pending_calls, name="queue")
pending_calls.callback(invoke_without_command=True)(_failing_clearly(queue.list_pending))
pending_calls.command()(_failing_clearly(queue.retry))
app.command()(_failing_clearly(linkify.linkify))
app.command()(_failing_clearly(token.token))
app.add_typer(recorded_calls, name="requests")
recorded_calls.callback(invoke_without_command=True)(_failing_clearly(requests.list_requests))
recorded_calls.command()(_failing_clearly(requests.show))
app.command()(_failing_clearly(debug_jwt.debug_jwt))
app.command()(_failing_clearly(check.check))
app.command()(_failing_clearly(tokens.sign_in))
_add_group(
    "user",
    users.HELP,
    *(users.create, users.invite, users.list_users, users.show, users.reset, users.deactivate),
)
_add_group(
    "workspace",
    workspaces.HELP,
    *(workspaces.create, workspaces.add, workspaces.remove, workspaces.list_workspaces, workspaces.show),
)
_add_group("group", groups.HELP, groups.create, groups.add, groups.remove, groups.list_groups)
_add_group(
    "repo",
    repositories.HELP,
    *(repositories.create, repositories.import_repository, repositories.list_repositories),
    *(repositories.show, repository_changes.grant, repository_changes.rename, repository_changes.transfer),
    *(repositories.check, repository_changes.prune, repositories.delete),
)
_add_group("consumer", consumers.HELP, consumers.create, consumers.list_consumers, consumers.delete)
_add_group("events", events.HELP, events.tail, events.fire)
_add_group("deliveries", deliveries.HELP, deliveries.list_deliveries, deliveries.show, deliveries.resend)
app.command()(_failing_clearly(receive.receive))
app.command()(_failing_clearly(tokens.token_create))
app.command()(_failing_clearly(tokens.token_list))
app.command()(_failing_clearly(tokens.token_revoke))
_add_group("ssh-key", ssh_keys.HELP, ssh_keys.add, ssh_keys.list_keys, ssh_keys.remove)
app.command()(_failing_clearly(ssh_keys_for.ssh_keys_for))
app.command()(_failing_clearly(ssh_serve.ssh_serve))
app.command()(_failing_clearly(audit.audit))
app.command()(_failing_clearly(keys.rotate_key))
app.command("export")(_failing_clearly(transfer.export_state))
app.command("import")(_failing_clearly(transfer.import_state))
app.command("migrate-data")(_failing_clearly(transfer.migrate_data))
app.command()(_failing_clearly(doctor.doctor))
app.command()(_failing_clearly(version.version))
app.command()(_failing_clearly(routes.routes))

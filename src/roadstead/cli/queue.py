"""`roadstead queue` and `roadstead queue retry`: the pending calls to apps."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from roadstead.cli.declared import Argument
from roadstead.cli.lifecycle_calls import as_data, notification, prospect, remarks
from roadstead.cli.options import AllowTarget, AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import print_json, print_list
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row, Url

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.model import LifecycleCall


def list_pending(
    context: typer.Context, data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """List the pending calls to apps, or retry one.

    Calls that were given up are listed, too.
    """
    if context.invoked_subcommand is not None:
        given = {"data": data, "database_url": database_url, "as_json": as_json}
        context.default_map = {context.invoked_subcommand: given}
        return
    found = on_host(read_settings(data=data, database_url=database_url), _list)
    headings = ("ID", "APP", "EVENT", "URL", "SINCE", "STATUS")
    print_list(found, headings, _row, _as_data, "No pending calls.", as_json=as_json)


def _as_data(call: "LifecycleCall") -> dict[str, Any]:
    return {"app": call.app_key, **as_data(call)}


async def _list(host: "Host") -> "list[LifecycleCall]":
    from roadstead.domain.apps import lifecycle

    return await lifecycle.list_pending_calls(host)


def _row(call: "LifecycleCall") -> Row:
    return Row((call.id, call.app_key, call.event, Url(call.url), call.created_on, call.status), remarks(call))


def retry(
    call_id: Annotated[
        int, Argument(metavar="ID", between=(1, 2**63 - 1), help="The call's number in roadstead queue.")
    ],
    data: Data = None,
    database_url: DatabaseUrl = None,
    allow_target: AllowTarget = None,
    as_json: AsJson = False,
) -> None:
    """Make a pending call now.

    Makes a call again that was given up, too, and prints what the app answered.
    """
    settings = read_settings(data=data, database_url=database_url, allow_target=allow_target)
    call = on_host(settings, lambda host: _try_now(host, call_id))
    if as_json:
        print_json(_as_data(call))
    else:
        print(notification(call))
        if prospect(call):
            print(f"The call stays in the queue. {prospect(call)}")


async def _try_now(host: "Host", call_id: int) -> "LifecycleCall":
    from roadstead.domain.apps import lifecycle

    return await lifecycle.try_now(host, call_id)

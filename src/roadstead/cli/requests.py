"""`roadstead requests` and `roadstead requests show`: the recorded calls, and why one was refused."""

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from roadstead.cli.declared import Argument, Option
from roadstead.cli.diagnoses import print_diagnosis, print_token
from roadstead.cli.messages import print_message
from roadstead.cli.options import AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import as_called, print_facts, print_json, print_list, styled
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row, Url
from roadstead.plain import plain

if TYPE_CHECKING:
    from roadstead.connect.diagnosis import Diagnosis
    from roadstead.domain.host import Host
    from roadstead.recorded import Message, RecordedRequest, RequestDetails


def list_requests(
    context: typer.Context,
    limit: Annotated[
        int,
        Option(
            "--limit",
            metavar="N",
            between=(1, 10_000),
            show_default=False,
            help="How many calls to list. Default: 50.",
        ),
    ] = 50,
    wanted: Annotated[
        str | None, Option("--filter", metavar="Q", help='Which calls, as in: status >= 400 AND app = "my-app"')
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the recorded calls, or show one.

    Lists the calls of apps to the host and of the host to apps, the newest first.
    """
    if context.invoked_subcommand is not None:
        given = {"data": data, "database_url": database_url, "as_json": as_json}
        context.default_map = {context.invoked_subcommand: given}
        return
    from roadstead.control.requests import recorded_request
    from roadstead.domain.traffic.requests import page_of_requests
    from roadstead.listing import PageRequest
    from roadstead.query import parse_filter
    from roadstead.recorded import REQUEST_LIST

    expression = parse_filter(wanted, REQUEST_LIST.kinds) if wanted else None
    settings = read_settings(data=data, database_url=database_url)
    newest = PageRequest(number=1, length=limit, filter=expression)
    found = on_host(settings, lambda host: page_of_requests(host, newest)).items
    none_yet = "No calls yet. A running host records those of apps, and those it makes itself."
    print_list(
        found,
        ("ID", "TIME", "APP", "METHOD", "URL", "STATUS"),
        _row,
        lambda one: msgspec.to_builtins(recorded_request(one)),
        "No recorded call matches the filter." if wanted else none_yet,
        as_json=as_json,
    )


def _row(request: "RecordedRequest") -> Row:
    cells = (request.id, request.time, request.app, request.method, Url(request.url), request.status)
    return Row(cells, request.error or "")


def show(
    call_id: Annotated[
        int, Argument(metavar="ID", between=(1, 2**63 - 1), help="The call's number in roadstead requests.")
    ],
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show a call, and why it was refused.

    Prints request and answer without their secrets, the decoded token, each check of a token that was refused, and a
    curl command that sends the call again.
    """
    settings = read_settings(data=data, database_url=database_url)
    details, curl, diagnosis = on_host(settings, lambda host: _look_at(host, call_id))
    if as_json:
        from roadstead.control.requests import explained_request

        print_json(msgspec.to_builtins(explained_request(details, curl, diagnosis)))
        return
    _print_call(details)
    if diagnosis is not None:
        print(f"\n{styled('Why it was refused', 'bold')}\n")
        print_diagnosis(diagnosis)
    print(f"\n{styled('As curl', 'bold')}\n\n{plain(as_called(curl))}")


async def _look_at(host: "Host", call_id: int) -> "tuple[RequestDetails, str, Diagnosis | None]":
    from roadstead.domain.access.diagnosis import explain_recorded
    from roadstead.domain.traffic.curl import as_curl
    from roadstead.domain.traffic.requests import get_request, was_refused

    details = await get_request(host, call_id)
    diagnosis = await explain_recorded(host, details) if was_refused(details.summary) else None
    return details, await as_curl(host, details), diagnosis


def _print_call(details: "RequestDetails") -> None:
    call = details.summary
    to_us = call.direction == "in"
    print_facts(
        [
            ("call", f"{call.method} {call.url}"),
            ("from" if to_us else "to", call.app or "an unknown app"),
            ("time", call.time),
            ("duration", f"{call.duration_ms:,.1f} ms"),
            ("answer", call.status or call.error or "none"),
        ]
    )
    _print_message("Request", details.request)
    if call.status is not None:
        _print_message("Answer", details.answer)
    if details.credential is not None and details.credential.signing_input:
        print(f"\n{styled('Token', 'bold')}\n")
        print_token(details.credential.header, details.credential.claims)


def _print_message(title: str, message: "Message") -> None:
    print_message(title, message.headers, message.body, message.size)

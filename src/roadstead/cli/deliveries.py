"""`roadstead deliveries`: what was sent to hooks and apps, what they answered, and sending again."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec

from roadstead.cli.declared import Argument, Option
from roadstead.cli.messages import print_message
from roadstead.cli.options import AllowTarget, AsJson, Data, DatabaseUrl, read_settings
from roadstead.cli.output import print_facts, print_json, print_list, styled, when
from roadstead.cli.state import on_host
from roadstead.cli.tables import Row, Url

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.model.deliveries import Delivery, DeliveryDetails

HELP = "See what was sent to hooks and apps, and resend it."

DeliveryId = Annotated[
    int, Argument(metavar="ID", between=(1, 2**63 - 1), help="The delivery's number in roadstead deliveries list.")
]


def list_deliveries(
    limit: Annotated[
        int,
        Option(
            "--limit",
            metavar="N",
            between=(1, 10_000),
            show_default=False,
            help="How many deliveries to list. Default: 50.",
        ),
    ] = 50,
    wanted: Annotated[
        str | None,
        Option("--filter", metavar="Q", help='Which deliveries, as in: state = "failed" AND event = "repo:push"'),
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """List the deliveries, the newest first."""
    from roadstead.control.deliveries import delivery_summary
    from roadstead.events.deliveries import page_of_deliveries
    from roadstead.listing import PageRequest
    from roadstead.model.deliveries import DELIVERY_LIST
    from roadstead.query import parse_filter

    expression = parse_filter(wanted, DELIVERY_LIST.kinds) if wanted else None
    newest = PageRequest(number=1, length=limit, filter=expression)
    settings = read_settings(data=data, database_url=database_url)
    found = on_host(settings, lambda host: page_of_deliveries(host, newest)).items
    none_yet = "No deliveries yet. A running host tells hooks and apps of events."
    print_list(
        found,
        ("ID", "TIME", "EVENT", "URL", "STATUS", "STATE"),
        _row,
        lambda one: msgspec.to_builtins(delivery_summary(one)),
        "No delivery matches the filter." if wanted else none_yet,
        as_json=as_json,
    )


def _row(delivery: "Delivery") -> Row:
    cells = (delivery.id, delivery.time, delivery.event, Url(delivery.url), delivery.status, delivery.state)
    return Row(cells, delivery.error or "")


def show(
    delivery_id: DeliveryId,
    data: Data = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show a delivery.

    Prints the last request, its answer and the attempts. Secrets are not shown.
    """
    from roadstead.events.deliveries import get_delivery

    _print(_on_host(data, database_url, None, lambda host: get_delivery(host, delivery_id)), as_json=as_json)


def resend(
    delivery_id: DeliveryId,
    body: Annotated[
        str | None, Option("--body", metavar="FILE", help="Another body to send, from a file. It is marked as edited.")
    ] = None,
    data: Data = None,
    database_url: DatabaseUrl = None,
    allow_target: AllowTarget = None,
    as_json: AsJson = False,
) -> None:
    """Send a delivery again, and show the answer.

    It is another delivery, which is signed anew and waits for no other.
    """
    from roadstead.events import deliveries

    content = None if body is None else _read(body)

    async def work(host: "Host") -> "DeliveryDetails":
        return await deliveries.send_now(host, await deliveries.resend(host, delivery_id, content))

    _print(_on_host(data, database_url, allow_target, work), as_json=as_json)


def _on_host(
    data: str | None,
    database_url: str | None,
    allow_target: list[str] | None,
    work: "Callable[[Host], Awaitable[DeliveryDetails]]",
) -> "DeliveryDetails":
    """Do something with a delivery on the host of these options."""
    return on_host(read_settings(data=data, database_url=database_url, allow_target=allow_target), work)


def _read(file: str) -> str:
    from roadstead.errors import InvalidInput

    try:
        return Path(file).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise InvalidInput(f"{file} cannot be read.", f"{exc}.") from exc


def _print(details: "DeliveryDetails", *, as_json: bool) -> None:
    if as_json:
        from roadstead.control.deliveries import whole_delivery

        print_json(msgspec.to_builtins(whole_delivery(details)))
        return
    one = details.summary
    print_facts(
        [
            ("delivery", f"{one.id}{' (edited)' if one.is_edited else ''}{' (sample)' if one.is_sample else ''}"),
            *([("sent again from", one.resent_from)] if one.resent_from else []),
            ("event", one.event),
            ("repository", one.repository or one.workspace),
            ("to", one.url),
            ("state", one.state),
            *([("next attempt", details.next_try_on)] if details.next_try_on else []),
            ("answer", one.status or one.error or "none yet"),
        ]
    )
    print_message("Request", details.request_headers, details.content, len(details.content))
    if one.status is not None:
        print_message("Answer", details.answer_headers, details.answer_body, details.answer_size)
    if details.attempts:
        print(f"\n{styled('Attempts', 'bold')}\n")
        for attempt in details.attempts:
            time = when(datetime.fromisoformat(attempt.time))
            print(f"{time}  {attempt.status or attempt.error}  {attempt.duration_ms:g} ms")

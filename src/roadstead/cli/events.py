"""`roadstead events`: follow what happens, and send samples of events."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from roadstead.cli.declared import Argument
from roadstead.cli.options import AllowTarget, AsJson, Data, DatabaseUrl, read_settings, split
from roadstead.cli.output import print_json, tell, when
from roadstead.cli.state import on_host
from roadstead.plain import plain

if TYPE_CHECKING:
    from roadstead.domain.host import Host
    from roadstead.model.deliveries import Delivery

HELP = "Follow events, and send samples of them."


def fire(
    event: Annotated[str, Argument(metavar="EVENT", help="The key of the event, as repo:push.")],
    repository: Annotated[str, Argument(metavar="WORKSPACE/SLUG", help="The repository that it tells of.")],
    data: Data = None,
    database_url: DatabaseUrl = None,
    allow_target: AllowTarget = None,
    as_json: AsJson = False,
) -> None:
    """Send a sample of an event to its subscribers.

    It tells of real objects of the repository, and did not happen.
    """
    settings = read_settings(data=data, database_url=database_url, allow_target=allow_target)
    sent = on_host(settings, lambda host: _fire(host, event, *split(repository, "a repository", "WORKSPACE/SLUG")))
    if as_json:
        from roadstead.control.deliveries import delivery_summary

        print_json(msgspec.to_builtins([delivery_summary(one) for one in sent]))
    elif sent:
        for one in sent:
            print(plain(f"{one.id}  {one.url}  {one.status or one.error or one.state}"))
    else:
        tell(f"Nothing subscribes to {event} of {repository}.")


async def _fire(host: "Host", key: str, workspace: str, slug: str) -> "list[Delivery]":
    from roadstead.accounts import SessionUser
    from roadstead.bitbucket.events import PAYLOADS
    from roadstead.domain.repositories.access import find_repository
    from roadstead.events import deliveries

    operator = SessionUser(await host.find_operator())
    found = await find_repository(host, operator, workspace, slug, "admin")
    ids = await deliveries.fire(host, PAYLOADS, key, found.repository)
    return [(await deliveries.send_now(host, delivery_id)).summary for delivery_id in ids]


def tail(data: Data = None, database_url: DatabaseUrl = None, as_json: AsJson = False) -> None:
    """Print events as they happen, until Ctrl-C.

    With --json, one document on each line.
    """
    try:
        on_host(read_settings(data=data, database_url=database_url), lambda host: _tail(host, as_json=as_json))
    except KeyboardInterrupt:
        tell()


async def _tail(host: "Host", *, as_json: bool) -> None:
    from roadstead.events.following import find_newest, follow_events

    newest = await find_newest(host)
    tell("Waiting for events. Press Ctrl-C to end.")
    async for event, place in follow_events(host, newest):
        if as_json:
            print(json.dumps(_as_data(event, place)), flush=True)
        else:
            print(plain(f"{when(event.time)}  {event.key}  {place}"), flush=True)


def _as_data(event: Any, place: str) -> dict[str, Any]:
    return {"id": event.id, "time": event.time.isoformat(), "event": event.key, "place": place, "told": event.payload}

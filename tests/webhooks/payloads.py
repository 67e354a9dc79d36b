"""The members of payloads as they were captured from the cloud, written by hand; and what a host tells of a change."""

import json
from collections.abc import Callable
from typing import Any

from roadstead.bitbucket.events import PAYLOADS
from roadstead.domain.host import Host
from roadstead.pushed import Event
from roadstead.storage.moments import from_text
from roadstead.storage.tables import EVENTS
from tests.live import LiveHost

USER = {"type", "display_name", "nickname", "account_id", "uuid", "links{self html avatar}"}
TEAM = {"type", "username", "display_name", "uuid", "links{self html avatar}"}
BRIEF = {"type", "name", "full_name", "uuid", "links{self html avatar}"}
WORKSPACE = {"type", "slug", "name", "uuid", "links{self html avatar}"}
PROJECT = {"type", "key", "name", "uuid", "links{self html avatar}"}
REPOSITORY = {*BRIEF, "scm", "website", "owner", "workspace", "is_private", "project", "parent"}
COMMIT = {
    *("type", "hash", "date", "author", "committer{}", "message", "summary{type raw markup html}", "parents"),
    *("rendered{}", "properties{}"),
}
TARGET = {*COMMIT, "links{self html}"}
NEW_COMMIT = {*COMMIT, "links{self html diff approve comments statuses patch}"}
BRANCH = {
    *("name", "type", "target", "links{self commits html pullrequest_create}"),
    *("merge_strategies", "sync_strategies", "default_merge_strategy"),
}
TAG = {"name", "type", "message", "date", "tagger", "target", "links{self commits html}"}
FORM = {"old", "new", "created", "closed", "forced", "truncated"}


def shape_of(told: dict[str, Any]) -> set[str]:
    """Return the names of the members of an object; of those that only have names of interest, these, too."""
    return {_named(name, value) for name, value in told.items()}


def _named(name: str, value: Any) -> str:
    inner = name in ("links", "committer", "rendered", "properties", "summary") and isinstance(value, dict)
    return f"{name}{{{' '.join(value)}}}" if inner else name


def same(told: dict[str, Any], members: set[str]) -> None:
    """Expect exactly these members, in any order, and each link to be an address."""
    assert {_in_order(one) for one in shape_of(told)} == {_in_order(one) for one in members}
    for link in told.get("links", {}).values():
        assert set(link) == {"href"}
        assert link["href"].startswith("http")


def _in_order(member: str) -> str:
    name, brace, rest = member.partition("{")
    return f"{name}{brace}{' '.join(sorted(rest.rstrip('}').split()))}"


def told_by(host: LiveHost, change: Callable[[], Any]) -> list[tuple[str, dict[str, Any]]]:
    """Make a change; return the key and the payload of each event of it."""
    before = host.work(_last_event)
    change()

    async def build(opened: Host) -> list[tuple[str, Any]]:
        statement = f"SELECT {EVENTS.of(Event)} FROM events WHERE id > ? ORDER BY id"
        events = [_event(row) for row in await opened.store.database.read(statement, before)]
        return [(event.key, await PAYLOADS.build(opened, event)) for event in events]

    built: list[tuple[str, dict[str, Any]]] = host.work(build)
    return built


def _event(row: tuple[Any, ...]) -> Event:
    cells, _ = EVENTS.members(Event, row)
    return Event(**{**cells, "time": from_text(cells["time"]), "payload": json.loads(cells["payload"])})


async def _last_event(host: Host) -> int:
    ((last,),) = await host.store.database.read("SELECT COALESCE(MAX(id), 0) FROM events")
    return int(last)

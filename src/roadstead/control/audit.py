"""`/-/audit`: who did what."""

from typing import TypedDict

from starlette.requests import Request

from roadstead.api.answers import Answer
from roadstead.api.pages import envelope, parse_page_request, shaped
from roadstead.domain.host import Host
from roadstead.domain.upkeep import audit
from roadstead.model import AuditEntry


async def list_entries(request: Request, host: Host, caller: object) -> Answer:
    """The audit log, the newest entry first."""
    wanted = parse_page_request(request, {})
    entries, size = await audit.page_of_entries(host, wanted.number, wanted.length)
    values = [audit_entry(entry) for entry in entries]
    has_next = wanted.number * wanted.length < size
    return shaped(request, envelope(request, host, wanted, values=values, size=size, has_next=has_next))


class AuditEntryResource(TypedDict):
    """Who did what to which subject."""

    id: int
    time: str
    actor: str
    action: str
    subject: str
    details: dict[str, str | int | None]


def audit_entry(entry: AuditEntry) -> AuditEntryResource:
    """An entry as data."""
    return {
        "id": entry.id,
        "time": entry.time.isoformat(timespec="microseconds"),
        "actor": entry.actor,
        "action": entry.action,
        "subject": entry.subject,
        "details": entry.details,
    }

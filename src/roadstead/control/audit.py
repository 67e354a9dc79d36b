"""`/-/audit`: who did what."""

from typing import TypedDict

from roadstead.api.answers import Answer
from roadstead.api.needs import OPERATOR
from roadstead.api.operation import Call, Group
from roadstead.api.pages import Numbered, Page, envelope, parse_page_request, shaped
from roadstead.domain.upkeep import audit
from roadstead.model import AuditEntry

OPERATIONS = Group("audit", below="/-/audit")


class AuditEntryResource(TypedDict):
    """Who did what to which subject."""

    id: int
    time: str
    actor: str
    action: str
    subject: str
    details: dict[str, str | int | None]


@OPERATIONS.get(needs=OPERATOR, query=Numbered, gives={200: Page[AuditEntryResource]})
async def list_entries(call: Call) -> Answer:
    """The audit log, the newest entry first."""
    wanted = parse_page_request(call, {})
    entries, size = await audit.page_of_entries(call.host, wanted.number, wanted.length)
    values = [audit_entry(entry) for entry in entries]
    has_next = wanted.number * wanted.length < size
    return shaped(call, envelope(call, wanted, values=values, size=size, has_next=has_next))


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

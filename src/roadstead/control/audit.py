"""`/-/audit`: who did what."""

from typing import TypedDict, cast

from roadstead.api.answers import Answer
from roadstead.api.listing import Page, page_answer
from roadstead.api.needs import OPERATOR
from roadstead.api.operation import Call
from roadstead.control.map import AUDIT as OPERATIONS
from roadstead.control.shapes import as_data
from roadstead.domain.upkeep import audit
from roadstead.listing import PageRequest
from roadstead.model import AUDIT_LIST, AuditEntry


class AuditEntryResource(TypedDict):
    """Who did what to which subject."""

    id: int
    time: str
    actor: str
    action: str
    subject: str
    details: dict[str, str | int | None]


@OPERATIONS.get(needs=OPERATOR, lists=AUDIT_LIST, gives={200: Page[AuditEntryResource]})
async def list_entries(call: Call, wanted: PageRequest) -> Answer:
    """List the audit log, the newest entry first."""
    page = await audit.page_of_entries(call.host, wanted)
    return page_answer(call, page.of([audit_entry(entry) for entry in page.items]))


def audit_entry(entry: AuditEntry) -> AuditEntryResource:
    """Return an entry as data."""
    return cast("AuditEntryResource", as_data(entry))

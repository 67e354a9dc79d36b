"""The workspaces of a visitor."""

from collections.abc import Sequence

from roadstead.domain.apps import installations
from roadstead.domain.people import workspaces
from roadstead.listing import PageRequest
from roadstead.model import MEMBERSHIP_LIST, ROLES, Role, Workspace
from roadstead.web.page import Visit

_MOST = PageRequest(1, 1_000)


async def seen_workspaces(visit: Visit, *, roles: Sequence[Role] = ROLES) -> list[Workspace]:
    """Return the workspaces in which the visitor has one of some roles; for an operator, all."""
    if visit.user is None:
        return []
    if visit.is_operator:
        return await installations.list_workspaces(visit.host)
    found = await workspaces.page_of_memberships(visit.host, visit.identity, MEMBERSHIP_LIST, _MOST, roles=roles)
    return [one.workspace for one in found.items]

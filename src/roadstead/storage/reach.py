"""Which repositories a caller reaches: what is granted to users, directly and by group, there and in projects."""

from collections.abc import Sequence

from roadstead.model import PRIVILEGES, Privilege, Reach, RepositoryRole
from roadstead.storage.database import Argument, Reader
from roadstead.storage.filters import Clause

_LIMITS = (
    ("workspace_id", "r.workspace_id"),
    ("project_id", "r.project_id"),
    ("repository_id", "r.id"),
    ("repository_uuid", "r.uuid"),
)
_BRANCHES = (
    ("m.user_id", "'admin'", "members m JOIN repositories r ON r.workspace_id = m.workspace_id", "m.role = 'owner'"),
    ("x.user_id", "x.privilege", "permissions x JOIN repositories r ON r.id = x.repository_id", "x.user_id > 0"),
    ("x.user_id", "x.privilege", "permissions x JOIN repositories r ON r.project_id = x.project_id", "x.user_id > 0"),
    (
        "m.user_id",
        "x.privilege",
        "group_members m JOIN permissions x ON x.group_id = m.group_id JOIN repositories r ON r.id = x.repository_id",
        "x.group_id > 0",
    ),
    (
        "m.user_id",
        "x.privilege",
        "group_members m JOIN permissions x ON x.group_id = m.group_id "
        "JOIN repositories r ON r.project_id = x.project_id",
        "x.group_id > 0",
    ),
)
"""The ways to a privilege, an owner's first: whose it is, which one, where it is stored, and for which of its rows."""
_AT_LEAST: dict[RepositoryRole, Sequence[Privilege]] = {
    "member": PRIVILEGES,
    "contributor": ("write", "create-repo", "admin"),
    "admin": ("admin",),
    "owner": ("admin",),
}
"""The privileges that each role has."""


async def find_grants(
    reader: Reader, user_id: int, *, workspace_id: int, project_id: int, repository_id: int
) -> list[Privilege]:
    """Return what a user was granted in a repository: there and in its project, directly and by group, and as owner.

    Its time depends on how many groups have a privilege there, neither on how many the user is in nor on how many
    repositories there are.
    """
    direct = "SELECT x.privilege FROM permissions x WHERE x.user_id = ? AND"
    by_group = (
        "SELECT x.privilege FROM permissions x "
        "CROSS JOIN group_members m WHERE m.group_id = x.group_id AND m.user_id = ? AND"
    )
    rows = await reader.read(
        f"{direct} x.repository_id = ? UNION ALL {direct} x.project_id = ? "
        f"UNION ALL {by_group} x.repository_id = ? UNION ALL {by_group} x.project_id = ? "
        "UNION ALL SELECT 'admin' FROM members WHERE user_id = ? AND workspace_id = ? AND role = 'owner'",
        *(user_id, repository_id, user_id, project_id),
        *(user_id, repository_id, user_id, project_id),
        *(user_id, workspace_id),
    )
    return [row[0] for row in rows]


def grants(
    *,
    user_id: int | None = None,
    workspace_id: int | None = None,
    repository_id: int | None = None,
    only_to_owners: bool = False,
) -> Clause:
    """Return the SELECT of all that users were granted in repositories: `repository_id`, `user_id` and `privilege`."""
    parts: list[str] = []
    arguments: list[Argument] = []
    for user, privilege, source, condition in _BRANCHES[: 1 if only_to_owners else None]:
        limits = [(user, user_id), ("r.workspace_id", workspace_id), ("r.id", repository_id)]
        given = [(column, value) for column, value in limits if value is not None]
        conditions = " AND ".join([condition, *(f"{column} = ?" for column, _ in given)])
        selected = f"r.id AS repository_id, {user} AS user_id, {privilege} AS privilege"
        parts.append(f"SELECT {selected} FROM {source} WHERE {conditions}")
        arguments += [value for _, value in given]
    return Clause(" UNION ALL ".join(parts), arguments)


def seen(reach: Reach, role: RepositoryRole | None = None) -> Clause:
    """Return the condition for repositories `r` that a caller sees: the public ones, and those within reach.

    With a role, only those within reach in which the caller has it.
    """
    limits = [(column, getattr(reach, name)) for name, column in _LIMITS]
    given = [Clause(f"{column} = ?", (limit,)) for column, limit in limits if limit is not None]
    if reach.user_id is not None:
        given.append(_granted(reach.user_id, reach.workspace_id, role))
    within = " AND ".join(one.sql for one in given) or "1 = 1"
    arguments = [argument for one in given for argument in one.arguments]
    return Clause(f"({within})" if role else f"(r.is_private = 0 OR ({within}))", arguments)


def _granted(user_id: int, workspace_id: int | None, role: RepositoryRole | None) -> Clause:
    """Return the condition for repositories in which a user was granted enough for a role, or anything."""
    found = grants(user_id=user_id, workspace_id=workspace_id, only_to_owners=role == "owner")
    wanted = _AT_LEAST[role or "member"]
    places = ", ".join("?" * len(wanted))
    sql = f"r.id IN (SELECT g.repository_id FROM ({found.sql}) g WHERE g.privilege IN ({places}))"
    return Clause(sql, (*found.arguments, *wanted))

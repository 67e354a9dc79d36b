"""Groups and their members, page by page."""

from pathlib import Path

import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.host import Host
from roadstead.domain.people import groups, users, workspaces
from roadstead.listing import PageRequest
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.live import opened


@pytest.mark.each_database
def test_groups_and_their_members_come_in_parts(tmp_path: Path, new_database: NewDatabase) -> None:
    """Groups by their slugs, each with the number of its members; members by their names; none of another workspace."""

    async def work(host: Host) -> None:
        for name in ("cid", "ann", "ben"):
            await users.create_user(host, name)
        for slug in ("acme", "other"):
            await workspaces.create_workspace(host, slug, name=None, owner="ann")
        for slug, name, members in (
            ("acme", "Crew", ("cid", "ann", "ben")),
            ("acme", "Empty", ()),
            ("acme", "Boats", ("ben",)),
            ("other", "Crew", ("ann",)),
        ):
            await groups.create_group(host, slug, name, members)
        ann = SessionUser(await users.find_user(host, "ann"))
        for number, seen in ((1, [("boats", 1), ("crew", 3)]), (2, [("empty", 0)])):
            page = await groups.page_of_groups(host, "acme", PageRequest(number, 2), by=ann)
            assert ([(group.slug, count) for group, count in page.items], page.size) == (seen, 3)
        for number, names in ((1, ["ann", "ben"]), (2, ["cid"])):
            group, shown = await groups.get_group(host, "acme", "crew", PageRequest(number, 2), by=ann)
            assert ([one.username for one in shown.items], shown.size, group.name) == (names, 3, "Crew")

    with opened(Settings(data=tmp_path, database_url=new_database())) as on_host:
        on_host(work)

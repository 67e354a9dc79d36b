"""The map of groups: a group's module is imported when a request asks for it, and all are after the start."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from roadstead.api.map import Map
from roadstead.api.operation import Group
from roadstead.routes import MAP


@pytest.mark.parametrize(
    ("path", "groups"),
    [
        ("/2.0/user", ["users", "workspaces", "repositories"]),
        ("/2.0/workspaces/a%2Fb", ["workspaces", "repositories"]),
        ("/2.0/addon", ["addon"]),
        ("/2.0/addon/linkers", ["addon", "linkers"]),
        ("/2.0/users/x", ["users"]),
        ("/2.0/repositories/acme/widgets/src/main/a", ["repositories", "source"]),
        ("/2.0/userships", []),
        ("/2.0", []),
        ("", []),
    ],
)
def test_a_group_may_have_what_begins_as_its_address(path: str, groups: list[str]) -> None:
    """Whole segments count, so `/2.0/userships` is not below `/2.0/user`."""
    assert [group.name for group in MAP.groups if group.may_have(path.split("/"))] == groups


_COLD_HOST = """
import asyncio, sys
from pathlib import Path
from roadstead.app import create_app
from roadstead.api.map import Map
from roadstead.api.operation import Group
from roadstead.routes import MAP
from roadstead.settings import Settings

def imported():
    return [group.name for group in MAP.groups if group.module in sys.modules]

async def host():
    asked, told = asyncio.Queue(), asyncio.Queue()
    await asked.put({"type": "lifespan.startup"})
    scope = {"type": "lifespan", "state": {}}
    serving = asyncio.create_task(create_app(Settings(data=Path(sys.argv[1])))(scope, asked.get, told.put))
    print((await told.get())["type"], imported())
    request = {"raw_path": b"/2.0/users/x", "path": "/2.0/users/x"}
    print(MAP.find(request).path, imported())
    while len(imported()) < sum(not group.reads_git for group in MAP.groups):
        await asyncio.sleep(0.01)
    await asked.put({"type": "lifespan.shutdown"})
    print((await told.get())["type"], len(MAP.addresses))
    await serving

asyncio.run(host())
"""


def test_a_group_is_imported_when_first_asked_for(tmp_path: Path) -> None:
    """A host that is ready has imported no group; a request brings its group, and soon all follow that read no git."""
    ran = subprocess.run(
        [sys.executable, "-c", _COLD_HOST, str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert (ran.stderr, ran.stdout.splitlines()) == (
        "",
        [
            "lifespan.startup.complete []",
            "/2.0/users/{selected_user} ['users']",
            f"lifespan.shutdown.complete {len(MAP.addresses)}",
        ],
    )


@pytest.mark.parametrize("group", MAP.groups, ids=lambda group: group.name)
def test_an_address_of_a_group_is_on_the_map_of_no_other(group: Group) -> None:
    """The map looks at groups that are not imported yet only for an address that those on it have not."""
    others = Map([other for other in MAP.groups if other is not group])
    assert others.addresses
    for operation in group.operations:
        path = re.sub(r"\{[^}]+\}", "x", operation.template.text)
        assert others.find({"path": path, "raw_path": path.encode()}) is None, path

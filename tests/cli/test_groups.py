"""`roadstead group`: the groups of a workspace."""

import pytest

from roadstead.domain.slugs import slug_of
from tests.cli.conftest import Roadstead


@pytest.fixture
def acme(roadstead: Roadstead) -> Roadstead:
    for name in ("ann", "ben"):
        roadstead.read("user", "create", name)
    roadstead.read("workspace", "create", "acme", "--owner", "ann")
    return roadstead


def test_a_group_lives_by_commands(acme: Roadstead) -> None:
    """Members come into the workspace with a group, keep their role there, and leave its groups with it."""
    made = acme.read("group", "create", "acme", "Release managers", "--member", "ann", "--member", "ben")
    assert made == {"slug": "release-managers", "name": "Release managers"}
    roles = {one["username"]: one["role"] for one in acme.read("workspace", "show", "acme")["members"]}
    assert roles == {"ann": "owner", "ben": "member"}
    acme.read("group", "create", "acme", "Empty")
    acme.read("group", "remove", "acme", "release-managers", "ann")
    assert acme.read("group", "add", "acme", "empty", "ben") == {"slug": "empty", "name": "Empty"}
    assert acme.read("group", "list", "acme") == [
        {"slug": "empty", "name": "Empty", "members": ["ben"]},
        {**made, "members": ["ben"]},
    ]
    assert b"Release managers  ben" in acme.call("group", "list", "acme").stdout
    acme.read("user", "create", "cid")
    for said in (b"cid is in the group empty, and now a member of acme.\n", b"cid is in the group empty.\n"):
        assert acme.call("group", "add", "acme", "empty", "cid").stderr == said
    acme.read("workspace", "remove", "acme", "cid")
    acme.read("workspace", "remove", "acme", "ben")
    assert [one["members"] for one in acme.read("group", "list", "acme")] == [[], []]


@pytest.mark.slow
def test_what_cannot_be_is_refused(acme: Roadstead) -> None:
    """Unknown workspaces, groups and users, a name without letters, a taken one: nothing is half done."""
    acme.read("group", "create", "acme", "Developers")
    acme.read("user", "create", "cid")
    acme.read("user", "deactivate", "cid")
    for arguments, reason in (
        (("create", "other", "X"), "no workspace 'other'"),
        (("create", "acme", "developers"), "already"),
        (("create", "acme", "漢字"), "cannot be the name"),
        (("create", "acme", "X", "--member", "dan"), "no user 'dan'"),
        (("create", "acme", "X", "--member", "cid"), "deactivated"),
        (("add", "acme", "x", "ann"), "no group 'x'"),
        (("add", "acme", "developers", "dan"), "no user 'dan'"),
        (("remove", "acme", "developers", "ann"), "not in the group"),
        (("list", "other"), "no workspace 'other'"),
    ):
        done = acme.call("group", *arguments)
        assert (done.returncode, reason in done.stderr.decode()) == (1, True), (arguments, done.stderr)
    assert [one["slug"] for one in acme.read("group", "list", "acme")] == ["developers"]


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("foo bar", "foo-bar"),
        ("føøbar", "foobar"),
        ("Foo's  --  Bar", "foos-bar"),
        ("_x.Y-z", "_x.y-z"),
        ("a&&b!", "a-b"),
        ("-x", "-x"),
        ("Équipe été", "equipe-ete"),
        ("漢字", ""),
        ("?! -", "-"),
        ("x" * 80, "x" * 62),
    ],
)
def test_a_slug_follows_the_rule_of_the_cloud(name: str, slug: str) -> None:
    """Lower case, in ASCII alone; a run of other characters is one dash, which ends nothing but itself."""
    assert slug_of(name) == slug

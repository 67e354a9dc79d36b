"""`roadstead consumer`: OAuth consumers of a workspace."""

from tests.cli.conftest import Roadstead

CALLBACK = "https://app.example/callback"


def test_a_consumer_lives_by_commands(roadstead: Roadstead) -> None:
    """Created with its secret, listed without, and deleted; it is of the workspace's first owner."""
    roadstead.read("user", "create", "ann")
    roadstead.read("workspace", "create", "acme", "--owner", "ann")
    create = ("consumer", "create", "acme", "Widgets", "--callback", CALLBACK)
    made = roadstead.read(*create, "--scopes", "repository account")
    assert (made["owner"], made["scopes"], made["callback"]) == ("ann", ["account", "repository"], CALLBACK)
    shown = roadstead.call(*create).stdout.decode().split()
    assert (shown[0], len(shown[1]), shown[2], len(shown[3])) == ("key", 18, "secret", 43)
    secret = made.pop("secret")
    first, second = roadstead.read("consumer", "list", "acme")
    assert (first, second["key"], "repository:delete" in second["scopes"]) == (made, shown[1], True)
    listed = roadstead.call("consumer", "list", "acme").stdout.decode()
    assert made["key"] in listed
    assert secret not in listed
    assert roadstead.read("consumer", "delete", "acme", made["key"]) == {"key": made["key"]}
    assert [one["key"] for one in roadstead.read("consumer", "list", "acme")] == [second["key"]]


def test_what_cannot_be_is_refused(roadstead: Roadstead) -> None:
    """Unknown workspaces, keys and scopes, a missing or a wrong callback: a reason each."""
    roadstead.read("workspace", "create", "acme")
    for arguments, code, reason in (
        (("create", "nowhere", "x", "--callback", CALLBACK), 1, "no workspace"),
        (("create", "acme", "x", "--callback", "app.example"), 1, "callback URL"),
        (("create", "acme", "x", "--callback", CALLBACK, "--scopes", "repositry"), 1, "Did you mean repository?"),
        (("create", "acme", "x"), 2, "--callback"),
        (("list", "nowhere"), 1, "no workspace"),
        (("delete", "acme", "0" * 18), 1, "no consumer"),
    ):
        done = roadstead.call("consumer", *arguments)
        assert (done.returncode, reason in done.stderr.decode()) == (code, True), done.stderr

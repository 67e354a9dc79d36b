"""`roadstead workspace`: workspaces and their members."""

from typing import Any

from tests.cli.conftest import Roadstead


def _roles(workspace: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["username"], one["role"]) for one in workspace["members"]]


def test_a_workspace_lives_by_commands(roadstead: Roadstead) -> None:
    """Created for an owner, shared with others, listed and shown; each command says what it left."""
    roadstead.read("user", "create", "ann")
    roadstead.read("user", "create", "ben", "--email", "ben@acme.example")
    made = roadstead.read("workspace", "create", "acme", "--name", "Acme Inc.", "--owner", "ann")
    assert (made["slug"], made["name"], _roles(made)) == ("acme", "Acme Inc.", [("ann", "owner")])
    added = roadstead.read("workspace", "add", "acme", "ben@acme.example", "--role", "collaborator")
    assert _roles(added) == [("ann", "owner"), ("ben", "collaborator")]
    assert _roles(roadstead.read("workspace", "add", "acme", "ben", "--role", "owner"))[1] == ("ben", "owner")
    assert _roles(roadstead.read("workspace", "remove", "acme", "ann")) == [("ben", "owner")]
    assert roadstead.read("workspace", "show", "acme")["uuid"] == made["uuid"]
    assert [one["slug"] for one in roadstead.read("workspace", "list")] == ["acme"]
    assert b"Acme Inc." in roadstead.call("workspace", "list").stdout
    assert b"owner" in roadstead.call("workspace", "show", "acme").stdout
    assert _roles(roadstead.read("workspace", "create", "plain")) == [("operator", "owner")]


def test_what_cannot_be_is_refused(roadstead: Roadstead) -> None:
    """Unknown workspaces, users and roles, a taken slug, and a workspace without an owner: a reason each."""
    roadstead.read("workspace", "create", "acme")
    for arguments, code, reason in (
        (("create", "acme"), 1, "already"),
        (("create", "Acme"), 1, "lower-case"),
        (("create", "other", "--owner", "ann"), 1, "no user 'ann'"),
        (("create", "other", "--name", " "), 1, "needs a name"),
        (("add", "other", "operator"), 1, "no workspace 'other'"),
        (("add", "acme", "ann"), 1, "no user 'ann'"),
        (("add", "acme", "operator", "--role", "admin"), 2, "owner, collaborator, member"),
        (("add", "acme", "operator", "--role", "member"), 1, "needs an active owner"),
        (("remove", "acme", "operator"), 1, "needs an active owner"),
        (("show", "other"), 1, "no workspace 'other'"),
    ):
        done = roadstead.call("workspace", *arguments)
        assert (done.returncode, reason in done.stderr.decode()) == (code, True), (arguments, done.stderr)

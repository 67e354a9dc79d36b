"""`roadstead user`, and the credentials of users that commands make."""

from tests.cli.conftest import Roadstead


def test_a_user_lives_by_commands(roadstead: Roadstead) -> None:
    """Created with a token, listed, shown by name or address, and deactivated; each says the same of the user."""
    made = roadstead.read(
        "user", "create", "ann", "--display-name", "Ann Lee", "--email", "ann@acme.example", "--token"
    )
    assert list(made) == ["username", "uuid", "account_id", "display_name", "email", "token"]
    assert (made["username"], made["display_name"], made["email"]) == ("ann", "Ann Lee", "ann@acme.example")
    identity = {name: value for name, value in made.items() if name != "token"}
    shown = roadstead.read("user", "show", "ann@acme.example")
    assert identity.items() <= shown.items()
    assert (shown["active"], shown["administrator"]) == (True, False)
    assert [one["username"] for one in roadstead.read("user", "list")] == ["ann", "operator"]
    assert [one["user"] for one in roadstead.read("token-list")] == ["ann"]
    assert roadstead.read("user", "deactivate", "ann") == {**shown, "active": False}
    assert roadstead.read("token-list") == []
    plain = roadstead.read("user", "create", "ben")
    assert (list(plain), plain["display_name"], plain["email"]) == (list(identity), "ben", None)


def test_a_token_is_of_its_user_and_has_its_scopes(roadstead: Roadstead) -> None:
    """Without a user it is the operator's; without scopes it has all."""
    roadstead.read("user", "create", "ann")
    limited = roadstead.read(
        "token-create",
        "ci",
        "--user",
        "ann",
        "--scopes",
        "repository:write pullrequest",
        "--expires-in",
        "2",
    )
    assert (limited["user"], limited["scopes"]) == ("ann", ["pullrequest", "repository:write"])
    assert limited["token"].startswith("rst_")
    usual = roadstead.read("token-create", "ci")
    assert (usual["user"], usual["scopes"], usual["last_used_on"]) == ("operator", None, None)
    table = roadstead.call("token-list").stdout.decode()
    assert [line.split()[:4] for line in table.splitlines()[1:]] == [
        ["1", "ci", "ann", "pullrequest"],
        ["2", "ci", "operator", "all"],
    ]
    assert "/-/sign-in?code=" in roadstead.read("sign-in", "--user", "ann")["url"]


def test_access_tokens_belong_to_a_workspace_or_a_project(roadstead: Roadstead) -> None:
    """They are in the list of tokens with what they belong to, and end there; a token has one owner."""
    roadstead.read("workspace", "create", "acme")
    made = roadstead.read("token-create", "ci", "--workspace", "acme", "--scopes", "repository", "--expires-in", "2")
    assert (made["user"], made["workspace"], made["project"], made["scopes"]) == (None, "acme", None, ["repository"])
    assert made["token"].startswith("rst_")
    (listed,) = roadstead.read("token-list")
    assert listed == {name: value for name, value in made.items() if name != "token"}
    table = roadstead.call("token-list").stdout.decode()
    assert table.splitlines()[1].split()[:4] == ["1", "ci", "acme", "repository"]
    for code, *owners in (
        (2, "--workspace", "acme", "--user", "operator"),
        (2, "--project", "acme/TOOLS", "--workspace", "acme"),
        (2, "--project", "acme"),
        (1, "--project", "acme/GHOST"),
        (1, "--workspace", "ghost"),
    ):
        assert roadstead.call("token-create", "ci", *owners).returncode == code, owners
    assert roadstead.read("token-list") == [listed]
    roadstead.call("token-revoke", "1")
    assert roadstead.read("token-list") == []


def test_what_cannot_be_is_refused(roadstead: Roadstead) -> None:
    """Unknown users, taken names, unknown scopes, and the end of the operator: exit code 1, and a reason."""
    roadstead.read("user", "create", "ann")
    for arguments, reason in (
        (("user", "create", "ann"), "already"),
        (("user", "create", "Ann"), "lower-case"),
        (("user", "show", "ben"), "There is no user 'ben'"),
        (("user", "deactivate", "ben"), "There is no user 'ben'"),
        (("user", "deactivate", "operator"), "operator"),
        (("token-create", "ci", "--user", "ben"), "There is no user 'ben'"),
        (("token-create", "ci", "--scopes", "repositry"), "Did you mean repository?"),
        (("sign-in", "--user", "ben"), "There is no user 'ben'"),
    ):
        done = roadstead.call(*arguments)
        assert (done.returncode, reason in done.stderr.decode()) == (1, True), (arguments, done.stderr)


def test_a_person_is_invited_by_a_link(roadstead: Roadstead) -> None:
    """The document has what was asked for and the end; without --json the link alone is on stdout."""
    roadstead.read("workspace", "create", "acme")
    made = roadstead.read(
        *("user", "invite", "ann", "--email", "Ann@acme.example", "--workspace", "acme", "--role", "owner")
    )
    assert list(made) == ["url", "expires_on", "username", "email", "workspace", "role"]
    assert [made[name] for name in list(made)[2:]] == ["ann", "ann@acme.example", "acme", "owner"]
    assert "/-/invitation?code=" in made["url"]
    plain = roadstead.call("user", "invite")
    assert plain.stdout.decode().startswith("http")
    assert "sends no mail" in plain.stderr.decode()
    roadstead.read("user", "create", "ben")
    assert "next=/-/profile" in roadstead.read("user", "reset", "ben")["url"]


def test_an_invitation_that_cannot_be_is_refused(roadstead: Roadstead) -> None:
    """A wrong option is exit code 2; a name, an address or a workspace that cannot be, 1."""
    for arguments, code, reason in (
        (("--role", "owner"), 2, "--workspace"),
        (("--workspace", "acme", "--role", "boss"), 2, "boss"),
        (("--workspace", "acme"), 1, "acme"),
        (("--email", "nobody"), 1, "e-mail"),
        (("Not A Name",), 1, "user name"),
    ):
        refused = roadstead.call("user", "invite", *arguments)
        assert (refused.returncode, reason in refused.stderr.decode()) == (code, True), arguments

"""One's own profile: names, password, sessions, tokens and consents, and never those of others."""

import httpx

from roadstead.domain.access import consumers, credentials, grants, ssh_keys
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.model import ApiToken, User
from tests.live import LiveHost, sender
from tests.public_keys import public_key
from tests.web.people import PASSWORD, person, sign_in, signed_in_as, submit_profile, visitor_at
from tests.web.reading import document, main_text


def _status(host: LiveHost, token: str) -> int:
    return sender(host, f"Bearer {token}")("GET", "/2.0/user").status_code


def test_names_are_changed(host: LiveHost) -> None:
    """Others see the new names; a blank one is refused beside the form, and changes nothing."""
    ann = person(host, "pa-names")
    with signed_in_as(host, ann) as client:
        done = submit_profile(client, "names", display_name="Ann  Lee", nickname=" lee ")
        assert "Your names were changed." in main_text(done)
        refused = submit_profile(client, "names", display_name=" ", nickname="x")
        assert (refused.status_code, "needs a display name" in main_text(refused)) == (400, True)
    found = host.work(lambda opened: users.find_user(opened, "pa-names"))
    assert (found.display_name, found.nickname) == ("Ann  Lee", "lee")


def test_a_password_is_set_and_changed(host: LiveHost) -> None:
    """The first needs no old one, the next does; the change ends the user's other sessions and nothing of this one."""
    ann = person(host, "pa-password")
    new = "quite another password"
    with signed_in_as(host, ann) as client, visitor_at(host) as other, signed_in_as(host, ann) as third:
        assert "password was changed" in main_text(
            submit_profile(client, "password", password=PASSWORD, again=PASSWORD)
        )
        assert third.get("/-/profile").status_code == 401
        assert sign_in(other, "pa-password@acme.example", PASSWORD).status_code == 303
        wrong = submit_profile(client, "password", old="wrong", password=new, again=new)
        assert (wrong.status_code, "wrong" in main_text(wrong)) == (403, True)
        for bad, again, reason in (
            ("short", "short", "12 to 256"),
            ("x" * 257, "x" * 257, "12 to 256"),
            (new, new + "!", "differ"),
        ):
            refused = submit_profile(client, "password", old=PASSWORD, password=bad, again=again)
            assert (refused.status_code, reason in main_text(refused)) == (400, True)
        assert other.get("/-/profile").status_code == 200
        assert submit_profile(client, "password", old=PASSWORD, password=new, again=new).status_code == 200
        assert other.get("/-/profile").status_code == 401
        assert client.get("/-/profile").status_code == 200
    with visitor_at(host) as client:
        assert [sign_in(client, "pa-password", one).status_code for one in (PASSWORD, new)] == [403, 303]


def test_other_sessions_are_ended(host: LiveHost) -> None:
    """The list has one line for each, and names this one; the other browser has to sign in again."""
    ann = person(host, "pa-sessions")
    with signed_in_as(host, ann) as client, signed_in_as(host, ann) as other:
        lines = [one.text() for one in document(client.get("/-/profile")).css("#sessions ~ ul.log > li")]
        assert sum("This one" in line for line in lines) == 1
        assert sum("Another browser" in line for line in lines) == 1
        submit_profile(client, "sessions")
        assert [one.get("/-/profile").status_code for one in (client, other)] == [200, 401]


def test_a_token_is_created_listed_and_revoked(host: LiveHost) -> None:
    """It is shown once, does what was ticked until it is revoked, and the list tells its use."""
    ann = person(host, "pa-tokens")
    with signed_in_as(host, ann) as client:
        nothing = submit_profile(client, "tokens", name="ci")
        assert (nothing.status_code, "Tick what the token may do" in main_text(nothing)) == (400, True)
        for name in (" ", "x" * 101, "two\nlines"):
            refused = submit_profile(client, "tokens", name=name, expires="30", **{"scope:account": "yes"})
            assert (refused.status_code, "needs a name" in main_text(refused)) == (400, True)
        for expires in ("", "0", "31"):
            refused = submit_profile(client, "tokens", name="ci", expires=expires, **{"scope:account": "yes"})
            assert (refused.status_code, "Choose when" in main_text(refused)) == (400, True)
        made = submit_profile(client, "tokens", name="ci", expires="30", **{"scope:account": "yes"})
        (token,) = (one.text() for one in document(made).css("[data-copy='the token']"))
        assert token not in client.get("/-/profile").text
        assert _status(host, token) == 200
        assert sender(host, f"Bearer {token}")("GET", "/2.0/repositories").status_code != 200
        everything = submit_profile(client, "tokens", name="all", expires="never", **{"scope:all": "yes"})
        assert "everything that you may do" in main_text(everything)
        found: list[ApiToken] = host.work(lambda opened: credentials.list_tokens_of(opened, ann))
        assert [(one.name, one.scopes, one.expires_on is None) for one in found] == [
            ("ci", ("account",), False),
            ("all", None, True),
        ]
        assert "The token is revoked." in main_text(submit_profile(client, f"tokens/{found[0].id}/revoke"))
        assert _status(host, token) == 401


async def _consent(host: Host, user: User) -> tuple[int, str]:
    """Let a consumer act as a user; return the grant's id and the access token.

    The consumer acts as its owner, too, which is the same user: no consent is listed for that.
    """
    await workspaces.create_workspace(host, "pa-acme", name=None, owner=user.username)
    consumer, _ = await consumers.create_consumer(
        host, "pa-acme", "Robot", callback_url="http://localhost/back", scopes="account"
    )
    asked = grants.read_asked(consumer, {"response_type": "code", "client_id": consumer.key})
    code = await grants.consent(host, user, asked)
    issued = await grants.redeem(host, consumer, code, redirect_uri=None, verifier=None)
    await grants.act_as_owner(host, consumer, None)
    (found,) = await grants.list_consents(host, user)
    return found.id, issued.access_token


def test_a_consent_is_ended(host: LiveHost) -> None:
    """The page names the consumer, its workspace and its scopes; its token ends with the consent, before the answer."""
    ann, eve = person(host, "pa-consents"), person(host, "pa-eve")
    grant, token = host.work(lambda opened: _consent(opened, ann))
    assert _status(host, token) == 200
    with signed_in_as(host, eve) as client:
        assert submit_profile(client, f"consents/{grant}/end").status_code == 404
    assert _status(host, token) == 200
    with signed_in_as(host, ann) as client:
        assert "Robot of pa-acme: account" in main_text(client.get("/-/profile"))
        assert "The consent has ended" in main_text(submit_profile(client, f"consents/{grant}/end"))
    assert _status(host, token) == 401


def test_a_user_cannot_change_what_is_of_another(host: LiveHost) -> None:
    """A token's number is not enough to revoke it: it is answered as if there were none."""
    ann, eve = person(host, "pa-ann"), person(host, "pa-mallory")
    token, made = host.work(lambda opened: credentials.create_api_token(opened, "ci", None, user_id=ann.id))
    with signed_in_as(host, eve) as client:
        assert submit_profile(client, f"tokens/{made.id}/revoke").status_code == 404
        assert "ci" not in main_text(client.get("/-/profile"))
    assert _status(host, token) == 200


def test_who_acts_is_in_the_audit_log(host: LiveHost, browser: httpx.Client) -> None:
    """Each change of an account at the pages has an entry with the user as actor, and without a secret."""
    ann = person(host, "pa-audit")
    with signed_in_as(host, ann) as client:
        submit_profile(client, "names", display_name="Ann", nickname="ann")
        submit_profile(client, "password", password=PASSWORD, again=PASSWORD)
        submit_profile(client, "tokens", name="ci", expires="30", **{"scope:all": "yes"})
        submit_profile(client, "sessions")
    listed = browser.get("/-/audit", params={"pagelen": "50"})
    assert [one["action"] for one in listed.json()["values"] if one["actor"] == "user pa-audit"] == [
        "other sessions ended",
        "API token made",
        "password changed",
        "user renamed",
        "sign-in link used",
    ]
    assert PASSWORD not in listed.text


def test_ssh_keys_are_added_and_removed(host: LiveHost) -> None:
    """One's own alone; what is no key says why, and stays out."""
    ann, ben = person(host, "pa-keys"), person(host, "pa-no-keys")
    with signed_in_as(host, ann) as client:
        wrong = submit_profile(client, "keys", key="ssh-ed25519 x")
        assert (wrong.status_code, "not a type, a space and Base64" in main_text(wrong)) == (400, True)
        added = submit_profile(client, "keys", key=public_key("ann@laptop"), label="Laptop")
        assert ("The key is added." in main_text(added), "Laptop" in main_text(added)) == (True, True)
        found = host.work(lambda opened: ssh_keys.list_keys(opened, ann))
        assert f"SHA256:{found[0].fingerprint}" in main_text(added)
        with signed_in_as(host, ben) as other:
            assert submit_profile(other, f"keys/{found[0].id}/remove").status_code == 404
        removed = submit_profile(client, f"keys/{found[0].id}/remove")
        assert "You have no SSH keys." in main_text(removed)
    assert host.work(lambda opened: ssh_keys.list_keys(opened, ann)) == []

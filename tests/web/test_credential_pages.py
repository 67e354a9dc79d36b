"""The credentials of a workspace at its pages: OAuth consumers and access tokens."""

import re
from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from roadstead.domain.access import access_tokens, consumers, credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.model import ListedToken
from tests.live import sender
from tests.web.acme import LONG, ROOT, Acme, another_owner, changes
from tests.web.reading import document, main_text, submit, texts

# OAuth consumers


def test_the_secret_of_a_consumer_is_shown_once(acme: Acme) -> None:
    """It works, is not on the page afterwards, and deleting the consumer asks first."""
    page = acme("owner").get(f"{ROOT}/settings/api")
    assert "no OAuth consumers yet" in main_text(page)
    given = {"name": LONG, "callback": "http://localhost:9000/back", "scope:account": "yes"}
    made = submit(acme("owner"), page, f"{ROOT}/settings/api", **given)
    key, secret = texts(made, ".notice code")
    found = acme.host.work(lambda host: consumers.find_by_secret(host, key, secret))
    assert found is not None
    assert found.scopes == ("account",)
    later = acme("owner").get(f"{ROOT}/settings/api")
    assert (secret in later.text, key in later.text) == (False, True)
    acme.send("owner", "/settings/api", "delete", key=key)
    assert key in acme("owner").get(f"{ROOT}/settings/api").text
    acme.send("owner", "/settings/api", "delete", key=key, sure="yes")
    assert key not in acme("owner").get(f"{ROOT}/settings/api").text
    none = acme.send("owner", "/settings/api", "create", name="x", callback="http://localhost/")
    assert (none.status_code, "Tick at least one scope." in none.text) == (400, True)


def test_a_consumer_acts_for_the_owner_who_created_it(acme: Acme) -> None:
    """The creator has the secret: it must not open the other workspaces of an earlier owner."""
    with another_owner(acme, "second"):
        for creator, owner in (("second", "second"), ("owner", "owner"), ("operator", "owner")):
            given = {"name": "x", "callback": "http://localhost/", "scope:account": "yes"}
            key = texts(acme.send(creator, "/settings/api", "create", **given), ".notice code")[0]
            found = acme.host.work(partial(consumers.get_consumer, key=key))
            assert found.owner.username == owner
            acme.send("owner", "/settings/api", "delete", key=key, sure="yes")


# Access tokens

TOKENS = "/settings/access-tokens"
OF_OPEN = f"/projects/OPEN{TOKENS}"
WISH = {"name": "pipeline", "expires": "30", "scope:project": "yes"}


@pytest.fixture
def administrator(acme: Acme) -> Iterator[str]:
    """Yield the name of a member who administers one project, and nothing else."""
    acme.send("owner", "/projects/OPEN", "grant", user="member", permission="admin")
    yield "member"
    acme.send("owner", "/projects/OPEN", "take-back", user="member")


def _statuses(acme: Acme, token: str) -> tuple[int, int]:
    """Return what the API answers to a token that asks for each of the projects."""
    send = sender(acme.host, f"Bearer {token}")
    first, second = (send("GET", f"/2.0/workspaces/acme/projects/{key}").status_code for key in ("OPEN", "SECRET"))
    return first, second


def _made(page: httpx.Response) -> str:
    (token,) = texts(page, "[data-copy='the token']")
    return token


def _all(acme: Acme) -> list[ListedToken]:
    found: list[ListedToken] = acme.host.work(credentials.list_api_tokens)
    return found


@pytest.mark.parametrize(
    ("viewer", "page", "statuses", "subject"),
    [("owner", TOKENS, (200, 200), "acme"), ("member", OF_OPEN, (200, 404), "acme/OPEN")],
)
def test_an_access_token_is_made_listed_and_revoked(
    acme: Acme, administrator: str, viewer: str, page: str, statuses: tuple[int, int], subject: str
) -> None:
    """It is shown once, does what was ticked where it belongs, and ends when it is revoked, after a question."""
    token, listed = _made(acme.send(viewer, page, "create", **WISH)), _all(acme)[-1]
    assert _statuses(acme, token) == statuses
    assert sender(acme.host, f"Bearer {token}")("GET", "/2.0/workspaces/acme/members").status_code == 403
    assert (listed.token.scopes, listed.token.expires_on is None) == (("project",), False)
    shown = acme("owner").get(f"{ROOT}{page}")
    assert token not in shown.text
    (row,) = texts(shown, "tbody tr")
    assert re.fullmatch(rf"pipeline project now {viewer.title()} 20.* now Revoke", row)
    sent = {"id": str(listed.token.id), "name": "pipeline"}
    asked = acme.send(viewer, page, "revoke", **sent)
    assert ("Revoke the token pipeline?" in main_text(asked), _statuses(acme, token)) == (True, statuses)
    done = acme.send(viewer, page, "revoke", **sent, sure="yes")
    assert ("The token was revoked." in main_text(done), _statuses(acme, token)) == (True, (401, 401))
    assert "There are no access tokens yet." in main_text(done)
    assert acme.host.work(changes)[:2] == [
        (f"user {viewer}", "access token revoked", subject),
        (f"user {viewer}", "access token made", subject),
    ]


@pytest.mark.parametrize("page", [TOKENS, OF_OPEN])
def test_a_wrong_wish_for_a_token_says_why(acme: Acme, page: str) -> None:
    """Each error is told, what was chosen is kept, and no token is made."""
    before = _all(acme)
    for wrong, why in (
        ({"name": " "}, "A token needs a name."),
        ({"name": "x" * 101}, "A token needs a name."),
        ({"scope:project": ""}, "Tick what the token may do."),
        ({"expires": "31"}, "Choose when the token expires."),
        ({"expires": ""}, "Choose when the token expires."),
        ({"scope:ghost": "yes"}, "ghost"),
    ):
        wish = {name: value for name, value in (WISH | wrong).items() if value or name == "expires"}
        refused = acme.send("owner", page, "create", **wish)
        assert (refused.status_code, why in main_text(refused)) == (400, True)
        ticked = [str(one.attributes["name"]) for one in document(refused).css("#create input[checked]")]
        assert ticked == [name for name in ("scope:project",) if name in wish]
    assert _all(acme) == before


def test_a_page_revokes_only_what_it_lists(acme: Acme, administrator: str) -> None:
    """Not a token of another project, of the workspace, of another workspace, or of a user, whoever asks."""

    async def make(host: Host) -> dict[str, tuple[str, int]]:
        await workspaces.create_workspace(host, "other", name=None, owner="owner")
        owner = await users.find_user(host, "owner")
        made = {
            name: await access_tokens.create_access_token(host, name, slug, key, scopes="project", lifetime=None)
            for name, slug, key in (("own", "acme", "OPEN"), ("secret", "acme", "SECRET"), ("acme", "acme", None))
        }
        made["other"] = await access_tokens.create_access_token(
            host, "other", "other", None, scopes="project", lifetime=None
        )
        personal, token = await credentials.create_api_token(host, "personal", None, user_id=owner.id)
        return {name: (text, one.token.id) for name, (text, one) in made.items()} | {"personal": (personal, token.id)}

    made = acme.host.work(make)
    lists = {OF_OPEN: {"own"}, TOKENS: {"acme"}}
    for viewer, page in (("owner", OF_OPEN), (administrator, OF_OPEN), ("owner", TOKENS)):
        for name in made.keys() - lists[page]:
            refused = acme.send(viewer, page, "revoke", id=str(made[name][1]), sure="yes")
            assert (refused.status_code, "There is no such token." in main_text(refused)) == (400, True), name
    for number in ("", "x", "0", "-1", "9" * 30):
        assert acme.send("owner", TOKENS, "revoke", id=number, sure="yes").status_code == 400
    alive = {name: _statuses(acme, token)[0] for name, (token, _) in made.items()}
    assert alive == {"own": 200, "secret": 404, "acme": 200, "other": 404, "personal": 200}
    assert len(texts(acme("owner").get(f"{ROOT}{TOKENS}"), "tbody tr")) == 1
    assert acme.send(administrator, TOKENS, "create", **WISH).status_code == 403
    assert acme.send(administrator, f"/projects/SECRET{TOKENS}", "create", **WISH).status_code == 404

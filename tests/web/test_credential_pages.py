"""The credentials of a workspace at its pages: OAuth consumers and access tokens."""

import re
from collections.abc import Iterator
from functools import partial

import httpx
import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.access import access_tokens, consumers, credentials
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.domain.repositories.creation import create_repository
from roadstead.domain.repositories.given import RepositoryChanges
from roadstead.model import Consumer, ListedToken
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


async def _consumer(host: Host) -> Consumer:
    made, _ = await consumers.create_consumer(
        host, "acme", "Widgets", callback_url="http://localhost/back", scopes="account"
    )
    return made


def test_an_owner_changes_a_consumer(acme: Acme) -> None:
    """Its page shows what is stored; users who are asked see it; a wrong field says why, and changes nothing."""
    key = acme.host.work(_consumer).key
    page = f"/settings/api/{key}"
    given = {"name": "Gadgets", "callback": "http://localhost/new", "description": "one\r\ntwo"}
    given |= {"url": "https://app.example/about", "scope:project": "yes"}
    done = acme.send("owner", page, "change", **given)
    assert "The consumer was changed." in main_text(done)
    found = acme.host.work(partial(consumers.get_consumer, key=key))
    stored = (found.name, found.callback_url, found.description, found.url, found.scopes)
    assert stored == ("Gadgets", "http://localhost/new", "one\ntwo", "https://app.example/about", ("project",))
    kept = [one.attributes.get("value") for one in document(done).css("#change input[type=url]")]
    assert kept == ["http://localhost/new", "https://app.example/about"]
    asked = acme("stranger").get(f"/site/oauth2/authorize?client_id={key}&response_type=code")
    assert all(text in main_text(asked) for text in ("Gadgets", "one two", "https://app.example/about"))
    for wrong, name in (
        ({"name": " "}, "name"),
        ({"callback": "ftp://x"}, "callback"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"description": "x" * 1001}, "description"),
    ):
        refused = acme.send("owner", page, "change", **(given | wrong))
        (marked,) = document(refused).css('[aria-invalid="true"]')
        assert (refused.status_code, marked.attributes["name"]) == (400, name)
    none = acme.send("owner", page, "change", name="x", callback="http://localhost/")
    assert (none.status_code, "Tick at least one scope." in none.text) == (400, True)
    assert acme.host.work(partial(consumers.get_consumer, key=key)) == found
    assert acme.host.work(changes)[0] == ("user owner", "OAuth consumer changed", "acme")
    gone = acme.send("owner", page, "delete", key=key, sure="yes")
    assert (gone.url.path, "The consumer was deleted" in main_text(gone)) == (f"{ROOT}/settings/api", True)
    assert acme("owner").get(f"{ROOT}{page}").status_code == 404


@pytest.mark.parametrize(
    "changed", [{"scope:account": "yes", "scope:project": "yes"}, {"callback": "http://localhost/x"}]
)
def test_a_user_decides_about_what_the_page_showed(acme: Acme, changed: dict[str, str]) -> None:
    """A consumer that is changed while the user reads is shown again, with its new scopes and address."""
    key = acme.host.work(_consumer).key
    link, user = f"/site/oauth2/authorize?client_id={key}&response_type=code", acme("stranger")
    form = _consent_form(user.get(link))
    given = {"name": "Widgets", "callback": "http://localhost/back", "scope:account": "yes", **changed}
    acme.send("owner", f"/settings/api/{key}", "change", **given)
    again = user.post(link, data=form)
    assert (again.status_code, "Location" in again.headers) == (200, False)
    agreed = user.post(link, data=_consent_form(again))
    assert (agreed.status_code, agreed.headers["Location"].partition("?")[0]) == (303, given["callback"])
    acme.send("owner", "/settings/api", "delete", key=key, sure="yes")


def _consent_form(page: httpx.Response) -> dict[str, str]:
    (form,) = document(page).css("form.fields")
    return {str(one.attributes["name"]): one.attributes["value"] or "" for one in form.css("input")} | {
        "decision": "allow"
    }


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
    assert re.fullmatch(rf"pipeline by {viewer.title()} project .* in \d+ days .* Revoke", row)
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
    """Not a token of another project, a repository, another workspace or a user, nor one page those of the other."""

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
        changes = RepositoryChanges(project="SECRET")
        await create_repository(host, SessionUser(owner), "acme", "ships", changes)
        made["ships"] = await access_tokens.create_access_token(
            host, "ships", "acme", None, repository="ships", scopes="project", lifetime=None
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
    assert alive == {"own": 200, "secret": 404, "acme": 200, "other": 404, "ships": 404, "personal": 200}
    assert len(texts(acme("owner").get(f"{ROOT}{TOKENS}"), "tbody tr")) == 1
    assert acme.send(administrator, TOKENS, "create", **WISH).status_code == 403
    assert acme.send(administrator, f"/projects/SECRET{TOKENS}", "create", **WISH).status_code == 404

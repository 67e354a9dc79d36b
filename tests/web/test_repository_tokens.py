"""The access tokens of a repository on its page: for its administrators alone, and only those of this repository."""

import re

import pytest

from roadstead.domain.access import access_tokens
from roadstead.domain.host import Host
from tests.live import sender
from tests.web.acme import Acme
from tests.web.reading import document, main_text, texts
from tests.web.repositories import new_repository, send

AT = "/acme/widgets/admin/access-tokens"
WISH = {"name": "pipeline", "expires": "30", "scope:repository": "yes"}


@pytest.fixture(scope="module")
def acme_with_widgets(acme: Acme) -> Acme:
    new_repository(acme, "widgets", project="SECRET", name="Widgets")
    new_repository(acme, "gadgets", project="SECRET", name="Gadgets")
    return acme


def _statuses(acme: Acme, token: str) -> list[int]:
    """Return what the API answers to a token that asks for each of the repositories."""
    ask = sender(acme.host, f"Bearer {token}")
    return [ask("GET", f"/2.0/repositories/acme/{slug}").status_code for slug in ("widgets", "gadgets")]


def test_a_token_is_made_listed_and_revoked(acme_with_widgets: Acme) -> None:
    """It is shown once, does what was ticked in this repository, and ends when it is revoked, after a question."""
    acme = acme_with_widgets
    (token,) = texts(send(acme, "owner", AT, "create", **WISH), "[data-copy='the token']")
    assert _statuses(acme, token) == [200, 404]
    shown = acme("owner").get(AT)
    assert token not in shown.text
    (row,) = texts(shown, "tbody tr")
    assert re.fullmatch(r"pipeline by Owner repository .* in \d+ days .* Revoke", row)
    assert texts(shown, "nav.crumbs a")[-1] == "Settings"
    assert document(acme("owner").get("/acme/widgets/admin")).css(f"a[href='{AT}']")
    (button,) = document(shown).css("tbody form")
    sent = {str(one.attributes["name"]): str(one.attributes["value"]) for one in button.css("input")}
    sent = {name: sent[name] for name in ("id", "name")}
    asked = send(acme, "owner", AT, "revoke", **sent)
    assert ("Revoke the token pipeline?" in main_text(asked), _statuses(acme, token)) == (True, [200, 404])
    done = send(acme, "owner", AT, "revoke", **sent, sure="yes")
    assert ("The token was revoked." in main_text(done), _statuses(acme, token)) == (True, [401, 401])
    assert "There are no access tokens yet." in main_text(done)


def test_a_wrong_wish_says_why(acme_with_widgets: Acme) -> None:
    """Beside the field, with what was typed; no token is made."""
    refused = send(acme_with_widgets, "owner", AT, "create", name=" ", expires="30", **{"scope:repository": "yes"})
    assert (refused.status_code, "A token needs a name." in main_text(refused)) == (400, True)
    assert document(refused).css("#create-name-wrong")
    assert [one.attributes["name"] for one in document(refused).css("#create input[checked]")] == ["scope:repository"]
    assert not document(acme_with_widgets("owner").get(AT)).css("tbody tr")


def test_only_administrators_manage_only_the_tokens_of_the_repository(acme_with_widgets: Acme) -> None:
    """One who writes sees and makes none; a token of another repository or of the workspace is not revoked here."""
    acme = acme_with_widgets

    async def make(host: Host) -> list[tuple[str, int]]:
        made = [
            await access_tokens.create_access_token(
                host, "x", "acme", None, repository=slug, scopes="repository", lifetime=None
            )
            for slug in ("gadgets", None)
        ]
        return [(token, listed.token.id) for token, listed in made]

    others: list[tuple[str, int]] = acme.host.work(make)
    for who, status in {"collaborator": 403, "stranger": 404, "anonymous": 401}.items():
        assert acme(who).get(AT).status_code == status
        if who != "anonymous":
            assert send(acme, who, AT, "create", **WISH).status_code == status
            assert send(acme, who, AT, "revoke", id=str(others[0][1]), sure="yes").status_code == status
    for token, number in others:
        refused = send(acme, "owner", AT, "revoke", id=str(number), sure="yes")
        assert (refused.status_code, "There is no such token." in main_text(refused)) == (400, True)
        assert _statuses(acme, token)[1] == 200
    assert not document(acme("owner").get(AT)).css("tbody tr")

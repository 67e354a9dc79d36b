"""The settings of a repository on its page: for its administrators alone, with every refusal beside its field."""

import httpx
import pytest

from tests.web.acme import Acme
from tests.web.reading import document, main_text, texts
from tests.web.repositories import new_repository, send

AT = "/acme/widgets/admin"


@pytest.fixture(scope="module")
def acme_with_widgets(acme: Acme) -> Acme:
    new_repository(acme, "widgets", name="Widgets")
    return acme


def _send(acme: Acme, who: str, do: str, at: str = AT, **given: str) -> httpx.Response:
    return send(acme, who, at, do, **given)


def test_administrators_alone_see_and_change_settings(acme_with_widgets: Acme) -> None:
    """Others have neither the tab nor the page, and their forms change nothing."""
    for who, status in {"owner": 200, "operator": 200, "member": 403, "stranger": 403, "anonymous": 401}.items():
        browser = acme_with_widgets(who)
        assert browser.get(AT).status_code == status, who
        tabs = texts(browser.get("/acme/widgets"), "nav.tabs a")
        assert ("Settings" in tabs) == (status == 200), who
        if status == 403:
            assert _send(acme_with_widgets, who, "change", name="Mine").status_code == 403
            assert _send(acme_with_widgets, who, "grant", user=who, permission="admin").status_code == 403
    assert texts(acme_with_widgets("owner").get("/acme/widgets"), "main > h1") == ["Widgets"]


def test_permissions_are_granted_and_taken_back(acme_with_widgets: Acme) -> None:
    """To members and groups; what cannot be granted is refused beside the field, and nothing is granted."""
    for given in ({"user": "member", "permission": "admin"}, {"group": "writers", "permission": "read"}):
        page = _send(acme_with_widgets, "owner", "grant", **given)
        assert "The permission was granted." in main_text(page)
    assert acme_with_widgets("member").get(AT).status_code == 200
    rows = texts(acme_with_widgets("owner").get(AT), "tbody tr")
    assert ["admin" in rows[0], "read" in rows[1]] == [True, True]
    for wrong in (
        {"user": "stranger", "permission": "read"},
        {"user": "member", "group": "writers", "permission": "read"},
        {"user": "member", "permission": "create-repo"},
    ):
        assert _send(acme_with_widgets, "owner", "grant", **wrong).status_code == 400
    _send(acme_with_widgets, "owner", "take-back", user="member")
    assert acme_with_widgets("member").get(AT).status_code == 403
    assert len(texts(acme_with_widgets("owner").get(AT), "tbody tr")) == 1


def test_a_repository_is_changed(acme_with_widgets: Acme) -> None:
    """Another name leads to the new address; a name that is taken, or none, is refused with what was typed."""
    new_repository(acme_with_widgets, "taken")
    new_repository(acme_with_widgets, "renamed")
    at = "/acme/renamed/admin"
    for name in ("taken", ""):
        page = _send(acme_with_widgets, "owner", "change", at, name=name, description="typed")
        assert (page.status_code, "typed" in page.text) == (400, True)
        assert document(page).css("#change-name-wrong")
    changed = _send(acme_with_widgets, "owner", "change", at, name="Anew", description="Two\r\nlines", private="yes")
    assert (changed.url.path, changed.status_code) == ("/acme/anew/admin", 200)
    assert "The repository was changed." in main_text(changed)
    assert acme_with_widgets("stranger").get("/acme/anew").status_code == 404
    assert acme_with_widgets("owner").get(at).headers["location"] == "/acme/anew/admin"

"""Owners of a workspace who consent to the installation of an app."""

import re

import httpx
import pytest

from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from tests.live import RecordingApp
from tests.web.acme import Acme, another_owner, changes
from tests.web.reading import document, main_text, texts


def test_an_owner_consents_to_an_installation(acme: Acme, connect_app: RecordingApp) -> None:
    """Into a workspace of the owner's own; an ordinary member is refused, and so is every other workspace."""
    link = f"/site/addons/authorize?descriptor_uri={connect_app.descriptor_url}"
    for viewer in ("member", "collaborator", "stranger"):
        refused = acme(viewer).get(link)
        assert (refused.status_code, "Only an owner" in main_text(refused)) == (403, True)
    page = acme("owner").get(link)
    assert "acme" in [option.text() for option in document(page).css("option")]
    form = _consent_form(page)
    for slug in ("local", "nowhere", ""):
        wrong = acme("owner").post(link, data={**form, "workspace": slug})
        assert wrong.status_code == 400
    assert connect_app.received == []
    csrf = _consent_form(acme("operator").get(link))["csrf"]
    assert acme("owner").post(link, data={**form, "workspace": "acme", "csrf": csrf}).status_code == 403
    done = acme("owner").post(link, data={**form, "workspace": "acme"})
    assert "is installed" in main_text(done)
    assert not document(done).css('a[href^="/-/apps"]')
    (call,) = connect_app.calls("installed")
    assert call.body["principal"]["username"] == "acme"
    assert acme.host.work(changes)[0] == ("user owner", "app installed", f"acme/{connect_app.key}")


def test_a_member_cannot_send_the_consent_of_an_owner(acme: Acme, connect_app: RecordingApp) -> None:
    """The form alone is not enough: who sends it must own the workspace."""
    link = f"/site/addons/authorize?descriptor_uri={connect_app.descriptor_url}"
    form = _consent_form(acme("owner").get(link))
    (csrf, *_) = re.findall(r'name="csrf" value="(\w+)"', acme("member").get("/").text)
    answer = acme("member").post(link, data={**form, "csrf": csrf, "workspace": "acme"})
    assert answer.status_code == 403
    assert connect_app.received == []


@pytest.mark.parametrize("change", ["role", "deactivated"])
def test_an_owner_installs_only_as_long_as_being_one(acme: Acme, connect_app: RecordingApp, change: str) -> None:
    """An owner who loses the role, or is deactivated, while the descriptor is fetched does not install the app."""
    name = f"owner-{change}"

    async def lose(host: Host) -> None:
        if change == "role":
            await workspaces.add_member(host, "acme", name, "member")
        else:
            await users.deactivate_user(host, name)

    link = f"/site/addons/authorize?descriptor_uri={connect_app.descriptor_url}"
    with another_owner(acme, name):
        form = _consent_form(acme(name).get(link))
        connect_app.on_descriptor = lambda: acme.host.work(lose)
        answer = acme(name).post(link, data={**form, "workspace": "acme"})
    assert (answer.status_code, connect_app.received) == (403 if change == "role" else 401, [])


def test_an_owner_learns_only_which_step_of_an_installation_failed(acme: Acme, connect_app: RecordingApp) -> None:
    """The answer may be that of a server which only this host reaches; an operator reads it."""
    link = f"/site/addons/authorize?descriptor_uri={connect_app.descriptor_url}"
    connect_app.status, connect_app.answer = 500, "answer of an inner server"
    found = {}
    for viewer in ("owner", "operator"):
        form = _consent_form(acme(viewer).get(link))
        refused = acme(viewer).post(link, data={**form, "workspace": "acme"})
        descriptor, connect_app.descriptor = connect_app.descriptor, {"inner": "secret"}
        invalid = acme(viewer).get(link)
        connect_app.descriptor = descriptor
        missing = acme(viewer).get(f"{link}.nowhere")
        found[viewer] = [(one.status_code, texts(one, "h1")) for one in (refused, invalid, missing)]
        # Of the main part alone: the ids and tokens around it may contain any digits.
        learned = zip((refused, invalid, missing), ("inner", "baseUrl", "answered 404"), strict=True)
        assert {word in main_text(page) for page, word in learned} == {viewer == "operator"}
    assert found["owner"] == [
        (424, ["The app was not installed."]),
        (424, ["The descriptor cannot be used."]),
        (424, ["The descriptor cannot be fetched."]),
    ]
    assert [status for status, _ in found["operator"]] == [424] * 3


def _consent_form(page: httpx.Response) -> dict[str, str]:
    (form,) = document(page).css("form.fields")
    given = {str(one.attributes["name"]): one.attributes["value"] or "" for one in form.css("input")}
    return {**given, "decision": "allow"}

"""Attacks on signing in with a password, on invitations, and on the profile: each is refused and changes nothing."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher

from roadstead.domain.access import hashing
from roadstead.domain.apps.installations import get_workspace
from roadstead.domain.host import Host
from roadstead.domain.people import invitations, users, workspaces
from roadstead.model import User
from roadstead.storage import passwords as rows
from tests.live import LiveHost, live_host
from tests.web.people import PASSWORD, person, sign_in, signed_in_as, submit_profile, visitor_at
from tests.web.reading import fields, main_text

COOKIE = "roadstead_session"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveHost]:
    """Yield a host with a user who has a password, one who has none, and one who is deactivated."""
    with live_host(tmp_path_factory.mktemp("guarded")) as running:
        person(running, "ann", password=PASSWORD)
        person(running, "ben")
        person(running, "gone", password=PASSWORD)
        running.work(lambda opened: users.deactivate_user(opened, "gone"))
        yield running


@pytest.fixture(scope="module")
def refusal(guarded: LiveHost) -> str:
    """Return the page for a name that no one has."""
    with visitor_at(guarded) as client:
        return _without_name(sign_in(client, "somebody", "else"))


def _without_name(page: httpx.Response) -> str:
    """Return a page without the submitted name, which it repeats."""
    return re.sub(r'(?<=name="name") value(="[^"]*")?', "", page.text)


def _user(host: LiveHost, name: str) -> User:
    found: User = host.work(lambda opened: users.find_user(opened, name))
    return found


@pytest.mark.sample(4)
@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("ann", "a wrong password"),
        ("ann", ""),
        ("ann", PASSWORD.upper()),
        ("ann", f"{PASSWORD} "),
        ("ann", "x" * 20_000),
        ("ann", f"{PASSWORD}\x00"),
        ("ben", ""),
        ("ben", PASSWORD),
        ("gone", PASSWORD),
        ("nobody", PASSWORD),
        ("nobody@acme.example", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("", ""),
    ],
)
def test_the_refusal_is_the_same_for_every_name(guarded: LiveHost, refusal: str, name: str, password: str) -> None:
    """An unknown account, one without a password, a deactivated one and a wrong password: one status and one body."""
    with visitor_at(guarded) as client:
        refused = sign_in(client, name, password)
    assert (refused.status_code, _without_name(refused), "set-cookie" in refused.headers) == (403, refusal, False)


def test_a_refusal_always_costs_one_hash(guarded: LiveHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the time tells no one whether there is an account, whether it has a password, or is deactivated."""
    hashed: list[bool] = []
    verify = hashing.HASHER.verify

    class Counting:
        def verify(self, stored: str, password: bytes) -> bool:
            hashed.append(True)
            return verify(stored, password)

    monkeypatch.setattr(hashing, "HASHER", Counting())
    for name in ("ann", "ben", "gone", "nobody"):
        hashed.clear()
        with visitor_at(guarded) as client:
            assert sign_in(client, name, "wrong").status_code == 403
        assert hashed == [True], name


def test_passwords_are_not_guessed(tmp_path: Path) -> None:
    """After ten wrong ones for an account not even the right one is tried; by name and by e-mail address they count
    together, and so do those for the profile's form. A sign-in link still works.
    """
    with live_host(tmp_path) as host, visitor_at(host) as client:
        ann = person(host, "ann", password=PASSWORD)
        names = ["ann", "ANN@acme.example"] * 5
        assert [sign_in(client, name, "wrong").status_code for name in names] == [403] * 10
        refused = sign_in(client, "ann", PASSWORD)
        assert (refused.status_code, COOKIE in client.cookies) == (429, False)
        assert 0 < int(refused.headers["Retry-After"]) <= 300
        with signed_in_as(host, ann) as own:
            changed = submit_profile(own, "password", old=PASSWORD, password="x" * 12, again="x" * 12)
            assert changed.status_code == 429
        assert sign_in(client, "nobody", "wrong").status_code == 403


@pytest.mark.slow
def test_guesses_that_are_sent_at_once_are_counted_one_by_one(tmp_path: Path) -> None:
    """Of twenty at the same time, ten are tried, and no more."""
    with live_host(tmp_path) as host, ThreadPoolExecutor(20) as pool:
        person(host, "ann", password=PASSWORD)

        def guess(number: int) -> int:
            with visitor_at(host) as client:
                return sign_in(client, "ann", f"guess {number}").status_code

        assert sorted(pool.map(guess, range(20))) == [403] * 10 + [429] * 10


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_another_site_cannot_sign_a_visitor_in(guarded: LiveHost, headers: dict[str, str]) -> None:
    """Its form could bring a visitor into an account of its own, and see what the visitor does there."""
    with visitor_at(guarded) as client:
        client.headers.update(headers)
        for path in ("/-/sign-in/password", "/-/sign-in", "/-/invitation"):
            refused = client.post(path, data={"name": "ann", "password": PASSWORD, "code": "x"})
            assert (refused.status_code, "another site" in main_text(refused)) == (403, True), path
        assert COOKIE not in client.cookies


def test_our_own_page_signs_in_with_its_origin(guarded: LiveHost) -> None:
    """By the host's own name, or by the base URL where a proxy has changed the name."""
    for origin in (guarded.url, guarded.work(_base_url)):
        with visitor_at(guarded) as client:
            client.headers["Origin"] = origin
            assert sign_in(client, "ann", PASSWORD).status_code == 303


async def _base_url(host: Host) -> str:
    return host.base_url


def test_a_session_that_was_planted_is_not_used(guarded: LiveHost) -> None:
    """Signing in always makes a new session; one that the browser had before ends."""
    with visitor_at(guarded) as client, visitor_at(guarded) as thief:
        client.cookies.set(COOKIE, "planted", domain="127.0.0.1")
        assert sign_in(client, "ann", PASSWORD).status_code == 303
        first = client.cookies[COOKIE]
        assert first != "planted"
        csrf = fields(client.get("/-/profile"), "/-/sign-out")["csrf"]
        assert sign_in(client, "ann", PASSWORD, csrf=csrf).status_code == 303
        assert client.cookies[COOKIE] != first
        thief.cookies.set(COOKIE, first)
        assert thief.get("/-/profile").status_code == 401


@pytest.mark.sample(2)
@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "/\\evil.example", "/\nevil", "evil"])
def test_signing_in_leads_to_this_host(guarded: LiveHost, target: str) -> None:
    """Whatever address the form names, the browser stays."""
    with visitor_at(guarded) as client:
        answer = sign_in(client, "ann", PASSWORD, next=target)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/")


def test_a_password_is_nothing_at_the_api(guarded: LiveHost) -> None:
    """Neither Basic nor Bearer takes it."""
    for auth in (("ann", PASSWORD), ("ann@acme.example", PASSWORD), ("x-token-auth", PASSWORD)):
        assert httpx.get(f"{guarded.url}/2.0/user", auth=auth).status_code == 401
    bearer = {"Authorization": f"Bearer {PASSWORD}"}
    assert httpx.get(f"{guarded.url}/2.0/user", headers=bearer).status_code == 401


def test_a_password_is_never_shown_or_stored(guarded: LiveHost) -> None:
    """The page that refuses it does not repeat it, and the database has an Argon2id hash with a salt of its own."""
    with visitor_at(guarded) as client:
        assert "a wrong secret" not in sign_in(client, "ann", "a wrong secret").text
    person(guarded, "twin", password=PASSWORD)

    async def read(host: Host) -> list[str | None]:
        return [
            await rows.find_hash(host.store.database, (await users.find_user(host, name)).id)
            for name in ("ann", "twin")
        ]

    first, second = guarded.work(read)
    assert first != second
    assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_hash_of_other_parameters_is_replaced_at_the_next_sign_in(guarded: LiveHost) -> None:
    """Without a question to the user."""
    old = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
    user = person(guarded, "old-hash")

    async def plant(host: Host) -> None:
        async with host.store.database.transaction() as tx:
            await rows.keep_hash(tx, user.id, old, host.now())

    async def read(host: Host) -> str | None:
        return await rows.find_hash(host.store.database, user.id)

    guarded.work(plant)
    with visitor_at(guarded) as client:
        assert sign_in(client, "old-hash", "wrong").status_code == 403
        assert guarded.work(read) == old
        assert sign_in(client, "old-hash", PASSWORD).status_code == 303
        assert "m=19456" in guarded.work(read)


def test_deactivation_ends_what_is_the_users(guarded: LiveHost) -> None:
    """Sessions, the password and open invitations end before the answer of the command."""
    user = person(guarded, "leaving", password=PASSWORD)
    with signed_in_as(guarded, user) as client, visitor_at(guarded) as other:
        guarded.work(lambda opened: users.deactivate_user(opened, "leaving"))
        assert client.get("/-/profile").status_code == 401
        assert sign_in(other, "leaving", PASSWORD).status_code == 403


def test_every_form_of_the_profile_must_be_ours(guarded: LiveHost) -> None:
    """One without the token of this session changes nothing, nor one with the token of another."""
    ann, ben = (_user(guarded, name) for name in ("ann", "ben"))
    with signed_in_as(guarded, ben) as other:
        foreign = fields(other.get("/-/profile"), "/-/sign-out")["csrf"]
    with signed_in_as(guarded, ann) as client:
        forms = (
            "names",
            "password",
            "sessions",
            "tokens",
            "tokens/1/revoke",
            "keys",
            "keys/1/remove",
            "consents/1/end",
        )
        for path in forms:
            for sent in ({}, {"csrf": foreign}):
                assert client.post(f"/-/profile/{path}", data=sent).status_code == 403, path
        assert client.post("/-/sign-in/password", data={"name": "ben", "password": "x"}).status_code == 403


# Invitations

GUEST = {"display_name": "Guest", "password": PASSWORD, "again": PASSWORD}


def _invite(host: LiveHost, **wanted: Any) -> str:
    link, _ = host.work(lambda opened: invitations.invite(opened, **wanted))
    code: str = link.partition("code=")[2]
    return code


def _accept(client: httpx.Client, code: str, name: str, **changes: str) -> httpx.Response:
    return client.post("/-/invitation", data={"code": code, "username": name, **GUEST, **changes})


def _expect_nothing(client: httpx.Client, code: str, name: str) -> None:
    """Expect the page of an invitation that is not valid, for a look and for an attempt."""
    for answer in (client.get("/-/invitation", params={"code": code}), _accept(client, code, name)):
        assert (answer.status_code, "This invitation is not valid." in main_text(answer)) == (404, True)


def test_an_invitation_is_used_once(guarded: LiveHost) -> None:
    """The guest is signed in, with the address of the invitation; the link is then one that never was."""
    code = _invite(guarded, username="gil", email="gil@acme.example")
    with visitor_at(guarded) as client, visitor_at(guarded) as other:
        page = client.get("/-/invitation", params={"code": code})
        assert fields(page, "/-/invitation")["username"] == "gil"
        assert _accept(client, code, "gil").status_code == 303
        assert "gil@acme.example" in main_text(client.get("/-/profile"))
        _expect_nothing(other, code, "eve")
        assert sign_in(other, "gil@acme.example", PASSWORD).status_code == 303


@pytest.mark.parametrize(
    "tamper",
    [
        lambda code: "",
        lambda code: code[:-1],
        lambda code: f"{code}A",
        lambda code: code.swapcase(),
        lambda code: f"{code}\x00",
        lambda code: "%",
    ],
)
def test_an_invitation_is_not_made_up(guarded: LiveHost, tamper: Callable[[str], str]) -> None:
    """A changed code is that of no invitation, and the true one stays open."""
    code = _invite(guarded)
    with visitor_at(guarded) as client:
        _expect_nothing(client, tamper(code), "eve")
        assert client.get("/-/invitation", params={"code": code}).status_code == 200


def test_an_invitation_expires(tmp_path: Path) -> None:
    """A week later it is like one that is used; and one that a wrong clock made for later is not valid, either."""
    with live_host(tmp_path) as host, visitor_at(host) as client:
        early, late = _invite(host), _invite(host)

        async def move(opened: Host) -> None:
            async with opened.store.database.transaction() as tx:
                await tx.run("UPDATE invitations SET expires_on = '2020-01-01T00:00:00.000000+00:00' WHERE id = 1")
                await tx.run("UPDATE invitations SET expires_on = '2100-01-01T00:00:00.000000+00:00' WHERE id = 2")

        host.work(move)
        for code in (early, late):
            _expect_nothing(client, code, "eve")


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"username": "ann"}, "already"),
        ({"username": "Not A Name"}, "cannot be a user name"),
        ({"username": "operator"}, "already"),
        ({"password": "short", "again": "short"}, "12 to 256"),
        ({"again": "another"}, "differ"),
        ({"display_name": "x" * 101}, "display name"),
    ],
    ids=str,
)
def test_an_account_that_cannot_be_uses_no_invitation_up(
    guarded: LiveHost, changes: dict[str, str], reason: str
) -> None:
    """The page says why, keeps what was typed except for the password, and the guest can correct it."""
    code = _invite(guarded)
    with visitor_at(guarded) as client:
        refused = _accept(client, code, "guest", **changes)
        assert (refused.status_code, reason in main_text(refused)) == (400, True)
        assert PASSWORD not in refused.text
        assert client.get("/-/invitation", params={"code": code}).status_code == 200
        assert COOKIE not in client.cookies


def test_an_invitation_gives_what_it_says_and_no_more(guarded: LiveHost) -> None:
    """Role, workspace and administration follow from the invitation, whatever the form adds."""
    guarded.work(lambda opened: workspaces.create_workspace(opened, "acme", name=None, owner="operator"))
    code = _invite(guarded, workspace="acme", role="member")
    with visitor_at(guarded) as client:
        more = {"role": "owner", "workspace": "other", "is_administrator": "1", "email": "x@acme.example"}
        assert _accept(client, code, "greedy", **more).status_code == 303
    shown = guarded.work(lambda opened: _role(opened, "greedy"))
    assert shown == ("member", False, [])


async def _role(host: Host, name: str) -> tuple[str, bool, list[str]]:
    listed = await workspaces.list_members(host, await get_workspace(host, "acme"))
    (found,) = (one for one in listed if one.user.username == name)
    emails = await users.list_emails(host, found.user)
    return found.role, found.user.is_administrator, [one.address for one in emails]


def test_a_member_who_follows_an_invitation_keeps_the_role(guarded: LiveHost) -> None:
    """One who has an account joins with it; who is a member already is told so, and the link stays open."""
    guarded.work(lambda opened: workspaces.create_workspace(opened, "club", name=None, owner="ann"))
    ann, ben = (_user(guarded, name) for name in ("ann", "ben"))
    code = _invite(guarded, workspace="club", role="collaborator")
    for user, status in ((ann, 409), (ben, 303), (ben, 404)):
        with signed_in_as(guarded, user) as client:
            csrf = fields(client.get("/-/profile"), "/-/sign-out")["csrf"]
            assert client.post("/-/invitation", data={"code": code, "csrf": csrf}).status_code == status

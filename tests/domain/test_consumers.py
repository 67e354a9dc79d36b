"""Changes of an OAuth consumer, and what they leave of the consents to it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from roadstead.accounts import SessionUser
from roadstead.domain.access import consumers, grants
from roadstead.domain.access.grants import Refused, scopes_for
from roadstead.domain.host import Host
from roadstead.domain.people import users, workspaces
from roadstead.errors import Conflict, NotFound
from roadstead.model import Consumer
from roadstead.settings import Settings
from tests.conftest import NewDatabase
from tests.live import opened

CALLBACK = "https://app.example/callback"
SCOPES = "account email project repository:write"


async def _make(host: Host) -> tuple[SessionUser, Consumer]:
    """Make a workspace with two owners, and a consumer."""
    ann = SessionUser(await users.create_user(host, "ann"))
    await workspaces.create_workspace(host, "acme", name=None, owner="ann")
    made, _ = await consumers.create_consumer(host, "acme", "Widgets", callback_url=CALLBACK, scopes=SCOPES, by=ann)
    return ann, made


async def _change(host: Host, by: SessionUser, key: str, scopes: str, callback: str = CALLBACK) -> None:
    given = {"name": "Widgets", "callback_url": callback, "description": "", "url": ""}
    await consumers.change_consumer(host, "acme", key, **given, scopes=scopes, by=by)


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("consented", "scopes", "left"),
    [
        ("account project", "account email", "account"),
        ("account project", "account project email wiki", "account project"),
        ("repository:write account", "repository", "repository"),
        ("repository", "repository:write", "repository"),
        ("account", "project", ""),
    ],
)
def test_a_grant_has_no_scope_that_the_consumer_lost(
    tmp_path: Path, new_database: NewDatabase, consented: str, scopes: str, left: str
) -> None:
    """Its tokens lose the scope before the change is answered, and gain none; a grant without any ends."""

    async def work(host: Host) -> None:
        ann, consumer = await _make(host)
        other, _ = await consumers.create_consumer(host, "acme", "Other", callback_url=CALLBACK, scopes=None)
        issued = await grants.act_as_owner(host, consumer, consented)
        untouched = await grants.act_as_owner(host, other, consented)
        await _change(host, ann, consumer.key, scopes)
        changed = await consumers.get_consumer(host, consumer.key)
        found = await grants.find_token(host, issued.access_token)
        assert (found and " ".join(found.scopes)) == (left or None)
        if left:
            assert (await grants.refresh(host, changed, issued.refresh_token, None)).scopes == tuple(left.split())
        else:
            with pytest.raises(Refused, match="not valid"):
                await grants.refresh(host, changed, issued.refresh_token, None)
        kept = await grants.find_token(host, untouched.access_token)
        assert kept is not None
        assert set(kept.scopes) == set(consented.split())

    with opened(Settings(data=tmp_path, database_url=new_database())) as on_host:
        on_host(work)


async def _lose_a_scope(host: Host, ann: SessionUser, consumer: Consumer) -> None:
    await _change(host, ann, consumer.key, "email")


async def _move(host: Host, ann: SessionUser, consumer: Consumer) -> None:
    await _change(host, ann, consumer.key, SCOPES, "https://other.example/callback")


async def _delete(host: Host, ann: SessionUser, consumer: Consumer) -> None:
    await consumers.delete_consumer(host, "acme", consumer.key, by=ann)


@pytest.mark.sample(2)
@pytest.mark.parametrize("change", [_lose_a_scope, _move, _delete])
def test_no_one_consents_to_what_a_consumer_was(
    tmp_path: Path, change: Callable[[Host, SessionUser, Consumer], Awaitable[None]]
) -> None:
    """The consumer is changed or deleted between the check of a request for access and the consent."""

    async def work(host: Host) -> None:
        ann, consumer = await _make(host)
        asked = grants.Asked(consumer, scopes_for(consumer, "account"), None, None)
        await change(host, ann, consumer)
        with pytest.raises(Conflict):
            await grants.consent(host, ann.user, asked)
        with pytest.raises(Refused):
            await grants.act_as_owner(host, consumer, "account")

    with opened(Settings(data=tmp_path)) as on_host:
        on_host(work)


def test_a_consumer_of_another_workspace_is_not_changed(tmp_path: Path) -> None:
    """It is found only in its workspace, by owners of that."""

    async def work(host: Host) -> None:
        ann, consumer = await _make(host)
        ben = SessionUser(await users.create_user(host, "ben"))
        await workspaces.create_workspace(host, "fleet", name=None, owner="ben")
        given = {"name": "Mine", "callback_url": CALLBACK, "description": "", "url": "", "scopes": "account"}
        for slug in ("acme", "fleet"):
            with pytest.raises(NotFound):
                await consumers.change_consumer(host, slug, consumer.key, **given, by=ben)
            with pytest.raises(NotFound):
                await consumers.get_consumer_of(host, slug, consumer.key, by=ben)
        assert (await consumers.get_consumer_of(host, "acme", consumer.key, by=ann)).name == "Widgets"

    with opened(Settings(data=tmp_path)) as on_host:
        on_host(work)

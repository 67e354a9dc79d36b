"""People: what a user may be called, and states from before there were users."""

import asyncio
import gzip
import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from roadstead import storage
from roadstead.domain.access import credentials
from roadstead.domain.host import Host, open_host
from roadstead.domain.people import users, workspaces
from roadstead.domain.people.users import UserNotFound
from roadstead.domain.upkeep import transfer
from roadstead.errors import Conflict, InvalidInput
from roadstead.settings import Settings
from roadstead.storage import credentials as credential_rows
from roadstead.storage import migrations
from roadstead.storage.credentials import hash_token
from roadstead.storage.facts import keep_fact
from tests.conftest import NewDatabase

UUID, ACCOUNT_ID = "{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}", "0123456789abcdef01234567"
MADE_ON = "2026-01-01T00:00:00.000000+00:00"
LATER = "2100-01-01T00:00:00.000000+00:00"


async def _no_key(*_: object) -> None:
    return None


async def _before_there_were_users(settings: Settings, patch: pytest.MonkeyPatch) -> None:
    """Make a state of schema 13 whose operator has an identity, a token and a session."""
    known = migrations._known()
    patch.setattr(migrations, "_known", lambda: known[:13])
    patch.setattr(storage, "agree_on_key", _no_key)  # some tables of secrets came later
    async with open_host(settings) as host, host.store.database.transaction() as tx:
        await keep_fact(tx, "operator_uuid", UUID)
        await keep_fact(tx, "operator_account_id", ACCOUNT_ID)
        await tx.run(
            "INSERT INTO api_tokens (name, token_hash, created_on) VALUES ('ci', ?, ?)", hash_token("token"), MADE_ON
        )
        await tx.run(
            "INSERT INTO sessions (token_hash, kind, expires_on) VALUES (?, 'session', ?)", hash_token("session"), LATER
        )
    patch.undo()


async def _expect_the_operator(host: Host) -> None:
    sender = await host.sender()
    assert (sender.actor.uuid, sender.actor.account_id) == (UUID, ACCOUNT_ID)
    token = await credentials.find_api_token(host, "token")
    assert token is not None
    assert (token.is_operator, token.user.uuid, token.scopes, token.name) == (True, UUID, None, "ci")


def test_an_older_state_keeps_the_operator_with_token_and_session(
    tmp_path: Path, new_database: NewDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The migration makes the operator a user, with the identity that apps know, the token, and the session."""
    settings = Settings(data=tmp_path, database_url=new_database())

    async def run() -> None:
        await _before_there_were_users(settings, monkeypatch)
        async with open_host(settings) as host:
            await _expect_the_operator(host)
            monkeypatch.setattr(credentials, "SESSION_LIFETIME", timedelta(days=40_000))
            signed_in = await credentials.find_session_user(host, "session")
            assert signed_in is not None
            assert (signed_in.uuid, signed_in.is_administrator) == (UUID, True)

    asyncio.run(run())


_OF_TOKENS = ["id", "name", "token_hash", "created_on", "expires_on"]


def _older(exported: bytes) -> bytes:
    """Return an export as the version before users wrote it, with the operator's identity and token."""
    lines: list[Any] = []
    for line in map(json.loads, gzip.decompress(exported).splitlines()[1:-1]):
        if isinstance(line, dict):
            table = line["table"]
        if table not in ("users", "emails") and isinstance(line, dict):
            lines.append({**line, "columns": _OF_TOKENS} if table == "api_tokens" else line)
            if table == "facts":
                lines += [["operator_uuid", UUID], ["operator_account_id", ACCOUNT_ID]]
            if table == "api_tokens":
                lines.append([1, "ci", hash_token("token"), MADE_ON, None])
    header = {"format": transfer.FORMAT, "version": 1, "secrets": True, "rows": 3}
    body = "".join(json.dumps(line) + "\n" for line in (header, *lines)).encode()
    end = {"end": True, "rows": 3, "sha256": hashlib.sha256(body).hexdigest()}
    return gzip.compress(body + json.dumps(end).encode() + b"\n")


def test_an_older_export_keeps_the_operator_with_the_token(tmp_path: Path) -> None:
    """An export from before there were users has the operator's identity among the facts."""

    async def run() -> None:
        exported = io.BytesIO()
        async with open_host(Settings(data=tmp_path / "old")) as host:
            await transfer.export_state(host, exported, with_secrets=False)
        async with open_host(Settings(data=tmp_path / "new")) as host:
            await transfer.import_state(host, io.BytesIO(_older(exported.getvalue())))
            await _expect_the_operator(host)

    asyncio.run(run())


def test_people_move_with_the_state(tmp_path: Path, new_database: NewDatabase) -> None:
    """A user, the address, the token with its scopes and the operator's identity are the same at the new host."""

    new = Settings(data=tmp_path / "new", database_url=new_database())

    async def run() -> None:
        exported = io.BytesIO()
        async with open_host(Settings(data=tmp_path / "old")) as host:
            ann = await users.create_user(host, "ann", email="ann@acme.example")
            token, _ = await credentials.create_api_token(host, "ci", None, user_id=ann.id, scopes="account email")
            operator = await host.find_operator()
            await transfer.export_state(host, exported, with_secrets=False)
        async with open_host(new) as host:
            await transfer.import_state(host, io.BytesIO(exported.getvalue()))
            found = await credentials.find_api_token(host, token)
            assert found is not None
            assert (found.user, found.scopes) == (ann, ("account", "email"))
            assert await host.find_operator() == operator
            assert await users.find_user(host, "ANN@acme.example") == ann
            assert (await users.create_user(host, "ben")).id > ann.id

    asyncio.run(run())


def test_a_deactivated_owner_is_not_the_last_one(tmp_path: Path, new_database: NewDatabase) -> None:
    """The last active owner beside deactivated ones is neither removed nor given another role."""
    settings = Settings(data=tmp_path, database_url=new_database())

    async def run() -> None:
        async with open_host(settings) as host:
            for name in ("ann", "ben"):
                await users.create_user(host, name)
            await workspaces.create_workspace(host, "acme", name=None, owner="ann")
            await workspaces.add_member(host, "acme", "ben", "owner")
            await users.deactivate_user(host, "ann")
            for change in (
                workspaces.remove_member(host, "acme", "ben"),
                workspaces.add_member(host, "acme", "ben", "member"),
            ):
                with pytest.raises(Conflict, match="needs an active owner"):
                    await change
            await workspaces.add_member(host, "acme", "operator", "owner")
            await workspaces.remove_member(host, "acme", "ben")

    asyncio.run(run())


def test_a_user_without_the_token_is_not_created(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user and a token that are created together are both there, or neither."""

    async def fail(*_: object, **__: object) -> None:
        raise ConnectionError

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            with monkeypatch.context() as patch:
                patch.setattr(credential_rows, "add_api_token", fail)
                with pytest.raises(ConnectionError):
                    await credentials.create_user_with_token(host, "ann")
            with pytest.raises(UserNotFound):
                await users.find_user(host, "ann")
            user, token = await credentials.create_user_with_token(host, "ann")
            found = await credentials.find_api_token(host, token)
            assert found is not None
            assert (found.user, found.scopes) == (user, None)

    asyncio.run(run())


REFUSED: list[tuple[str, dict[str, str], type[Exception]]] = [
    ("Ann", {}, InvalidInput),
    ("", {}, InvalidInput),
    ("-ann", {}, InvalidInput),
    ("a" * 63, {}, InvalidInput),
    ("a@b", {}, InvalidInput),
    ("ann\n", {}, InvalidInput),
    ("ben", {"display_name": " "}, InvalidInput),
    ("ben", {"display_name": "a\x00b"}, InvalidInput),
    ("ben", {"display_name": "x" * 101}, InvalidInput),
    ("ben", {"email": "nobody"}, InvalidInput),
    ("ben", {"email": "a@b@c"}, InvalidInput),
    ("ben", {"email": "a\x00@b"}, InvalidInput),
    ("ann", {}, Conflict),
    ("operator", {}, Conflict),
    ("ben", {"email": "ANN@acme.example"}, Conflict),
]


def test_a_user_who_cannot_be_is_refused(tmp_path: Path) -> None:
    """A wrong or taken name or address adds no user; unknown users are not found."""

    async def run() -> None:
        async with open_host(Settings(data=tmp_path)) as host:
            await users.create_user(host, "ann", email="ann@acme.example")
            for name, given, error in REFUSED:
                with pytest.raises(error):
                    await users.create_user(host, name, **given)
            assert [user.username for user in await users.list_users(host)] == ["ann", "operator"]
            with pytest.raises(UserNotFound):
                await users.deactivate_user(host, "ben")
            for scopes in ("", "nonsense", "account nonsense"):
                with pytest.raises(InvalidInput):
                    await credentials.create_api_token(host, "x", None, scopes=scopes)

    asyncio.run(run())

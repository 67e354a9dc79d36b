"""Plant secrets, use everything, and search for them wherever they must not be."""

import base64
import gzip
import io
import re
import sqlite3
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from roadstead.domain.access import consumers, credentials
from roadstead.domain.apps import installations, lifecycle
from roadstead.domain.host import Host
from roadstead.domain.people import invitations
from roadstead.domain.upkeep import audit, transfer
from roadstead.domain.upkeep.keys import rotate_key
from roadstead.storage.secrets import new_key
from tests.live import AppClient, LiveHost, RecordingApp, host_process, live_host, recording_app

VALUES = "/2.0/addon/linkers/tickets/values"


def _spellings(secret: str) -> Iterator[bytes]:
    """Yield the ways in which a secret may be written by accident."""
    plain = secret.encode()
    yield from (plain, plain.hex().encode(), quote(secret, safe="").encode())
    for start in range(3):  # base64 of a text that contains the secret
        yield base64.b64encode(b"x" * start + plain)[4:-4]


def _leaks(place: bytes, planted: dict[str, str]) -> list[str]:
    return [name for name, secret in planted.items() for spelling in _spellings(secret) if spelling in place]


def test_it_would_be_found() -> None:
    """The search below finds a secret in every spelling."""
    for spelling in _spellings("planted-secret-of-an-app"):
        assert _leaks(b"before " + spelling + b" after", {"secret": "planted-secret-of-an-app"})
    assert not _leaks(b"something else", {"secret": "planted-secret-of-an-app"})


def _use_everything(
    host: LiveHost, app: RecordingApp, browser: httpx.Client, planted: dict[str, str]
) -> Iterator[httpx.Response]:
    """Make requests that succeed and fail, with every kind of credential; `planted` grows."""
    app.status, app.on_installed = 200, _echo_to(app)
    api = AppClient(host.url, host.install(app))
    planted["JWT"] = api.token("GET", VALUES)
    planted["signature"] = planted["JWT"].rpartition(".")[2]
    planted["API token"] = host.api_token()
    form = {"grant_type": "urn:bitbucket:oauth2:jwt"}
    planted["access token"] = api("POST", "/site/oauth2/access_token", data=form).json()["access_token"]
    for secret in ("API token", "access token"):
        for path in ("/2.0/user", VALUES, "/-/audit", f"/2.0/workspaces/{planted[secret][:40]}?q=("):
            yield httpx.get(host.url + path, headers={"Authorization": f"Bearer {planted[secret]}"})
    planted |= _let_a_consumer_in(host, browser)
    for secret in ("refresh token", "OAuth code", "OAuth token"):
        yield httpx.get(f"{host.url}/2.0/user", headers={"Authorization": f"Bearer {planted[secret]}"})
        yield httpx.post(f"{host.url}/site/oauth2/access_token", data={"client_id": "x", "code": planted[secret]})
    yield from _invite_a_guest(host, planted)
    yield api("PUT", VALUES, json=["BB", "OPS"])
    yield api("GET", VALUES, token=planted["JWT"])
    yield api("POST", VALUES, token=planted["JWT"])
    yield api("GET", VALUES, token=planted["JWT"][:-1])
    yield api("PUT", "/2.0/addon", json={"descriptor": {"key": "other"}})
    link = f"/site/addons/authorize?descriptor_uri={quote(app.descriptor_url, safe='')}"
    yield from (browser.get(path) for path in ("/", link, "/-/sign-in", "/nothing", "/-/install", "/-/lab", "/-/jwt"))
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', browser.get(link).text))
    for status in (500, 200):
        app.status = status
        yield browser.post(link, data={**hidden, "workspace": "local", "decision": "allow"})
    traffic = browser.get("/-/traffic")
    pages = re.findall(r'href="(/-/(?:traffic|apps)/[^"]+)"', traffic.text + browser.get("/").text)
    assert len(pages) > 10
    yield traffic
    yield from (browser.get(page) for page in pages)
    yield browser.post("/-/sign-out", data={})


def _let_a_consumer_in(host: LiveHost, browser: httpx.Client) -> dict[str, str]:
    """Return the secrets of an OAuth consumer: its own, a used code, and the tokens that the code became."""
    make = partial(
        consumers.create_consumer, slug="local", name="x", callback_url="http://localhost/", scopes="account"
    )
    made, secret = host.work(make)
    link = f"/site/oauth2/authorize?client_id={made.key}&response_type=code"
    (csrf,) = set(re.findall(r'name="csrf" value="([^"]*)"', browser.get(link).text))
    location = browser.post(link, data={"csrf": csrf, "decision": "allow"}).headers["Location"]
    code = httpx.URL(location).params["code"]
    form = {"grant_type": "authorization_code", "code": code}
    tokens = httpx.post(f"{host.url}/site/oauth2/access_token", data=form, auth=(made.key, secret)).json()
    return {
        "consumer secret": secret,
        "OAuth code": code,
        "OAuth token": tokens["access_token"],
        "refresh token": tokens["refresh_token"],
    }


def _invite_a_guest(host: LiveHost, planted: dict[str, str]) -> Iterator[httpx.Response]:
    """Use an invitation and a password, also where they are wrong; only the page of the invitation has its code."""
    link, _ = host.work(invitations.invite)
    planted["invitation"] = link.partition("code=")[2]
    planted["password"] = "a password that is planted"
    guest = {"username": "gil", "password": planted["password"], "again": planted["password"]}
    with httpx.Client(base_url=host.url) as client:
        yield client.post("/-/invitation", data={"code": planted["invitation"], **guest})
        planted["session of a guest"] = client.cookies["roadstead_session"]
        yield client.post("/-/invitation", data={"code": planted["invitation"], **guest})
        yield client.get("/-/profile")
        client.cookies.clear()
        yield client.get("/-/invitation", params={"code": planted["invitation"]})
        for name in ("gil", "nobody"):
            yield client.post("/-/sign-in/password", data={"name": name, "password": planted["password"]})
            client.cookies.clear()
        yield client.get("/2.0/user", auth=("gil", planted["password"]))
        yield client.get(f"/2.0/user?password={quote(planted['password'])}", auth=("gil", "x"))


def _echo_to(app: RecordingApp) -> Callable[[dict[str, Any]], Awaitable[None]]:
    """Return a handler of an app that answers with the secret it was sent, as a failing app may."""

    async def echo(body: dict[str, Any]) -> None:
        app.answer = f"installed with {body['sharedSecret']} by {app.received[-1].headers.get('authorization')}"

    return echo


def test_planted_secrets_are_nowhere(tmp_path: Path) -> None:
    """Not in the data folder, the log (which has a traceback), an export, any answer or page, the audit log, a repr."""
    data, log = tmp_path / "data", tmp_path / "log"
    planted = {"key": new_key()}
    environ = {"ROADSTEAD_KEY": planted["key"], "ROADSTEAD_LOG_REQUESTS": "all"}
    with recording_app() as app, host_process(data, log, **environ) as (host, link, _):
        with httpx.Client(base_url=host.url) as browser:
            browser.get(link)
            planted["sign-in code"] = link.rpartition("code=")[2]
            planted["session"] = browser.cookies["roadstead_session"]
            registered = host.work(lambda opened: installations.register(opened, "tide", "https://tide.example/"))
            planted["registered secret"] = registered.shared_secret
            answers = list(_use_everything(host, app, browser, planted))
        for number, call in enumerate(app.calls("installed")):
            planted[f"shared secret {number}"] = call.body["sharedSecret"]
            planted[f"signature {number}"] = call.headers.get("authorization", ".not signed").rpartition(".")[2]
        assert len(planted) == 21
        assert {answer.status_code for answer in answers} >= {200, 204, 400, 401, 403, 404, 424}
        found = host.work(_everything_that_is_shown)
        _break(data, host)
        folder = b"".join(file.read_bytes() for file in data.rglob("*") if file.is_file())
    for place in (folder, log.read_bytes(), *found, *(_written(answer) for answer in answers)):
        assert _leaks(place, planted) == []
    assert b"Traceback" in log.read_bytes()
    assert b"installed" in folder


async def _everything_that_is_shown(host: Host) -> list[bytes]:
    exported = io.BytesIO()
    await transfer.export_state(host, exported, with_secrets=False)
    (installed,) = await installations.list_apps(host)
    shown: list[object] = [host, host.store, host.settings, installed]
    shown += [await installations.get_registration(host, "tide"), *await credentials.list_api_tokens(host)]
    shown += [*await audit.latest_entries(host, 1000), *await lifecycle.list_calls(host, installed)]
    return [gzip.decompress(exported.getvalue()), *(repr(one).encode() for one in shown)]


def _written(answer: httpx.Response) -> bytes:
    """Return an answer without the cookie of a session, which has to reach the browser."""
    headers = [line for line in answer.headers.raw if line[0].lower() != b"set-cookie"]
    return b"\n".join(b": ".join(line) for line in headers) + answer.content


def _break(data: Path, host: LiveHost) -> None:
    """Remove a table, so that the host has an error to log."""
    with closing(sqlite3.connect(data / "roadstead.db")) as connection:
        connection.execute("ALTER TABLE access_tokens RENAME TO gone")
    answer = httpx.get(f"{host.url}/2.0/user", headers={"Authorization": "Bearer somebody"})
    assert answer.status_code == 503


def test_what_we_make_is_only_the_owners(tmp_path: Path) -> None:
    """Also in a folder that others may read, no other user can read the state, the key or an export."""
    tmp_path.chmod(0o755)
    with recording_app() as app, live_host(tmp_path) as host:
        AppClient(host.url, host.install(app))("PUT", VALUES, json=["BB"])
        host.work(rotate_key)
        made = {file.name: file.stat().st_mode & 0o077 for file in tmp_path.iterdir()}
    assert made == dict.fromkeys(made, 0)
    assert {"roadstead.db", "roadstead.db-wal", "secret.key"} <= made.keys()

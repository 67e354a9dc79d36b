"""Other servers on the machine of the host, and the host itself: an app cannot have them called, nor read their
answers.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from roadstead.domain.apps import installations
from roadstead.errors import InstallationFailed
from roadstead.model import Installation, LifecycleCall
from roadstead.targets import AllowedTargets
from tests.live import AppClient, LiveHost, RecordingApp, live_host, recording_app, serving

INTERNAL = "the-internal-answer"


@dataclass
class Neighbour:
    """A server on the same machine that belongs to no app, and its received requests."""

    url: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def neighbour() -> Iterator[Neighbour]:
    found = Neighbour("")

    async def answer(request: Request) -> Response:
        found.asked.append(f"{request.method} {request.url.path}")
        return PlainTextResponse(INTERNAL, 401)

    every = ["GET", "POST", "PUT", "DELETE"]
    with serving(Starlette(routes=[Route("/{path:path}", answer, methods=every)])) as found.url:
        yield found


def install(host: LiveHost, app: RecordingApp) -> InstallationFailed | Installation:
    try:
        return host.install(app)
    except InstallationFailed as exc:
        return exc


def test_installed_goes_where_the_descriptor_is(host: LiveHost, neighbour: Neighbour) -> None:
    """Neither to a neighbour nor to the host; the operator gets the exact setting that would allow a neighbour."""
    for url in (f"{neighbour.url}/admin", f"{host.url}/-/linkify"):
        with recording_app(lifecycle={"installed": url}) as app:
            refused = install(host, app)
        assert isinstance(refused, InstallationFailed)
        assert refused.step == "installed"
        assert "may not be called" in refused.message
        wanted = f"--allow-target {neighbour.url.removeprefix('http://')}, or" if neighbour.url in url else "the app"
        assert wanted in refused.detail
    assert neighbour.asked == []


def test_a_base_url_at_another_port_needs_an_entry(tmp_path: Path, neighbour: Neighbour) -> None:
    """As when a development server serves the descriptor, and another one the app."""
    with recording_app() as behind, recording_app(baseUrl=behind.base_url) as app:
        with live_host(tmp_path / "without") as host:
            assert isinstance(install(host, app), InstallationFailed)
        allowed = AllowedTargets.read([behind.base_url.removeprefix("http://")])
        with live_host(tmp_path / "with", allow_target=allowed) as host:
            assert isinstance(install(host, app), Installation)
        assert len(behind.calls("installed")) == 1
        assert app.received == []


def test_one_place_has_several_names(host: LiveHost) -> None:
    """A `baseUrl` with localhost, where the operator has typed 127.0.0.1, is the same app."""
    with recording_app() as app:
        app.descriptor["baseUrl"] = app.base_url.replace("127.0.0.1", "localhost")
        assert isinstance(install(host, app), Installation)
        assert len(app.calls("installed")) == 1


@pytest.mark.parametrize("target", ["neighbour", "host"])
def test_an_update_moves_no_call_to_a_neighbour(host: LiveHost, neighbour: Neighbour, target: str) -> None:
    """An installed app may change its descriptor, but `uninstalled` still goes to its descriptor URL's place."""
    url = f"{neighbour.url}/shutdown" if target == "neighbour" else f"{host.url}/-/linkify"
    with recording_app() as app:
        api = AppClient(host.url, host.install(app))
        changed = {**app.descriptor, "lifecycle": {"uninstalled": url}}
        assert api("PUT", "/2.0/addon", json={"descriptor": changed}).status_code == 204
        call = host.work(lambda opened: installations.uninstall_and_tell(opened, api.installation.id))
    assert isinstance(call, LifecycleCall)
    assert (call.status, "may not be called" in (call.error or "")) == (None, True)
    assert neighbour.asked == []
    host.work(lambda opened: forget(opened, call.id))


async def forget(opened: Any, call_id: int) -> None:
    """Remove the call from the queue of a host that other tests use."""
    async with opened.store.database.transaction() as tx:
        await tx.run("UPDATE lifecycle_calls SET due_on = NULL WHERE id = ?", call_id)


@contextlib.contextmanager
def app_with_answers(host: LiveHost) -> Iterator[tuple[AppClient, list[Response]]]:
    """Yield an installed app whose descriptor URL gives the answers in the list, and before these its descriptor."""
    answers: list[Response] = []

    async def descriptor(request: Request) -> Response:
        return answers.pop() if answers else JSONResponse(found)

    with serving(Starlette(routes=[Route("/descriptor.json", descriptor)])) as base_url:
        found = {
            "key": f"answers-{base_url.rpartition(':')[2]}",
            "name": "Answers",
            "baseUrl": base_url,
            "authentication": {"type": "jwt"},
            "scopes": ["account"],
        }
        made = host.work(lambda opened: installations.install(opened, f"{base_url}/descriptor.json", "local"))
        yield AppClient(host.url, made), answers


ANSWERS = [
    (PlainTextResponse(INTERNAL, 500), "cannot be fetched"),
    (PlainTextResponse(INTERNAL), "not valid"),
    (JSONResponse({INTERNAL: INTERNAL}), "not valid"),
    (JSONResponse({"key": INTERNAL, "name": INTERNAL, "baseUrl": INTERNAL}), "not valid"),
    (
        JSONResponse(
            {
                "key": INTERNAL,
                "name": "N",
                "baseUrl": "http://localhost",
                "authentication": {"type": "jwt"},
                "scopes": [],
            }
        ),
        "another app key",
    ),
    (RedirectResponse("http://10.1.2.3/"), "cannot be fetched"),
    (RedirectResponse("http://metadata.invalid/"), "cannot be fetched"),
]


@pytest.mark.sample(2)
@pytest.mark.parametrize(
    ("answer", "said"), ANSWERS, ids=lambda one: one if isinstance(one, str) else one.body.decode()[:20]
)
def test_an_app_is_not_told_what_was_answered(host: LiveHost, answer: Response, said: str) -> None:
    """An app sees no word, status or address of the answer; it does learn which step failed."""
    with app_with_answers(host) as (api, answers):
        answers.append(answer)
        refused = api("PUT", "/2.0/addon")
    assert refused.status_code == 400
    assert said in refused.json()["error"]["message"]
    for shown in (INTERNAL, "500", "10.1.2.3", "metadata", "private", "resolved"):
        assert shown not in refused.text.replace(api.installation.app_key, "")


def test_a_redirect_reaches_no_neighbour(host: LiveHost, neighbour: Neighbour) -> None:
    """Neither a neighbour nor the host is called, and the app learns no more than of any other failure."""
    with app_with_answers(host) as (api, answers):
        answers.append(PlainTextResponse("", 404))
        other = api("PUT", "/2.0/addon").json()
        for url in (f"{neighbour.url}/descriptor.json", f"{host.url}/-/audit"):
            answers.append(RedirectResponse(url))
            assert api("PUT", "/2.0/addon").json() == other
    assert neighbour.asked == []


def test_the_operator_sees_what_was_answered(tmp_path: Path) -> None:
    """The recorded requests have the server's answer, and why another one was not called."""
    with live_host(tmp_path) as host, app_with_answers(host) as (api, answers):
        answers += [RedirectResponse("http://10.1.2.3/"), PlainTextResponse(INTERNAL, 500)]
        assert [api("PUT", "/2.0/addon").status_code for _ in range(2)] == [400, 400]
        calls = httpx.get(f"{host.url}/-/requests", params={"q": 'direction="out"'}).json()["values"]
        refused, redirected, answered = (httpx.get(f"{host.url}/-/requests/{one['id']}").json() for one in calls[:3])
    assert refused["error"] == "10.1.2.3 is not public but private, and may not be called."
    assert redirected["status"] == 307
    assert (answered["status"], answered["answer"]["body"]) == (500, INTERNAL)

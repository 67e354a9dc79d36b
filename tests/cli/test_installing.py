"""Installing, listing, linking and uninstalling, with real apps and no host running."""

import asyncio
import json
import os
import pty
import subprocess
import threading

import pytest

from tests.cli.conftest import PROGRAM, Roadstead, ServeApp, running
from tests.live import recording_app


def test_install_prints_what_a_client_needs(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """The JSON has exactly the promised members, and the secret only on request."""
    url = serve_app(status=200, body=b"")
    hidden = roadstead.read("install", url, "--workspace", "fleet")
    shown = roadstead.read("install", url, "--workspace", "fleet", "--show-secret")
    assert shown.keys() == {"key", "client_key", "shared_secret", "workspace", "descriptor_url"}
    assert len(shown["shared_secret"]) >= 32
    assert hidden == {name: value for name, value in shown.items() if name != "shared_secret"}
    assert (shown["workspace"], shown["descriptor_url"]) == ("fleet", url)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("scopes", "said"),
    [
        (["repository"], "  Read repositories (repository)\n"),
        ([], "  manage its own linkers, and nothing else\n"),
    ],
    ids=["one", "none"],
)
def test_install_says_what_the_app_may_do(roadstead: Roadstead, scopes: list[str], said: str) -> None:
    """For any scopes in its descriptor, a line names what the app may do."""
    with recording_app(scopes=scopes) as app:
        installed = roadstead.call("install", app.descriptor_url, "--yes")
    assert installed.returncode == 0, installed.stderr.decode()
    assert f"It may:\n{said}" in installed.stderr.decode()


def test_life_of_an_installation(roadstead: Roadstead, sample_app: str) -> None:
    """Installed, an app is listed, shown with its values and used by linkify; uninstalled, it is notified and gone."""
    with running(roadstead):
        installed = roadstead.call("install", sample_app)
    assert installed.returncode == 0, installed.stderr.decode()
    assert b"Read repositories (repository)" in installed.stderr

    listed = roadstead.call("apps")
    assert b"roadstead-sample-app" in listed.stdout
    shown = roadstead.read("apps", "show", "roadstead-sample-app")
    assert {linker["key"]: linker["value_count"] for linker in shown["linkers"]} == {"tickets": 2, "rfc": 0}
    assert [(call["event"], call["status"]) for call in shown["lifecycle_calls"]] == [("installed", 204)]
    assert b"((?K)-" in roadstead.call("apps", "show", "roadstead-sample-app").stdout

    linked = roadstead.call("linkify", "--format", "terminal", stdin=b"fixes BB-12")
    origin = sample_app.removesuffix("/descriptor.json").encode()
    assert linked.stdout == b"fixes \x1b[4m\x1b]8;;" + origin + b"/tickets/BB-12\x1b\\BB-12\x1b]8;;\x1b\\\x1b[24m"

    removed = roadstead.read("uninstall", "roadstead-sample-app")
    assert (removed["key"], removed["lifecycle_call"]["status"]) == ("roadstead-sample-app", 204)
    assert roadstead.read("apps") == []


def test_an_app_that_is_out_of_order_is_told_later(roadstead: Roadstead) -> None:
    """A pending call is reported immediately, listed, made on demand, and then gone from the list."""
    with recording_app() as app:
        assert roadstead.call("install", app.descriptor_url).returncode == 0
        app.next_statuses = [503, 500]
        told = roadstead.call("uninstall", app.key).stdout.decode()
        assert "The app could not be notified: it answered 503" in told
        assert "Next attempt (2 of 12) at " in told
        listed = roadstead.read("queue")
        (pending,) = listed
        assert (pending["app"], pending["event"], pending["status"], pending["attempts"]) == (
            app.key,
            "uninstalled",
            503,
            1,
        )
        assert pending["next_try_on"] > pending["created_on"]
        assert app.key in roadstead.call("queue").stdout.decode()
        number = str(pending["id"])
        assert (
            "The call stays in the queue. Next attempt (3 of 12) at "
            in roadstead.call("queue", "retry", number).stdout.decode()
        )
        assert "The app was notified: it answered 204" in roadstead.call("queue", "retry", number).stdout.decode()
        assert roadstead.read("queue") == []
        assert roadstead.call("queue").stderr == b"No pending calls.\n"
        for missing, reason in ((number, "no longer pending"), ("99", "no lifecycle call 99")):
            refused = roadstead.call("queue", "retry", missing)
            assert (refused.returncode, reason in refused.stderr.decode()) == (1, True)


def test_silent_host_is_mentioned(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """When an app refuses while no host is running, the likely reason is named."""
    roadstead.data.mkdir(mode=0o700)
    (roadstead.data / "roadstead.toml").write_text('base_url = "http://localhost:1"')
    done = roadstead.call("install", serve_app(status=500, body=b""))
    assert b"No host answers at http://localhost:1" in done.stderr


def test_refusal_shows_step_status_and_body(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """The app's answer is shown, without characters that a terminal obeys."""
    url = serve_app(status=418, body=b"no \x1b[2Jthanks", name="\x1b[31mStub")
    done = roadstead.call("install", url, "--json")
    assert done.returncode == 1
    error = json.loads(done.stdout)["error"]
    assert error.keys() == {"message", "detail", "step", "status", "body"}
    assert (error["step"], error["status"], error["body"]) == ("installed", 418, "no \x1b[2Jthanks")
    assert b"The app answered 418:" in done.stderr
    assert rb"no \x1b[2Jthanks" in done.stderr
    assert b"\x1b" not in done.stderr
    assert roadstead.read("apps") == []


@pytest.mark.slow
@pytest.mark.parametrize(("answer", "code", "apps"), [(b"n\n", 1, 0), (b"y\n", 0, 1)])
def test_person_at_a_terminal_is_asked(
    roadstead: Roadstead, serve_app: ServeApp, answer: bytes, code: int, apps: int
) -> None:
    """At a terminal nothing is installed before the user agreed to it."""
    url = serve_app(status=200, body=b"")
    ours, theirs = pty.openpty()
    command = [*PROGRAM, "install", url]
    with subprocess.Popen(command, stdin=theirs, stderr=subprocess.PIPE, env=roadstead.environment) as process:
        os.write(ours, answer)
        assert process.stderr is not None
        assert b"Install it?" in process.stderr.read()
    os.close(ours)
    os.close(theirs)
    assert process.returncode == code
    installed = roadstead.read("apps")
    assert len(installed) == apps


@pytest.mark.slow
def test_app_that_will_not_answer_is_uninstalled_all_the_same(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """An app cannot object to its removal; its answer is reported."""
    url = serve_app(status=200, body=b"fine")
    assert roadstead.call("install", url, "--yes").returncode == 0
    done = roadstead.call("uninstall", "stub")
    assert done.returncode == 0
    assert b"it answered 200" in done.stdout


def test_registered_url_is_binding(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """An app key registered with one URL cannot be installed from another; its secret is kept."""
    first = roadstead.read("register", "stub", "https://stub.example/descriptor.json", "--show-secret")
    again = roadstead.read("register", "stub", "https://stub.example/descriptor.json")
    assert again == {name: value for name, value in first.items() if name != "shared_secret"}
    assert roadstead.call("install", serve_app(status=200, body=b"")).returncode == 1


@pytest.mark.slow
def test_what_is_no_url_is_not_recorded_as_a_request(roadstead: Roadstead) -> None:
    """Nothing was sent, so the record has no request; an address without a server was tried."""
    for url in ("foo", "ftp://app.example/x", "http://"):
        assert b"error: The descriptor cannot be fetched" in roadstead.call("install", url).stderr
    roadstead.call("install", "http://127.0.0.1:1/descriptor.json")
    recorded = roadstead.read("requests")
    assert [request["url"] for request in recorded] == ["http://127.0.0.1:1/descriptor.json"]


def test_an_invalid_descriptor_is_explained(roadstead: Roadstead) -> None:
    """Each problem has a line with its fix, and the command that shows the places is named."""
    with recording_app(baseUrl="ftp://app.example", scopes=["acount"]) as app:
        done = roadstead.call("install", app.descriptor_url)
    told = [line.strip() for line in done.stderr.decode().splitlines()]
    fix = "Write the app's root like https://app.example or https://host/app."
    assert f"baseUrl is not an absolute http or https URL. {fix}" in told
    assert "scopes[0]: There is no scope 'acount'. Did you mean account?" in told
    assert f"List each problem with its line: roadstead check {app.descriptor_url}" in told
    assert "Step: validate" in told


def test_a_page_in_place_of_an_answer_is_read(roadstead: Roadstead, serve_app: ServeApp) -> None:
    """An app's answer in HTML is shown as a browser would show it."""
    page = b"<!DOCTYPE html>\n<html><head><title>Oops</title></head><body><p>No database.</p></body></html>"
    told = roadstead.call("install", serve_app(status=500, body=page)).stderr.decode()
    assert "The app answered 500:\n       Oops\n       No database.\n" in told
    assert "<" not in told


@pytest.mark.slow
def test_an_app_that_lost_its_secret_is_installed_again(roadstead: Roadstead) -> None:
    """The refusal names the client key and the solution; called unsigned, as for the first time, the app accepts."""
    with recording_app() as app:

        async def refuse_what_is_signed(body: dict[str, str]) -> None:
            app.next_statuses = [401 if "authorization" in app.received[-1].headers else 204]

        first = roadstead.read("install", app.descriptor_url)
        app.on_installed = refuse_what_is_signed
        refused = roadstead.call("install", app.descriptor_url)
        told = " ".join(refused.stderr.decode().split())
        assert refused.returncode == 1
        assert f"Does the app still have the secret of {first['client_key']}?" in told
        assert f"install {app.descriptor_url} --workspace local --unsigned" in told
        again = roadstead.read("install", app.descriptor_url, "--unsigned", "--show-secret")
        assert again["client_key"] == first["client_key"]
        assert app.received[-1].body["sharedSecret"] == again["shared_secret"]


@pytest.mark.slow
def test_an_offer_is_named_and_withdrawn(roadstead: Roadstead) -> None:
    """An installation whose answer is not known is listed with what to do, and can be withdrawn once."""
    with recording_app() as app:
        asked, over = threading.Event(), threading.Event()

        async def never_answer(body: dict[str, str]) -> None:
            asked.set()
            await asyncio.to_thread(over.wait, 10)

        app.on_installed = never_answer
        with roadstead.start("install", app.descriptor_url, "--yes") as command:
            assert asked.wait(10)
            command.kill()
        over.set()
    listed = roadstead.call("apps").stderr.decode()
    assert f"{app.key} was offered an installation in the workspace local, and gave no answer." in listed
    assert f"uninstall {app.key} --workspace local" in listed
    withdrawn = roadstead.call("uninstall", app.key)
    assert (withdrawn.returncode, b"is withdrawn." in withdrawn.stdout) == (0, True)
    assert roadstead.call("uninstall", app.key).returncode == 1
    assert b"offered" not in roadstead.call("apps").stderr

"""Each page with a hundred apps and a million values, as one browser loads it."""

import asyncio
import http.client
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from statistics import median
from urllib.parse import quote, urlsplit

from bench import servers
from bench.figures import Figure
from bench.scratch import scratch_folder
from roadstead.domain.access import credentials
from roadstead.domain.apps import installations
from roadstead.domain.apps.descriptors import read_descriptor
from roadstead.domain.host import open_host
from roadstead.domain.linking import linkers
from roadstead.settings import Settings

APPS = 100
VALUES = 1_000_000
ROUNDS = 9
MOST = 100.0
"""Milliseconds."""
TEXT = "Merge branch 'bugfix-K7-12-fix-hull' into main\n\nFixes K9-7, K12-8 and X-1.\n"
LAB = f"/-/lab?how=workspace&text={quote(TEXT)}"


def figures(_: object) -> Iterator[Figure | str]:
    with scratch_folder() as data:
        app, sign_in = asyncio.run(_filled(data))
        with (
            servers.roadstead(data) as server,
            closing(http.client.HTTPConnection("127.0.0.1", server.port)) as browser,
        ):
            cookie = _signed_in(browser, sign_in)
            yield _figure(browser, cookie, "the lab, while its values are not read", LAB)
            _read_values(browser)
            for what, path in _pages(app):
                yield _figure(browser, cookie, what, path)


def _figure(browser: http.client.HTTPConnection, cookie: str, what: str, path: str) -> Figure:
    first, *others = (_milliseconds(browser, path, cookie) for _ in range(ROUNDS + 1))
    return Figure(what, median(others), "ms", "most", MOST, f"the first time {first:.0f} ms")


def _pages(app: int) -> Sequence[tuple[str, str]]:
    values = f"/-/apps/{app}/values?linker=tickets"
    return (
        ("the first page", "/"),
        ("installing", "/-/install"),
        ("an app", f"/-/apps/{app}"),
        ("values, the first page", values),
        ("values, a page in the middle", f"{values}&after=K500000"),
        ("values, a search with a thousand hits", f"{values}&begins=K123"),
        ("values, a search that all of them meet", f"{values}&begins=K"),
        ("the lab, a pattern", "/-/lab?how=pattern"),
        ("the lab, a workspace", LAB),
        ("requests", "/-/traffic"),
        ("the debugger", "/-/jwt"),
    )


async def _filled(data: Path) -> tuple[int, str]:
    """Return the id of the app with the values, and the path of a sign-in link."""
    async with open_host(Settings(data=data)) as host:
        made = [
            await installations.install_descriptor(
                host, read_descriptor(_descriptor(number)), f"https://app-{number}.example/descriptor.json", "local"
            )
            for number in range(APPS)
        ]
        for installation in made[1:]:
            await linkers.replace_values(host, installation.id, "tickets", [f"T{installation.id}"])
        await linkers.replace_values(host, made[0].id, "tickets", [f"K{number}" for number in range(VALUES)])
        link = urlsplit(await credentials.sign_in_link(host))
        return made[0].id, f"{link.path}?{link.query}"


def _descriptor(number: int) -> dict[str, object]:
    location = "org.bitbucket.repository.overview.informationPanel"
    panel = {"name": {"value": "Panel"}, "url": "/panel", "location": location}
    return {
        "key": f"app-{number}",
        "name": f"App {number}",
        "description": "Turns tickets into links.",
        "vendor": {"name": "Benchmark"},
        "baseUrl": f"https://app-{number}.example",
        "authentication": {"type": "jwt"},
        "scopes": ["repository", "pullrequest"],
        "modules": {
            "linkers": [
                {"key": "tickets", "regex": r"((?K)-\d+)", "url": r"/browse/\1"},
                {"key": "numbered", "regex": rf"APP{number}#(\d+)", "url": r"/item/\1"},
            ],
            "webhooks": [{"event": "repo:push", "url": "/hooks"}],
            "webPanels": [{"key": f"panel-{at}", **panel} for at in range(5)],
        },
    }


def _signed_in(browser: http.client.HTTPConnection, path: str) -> str:
    browser.request("GET", path)
    answer = browser.getresponse()
    answer.read()
    return (answer.headers["Set-Cookie"] or "").partition(";")[0]


def _read_values(browser: http.client.HTTPConnection) -> None:
    """Have the values of the workspace read and compiled, with the request that the lab itself makes."""
    browser.request("POST", "/-/linkify", '{"text": "K1-2"}', {"Content-Type": "application/json"})
    browser.getresponse().read()


def _milliseconds(browser: http.client.HTTPConnection, path: str, cookie: str) -> float:
    began = time.perf_counter()
    browser.request("GET", path, headers={"Cookie": cookie})
    answer = browser.getresponse()
    answer.read()
    if answer.status != 200:
        raise SystemExit(f"GET {path} was answered with {answer.status}.")
    return (time.perf_counter() - began) * 1000

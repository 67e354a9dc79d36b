"""A real Chromium, the system's, driven by Playwright. Nothing is downloaded."""

import contextlib
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from roadstead.domain.access import credentials
from tests.live import LiveHost

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

_REPLACED = ("htmx:sendAbort", "htmx:afterRequest")
"""htmx's error when a request is dropped because the user continued to type."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Yield the running browser. Skip the test, with the reason, if there is none."""
    program = next(filter(None, map(shutil.which, _PROGRAMS)), None)
    if program is None:
        pytest.skip("`chromium` is not on the PATH; install it to run the tests in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_OPTIONS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def visitor(
    browser: Browser,
    host: LiveHost,
    *,
    width: int = 1100,
    bypass_policy: bool = False,
    elsewhere: str | tuple[str, ...] = (),
    heard: list[str] | None = None,
) -> Iterator[Page]:
    """Yield a signed-in operator's tab, which fails the test when a page reports an error or requests another host.

    Except for the requests of an app's page at `elsewhere`. With `heard`, console messages go there.
    """
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_REPLACED):
            (complaints if heard is None else heard).append(message.text)

    context = browser.new_context(base_url=host.url, viewport={"width": width, "height": 900}, bypass_csp=bypass_policy)
    context.set_default_timeout(10_000)
    page = context.new_page()
    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(error.message))
    page.on(
        "request", lambda request: complaints.append(request.url) if _foreign(request.url, host, elsewhere) else None
    )
    try:
        page.goto(host.work(credentials.sign_in_link))
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        yield page
        assert not complaints, complaints
    finally:
        context.close()


def _foreign(url: str, host: LiveHost, elsewhere: str | tuple[str, ...]) -> bool:
    others = (elsewhere,) if isinstance(elsewhere, str) else elsewhere
    return not url.startswith(("data:", *(f"{known}/" for known in (host.url, *others) if known)))

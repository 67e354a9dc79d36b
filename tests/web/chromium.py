"""A real Chromium, the system's, driven by Playwright. Nothing is downloaded."""

import contextlib
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

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
    "--renderer-process-limit=1",
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
def signed_in(browser: Browser, host: LiveHost, *, bypass_policy: bool = False) -> Iterator[BrowserContext]:
    """Yield a profile of the browser whose user is signed in at the host."""
    context = browser.new_context(base_url=host.url, bypass_csp=bypass_policy)
    context.set_default_timeout(30_000)
    try:
        # Without a page: the browser takes half a second to show one.
        answer = context.request.get(host.work(credentials.sign_in_link), max_redirects=0)
        assert answer.status == 303
        yield context
    finally:
        context.close()


@contextlib.contextmanager
def tab_of(
    context: BrowserContext,
    host: LiveHost,
    *,
    width: int = 1100,
    elsewhere: str | tuple[str, ...] = (),
    heard: list[str] | None = None,
) -> Iterator[Page]:
    """Yield a tab, which fails the test when a page reports an error or requests another host.

    Except for the requests of an app's page at `elsewhere`. With `heard`, console messages go there.
    """
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(_REPLACED):
            (complaints if heard is None else heard).append(message.text)

    page = context.new_page()
    page.set_viewport_size({"width": width, "height": 900})
    page.on("console", hear)
    page.on("pageerror", lambda error: complaints.append(error.message))
    page.on(
        "request", lambda request: complaints.append(request.url) if _foreign(request.url, host, elsewhere) else None
    )
    try:
        yield page
        assert not complaints, complaints
    finally:
        page.close()


@contextlib.contextmanager
def visitor(
    browser: Browser, host: LiveHost, *, bypass_policy: bool = False, elsewhere: str | tuple[str, ...] = ()
) -> Iterator[Page]:
    """Yield a signed-in operator's tab in a profile of its own."""
    with (
        signed_in(browser, host, bypass_policy=bypass_policy) as context,
        tab_of(context, host, elsewhere=elsewhere) as tab,
    ):
        yield tab


def _foreign(url: str, host: LiveHost, elsewhere: str | tuple[str, ...]) -> bool:
    others = (elsewhere,) if isinstance(elsewhere, str) else elsewhere
    return not url.startswith(("data:", *(f"{known}/" for known in (host.url, *others) if known)))

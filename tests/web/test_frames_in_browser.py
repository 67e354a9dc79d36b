"""`AP` in a real browser: what a page of an app can do in its frame, and what it cannot."""

import contextlib
import itertools
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from roadstead.connect import canonical_request, read, verify
from roadstead.domain.apps import installations
from roadstead.model import Installation
from tests.acceptance.node.programs import node_packages
from tests.live import LiveHost, recording_app
from tests.web.chromium import signed_in, tab_of
from tests.web.framed_app import FramedApp, framed_app

pytestmark = pytest.mark.browser

_keys = itertools.count(1)


@dataclass(frozen=True)
class Shown:
    """The pages of an app, in their frames on one page of the host."""

    app: FramedApp
    installation: Installation
    tab: Page

    def out(self, name: str) -> Locator:
        """Return the output of the page of that name."""
        return self.tab.frame_locator(f'iframe[title="{name}"]').locator("#out")

    def element(self, name: str) -> Locator:
        return self.tab.locator(f'iframe[title="{name}"]')

    def height(self, name: str) -> str:
        height: str = self.element(name).evaluate("frame => getComputedStyle(frame).height")
        return height


@contextlib.contextmanager
def shown(
    host: LiveHost,
    profile: BrowserContext,
    scripts: dict[str, str],
    *,
    heard: list[str] | None = None,
    also: str = "",
    width: int = 1100,
    **changes: Any,
) -> Iterator[Shown]:
    """Install an app with a page for each script, and show them all; their console messages go to `heard`.

    `also` is another address that they request.
    """
    key = f"framed-{next(_keys)}"
    with framed_app(host.url, key, scripts, **changes) as app:
        found = host.work(lambda opened: installations.install(opened, app.descriptor_url, key))
        with tab_of(profile, host, width=width, elsewhere=(app.base_url, also), heard=heard) as tab:
            tab.goto(f"/-/apps/{found.id}/modules?module=all&repository.uuid=%7Br-1%7D")
            yield Shown(app, found, tab)


# What a page can do


@pytest.mark.slow
def test_page_needs_no_script_of_ours(host: LiveHost, profile: BrowserContext) -> None:
    """The page is chosen in the list and shown, with a token in its address that the app can check."""
    panel = {"key": "plain", "name": {"value": "Plain"}, "url": "/plain", "location": "x"}
    with shown(host, profile, {}, modules={"webPanels": [panel]}) as pages:
        pages.tab.goto(f"/-/apps/{pages.installation.id}/modules")
        pages.tab.get_by_role("link", name="Plain").click()
        expect(pages.tab.frame_locator("iframe").get_by_text("Hello from the app")).to_be_visible()
    token = pages.app.pages[-1].path.rpartition("?jwt=")[2]
    canonical = canonical_request("GET", "/plain", "")
    verify(read(token), shared_secret=pages.installation.shared_secret, now=time.time(), canonical=canonical)


@pytest.mark.slow
def test_requests_are_made_as_who_is_looking(host: LiveHost, profile: BrowserContext) -> None:
    """In both styles, with JSON parsed unless text is requested, errors distinguished, and links in answers
    followed.
    """
    scripts = {
        "old": """AP.require("request", (request) => request({
            url: "/2.0/user", success: (user) => out(user.display_name, user.type) }));""",
        "new": """AP.request("/2.0/user", { responseType: "text", headers: { Accept: "application/json" },
            success: (text, status, xhr) => {
                out(typeof text, status, xhr.status, xhr.getResponseHeader("Content-Type"));
                AP.request({ url: JSON.parse(text).links.self.href, success: (again) => out(again.nickname) });
            } });""",
        "wrong": """AP.request({ url: "/2.0/nothing", success: () => out("no"), error: (xhr, status, thrown) =>
            out(xhr.status, status, thrown, JSON.parse(xhr.responseText).error.message) });""",
    }
    with shown(host, profile, scripts) as pages:
        expect(pages.out("old")).to_have_text('"Operator" "user"')
        expect(pages.out("new")).to_have_text('"string" "success" 200 "application/json; charset=utf-8" "operator"')
        expect(pages.out("wrong")).to_have_text('404 "error" "404" "There is nothing at this address."')


PROXY = {
    "/echo/{repository}/{pullrequest}": {
        "destination": "/echo/{pullrequest.id}?repo={repository.uuid}&user={user.account_id}",
        "methods": {"GET": {}, "POST": {"scopes": ["account"]}, "PUT": {"scopes": ["wiki"]}},
    },
    "/never": {
        "destination": "/echo/never",
        "conditions": [{"condition": "equals", "target": "workspace.slug", "params": {"value": "x"}}],
    },
    "/chosen": {"destination": "/echo/chosen?{repository.uuid}"},
}


def test_proxied_calls_reach_the_app_signed(host: LiveHost, profile: BrowserContext) -> None:
    """With method, body and query of the call, the context filled in, and a token for exactly that request."""
    scripts = {
        "posts": """AP.require("proxyRequest", (request) => request({
            url: "/echo/%7B0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111%7D/7?also=1", type: "POST",
            data: JSON.stringify({ a: 1 }), contentType: "application/json",
            success: (answer, status, xhr) => out(answer, xhr.getResponseHeader("x-from")) }));""",
        "fails": """AP.proxyRequest({
            url: "/chosen?status=409", error: (xhr) => out(xhr.status, xhr.responseText) });""",
        "refused": """const say = (xhr) => out(xhr.status, JSON.parse(xhr.responseText).error.message);
            AP.proxyRequest({ url: "/never", error: (xhr) => { say(xhr);
                AP.proxyRequest({ url: "/nowhere", error: (xhr) => { say(xhr);
                    AP.proxyRequest({ url: "/echo/r/7", type: "PUT", error: say }); } }); } });""",
    }
    with shown(host, profile, scripts, modules={"proxy": PROXY}, scopes=["account", "pullrequest"]) as pages:
        expect(pages.out("posts")).to_have_text('{"echo":"/echo/7"} "app"')
        expect(pages.out("fails")).to_have_text('409 "{\\"echo\\":\\"/echo/chosen\\"}"')
        expect(pages.out("refused")).to_have_text(
            '403 "A condition of the proxy is not met." 404 "No proxy of the app accepts GET /nowhere." '
            '403 "Your credentials lack one or more required privilege scopes."'
        )
        account = pages.tab.locator("[data-account]").get_attribute("data-account")
    by_path = {call.path.partition("?")[0]: call for call in pages.app.received}
    posted = by_path.pop("/echo/7")
    query = f"repo=%7B0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111%7D&user={account}&also=1"
    assert (posted.method, posted.path, posted.body) == ("POST", f"/echo/7?{query}", {"a": 1})
    scheme, _, token = posted.headers["authorization"].partition(" ")
    claims = verify(
        read(token),
        shared_secret=pages.installation.shared_secret,
        now=time.time(),
        canonical=canonical_request("POST", "/echo/7", query),
    )
    assert (scheme, claims["aud"], claims["sub"]) == ("JWT", pages.installation.client_key, account)
    assert [call.path for call in by_path.values()] == ["/echo/chosen?%7Br-1%7D&status=409"]


@pytest.mark.slow
def test_a_page_learns_who_is_looking_and_where(host: LiveHost, profile: BrowserContext) -> None:
    """A token for its own server, the account in it, and the address of the page around it."""
    scripts = {
        "asks": """AP.context.getToken((token) => out(token));""",
        "user": """AP.getCurrentUser((user) => out(user.atlassianAccountId));
            AP.require(["env", "user"], (env) => env.getLocation((where) => out(where)));""",
    }
    with shown(host, profile, scripts) as pages:
        expect(pages.out("asks")).to_contain_text(".")
        token = pages.out("asks").inner_text().strip().strip('"')
        account = pages.tab.locator("[data-account]").get_attribute("data-account")
        expect(pages.out("user")).to_have_text(f'"{account}" "{pages.tab.url}"')
    claims = verify(read(token), shared_secret=pages.installation.shared_secret, now=time.time(), canonical=None)
    assert (claims["sub"], claims["iss"], claims["qsh"]) == (account, pages.installation.client_key, "context-qsh")


_CUT_OFF = "() => document.documentElement.scrollHeight - window.innerHeight"
_GROWS = "setTimeout(() => { document.querySelector('div').style.height = '700px' }, 100);"


@pytest.mark.slow
def test_frames_take_the_size_that_is_asked_for(host: LiveHost, profile: BrowserContext) -> None:
    """The requested size, or that of the content, once or as it changes, or of the window; never one that breaks the
    page.
    """
    scripts = {
        "asks": 'AP.resize("50%", "300px");',
        "large": 'AP.resize("900px", 99999);',
        "parent": "AP.sizeToParent();",
        "nothing": "",
    }
    with shown(host, profile, scripts, width=390) as pages:
        for name, height in {"asks": "300px", "large": "20000px", "parent": "900px", "nothing": "384px"}.items():
            expect(pages.element(name)).to_have_css("height", height)
        widths = [pages.element(name).evaluate("frame => frame.offsetWidth") for name in ("asks", "nothing")]
        assert abs(widths[0] * 2 - widths[1]) <= 2
        assert pages.tab.evaluate("document.documentElement.scrollWidth") <= 390
    with shown(host, profile, {"ac-content": _GROWS, "once": _GROWS}, options="margin:true", height=250) as pages:
        expect(pages.element("ac-content")).to_have_css("height", "721px")
        assert pages.out("ac-content").evaluate(_CUT_OFF) == 0
        assert pages.height("once") not in ("384px", "721px")


_TEXT = """const content = document.querySelector(".ac-content");
    content.style.cssText = "margin-bottom: 11px";
    document.documentElement.style.height = "100%";
    const write = (paragraphs) => { content.innerHTML = "<p style='margin: 23px 0'>Line</p>".repeat(paragraphs); };
    write(30); setTimeout(() => write(3), 200);"""


@pytest.mark.slow
def test_a_frame_shows_all_of_its_content(host: LiveHost, profile: BrowserContext) -> None:
    """To the last line and its margin, and no more; also a page that becomes shorter, and one out of sight."""
    with shown(host, profile, {"ac-content": _TEXT}, options="margin:true") as pages:
        expect(pages.out("ac-content").locator("xpath=../div/p")).to_have_count(3)
        expect(pages.element("ac-content")).not_to_have_css("height", "384px")
        # Three lines of text, with the larger of two margins around each.
        expect(pages.element("ac-content")).to_have_css("height", re.compile("^1[45][0-9]px$"))
        assert pages.out("ac-content").evaluate(_CUT_OFF) == 0
        pages.tab.set_viewport_size({"width": 1100, "height": 100})
        pages.tab.reload()
        expect(pages.element("ac-content")).not_to_be_in_viewport()
        expect(pages.element("ac-content")).not_to_have_css("height", "384px")


@pytest.mark.slow
def test_events_go_to_every_frame_of_the_app(host: LiveHost, profile: BrowserContext) -> None:
    """To all listeners, as often as they asked for, and to none that has stopped."""
    scripts = {
        "hears": """const stopped = () => out("stopped");
            AP.events.on("news", (...args) => out("on", ...args)); AP.events.once("news", () => out("once"));
            AP.events.onAny((name) => out("any", name)); AP.events.on("news", stopped); AP.events.off("news", stopped);
            AP.events.on("other", stopped); AP.events.offAll("other"); AP.events.emit("ready");""",
        "speaks": """AP.events.on("news", () => out("own")); AP.require("events", (events) => events.on("ready", () => {
            events.emit("news", 1, { two: [2] }); events.emit("news"); events.emit("other"); }));""",
    }
    with shown(host, profile, scripts) as pages:
        pages.tab.wait_for_timeout(300)
        pages.out("hears").evaluate("AP.events.emit('ready')")
        expect(pages.out("hears")).to_contain_text('"any" "other"')
        heard = pages.out("hears").inner_text().split("\n")
        first = heard.index('"on" 1 {"two":[2]}')
        assert heard[first : first + 6] == [
            '"on" 1 {"two":[2]}',
            '"once"',
            '"any" "news"',
            '"on"',
            '"any" "news"',
            '"any" "other"',
        ]
        assert '"own"' in pages.out("speaks").inner_text()


def test_notes_are_shown_as_text(host: LiveHost, profile: BrowserContext) -> None:
    """Messages and flags are above the frames until their page or the visitor closes them."""
    scripts = {
        "notes": """const first = AP.messages.info("<b>First</b>", "<img src=x onerror=alert(1)>");
            AP.require("messages", (messages) => { messages.error("Second", "body", { closeable: true }); });
            const flag = AP.flag.create({ type: "success", title: "Flag", body: "up" });
            AP.messages.clear(first); flag.close(); AP.messages.warning("<i>Third</i>");""",
        "others": 'AP.messages.clear("ap-note-1"); AP.messages.clear("ap-note-3");',
    }
    with shown(host, profile, scripts) as pages:
        notes = pages.tab.locator(".note")
        expect(notes).to_have_text(["Second body Close", "<i>Third</i>  Close"])
        expect(pages.tab.locator(".note i")).to_have_count(0)
        notes.first.get_by_role("button", name="Close").click()
        expect(notes).to_have_count(1)


@pytest.mark.slow
def test_what_is_not_there_says_so(host: LiveHost, profile: BrowserContext) -> None:
    """Once for each, by its name, and the rest of the page continues."""
    heard: list[str] = []
    script = """AP.dialog.create({ key: "x" }); AP.dialog.create({ key: "y" });
        AP.require(["dialog", "nonsense"], (dialog, nonsense) => { dialog.close(); nonsense(); });
        AP.request({ url: "/2.0/nothing" }); out("done");"""
    with shown(host, profile, {"calls": script}, heard=heard) as pages:
        expect(pages.out("calls")).to_have_text('"done"')
        pages.tab.wait_for_timeout(300)
    assert [text.partition(" See ")[0] for text in heard] == [
        "AP.dialog.create is not there.",
        "AP.dialog.close is not there.",
        'AP.require("nonsense") is not there.',
        "A request for /2.0/nothing was answered with 404, and nothing handles it.",
    ]


# What a page cannot do

_POST = """const answers = [];
    window.addEventListener("message", (event) => { answers.push(event.data); });
    const post = (call, details, more) =>
        window.parent.postMessage({ ap: 1, id: 1, call, details, ...more }, "*");
    const request = { url: "/2.0/user", method: "GET", body: "", content_type: "", accept: "" };"""


@pytest.mark.slow
def test_messages_of_another_form_are_not_answered(host: LiveHost, profile: BrowserContext) -> None:
    """Only messages in the form of `all.js` are read; none breaks the page around the frame."""
    heard: list[str] = []
    script = f"""{_POST}
        window.parent.postMessage(null, "*"); window.parent.postMessage("x", "*"); window.parent.postMessage([1], "*");
        post("constructor", {{}}); post("__proto__", {{}}); post("nothing", {{}}); post("token", {{}}, {{ ap: 2 }});
        post("token", {{}}, {{ id: "1" }}); post("token", null); post("token", {{ more: 1 }});
        post("request", {{ ...request, headers: {{}} }}); post("request", {{ ...request, body: 1 }});
        post("resize", {{ width: "1px; color: red", height: 1 }}); post("resize", {{ width: 1, height: NaN }});
        post("resize", {{ width: 1, height: {{}} }}); post("note", {{ id: "1", kind: "x", title: "t" }});
        post("event", {{ name: "x", args: "x" }}); post("event", {{ name: "x", args: ["x".repeat(70000)] }});
        setTimeout(() => {{
            out(answers.length);
            window.addEventListener("message", () => out(answers.length));
            post("location", {{}});
        }}, 150);
    """
    with shown(host, profile, {"sends": script}, heard=heard) as pages:
        expect(pages.out("sends")).to_have_text("0 1")
        assert pages.height("sends") == "384px"
    assert all(text.startswith("A page of the app asked for") for text in heard)


def test_hostile_page_gets_nothing_that_is_not_the_apps(host: LiveHost, profile: BrowserContext) -> None:
    """No other address, no form token, no cookie, no window around it, and no answer from inside a nested frame."""
    script = f"""{_POST}
        const targets = ["/-/linkers", "/", "/-/apps/1", "/2.0/../-/linkers", "/2.0/%2e%2e/-/linkers",
            "//127.0.0.1/2.0/user", "http://127.0.0.1/2.0/user", "/site/oauth2/access_token", "/2.0",
            "/2.0/addon/linkers", "/2.0/workspaces/not-its-own", "/2.0/user\\r\\nCookie: x"];
        const all = [];
        const next = () => {{
            if (!targets.length) return out(all.map((one) => one.status), all.map((one) => one.body).join(""));
            post("request", {{ ...request, url: targets.shift() }});
        }};
        window.addEventListener("message", (event) => {{ all.push(event.data.answer); next(); }});
        next();"""
    inner = f"""{_POST}
        document.body.append(Object.assign(document.createElement("iframe"), {{ srcdoc: `<script>
            window.addEventListener("message", () => parent.postMessage("answered", "*"));
            top.postMessage({{ ap: 1, id: 1, call: "location", details: {{}} }}, "*");</` + "script>" }}));
        const tried = (name, what) => {{
            try {{ what(); out(name, "done"); }} catch (error) {{ out(name, error.name); }}
        }};
        tried("document", () => parent.document.title);
        tried("leads away", () => {{ parent.location.href = "about:blank"; }});
        setTimeout(() => out(answers.length, document.cookie), 500);"""
    with recording_app() as other:
        host.install(other, "not-its-own")
    with shown(host, profile, {"asks": script, "tries": inner}, heard=[]) as pages:
        expect(pages.out("asks")).to_contain_text("403")
        said = pages.out("asks").inner_text()
        assert said.startswith("[404,404,404,404,404,404,400,404,404,403,404,400] ")
        expect(pages.out("tries")).to_contain_text('"document" "SecurityError" "leads away" "SecurityError" 0 ""')
        csrf = pages.tab.locator("[data-csrf]").get_attribute("data-csrf")
        assert csrf
        assert csrf not in said
        assert "<html" not in said
        assert pages.tab.url.startswith(host.url)
    assert pages.app.pages
    assert all("cookie" not in page.headers for page in pages.app.pages)


def test_page_from_elsewhere_is_not_heard(host: LiveHost, profile: BrowserContext) -> None:
    """Neither in a nested frame, nor where it has replaced a page of the app."""
    speaks = {"speaks": f"""{_POST} post("location", {{}}); setTimeout(() => out("answers", answers.length), 400);"""}
    with framed_app(host.url, "elsewhere", speaks) as elsewhere:
        item = {"key": "item", "name": {"value": "Item"}, "url": f"{elsewhere.base_url}/page/speaks", "location": "x"}
        leaves = {"leaves": f"location.href = '{elsewhere.base_url}/page/speaks';"}
        with shown(host, profile, leaves, heard=[], also=elsewhere.base_url, modules={"webItems": [item]}) as pages:
            expect(pages.out("Item")).to_have_text('"answers" 0')
            expect(pages.out("leaves")).to_have_text('"answers" 0')


@pytest.mark.slow
@pytest.mark.node
def test_framed_pages_can_be_used_by_everybody(host: LiveHost, real_browser: Browser) -> None:
    """axe-core finds nothing serious in either theme, with notes and frames."""
    axe = node_packages() / "axe-core" / "axe.min.js"
    notes = 'AP.messages.error("No", "x".repeat(80)); AP.messages.info("Yes");'
    with (
        signed_in(real_browser, host, bypass_policy=True) as profile,
        shown(host, profile, {"notes": notes}) as pages,
    ):
        expect(pages.tab.locator(".note")).to_have_count(2)
        pages.tab.add_script_tag(path=axe)
        for theme in ("light", "dark"):
            pages.tab.emulate_media(color_scheme=theme)
            found = pages.tab.evaluate("axe.run({resultTypes: ['violations'], iframes: false})")
            assert [one["id"] for one in found["violations"] if one["impact"] in ("serious", "critical")] == []

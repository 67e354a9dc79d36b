"""Rules for every page: who may see it, where its forms come from, and that an app's content is only text."""

import dataclasses
import importlib
import json
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jinja2.meta
import pytest
from starlette.routing import Route

import roadstead.web
from roadstead.domain.apps import installations
from roadstead.web.page import Page, policy_source
from roadstead.web.routes import ROUTES
from tests.live import LiveHost, RecordingApp, recording_app
from tests.web.reading import document, main_text, submit

OPEN = {
    "/",
    "/-/sign-in",
    "/-/sign-in/password",
    "/-/invitation",
    "/-/sign-out",
    "/account/1/avatar",
    "/atlassian-connect/all.js",
    "/atlassian-connect/all-debug.js",
}
"""Pages for visitors who are not signed in. The first page then shows nothing, and its own test proves that."""

_UUID = "{0f4d1c1e-6a0d-4c0e-9a59-2b3f6d0d1111}"
_EXAMPLES = {
    "path": "README.md",
    "id": "1",
    "uuid": _UUID,
    "owner": "1",
    "root": "1/",
    "rest": "x",
    "end": "/",
    None: "1",
}

EVIL = "\"'><evil onclick=x>&amp;{{7*7}}{%x%}"


def _operations(method: str) -> list[str]:
    return [
        re.sub(r"{\w+(?::(\w+))?}", lambda found: _EXAMPLES[found[1]], route.path)
        for route in ROUTES
        if isinstance(route, Route) and isinstance(route.app, Page) and method in route.app.methods
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_are_for_who_is_signed_in(host: LiveHost, method: str) -> None:
    """Every other visitor is asked to sign in, before anything else is read."""
    asked = [path for path in _operations(method) if path not in OPEN]
    assert len(asked) > 5
    for path in asked:
        answer = httpx.request(method, f"{host.url}{path}")
        assert (answer.status_code, "roadstead sign-in" in answer.text) == (401, True), path


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/%0a", 404),
        ("GET", "/%0a/", 404),
        ("GET", "/-/lab%0a", 404),
        ("GET", "/-/apps/999", 404),
        ("POST", "/-/lab/nothing", 404),
        ("DELETE", "/-/lab", 405),
    ],
)
def test_an_error_is_a_page_among_the_others(
    host: LiveHost, browser: httpx.Client, method: str, path: str, status: int
) -> None:
    """A signed-in operator has the navigation there, too; a stranger has none, and a link to sign in."""
    strangers = httpx.request(method, f"{host.url}{path}", headers={"Accept": "text/html"})
    page = browser.request(method, path, headers={"Accept": "text/html"})
    assert page.status_code == status
    assert document(page).css("nav")
    assert not document(page).css("a[href='/-/sign-in']")
    assert not document(strangers).css("nav")
    assert document(strangers).css("a[href='/-/sign-in']")


def test_forms_must_be_ours(browser: httpx.Client) -> None:
    """Every form that another site could send with the operator's cookie is refused, and changes nothing."""
    for path in set(_operations("POST")) - OPEN:
        for sent in ({}, {"csrf": "0" * 64, "sure": "yes"}):
            assert browser.post(path, data=sent).status_code == 403, path


def test_a_form_that_cannot_be_read_is_refused(browser: httpx.Client) -> None:
    """A multipart body without a boundary, or cut off, is a bad request."""
    for kind in ("multipart/form-data", "multipart/form-data; boundary=x"):
        answer = browser.post("/-/install", content=b"--x\r\nnonsense", headers={"Content-Type": kind})
        assert answer.status_code in (400, 403), kind


def test_pages_run_and_load_only_what_is_ours(browser: httpx.Client) -> None:
    """The policy allows only this host's scripts, styles and connections, and no page has any inline."""
    for path in ("/", "/-/install", "/-/lab", "/-/apps/0", "/-/traffic", "/-/traffic/0", "/-/jwt", "/-/queue"):
        page = browser.get(path)
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        for node in document(page).css("*"):
            assert not [name for name in node.attributes if name == "style" or re.match(r"on|hx-on", name)], node.html
        for node in document(page).css("script, link[rel=stylesheet]"):
            assert str(node.attributes.get("src") or node.attributes.get("href")).startswith("/-/static/")


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("https://app.example/x?y#z", "https://app.example"),
        ("HTTP://user;sandbox@App.example:8080", "http://app.example:8080"),
        ("https://my_app:443/", "https://my_app"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
        ("http://[::1];sandbox/", "http://[::1]"),
        ("https://app.example;sandbox/", ""),
        ("https://app.example /", ""),
        ("https://*.example/", ""),
        ("https://*/", ""),
        ("https://{user.uuid}.example/", ""),
        ("https://büro.example/", ""),
        ("https://'self'/", ""),
        ("https://", ""),
        ("data:text/html,x", ""),
        ("", ""),
    ],
)
def test_policy_names_an_origin_and_nothing_else(url: str, source: str) -> None:
    """Only scheme, host and port of an app's URL get into a header, and no pattern."""
    assert policy_source(url) == source


@pytest.mark.parametrize("name", ["base.css", "htmx-2.0.11.min.js"])
def test_assets_are_asked_about_each_time(host: LiveHost, name: str) -> None:
    """After an upgrade no page gets an old stylesheet, and an unchanged one is not sent again."""
    first = httpx.get(f"{host.url}/-/static/{name}")
    assert (first.status_code, first.headers["cache-control"]) == (200, "no-cache")
    again = httpx.get(f"{host.url}/-/static/{name}", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.headers["cache-control"]) == (304, "no-cache")


# Contexts


def _contexts() -> Iterator[tuple[type, list[str]]]:
    for module in pkgutil.walk_packages(roadstead.web.__path__, "roadstead.web."):
        for found in vars(importlib.import_module(module.name)).values():
            doc = getattr(found, "__doc__", None) or ""
            if isinstance(found, type) and dataclasses.is_dataclass(found) and doc.startswith("Context of"):
                yield found, re.findall(r"`([\w/]+\.html)`", doc.partition("\n\n")[0].replace("\n", " "))


def test_a_template_sees_its_context_and_the_frame_alone() -> None:
    """Every page has one frozen dataclass, which names its template and has everything that the template uses."""
    folder = Path(roadstead.web.__file__).parent / "templates"
    environment = jinja2.Environment(autoescape=True)
    environment.filters |= {"ago": str, "exactly": str, "breakable": str, "avatar": str}
    seen = set()
    for context, templates in {(context, tuple(names)) for context, names in _contexts()}:
        assert context.__dataclass_params__.frozen, context  # type: ignore[attr-defined]
        known = {field.name for field in dataclasses.fields(context)} | {"frame"}
        for template in templates:
            parsed = environment.parse((folder / template).read_text("utf-8"))
            macros = {macro.name for macro in parsed.find_all(jinja2.nodes.Macro)}
            macros |= {found.target for found in parsed.find_all(jinja2.nodes.Import)}
            assert jinja2.meta.find_undeclared_variables(parsed) <= known | macros, template
            seen.add(template)
    assert {file.name for file in folder.glob("*.html")} - {"base.html"} == {name for name in seen if "/" not in name}


# An app's content


def _evil_app() -> dict[str, Any]:
    """Return a descriptor with markup everywhere a valid one may have text."""
    named = {
        "name": {"value": EVIL},
        "url": f"/{EVIL}",
        "location": EVIL,
        "tooltip": {"value": EVIL},
        "conditions": [{"condition": EVIL, "target": EVIL, "params": {EVIL: EVIL, "value": EVIL}}],
    }
    return {
        "name": EVIL,
        "description": EVIL,
        "vendor": {"name": EVIL, "url": EVIL},
        "links": {"self": f"http://127.0.0.1:9/{EVIL}", EVIL: EVIL},
        "contexts": [EVIL],
        EVIL: {EVIL: [EVIL]},
        "modules": {
            "linkers": [
                {"key": EVIL, "regex": f"{re.escape(EVIL)}|((?K)-\\d+)", "url": f"/x?{EVIL}\\1", "type": EVIL},
                {"key": "slow", "regex": r"(<evil>+)+(?=b)", "url": f"/{EVIL}"},
            ],
            "webhooks": [{"event": EVIL, "url": f"/{EVIL}"}],
            "webPanels": [{"key": "panel", **named}],
            "webItems": {"key": "item", **named},
            "configurePage": {"key": "configure", **named},
            "proxy": {f"/{EVIL}": {"destination": f"/{EVIL}"}},
            EVIL: [named],
        },
    }


def _shows_as_text(page: httpx.Response, *, at_least: int = 1) -> None:
    assert page.status_code in (200, 424), page.text
    assert document(page).css("evil, [onclick]") == []
    assert all(str(node.attributes.get("src")).startswith("/-/static/") for node in document(page).css("script"))
    assert main_text(page).count("<evil onclick=x>&amp;{{7*7}}") >= at_least


def test_what_an_app_wrote_is_text_on_every_page(
    host: LiveHost, browser: httpx.Client, connect_app: RecordingApp
) -> None:
    """A descriptor with markup in every field, and an app that answers with markup."""
    with recording_app(**_evil_app()) as app:
        app.descriptor["key"] = f"{EVIL}-{app.key}"
        app.status, app.answer = 200, EVIL
        link = f"/site/addons/authorize?descriptor_uri={app.descriptor_url}"
        _shows_as_text(browser.get(link), at_least=4)
        judged = submit(browser, browser.get("/-/install"), "/-/install", url=app.descriptor_url)
        _shows_as_text(judged, at_least=6)
        _shows_as_text(submit(browser, browser.get("/-/install"), "/-/install", text=json.dumps(app.descriptor)))
        _shows_as_text(submit(browser, judged, "/-/install/run", workspace="evil"))
        (installation,) = [found for found in host.work(installations.list_apps) if found.app_key == app.key]
        _shows_as_text(browser.get("/"), at_least=3)
        for tab, at_least in {"": 5, "/linkers": 5, "/calls": 3, "/descriptor": 15, "/modules": 4}.items():
            _shows_as_text(browser.get(f"/-/apps/{installation.id}{tab}"), at_least=at_least)
        page = browser.get(f"/-/apps/{installation.id}/settings")
        _shows_as_text(submit(browser, page, f"/-/apps/{installation.id}/secret#credentials"), at_least=3)
        _shows_as_text(browser.get(f"/-/apps/{installation.id}/modules?module=all"), at_least=12)
        _shows_as_text(browser.get(f"/-/apps/{installation.id}/values", params={"linker": EVIL}), at_least=3)
        tried = {"text": f"{EVIL} BB-1", "workspace": "evil", "regex": EVIL, "url": EVIL}
        _shows_as_text(browser.get("/-/lab", params={"how": "workspace", **tried}), at_least=3)
        _shows_as_text(browser.get("/-/lab", params={"how": "pattern", **tried}))
        app.status = 409
        refused = submit(browser, page, f"/-/apps/{installation.id}/renew")
        _shows_as_text(refused)
        _shows_as_text(submit(browser, judged, "/-/install/run", workspace="evil"))
        _shows_as_text(submit(browser, page, f"/-/apps/{installation.id}/uninstall#remove", sure="yes"))

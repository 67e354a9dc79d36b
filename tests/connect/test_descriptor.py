"""A descriptor is read whole: its members, modules, URLs and scopes."""

import json

import pytest

from roadstead.connect import (
    SCOPES,
    Descriptor,
    LinkerModule,
    Vendor,
    WebhookModule,
)
from roadstead.connect.modules_reader import MODULE_NAMES
from roadstead.connect.urls import origin_of
from tests.connect.descriptors import (
    ITEM,
    LINKER,
    ONE_OF_EACH,
    PAGE,
    PANEL,
    ROUTE,
    TIDY,
    WEBHOOK,
    findings_in,
    tidy,
    with_module,
    without,
)


def test_complete_descriptor_is_read_whole() -> None:
    """Proves that a descriptor with one module of each kind has no finding, and where everything ends up."""
    source = tidy(modules=ONE_OF_EACH)
    assert findings_in(source) == []
    descriptor = Descriptor.from_json(json.dumps(source))
    modules = descriptor.modules
    assert (descriptor.key, descriptor.name) == ("acme-issue-links", "Acme issue links")
    assert descriptor.description == "Turns ticket numbers into links."
    assert descriptor.vendor == Vendor("Acme", "https://acme.example")
    assert (descriptor.base_url, descriptor.authentication) == ("https://app.acme.example", "jwt")
    assert (descriptor.lifecycle.installed, descriptor.lifecycle.enabled) == ("/bb/installed", None)
    assert descriptor.scopes == ("account", "repository", "pullrequest")
    assert descriptor.contexts == ("account",)
    assert descriptor.links == TIDY["links"]
    assert modules.linkers == (LinkerModule("tickets", r"((?K)-\d+)", r"/t/\1"),)
    assert modules.webhooks == (WebhookModule("*", "/bb/webhook", {}),)
    assert (modules.web_items[0].key, modules.web_items[0].name) == ("item", "Page")
    assert modules.web_panels[0].conditions == ({"condition": "scm", "params": {"scm": "git"}},)
    assert modules.repo_pages[0].location == "org.bitbucket.repository.navigation"
    assert modules.general_pages[0].url == "/page?repo={repository.uuid}"
    assert modules.admin_pages[0].key == "admin-page"
    assert modules.configure_page is not None
    assert modules.profile_tabs[0].key == "profile-tab"
    assert modules.file_views[0].key == "file-view"
    assert modules.oauth_consumer is not None
    assert modules.oauth_consumer.client_id == "abc"
    assert (modules.proxy[0].path, modules.proxy[0].destination) == (
        next(iter(ONE_OF_EACH["proxy"])),
        ROUTE["destination"],
    )
    assert modules.custom_events[0].key == "acme:built"
    assert modules.post_install_redirect is not None
    assert modules.web_cards == ({"anything": 1},)
    assert modules.unknown == {}
    assert descriptor.source == source


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param({"authentication": {"type": "JWT"}}, {"authentication": "jwt"}, id="JWT in capitals"),
        pytest.param({"authentication": {"type": "none"}}, {"authentication": "none"}, id="no authentication"),
        pytest.param({"baseUrl": "https://a.example/"}, {"base_url": "https://a.example"}, id="slash at the end"),
        pytest.param({"baseUrl": "https://a.example/x"}, {"base_url": "https://a.example/x"}, id="path"),
        pytest.param({"baseUrl": "https://a.example:8443"}, {}, id="port"),
        pytest.param({"baseUrl": "HTTPS://A.example"}, {}, id="capitals in the URL"),
        pytest.param({"baseUrl": "http://localhost:3000"}, {}, id="http on localhost"),
        pytest.param({"baseUrl": "http://127.0.0.1:3000"}, {}, id="http on a loopback address"),
        pytest.param({"baseUrl": "http://[::1]:3000/x"}, {}, id="http on a loopback IPv6 address"),
        pytest.param({"baseUrl": "http://app.localhost"}, {}, id="http on a name below localhost"),
        pytest.param({"vendor": ...}, {"vendor": None}, id="no vendor"),
        pytest.param({"vendor": {"name": "Acme"}}, {"vendor": Vendor("Acme", None)}, id="vendor without URL"),
        pytest.param({"vendor": None}, {"vendor": None}, id="null for absent"),
        pytest.param({"contexts": ...}, {"contexts": ("account",)}, id="no contexts"),
        pytest.param({"contexts": []}, {"contexts": ("account",)}, id="empty contexts"),
        pytest.param({"scopes": []}, {"scopes": (), "effective_scopes": frozenset()}, id="no scope at all"),
        pytest.param({"key": "sentry.io.bitbucket"}, {"key": "sentry.io.bitbucket"}, id="dots in the key"),
        pytest.param({"forgeAppId": "ari:x", "forgeAppLink": "https://x", "definitions": {}}, {}, id="known, unused"),
        pytest.param({"lifecycle": {"installed": "https://b.example/i", "enabled": None}}, {}, id="absolute URL"),
        pytest.param({"lifecycle": TIDY["lifecycle"] | {"moved": 3}}, {}, id="unknown lifecycle event"),
        pytest.param({"modules": {}}, {}, id="no module"),
        pytest.param({"modules": None}, {}, id="modules null"),
    ],
)
def test_real_life_forms_are_accepted_without_a_word(change: dict[str, object], expected: dict[str, object]) -> None:
    """Proves that what living apps write is no cause for complaint, and what becomes of it."""
    descriptor = tidy(**change)
    assert findings_in(descriptor) == []
    read = Descriptor.from_json(json.dumps(descriptor))
    assert {name: getattr(read, name) for name in expected} == expected


@pytest.mark.sample(10)
@pytest.mark.parametrize(
    ("spelling", "value", "attribute"),
    [
        ("linker", LINKER, "linkers"),
        ("linkers", LINKER, "linkers"),
        ("webhook", [WEBHOOK], "webhooks"),
        ("webItem", ITEM, "web_items"),
        ("webPanel", PANEL, "web_panels"),
        ("webPanel", [PANEL, PANEL | {"key": "second"}], "web_panels"),
        ("repoPage", PAGE, "repo_pages"),
        ("generalPage", PAGE, "general_pages"),
        ("adminPage", PAGE, "admin_pages"),
        ("configurePage", [PAGE], "configure_page"),
        ("configurePages", [PAGE], "configure_page"),
        ("profileTab", PAGE, "profile_tabs"),
        ("fileView", PAGE, "file_views"),
        ("oauthConsumer", [{"clientId": "x"}], "oauth_consumer"),
        ("oauthConsumer", {"scopes": ["account"]}, "oauth_consumer"),
        ("postInstallRedirect", {"url": "https://acme.example/"}, "post_install_redirect"),
        ("webPanels", PANEL | {"name": "Plain", "tooltip": "Plain", "weight": 3}, "web_panels"),
        ("webPanels", PANEL | {"conditions": {"condition": "has_permission"}}, "web_panels"),
        ("webPanels", PANEL | {"conditions": [{"or": [{"condition": "has_file"}]}]}, "web_panels"),
        ("webPanels", PANEL | {"url": "https://{workspace.slug}.acme.example/panel"}, "web_panels"),
        ("webPanels", PANEL | {"icon": None, "params": None, "anything": "else"}, "web_panels"),
        ("webItems", without(without(ITEM, "name"), "url"), "web_items"),
        ("linkers", without(LINKER, "type"), "linkers"),
        ("linkers", LINKER | {"url": r"mailto:\1@acme.example"}, "linkers"),
        ("linkers", LINKER | {"url": r"\1"}, "linkers"),
    ],
)
def test_unusual_modules_are_accepted_without_a_word(spelling: str, value: object, attribute: str) -> None:
    """Proves that singular names, one object for an array and optional members are read like the usual form."""
    descriptor = with_module(spelling, value)
    assert findings_in(descriptor) == []
    assert getattr(Descriptor.from_json(json.dumps(descriptor)).modules, attribute)


def test_linkers_keep_their_order() -> None:
    """Proves the order that decides between linkers of one app, the old spelling coming last."""
    linkers = [LINKER | {"key": key} for key in ("z", "a", "m")]
    read = Descriptor.from_json(tidy(modules={"linker": LINKER, "linkers": linkers}))
    assert [linker.key for linker in read.modules.linkers] == ["z", "a", "m", "tickets"]


@pytest.mark.parametrize("module", sorted(ONE_OF_EACH))
def test_each_module_is_judged_alone(module: str) -> None:
    """Proves that no module needs another one."""
    assert findings_in(with_module(module, ONE_OF_EACH[module])) == []


def test_there_is_a_case_for_each_module() -> None:
    """Proves that the table of modules is complete."""
    assert ONE_OF_EACH.keys() == MODULE_NAMES


@pytest.mark.parametrize(
    ("base_url", "url", "joined"),
    [
        ("https://a.example", "/x", "https://a.example/x"),
        ("https://a.example/", "/x", "https://a.example/x"),
        ("https://a.example/", "x", "https://a.example/x"),
        ("https://a.example/app", "/x", "https://a.example/app/x"),
        ("https://a.example/app/", "x?y=1#z", "https://a.example/app/x?y=1#z"),
        ("https://a.example/app", "https://b.example/x", "https://b.example/x"),
        ("https://a.example/app", "HTTP://b.example", "HTTP://b.example"),
        ("https://a.example", "//b.example/x", "https://a.example/b.example/x"),
        ("https://a.example", "/x/{user.uuid}", "https://a.example/x/{user.uuid}"),
        ("https://a.example", "?x=1", "https://a.example/?x=1"),
        ("https://a.example", "", "https://a.example"),
    ],
)
def test_urls_are_joined_to_the_base_with_one_slash(base_url: str, url: str, joined: str) -> None:
    """Proves that the base keeps its path and that nothing relative leads to another host."""
    assert Descriptor.from_json(tidy(baseUrl=base_url)).url(url) == joined


@pytest.mark.parametrize(
    ("scopes", "effective"),
    [
        (..., SCOPES),
        ([], set()),
        (["pullrequest"], {"pullrequest", "repository"}),
        (["project:write"], {"project:admin"}),
    ],
)
def test_effective_scopes_are_all_an_app_may_do(scopes: object, effective: set[str]) -> None:
    """Proves that absent scopes mean all, empty ones none, and that implied ones are among them."""
    assert Descriptor.from_json(tidy(scopes=scopes)).effective_scopes == effective


def test_source_survives_a_round_trip() -> None:
    """Proves that what is stored says what was sent, unknown members and all."""
    source = tidy(modules=ONE_OF_EACH | {"future": [1.5, None, "é😀"]}, mascot={"owl": True})
    descriptor = Descriptor.from_json(source)
    again = Descriptor.from_json(descriptor.to_json())
    assert json.loads(descriptor.to_json()) == source
    assert list(json.loads(descriptor.to_json())) == list(source)
    assert again == descriptor


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://App.example/x?y#z", "https://app.example"),
        ("HTTPS://app.example:443", "https://app.example"),
        ("http://app.example:443/", "http://app.example:443"),
        ("http://127.0.0.1:80/a", "http://127.0.0.1"),
        ("http://[::1]:7990/a", "http://[::1]:7990"),
        ("http://name:word@app.example/", "http://app.example"),
    ],
)
def test_origin_is_that_of_browsers(url: str, origin: str) -> None:
    """Scheme, host and port, in one spelling."""
    assert origin_of(url) == origin

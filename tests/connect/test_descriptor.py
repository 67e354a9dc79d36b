import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roadstead.connect import (
    SCOPES,
    Descriptor,
    Finding,
    InvalidDescriptor,
    LinkerModule,
    Vendor,
    WebhookModule,
    check_descriptor,
)
from roadstead.connect.findings import MAX_FINDINGS
from roadstead.connect.modules_reader import MODULE_NAMES
from roadstead.connect.urls import origin_of

MINIMAL: dict[str, Any] = {
    "key": "acme-issue-links",
    "name": "Acme issue links",
    "baseUrl": "https://app.acme.example",
    "authentication": {"type": "jwt"},
}
TIDY: dict[str, Any] = MINIMAL | {
    "description": "Turns ticket numbers into links.",
    "vendor": {"name": "Acme", "url": "https://acme.example"},
    "lifecycle": {"installed": "/bb/installed", "uninstalled": "/bb/uninstalled"},
    "scopes": ["account", "repository", "pullrequest"],
    "contexts": ["account"],
    "links": {"support": "https://acme.example/support"},
}
LINKER = {"key": "tickets", "regex": r"((?K)-\d+)", "url": r"/t/\1", "type": "href"}
WEBHOOK = {"event": "*", "url": "/bb/webhook"}
PAGE = {"key": "page", "name": {"value": "Page"}, "url": "/page?repo={repository.uuid}"}
PANEL = PAGE | {"location": "org.bitbucket.repository.overview.informationPanel"}
ITEM = PAGE | {"location": "org.bitbucket.repository.navigation"}
ROUTE = {"destination": "/bb/land?pr={pullrequest.id}", "methods": {"POST": {"scopes": ["pullrequest:write"]}}}
ONE_OF_EACH: dict[str, Any] = {
    "linkers": [LINKER],
    "webhooks": [WEBHOOK],
    "webItems": [ITEM | {"key": "item"}],
    "webPanels": [PANEL | {"key": "panel", "conditions": [{"condition": "scm", "params": {"scm": "git"}}]}],
    "repoPages": [PAGE | {"key": "repo-page", "location": "org.bitbucket.repository.navigation"}],
    "generalPages": [PAGE | {"key": "general-page"}],
    "adminPages": [PAGE | {"key": "admin-page"}],
    "configurePage": PAGE | {"key": "configure-page"},
    "profileTabs": [PAGE | {"key": "profile-tab"}],
    "fileViews": [PAGE | {"key": "file-view"}],
    "oauthConsumer": {"clientId": "abc"},
    "proxy": {"/can-land/{repository}/{pullrequest}": ROUTE},
    "customEvents": {"acme:built": {"schema": {"type": "object"}}},
    "postInstallRedirect": {"key": "welcome", "url": "/welcome?user={target_user.username}"},
    "webCards": [{"anything": 1}],
}


def tidy(**changes: object) -> dict[str, object]:
    """Return a descriptor without findings, except for `changes`; a property changed to `...` is left out."""
    return {name: value for name, value in (TIDY | changes).items() if value is not ...}


def with_module(name: str, value: object) -> dict[str, object]:
    return tidy(modules={name: value})


def without(members: Mapping[str, object], name: str) -> dict[str, object]:
    return {other: value for other, value in members.items() if other != name}


def findings_in(descriptor: object) -> list[Finding]:
    return check_descriptor(json.dumps(descriptor, indent=1))


def severities(descriptor: object) -> list[str]:
    return [finding.severity for finding in findings_in(descriptor)]


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


WARNINGS = [
    ({"authentication": ...}, "", 'authentication is missing, and taken as "none"'),
    ({"authentication": None}, "", 'authentication is missing, and taken as "none"'),
    ({"description": ...}, "", "description is missing"),
    ({"description": 3}, "description", "a number, not a string"),
    ({"description": ""}, "description", "empty"),
    ({"lifecycle": ...}, "lifecycle", "will not learn its shared secret"),
    ({"lifecycle": {"uninstalled": "/u"}}, "lifecycle", "will not learn its shared secret"),
    ({"vendor": "Acme"}, "vendor", "a string, not an object"),
    ({"vendor": {"url": "https://acme.example"}}, "vendor", "name is missing"),
    ({"links": []}, "links", "an array, not an object"),
    ({"key": "acme issue links"}, "key", "key is not 1 to 64"),
    ({"key": "k" * 65}, "key", "key is not 1 to 64"),
    ({"key": "schlüssel"}, "key", "key is not 1 to 64"),
    ({"baseUrl": "http://app.acme.example"}, "baseUrl", "not https"),
    ({"baseUrl": "http://localhost.acme.example"}, "baseUrl", "not https"),
    ({"scopes": ["project:write"]}, "scopes[0]", "deprecated"),
    ({"contexts": ["personal"]}, "contexts[0]", "removed"),
    ({"contexts": ["team"]}, "contexts[0]", "no context 'team'"),
    ({"apiMigrations": {"gdpr": True}}, "apiMigrations", "for Jira"),
    ({"modules": {"webPanelz": []}}, "modules.webPanelz", "no module 'webPanelz'"),
    ({"modules": {"webPanels": PANEL | {"location": "org.elsewhere"}}}, "modules.webPanels.location", "no location"),
    (
        {"modules": {"webPanels": PANEL | {"url": "/{snippet.name}"}}},
        "modules.webPanels.url",
        "needs the scope snippet",
    ),
    ({"modules": {"webPanels": PANEL | {"url": "/{repo.path}"}}}, "modules.webPanels.url", "no such parameter"),
    ({"modules": {"webPanels": PANEL | {"url": "/{repos_path}"}}}, "modules.webPanels.url", "no such parameter"),
    (
        {"modules": {"webPanels": PANEL | {"url": "/{snippet_id}"}}},
        "modules.webPanels.url",
        "needs the scope snippet",
    ),
    ({"modules": {"webPanels": PANEL | {"weight": "1"}}}, "modules.webPanels.weight", "not an integer"),
    ({"modules": {"webPanels": PANEL | {"icon": "x"}}}, "modules.webPanels.icon", "not an object"),
    ({"modules": {"webPanels": PANEL | {"params": []}}}, "modules.webPanels.params", "not an object"),
    ({"modules": {"webPanels": PANEL | {"tooltip": {}}}}, "modules.webPanels.tooltip", "value is missing"),
    (
        {"modules": {"webPanels": PANEL | {"conditions": [{"condition": "is_sunny"}]}}},
        "modules.webPanels.conditions[0].condition",
        "no condition 'is_sunny'",
    ),
    (
        {"scopes": [], "modules": {"repoPages": PAGE | {"url": "/", "conditions": [{"condition": "scm"}]}}},
        "modules.repoPages.conditions[0].condition",
        "needs the scope repository",
    ),
    ({"modules": {"linkers": [LINKER | {"key": "a_b"}]}}, "modules.linkers[0].key", "more than letters"),
    ({"modules": {"linkers": [LINKER | {"key": "k" * 129}]}}, "modules.linkers[0].key", "128 are allowed"),
    ({"modules": {"linkers": [LINKER | {"regex": "\bX-\\d"}]}}, "modules.linkers[0].regex", "control character"),
    ({"modules": {"linkers": [LINKER | {"type": "image"}]}}, "modules.linkers[0].type", "treated as href"),
    ({"modules": {"linkers": [LINKER | {"url": "javascript:x"}]}}, "modules.linkers[0].url", "never becomes a link"),
    ({"modules": {"adminPages": PAGE | {"key": "admin.page"}}}, "modules.adminPages.key", "more than letters"),
    (
        {"modules": {"proxy": {"/a b": ROUTE | {"methods": {"PATCH": {}}}}}},
        "modules.proxy['/a b'].methods.PATCH",
        "does not forward",
    ),
]


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("repo_path", "repository.full_name"),
        ("repo_uuid", "repository.uuid"),
        ("user_uuid", "user.uuid"),
        ("target_user_uuid", "target_user.uuid"),
        ("file_cset", "file.commit.hash"),
        ("file_path", "file.path"),
    ],
)
def test_a_short_name_of_a_parameter_is_worth_a_note(short: str, long: str) -> None:
    """Proves that a descriptor of before 2018 is told what its parameters are called now, and is no worse for them."""
    findings = findings_in(tidy(modules={"webPanels": PANEL | {"url": f"/{{{short}}}?{{repository.slug}}"}}))
    assert [(finding.severity, finding.place) for finding in findings] == [("note", "modules.webPanels.url")]
    assert f"'{{{short}}}'" in findings[0].message
    assert f"{{{long}}}" in findings[0].fix


@pytest.mark.parametrize(("change", "place", "message"), WARNINGS)
def test_doubtful_descriptors_are_accepted_with_a_warning(change: dict[str, object], place: str, message: str) -> None:
    """Proves that what may be a mistake is told, and never keeps an app from being installed."""
    findings = findings_in(tidy(**change))
    assert [finding.severity for finding in findings] == ["warning"]
    assert (findings[0].place, message in findings[0].message) == (place, True)
    assert Descriptor.from_json(tidy(**change)).name == TIDY["name"]


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        ({"apiVersion": 2}, "apiVersion", "no effect"),
        ({"enableLicensing": False}, "enableLicensing", "no effect"),
        ({"mascot": "owl"}, "mascot", "not known"),
        ({"basUrl": "https://x.example"}, "basUrl", "not known"),
        ({"scopes": ...}, "", "all of them"),
    ],
)
def test_what_has_no_effect_is_noted(change: dict[str, object], place: str, message: str) -> None:
    """Proves that unknown members are kept and only noted."""
    (finding,) = findings_in(tidy(**change))
    assert (finding.severity, finding.place) == ("note", place)
    assert message in finding.message
    kept = {name: value for name, value in change.items() if value is not ...}
    assert kept.items() <= Descriptor.from_json(tidy(**change)).source.items()


ERRORS: list[tuple[dict[str, Any], str, str]] = [
    *(
        (dict[str, Any]({name: value}), "" if value is ... or value is None else name, message)
        for name in ("key", "name", "baseUrl")
        for value, message in [
            (..., "missing"),
            (None, "missing"),
            ("", "empty"),
            (" \t", "empty"),
            (3, "a number, not a string"),
            (["x"], "an array, not a string"),
            ("\0", "NUL"),
        ]
    ),
    ({"key": "a\nb"}, "key", "control character"),
    ({"key": "a\x7fb"}, "key", "control character"),
    ({"key": "k" * 256}, "key", "255 are allowed"),
    ({"baseUrl": "app.acme.example"}, "baseUrl", "not an absolute"),
    ({"baseUrl": "/bb"}, "baseUrl", "not an absolute"),
    ({"baseUrl": "//app.acme.example"}, "baseUrl", "not an absolute"),
    ({"baseUrl": "{{localBaseUrl}}"}, "baseUrl", "not an absolute"),
    ({"baseUrl": "ftp://app.acme.example"}, "baseUrl", "not an absolute"),
    ({"baseUrl": "javascript:alert(1)"}, "baseUrl", "not an absolute"),
    ({"baseUrl": "file:///etc/passwd"}, "baseUrl", "not an absolute"),
    ({"baseUrl": "https:"}, "baseUrl", "no host"),
    ({"baseUrl": "https://"}, "baseUrl", "no host"),
    ({"baseUrl": "https:///x"}, "baseUrl", "no host"),
    ({"baseUrl": "https://:443"}, "baseUrl", "no host"),
    ({"baseUrl": "https://a..b"}, "baseUrl", "no host"),
    ({"baseUrl": "https://a.example,b.example"}, "baseUrl", "no host"),
    ({"baseUrl": "https://{user}.example"}, "baseUrl", "no host"),
    ({"baseUrl": "https://a.example:99999"}, "baseUrl", "impossible host or port"),
    ({"baseUrl": "https://a.example:x"}, "baseUrl", "impossible host or port"),
    ({"baseUrl": "http://localhost:0"}, "baseUrl", "has port 0"),
    ({"lifecycle": {"installed": "https://a.example:0/"}}, "lifecycle.installed", "has port 0"),
    ({"baseUrl": "https://[::1"}, "baseUrl", "impossible"),
    ({"baseUrl": "https://[nonsense]"}, "baseUrl", "impossible"),
    ({"baseUrl": "http://[::1];sandbox"}, "baseUrl", "impossible"),
    ({"baseUrl": "http://[::1]x"}, "baseUrl", "impossible"),
    ({"baseUrl": "http://x[::1]"}, "baseUrl", "impossible"),
    ({"baseUrl": "http://[::1%25lo]"}, "baseUrl", "impossible"),
    ({"baseUrl": "https://a.example;sandbox"}, "baseUrl", "no host"),
    ({"baseUrl": "https://büro.example/x"}, "baseUrl", "is written xn--bro-hoa.example"),
    ({"baseUrl": "https://приложение.example:8443"}, "baseUrl", "is written xn--"),
    ({"baseUrl": "https://ⓔxample.com"}, "baseUrl", "is written example.com"),
    ({"baseUrl": "https://" + "ü" * 70}, "baseUrl", "is written xn--…"),
    ({"lifecycle": {"installed": "https://büro.example/"}}, "lifecycle.installed", "is written xn--bro-hoa.example"),
    ({"lifecycle": {"installed": "https://[::1];x/"}}, "lifecycle.installed", "impossible"),
    ({"baseUrl": "https://user@a.example"}, "baseUrl", "user name"),
    ({"baseUrl": "https://user:pass@a.example"}, "baseUrl", "user name"),
    ({"baseUrl": "https://@a.example"}, "baseUrl", "user name"),
    ({"baseUrl": "https://a.example?x=1"}, "baseUrl", "query"),
    ({"baseUrl": "https://a.example/?"}, "baseUrl", "query"),
    ({"baseUrl": "https://a.example/#x"}, "baseUrl", "fragment"),
    ({"baseUrl": "https://a.example/ x"}, "baseUrl", "a space"),
    ({"baseUrl": "https://a.example\\@b.example"}, "baseUrl", "backslash"),
    ({"baseUrl": "https://a.example\r\nX: y"}, "baseUrl", "control character"),
    ({"baseUrl": "https://a.example/" + "x" * 2048}, "baseUrl", "2048 are allowed"),
    ({"authentication": "jwt"}, "authentication", "a string, not an object"),
    ({"authentication": {}}, "authentication", "type is missing"),
    ({"authentication": {"type": 1}}, "authentication.type", "a number, not a string"),
    ({"authentication": {"type": "oauth"}}, "authentication.type", "no authentication 'oauth'"),
    ({"lifecycle": {"installed": 1}}, "lifecycle.installed", "a number, not a string"),
    ({"lifecycle": {"installed": "ftp://x/y"}}, "lifecycle.installed", "not an absolute"),
    ({"lifecycle": {"installed": "/a b"}}, "lifecycle.installed", "a space"),
    ({"lifecycle": {"installed": "/" + "a" * 2048}}, "lifecycle.installed", "2048 are allowed"),
    ({"scopes": None}, "scopes", "null, not an array"),
    ({"scopes": "account"}, "scopes", "a string, not an array"),
    ({"scopes": [1]}, "scopes[0]", "holds a number"),
    ({"scopes": ["account", "acount"]}, "scopes[1]", "no scope 'acount'"),
    ({"scopes": ["Account"]}, "scopes[0]", "no scope 'Account'"),
    ({"contexts": "account"}, "contexts", "a string, not an array"),
    ({"modules": []}, "modules", "an array, not an object"),
    ({"modules": {"linkers": "x"}}, "modules.linkers", "a string, not an array"),
    ({"modules": {"linkers": [None]}}, "modules.linkers[0]", "holds null"),
    ({"modules": {"linkers": [LINKER | {"key": "a/\0"}]}}, "modules.linkers[0].key", "NUL"),
    ({"modules": {"linkers": [LINKER | {"key": "k" * 256}]}}, "modules.linkers[0].key", "255 are allowed"),
    ({"modules": {"linkers": [LINKER | {"regex": "a\0"}]}}, "modules.linkers[0].regex", "NUL"),
    ({"modules": {"linkers": [LINKER | {"regex": True}]}}, "modules.linkers[0].regex", "a boolean"),
    ({"modules": {"linkers": [LINKER | {"url": ""}]}}, "modules.linkers[0].url", "empty"),
    ({"modules": {"linkers": [LINKER | {"url": "/\t1"}]}}, "modules.linkers[0].url", "control character"),
    ({"modules": {"linkers": [LINKER | {"url": "/" + "u" * 2048}]}}, "modules.linkers[0].url", "2048 are allowed"),
    ({"modules": {"linkers": [LINKER | {"type": 1}]}}, "modules.linkers[0].type", "a number"),
    ({"modules": {"linkers": [LINKER, LINKER]}}, "modules.linkers[1].key", "also the key of modules.linkers[0]"),
    (
        {"modules": {"linkers": LINKER, "webPanel": PANEL | {"key": "tickets"}}},
        "modules.webPanel.key",
        "modules.linkers",
    ),
    ({"modules": {"webhooks": [WEBHOOK | {"event": "e" * 65}]}}, "modules.webhooks[0].event", "64 are allowed"),
    ({"modules": {"webhooks": [WEBHOOK | {"url": "javascript:x"}]}}, "modules.webhooks[0].url", "not an absolute"),
    ({"modules": {"webhooks": [WEBHOOK | {"url": "https:///x"}]}}, "modules.webhooks[0].url", "no host"),
    ({"modules": {"webPanels": [PANEL | {"key": "a_b"}]}}, "modules.webPanels[0].key", "more than letters"),
    ({"modules": {"webPanels": [PANEL | {"key": "k" * 129}]}}, "modules.webPanels[0].key", "128 are allowed"),
    ({"modules": {"webPanels": [PANEL | {"location": "l" * 129}]}}, "modules.webPanels[0].location", "128 are allowed"),
    ({"modules": {"webPanels": [PANEL | {"name": {}}]}}, "modules.webPanels[0].name", "value is missing"),
    ({"modules": {"webPanels": [PANEL | {"conditions": [1]}]}}, "modules.webPanels[0].conditions[0]", "holds a number"),
    ({"modules": {"configurePage": [PAGE, PAGE | {"key": "b"}]}}, "modules.configurePage", "There are 2"),
    ({"modules": {"oauthConsumer": [{}, {}]}}, "modules.oauthConsumer", "There are 2"),
    ({"modules": {"proxy": []}}, "modules.proxy", "an array, not an object"),
    ({"modules": {"proxy": {"/a": "/b"}}}, "modules.proxy['/a']", "a string, not an object"),
    ({"modules": {"customEvents": {"e": 1}}}, "modules.customEvents.e", "a number, not an object"),
]


@pytest.mark.parametrize(("change", "place", "message"), ERRORS)
def test_bad_descriptors_are_refused(change: dict[str, object], place: str, message: str) -> None:
    """Proves that each fault is an error, where it is and what it is."""
    errors = [finding for finding in findings_in(tidy(**change)) if finding.severity == "error"]
    assert place in [error.place for error in errors]
    assert any(message in error.message for error in errors)
    with pytest.raises(InvalidDescriptor, match=r"\w"):
        Descriptor.from_json(tidy(**change))


@pytest.mark.parametrize("document", ["", "descriptor", "null", "[]", '"{}"', "3", "{", "{}", "[{}]", '{"key":}'])
def test_other_documents_are_refused(document: str) -> None:
    """Proves that what is no descriptor at all gets a reason, as text and as bytes."""
    for data in (document, document.encode()):
        with pytest.raises(InvalidDescriptor) as refusal:
            Descriptor.from_json(data)
        assert str(refusal.value)


@pytest.mark.parametrize(
    "value",
    [
        pytest.param({"key": object()}, id="no JSON value"),
        pytest.param({"key": "\ud800"}, id="half a surrogate pair"),
        pytest.param({"key": 2**70}, id="more than 64 bits"),
        pytest.param({"x": 2**63}, id="more than 63 bits"),
        pytest.param({1: 2}, id="a name that is a number"),
        pytest.param([], id="a list"),
        pytest.param(None, id="nothing"),
        pytest.param(7, id="a number"),
    ],
)
def test_decoded_values_of_any_kind_are_refused(value: Any) -> None:
    """Proves that what an API call may carry in place of a descriptor is refused like any other."""
    with pytest.raises(InvalidDescriptor) as refusal:
        Descriptor.from_json(value)
    assert refusal.value.findings[0].line is None


def test_nested_lists_in_a_decoded_value_are_refused() -> None:
    """Proves that depth is limited also where it was decoded already, and far beyond what Python can encode."""
    nested: list[object] = []
    for _ in range(100_000):
        nested = [nested]
    with pytest.raises(InvalidDescriptor):
        Descriptor.from_json({"x": nested})


def test_all_problems_are_told_at_once_in_the_order_of_the_text() -> None:
    """Proves that an author need not find them one by one, and that each has its line and column."""
    text = """{
  "key": "acme",
  "name": 1,
  "baseUrl": "acme.example",
  "authentication": {"type": "basic"},
  "modules": {
    "linkers": [
      {"key": "tickets", "regex": "BB-\\d+"}
    ]
  }
}"""
    with pytest.raises(InvalidDescriptor) as refusal:
        Descriptor.from_json(text)
    errors = [finding for finding in refusal.value.findings if finding.severity == "error"]
    assert [(error.place, error.line, error.column) for error in errors] == [
        ("name", 3, 11),
        ("baseUrl", 4, 14),
        ("authentication.type", 5, 30),
        ("modules.linkers[0]", 8, 7),
        ("", 8, 39),
    ]
    assert list(refusal.value.findings) == check_descriptor(text)


def test_long_refusals_stay_readable() -> None:
    """Proves that a message lists the first errors, counts the rest and ends at a limit."""
    with pytest.raises(InvalidDescriptor, match=r"scopes\[9\].*\n\(\d+ more\)$") as refusal:
        Descriptor.from_json(tidy(scopes=[f"x{n}" for n in range(1000)]))
    assert len(refusal.value.findings) == MAX_FINDINGS + 1


def test_messages_hold_nothing_a_terminal_obeys() -> None:
    """Proves that another's descriptor cannot write to the terminal of the user who checks it."""
    hostile = "\x1b[2J\x9b\r\n\u202e"
    source = tidy(
        authentication={"type": hostile},
        scopes=[hostile, "x" * 100_000],
        contexts=[hostile],
        modules={
            hostile: 1,
            "proxy": {hostile: 1, "x" * 100_000: 1},
            "webPanels": PANEL | {"url": f"/{{x{hostile}}}", "location": hostile},
        },
    ) | {hostile: 1}
    findings = findings_in(source)
    assert len(findings) >= 10
    for finding in findings:
        assert (finding.place + finding.message + finding.fix).isprintable()
        assert len(finding.message) < 200


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


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["jwt", "account", "https://a.example", "/x", "key"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(max_size=3)
            | st.sampled_from(["key", "regex", "url", "type", "name", "event", "value", "condition"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)
descriptors = st.fixed_dictionaries(
    {name: st.just(value) | json_values for name, value in MINIMAL.items()},
    optional={
        **{name: st.just(TIDY[name]) | json_values for name in ("lifecycle", "scopes", "contexts", "vendor")},
        "modules": st.dictionaries(st.sampled_from(sorted(MODULE_NAMES)), json_values, max_size=3) | json_values,
    },
)


def is_accepted(data: Any) -> bool:
    try:
        descriptor = Descriptor.from_json(data)
    except InvalidDescriptor as refusal:
        assert any(finding.severity == "error" for finding in refusal.findings)  # noqa: PT017 - both ends are wanted
        return False
    assert Descriptor.from_json(descriptor.to_json()) == descriptor
    return True


@given(descriptors | json_values)
def test_any_object_is_accepted_or_refused(value: object) -> None:
    """Proves that no value raises anything else, that all forms of it are judged alike, and that lint agrees."""
    text = json.dumps(value)
    accepted = is_accepted(text)
    assert accepted == is_accepted(text.encode())
    assert accepted == ("error" not in [finding.severity for finding in check_descriptor(text)])
    is_accepted(value)


@given(st.binary(max_size=60) | st.text(max_size=60) | st.text(max_size=20).map(lambda text: f'["\\{text}'))
def test_any_document_is_accepted_or_refused(data: bytes | str) -> None:
    """Proves that no text and no bytes raise anything else, and that what is told about them can be printed."""
    findings = check_descriptor(data)
    assert is_accepted(data) == ("error" not in [finding.severity for finding in findings])
    assert all((finding.place + finding.message + finding.fix).isprintable() for finding in findings)


@given(st.integers(0, 600), st.integers(0, 600))
def test_damaged_descriptors_are_accepted_or_refused(start: int, length: int) -> None:
    """Proves the same where it is most likely to fail: a real descriptor with a piece missing."""
    text = json.dumps(tidy(modules=ONE_OF_EACH))
    damaged = text[:start] + text[start + length :]
    assert is_accepted(damaged) == ("error" not in [finding.severity for finding in check_descriptor(damaged)])


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

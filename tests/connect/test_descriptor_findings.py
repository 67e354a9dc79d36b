"""What is said of a descriptor: warnings, notes, and the errors for which it is refused."""

from typing import Any

import pytest

from roadstead.connect import (
    Descriptor,
    InvalidDescriptor,
    check_descriptor,
)
from roadstead.connect.findings import MAX_FINDINGS
from tests.connect.descriptors import LINKER, PAGE, PANEL, ROUTE, TIDY, WEBHOOK, findings_in, tidy

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


@pytest.mark.parametrize("parameter", ["{repository[}", "{repository.\u2100}", "{repository@a:80}"])
def test_no_parameter_spoils_a_host(parameter: str) -> None:
    """Proves that a parameter that stays unreplaced leaves a URL that can be read."""
    (error, *_) = findings_in(tidy(modules={"webPanels": PANEL | {"url": f"https://x{parameter}/"}}))
    assert (error.severity, error.message) == ("error", "url has an impossible host or port.")


@pytest.mark.sample(12)
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


@pytest.mark.sample(35)
@pytest.mark.parametrize(("change", "place", "message"), ERRORS)
def test_bad_descriptors_are_refused(change: dict[str, object], place: str, message: str) -> None:
    """Proves that each fault is an error, where it is and what it is."""
    errors = [finding for finding in findings_in(tidy(**change)) if finding.severity == "error"]
    assert place in [error.place for error in errors]
    assert any(message in error.message for error in errors)
    with pytest.raises(InvalidDescriptor, match=r"\w"):
        Descriptor.from_json(tidy(**change))


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

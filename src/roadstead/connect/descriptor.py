"""
The descriptor: the JSON object in which an app states its name, its URL and its modules.

One reading serves both purposes: `Descriptor.from_json` refuses a descriptor with an error, and `check_descriptor`
returns all findings, so that the two cannot disagree. Source of the rules: Atlassian's page "App descriptor".
Descriptors that were in use break some of the rules; a harmless breach is a warning, or accepted without one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Literal

import msgspec

from roadstead.connect.findings import TOO_MANY, Finding, InvalidDescriptor, Path, shown
from roadstead.connect.json_source import JsonSource, Position, read_json
from roadstead.connect.members import Members, Report, TooManyFindings
from roadstead.connect.modules import Modules
from roadstead.connect.modules_reader import MAX_KEY_LENGTH, read_modules
from roadstead.connect.scopes import RENAMED, SCOPES, UnknownScope, canonical_scope, implied_by
from roadstead.connect.urls import (
    MAX_URL_LENGTH,
    base_url_fault,
    is_loopback,
    join,
    scheme_of,
    usable_base_url,
    web_url_fault,
)

Authentication = Literal["jwt", "none"]

PROPERTIES = frozenset(
    {
        "key",
        "name",
        "description",
        "vendor",
        "baseUrl",
        "authentication",
        "lifecycle",
        "modules",
        "scopes",
        "contexts",
        "definitions",
        "links",
        "apiVersion",
        "enableLicensing",
        "apiMigrations",
        "forgeAppLink",
        "forgeAppId",
    }
)
"""The known top-level properties; others are kept and noted."""

# Jira's and Confluence's rule for app keys. Bitbucket publishes none, and its apps keep to this one.
_APP_KEY = re.compile(r"[a-zA-Z0-9._-]{1,64}")


@dataclass(frozen=True, slots=True)
class Vendor:
    """The app's vendor."""

    name: str
    url: str | None


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """The URLs to which the host posts lifecycle calls, as written; None where the app gives none."""

    installed: str | None
    uninstalled: str | None
    enabled: str | None
    disabled: str | None


@dataclass(frozen=True, slots=True)
class Descriptor:
    """
    A descriptor without an error.

    `base_url` is without a slash at its end. `scopes` are as written, None if the app asks for all. `source` is the
    whole object as received, unknown members included.
    """

    key: str
    name: str
    description: str | None
    vendor: Vendor | None
    base_url: str
    authentication: Authentication
    lifecycle: Lifecycle
    modules: Modules
    scopes: tuple[str, ...] | None
    contexts: tuple[str, ...]
    links: Mapping[str, object]
    source: Mapping[str, object]

    @classmethod
    def from_json(cls, data: bytes | str | Mapping[str, object]) -> "Descriptor":
        """
        Return the descriptor in a JSON text or in an object that was decoded from one.

        Raise `InvalidDescriptor` with all findings.
        """
        if isinstance(data, bytes | str):
            descriptor, findings = _examine(read_json(data))
        else:
            descriptor, findings = _examine_object(data)
        if descriptor is None:
            raise InvalidDescriptor(findings)
        return descriptor

    @classmethod
    def from_accepted(cls, text: str) -> "Descriptor":
        """
        Return the descriptor in a JSON text that an earlier version accepted, whatever the rules of this one are.

        If they refuse it, it has no modules but its linkers, and a base URL that leads nowhere if they refuse that.
        """
        source = read_json(text)
        report = Report(source)
        members = source.value if isinstance(source.value, dict) else {}
        descriptor = _read(Members(members, (), report))
        if all(finding.severity != "error" for finding in report.findings):
            return descriptor
        modules = replace(read_modules(Members({}, (), report), SCOPES), linkers=descriptor.modules.linkers)
        return replace(descriptor, base_url=usable_base_url(descriptor.base_url), modules=modules)

    @property
    def effective_scopes(self) -> frozenset[str]:
        """Return every scope of the app: those it asks for and those they imply."""
        return SCOPES if self.scopes is None else implied_by(self.scopes)

    def url(self, relative_or_absolute: str) -> str:
        """Return one of the descriptor's URLs as an absolute one."""
        return join(self.base_url, relative_or_absolute)

    def to_json(self) -> str:
        """Return the descriptor as a JSON text from which `from_json` makes an equal one."""
        return msgspec.json.encode(self.source).decode()


def check_descriptor(data: bytes | str) -> list[Finding]:
    """
    Return all findings in the descriptor in a JSON text, in the order of the text.

    If none of them is an error, `Descriptor.from_json` accepts the text; otherwise it does not.
    """
    return _examine(read_json(data))[1]


def position_of(data: bytes | str, path: Path) -> Position:
    """Return line and column, from 1, of the value at `path`, or of the nearest one around it."""
    return read_json(data).position_of(path)


def _examine_object(data: Mapping[str, object]) -> tuple[Descriptor | None, list[Finding]]:
    try:
        text = msgspec.json.encode(data)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        # Other decoders let half surrogate pairs and integers of more than 64 bits through.
        refusal = Finding("error", (), "The descriptor cannot be written as JSON.", "Send a plain JSON object.")
        return None, [refusal]
    descriptor, findings = _examine(read_json(text))
    return descriptor, [replace(finding, line=None, column=None) for finding in findings]


def _examine(source: JsonSource) -> tuple[Descriptor | None, list[Finding]]:
    report = Report(source)
    descriptor: Descriptor | None = None
    surplus: list[Finding] = []
    try:
        if isinstance(source.value, dict):
            descriptor = _read(Members(source.value, (), report))
        elif source.readable:
            report.error((), "A descriptor is a JSON object.", 'Begin it with "{" and end it with "}".')
    except TooManyFindings:
        surplus = [Finding("error", (), *TOO_MANY, *source.position_of(()))]
    findings = sorted(report.findings, key=lambda finding: (finding.line or 0, finding.column or 0)) + surplus
    refused = any(finding.severity == "error" for finding in findings)
    return None if refused else descriptor, findings


def _read(top: Members) -> Descriptor:
    scopes = _scopes(top)
    granted = SCOPES if scopes is None else implied_by(scopes)
    descriptor = Descriptor(
        key=_app_key(top),
        name=top.text("name"),
        description=_description(top),
        vendor=_vendor(top),
        base_url=_base_url(top),
        authentication=_authentication(top),
        lifecycle=_lifecycle(top),
        modules=read_modules(top.child("modules"), granted),
        scopes=scopes,
        contexts=_contexts(top),
        links=top.mapping("links", "warning"),
        source=top.members,
    )
    _note_what_has_no_effect(top)
    return descriptor


def _app_key(top: Members) -> str:
    key = top.identifier("key", longest=MAX_KEY_LENGTH)
    if key and not _APP_KEY.fullmatch(key):
        message = "key is not 1 to 64 letters, digits, dots, underscores and hyphens."
        top.report.warning(top.path_of("key"), message, "Other Atlassian products refuse such a key; change it.")
    return key


def _description(top: Members) -> str | None:
    if "description" not in top:
        top.missing("description", "warning")
    return top.optional_text("description", severity="warning")


def _vendor(top: Members) -> Vendor | None:
    if "vendor" not in top:
        return None
    vendor = top.child("vendor", "warning")
    if vendor.members and "name" not in vendor:
        vendor.missing("name", "warning")
    name = vendor.optional_text("name", severity="warning")
    return None if name is None else Vendor(name, vendor.optional_text("url", severity="warning"))


def _base_url(top: Members) -> str:
    url = top.text("baseUrl", longest=MAX_URL_LENGTH)
    if not url:
        return ""
    path = top.path_of("baseUrl")
    if fault := base_url_fault(url):
        top.report.error(
            path, f"baseUrl {fault}.", "Write the app's root like https://app.example or https://host/app."
        )
    elif scheme_of(url) == "http" and not is_loopback(url):
        top.report.warning(path, "baseUrl is not https; Bitbucket Cloud refuses it.", "Serve the app over https.")
    return url.rstrip("/")


def _authentication(top: Members) -> Authentication:
    if "authentication" not in top:
        # Seen in public apps, none of which reads the token of a call.
        message = 'authentication is missing, and taken as "none": the app is called without a token.'
        top.report.warning(top.path, message, 'Add "authentication": {"type": "jwt"}, or "none".')
        return "none"
    if not isinstance(top.members["authentication"], dict):
        top.wrong_type("authentication", top.members["authentication"], "an object")
        return "none"
    authentication = top.child("authentication")
    kind = authentication.text("type").lower()
    if kind not in ("jwt", "none", ""):
        path = authentication.path_of("type")
        top.report.error(path, f"There is no authentication {shown(kind)}.", 'Write "jwt", or "none".')
    return "jwt" if kind == "jwt" else "none"


def _lifecycle(top: Members) -> Lifecycle:
    lifecycle = top.child("lifecycle")
    if "installed" not in lifecycle:
        message = "No lifecycle URL is given for installed: the app will not learn its shared secret."
        lifecycle.report.warning(lifecycle.path, message, 'Add "lifecycle": {"installed": "/…"}.')
    return Lifecycle(
        installed=_lifecycle_url(lifecycle, "installed"),
        uninstalled=_lifecycle_url(lifecycle, "uninstalled"),
        enabled=_lifecycle_url(lifecycle, "enabled"),
        disabled=_lifecycle_url(lifecycle, "disabled"),
    )


def _lifecycle_url(lifecycle: Members, event: str) -> str | None:
    url = lifecycle.optional_text(event, longest=MAX_URL_LENGTH)
    # Judge a relative URL below some base URL, because baseUrl itself may be wrong.
    fault = url and web_url_fault(join("https://app.example", url))
    if fault:
        lifecycle.report.error(
            lifecycle.path_of(event),
            f"{event} {fault}.",
            "Write a path below baseUrl, or an http or https URL.",
        )
    return url


def _scopes(top: Members) -> tuple[str, ...] | None:
    """Return the known scopes, or None if there is no such member, which asks for all of them."""
    path = top.path_of("scopes")
    if "scopes" not in top.members:
        top.report.note((), "Without scopes the app asks for all of them.", "Name the scopes it needs.")
        return None
    if "scopes" not in top:
        # Unlike other members, null is not absent here: absent means all scopes, which should not happen by accident.
        top.wrong_type("scopes", None, "an array")
    known = []
    for index, scope in enumerate(top.texts("scopes")):
        try:
            canonical_scope(scope)
        except UnknownScope as unknown:
            fix = f"Did you mean {unknown.suggestion}?" if unknown.suggestion else "Remove it."
            top.report.error((*path, index), str(unknown), fix)
            continue
        if scope in RENAMED:
            top.report.warning((*path, index), f"{scope} is deprecated.", f"Write {RENAMED[scope]}.")
        known.append(scope)
    return tuple(known)


def _contexts(top: Members) -> tuple[str, ...]:
    contexts = top.texts("contexts")
    for index, context in enumerate(contexts):
        path = (*top.path_of("contexts"), index)
        if context == "personal":
            message = "The context personal was removed from Bitbucket Cloud in 2023."
            top.report.warning(path, message, "Write account.")
        elif context != "account":
            top.report.warning(path, f"There is no context {shown(context)}.", "Write account.")
    return contexts or ("account",)


def _note_what_has_no_effect(top: Members) -> None:
    if "apiMigrations" in top:
        message = "apiMigrations is for Jira and Confluence; Bitbucket Cloud may refuse it."
        top.report.warning(top.path_of("apiMigrations"), message, "Remove it.")
    for name in sorted({"apiVersion", "enableLicensing"} & top.members.keys()):
        top.report.note(top.path_of(name), f"{name} has no effect.", "Remove it, unless another host needs it.")
    for name in sorted(top.members.keys() - PROPERTIES):
        similar = get_close_matches(name, PROPERTIES, n=1, cutoff=0.8)
        fix = f"Did you mean {similar[0]}?" if similar else "Remove it, unless another host needs it."
        top.report.note(top.path_of(name), f"The property {shown(name)} is not known and has no effect.", fix)

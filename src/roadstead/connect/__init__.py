"""
The Connect protocol as a pure library: app descriptors, scopes, JSON web tokens and query string hashes.

Nothing here opens a socket or a file or reads a clock, and nothing here imports the rest of Roadstead.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from roadstead.connect.descriptor import Descriptor, Lifecycle, Vendor, check_descriptor, position_of
    from roadstead.connect.findings import Finding, InvalidDescriptor
    from roadstead.connect.jwt import InvalidToken, UnverifiedToken, VerifiedClaims, encode, issue, read, verify
    from roadstead.connect.modules import (
        AdminPage,
        ConfigurePage,
        CustomEvent,
        FileView,
        GeneralPage,
        LinkerModule,
        Modules,
        OAuthConsumer,
        PostInstallRedirect,
        ProfileTab,
        ProxyRoute,
        RepoPage,
        UiModule,
        WebhookModule,
        WebItem,
        WebPanel,
    )
    from roadstead.connect.qsh import canonical_request, query_string_hash
    from roadstead.connect.scopes import SCOPES, UnknownScope, implied_by, parse_scopes

__all__ = [
    "SCOPES",
    "AdminPage",
    "ConfigurePage",
    "CustomEvent",
    "Descriptor",
    "FileView",
    "Finding",
    "GeneralPage",
    "InvalidDescriptor",
    "InvalidToken",
    "Lifecycle",
    "LinkerModule",
    "Modules",
    "OAuthConsumer",
    "PostInstallRedirect",
    "ProfileTab",
    "ProxyRoute",
    "RepoPage",
    "UiModule",
    "UnknownScope",
    "UnverifiedToken",
    "Vendor",
    "VerifiedClaims",
    "WebItem",
    "WebPanel",
    "WebhookModule",
    "canonical_request",
    "check_descriptor",
    "encode",
    "implied_by",
    "issue",
    "parse_scopes",
    "position_of",
    "query_string_hash",
    "read",
    "verify",
]

_HOMES = {
    "descriptor": ("Descriptor", "Lifecycle", "Vendor", "check_descriptor", "position_of"),
    "findings": ("Finding", "InvalidDescriptor"),
    "jwt": ("InvalidToken", "UnverifiedToken", "VerifiedClaims", "encode", "issue", "read", "verify"),
    "modules": (
        "AdminPage",
        "ConfigurePage",
        "CustomEvent",
        "FileView",
        "GeneralPage",
        "LinkerModule",
        "Modules",
        "OAuthConsumer",
        "PostInstallRedirect",
        "ProfileTab",
        "ProxyRoute",
        "RepoPage",
        "UiModule",
        "WebhookModule",
        "WebItem",
        "WebPanel",
    ),
    "qsh": ("canonical_request", "query_string_hash"),
    "scopes": ("SCOPES", "UnknownScope", "implied_by", "parse_scopes"),
}
"""The names of `__all__`, by the module that has them. It is imported when a name is first used."""


def __getattr__(name: str) -> Any:
    """Return a name of `__all__`, and keep it and those beside it, so that they are found at once from then on."""
    for home, names in _HOMES.items():
        if name in names:
            module = import_module(f"{__name__}.{home}")
            globals().update({each: getattr(module, each) for each in names})
            return globals()[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""Canonical requests to apps, which the host signs."""

import pytest

from roadstead.connect import Descriptor
from roadstead.domain.apps.signing import canonical_for_app

DESCRIPTOR = Descriptor.from_json(
    """{"key": "a", "name": "A", "description": "A", "baseUrl": "https://app.example/base", "contexts": ["account"],
    "authentication": {"type": "jwt"}, "lifecycle": {"installed": "/installed"}, "scopes": ["repository"]}"""
)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("https://app.example/base/heard", "/heard"),
        ("https://app.example/base", "/"),
        ("https://app.example/base?a=b#c", "/"),
        ("https://app.example/basement/heard", "/basement/heard"),
        ("https://app.example/heard", "/heard"),
        ("HTTPS://other.example/heard", "/heard"),
        ("https://app.example/based", "/based"),
    ],
)
def test_the_path_that_is_signed(url: str, path: str) -> None:
    """It is the path below the base URL; of an address elsewhere, also one that only begins alike, the whole path."""
    assert canonical_for_app(DESCRIPTOR, "POST", url).split("&")[1] == path

"""Tokens for requests of the host to an app."""

import re
from typing import TYPE_CHECKING

from roadstead.connect import canonical_request, issue
from roadstead.domain.host import Host

if TYPE_CHECKING:
    from roadstead.connect import Descriptor

TOKEN_SECONDS = 3600


def canonical_for_app(descriptor: "Descriptor", method: str, url: str) -> str:
    """Return the canonical request to the app: its path is the one below the app's base URL, or elsewhere the whole."""
    path, _, query = url.partition("#")[0].partition("?")
    base = descriptor.base_url.rstrip("/")
    is_below = f"{path}/".startswith(f"{base}/")
    below = path[len(base) :] if is_below else re.sub(r"^https?://[^/]*", "", path, flags=re.IGNORECASE)
    return canonical_request(method, below, query)


def sign_for_app(host: Host, client_key: str, canonical: str, secret: str, *, subject: str | None = None) -> str:
    """Return a token for the request to the app. `subject` is the account id of the viewer, in page loads only."""
    return issue(
        issuer=client_key,
        audience=client_key,
        subject=subject,
        now=host.clock(),
        lifetime=TOKEN_SECONDS,
        shared_secret=secret,
        canonical=canonical,
    )

"""`installed` and `uninstalled` requests, in the form captured from Bitbucket."""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

from roadstead.model import HIDDEN, Installation, User
from roadstead.outbound.calls import Answer, Outbound
from roadstead.shapes.accounts import principal


@dataclass(frozen=True, slots=True)
class Sender:
    """The caller: this host's address and key, and the user who acts."""

    base_url: str
    public_key: str
    actor: User


def lifecycle_body(
    event: Literal["installed", "uninstalled"], installation: Installation, sender: Sender
) -> dict[str, Any]:
    """Return the members captured from Bitbucket; only `installed` has the secret and the actor."""
    account = principal(installation.workspace, sender.base_url)
    body = {
        "key": installation.app_key,
        "clientKey": installation.client_key,
        "publicKey": sender.public_key,
        "eventType": event,
        "productType": "bitbucket",
        # Both on one origin, without /2.0: atlassian-connect-express signs only for the origin of baseUrl.
        "baseUrl": sender.base_url,
        "baseApiUrl": sender.base_url,
        "principal": account,
        "user": account,
    }
    if event == "installed":
        body["sharedSecret"] = installation.shared_secret
        body["actor"] = {
            "type": "user",
            "uuid": sender.actor.uuid.strip("{}"),
            "account_id": sender.actor.account_id,
        }
    return body


async def call_app(
    outbound: Outbound, url: str, body: dict[str, Any], authorization: str | None, *, home: str
) -> Answer:
    """Post a lifecycle call; redirects are not followed. `home` is the app's descriptor URL.

    Raises `OutgoingCallFailed`.
    """
    headers, content = _headers(authorization), json.dumps(body).encode()
    return await outbound.send("POST", url, home=home, headers=headers, body=content, app_key=body.get("key"))


def as_shown(url: str, body: dict[str, Any], authorization: str | None) -> str:
    """Return the request of `call_app` in readable form, without the secret and the token's signature."""
    unsigned = authorization and f"{authorization.rpartition('.')[0]}.{HIDDEN}"
    target = re.sub(r"^https?://[^/?#]*", "", url).partition("#")[0] or "/"
    lines = [f"POST {target} HTTP/1.1", f"Host: {urlsplit(url).netloc}"]
    lines += (f"{name}: {value}" for name, value in _headers(unsigned).items())
    content = {name: HIDDEN if name == "sharedSecret" else value for name, value in body.items()}
    return "\n".join([*lines, "", json.dumps(content, indent=2, ensure_ascii=False)])


def _headers(authorization: str | None) -> dict[str, str]:
    headers = {
        "Content-Type": "application/json",
        # Captured: Bitbucket's lifecycle calls name the library, its webhooks do not.
        "User-Agent": "python-requests/2.22.0",
        "Accept": "*/*",
    }
    if authorization is not None:
        headers["Authorization"] = authorization
    return headers

"""What a page of an app may request while a user views it: calls of its own server, and a token for that."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from roadstead.connect import encode
from roadstead.connect.context import fill_in, may_be_filled
from roadstead.connect.proxy import Forwarding, find_route
from roadstead.connect.urls import origin_of
from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.apps.page_loads import PageContext, page_context
from roadstead.domain.apps.signing import canonical_for_app, sign_for_app
from roadstead.domain.host import Host
from roadstead.errors import NotFound, OutgoingCallFailed, WrongCredential
from roadstead.model import Installation, User, Viewer
from roadstead.outbound.calls import Answer

LARGEST_ANSWER = 1024 * 1024
"""Bytes of an app's answer that reach its page."""
TOKEN_SECONDS = 900
"""How long the token of a page is valid, as in Atlassian's other products."""


@dataclass(frozen=True, slots=True)
class ProxiedCall:
    """A call of a page to its own server. `target` is path and query, `headers` those that reach the server."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


def viewer_of(installation: Installation, user: User) -> Viewer:
    """Return a user as the viewer that a page of the app acts for."""
    scopes = stored_descriptor(installation.descriptor).effective_scopes
    return Viewer(installation.id, installation.app_key, user, tuple(sorted(scopes)))


def page_token(host: Host, installation: Installation, viewer: User) -> str:
    """Return a token with which a page proves to its own server who the viewer is. This host never accepts it."""
    now = int(host.clock())
    claims = {
        "iss": installation.client_key,
        "aud": installation.client_key,
        "sub": viewer.account_id,
        "iat": now,
        "exp": now + TOKEN_SECONDS,
        "qsh": "context-qsh",
    }
    return encode(claims, installation.shared_secret)


async def forward(
    host: Host, installation: Installation, viewer: User, call: ProxiedCall, chosen: Mapping[str, str]
) -> Answer:
    """Forward a call along the app's proxy module, signed for the viewer; redirects are answers.

    `chosen` are context parameters of the page that makes the call. Raise `NotFound` when no route takes the call,
    `WrongCredential` when a scope or a condition forbids it or the destination is not on the app's origin, and
    `OutgoingCallFailed`.
    """
    descriptor = stored_descriptor(installation.descriptor)
    path, mark, query = call.target.partition("?")
    forwarding = find_route(descriptor.modules.proxy, call.method, path)
    if forwarding is None:
        raise NotFound(
            f"No proxy of the app accepts {call.method} {path[:200]}.", "Declare it in modules.proxy of the descriptor."
        )
    context = await page_context(host, installation, viewer, chosen)
    values = _values(context, forwarding)
    url = descriptor.url(fill_in(forwarding.destination, values))
    url += f"{'&' if '?' in url else '?'}{query}" if mark and query else ""
    if origin_of(url) != origin_of(descriptor.base_url):
        # Otherwise the page could read, through this host, servers that only this host can reach.
        raise WrongCredential(
            "The destination of the proxy is not on the app's origin.", f"Give one at {origin_of(descriptor.base_url)}."
        )
    canonical, secret = canonical_for_app(descriptor, call.method, url), installation.shared_secret
    token = sign_for_app(host, installation.client_key, canonical, secret, subject=viewer.account_id)
    headers = {**call.headers, "Authorization": f"JWT {token}"}
    try:
        return await host.outbound.send(
            call.method,
            url,
            home=installation.descriptor_url,
            headers=headers,
            body=call.body,
            cap=LARGEST_ANSWER,
            app_key=installation.app_key,
        )
    except OutgoingCallFailed as exc:
        # The page belongs to the app, which must not learn what the name resolves to, or why it is refused.
        raise OutgoingCallFailed(
            "The app's server cannot be reached.", "The operator finds the reason among the recorded requests."
        ) from exc


def _values(context: PageContext, forwarding: Forwarding) -> Mapping[str, str]:
    """Return the context parameters of the call, if it is allowed."""
    missing = [scope for scope in forwarding.scopes if scope not in context.granted]
    if missing:
        raise WrongCredential(
            "Your credentials lack one or more required privilege scopes.",
            f"The proxy asks for {' '.join(missing)}; the app has {' '.join(sorted(context.granted)) or 'none'}.",
        )
    captured = {name: value for name, value in forwarding.captured.items() if may_be_filled(name, context.granted)}
    values = {**context.values, **captured}
    judged = replace(context, values=values).judge(forwarding.conditions)
    if judged.verdict == "not met":
        failed = "; ".join(f"{one.text}: {one.reason}" for one in judged.conditions if one.verdict == "not met")
        raise WrongCredential("A condition of the proxy is not met.", failed)
    return values

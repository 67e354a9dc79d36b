"""A recorded request as a command that sends it again, with a placeholder for the credential that was not kept."""

import shlex

from roadstead.domain.host import Host
from roadstead.model import HIDDEN
from roadstead.recorded import RequestDetails
from roadstead.storage.installations import find_named_installations

_MADE_BY_CURL = frozenset({"host", "content-length", "connection", "accept", "accept-encoding", "user-agent"})


async def as_curl(host: Host, details: RequestDetails) -> str:
    """Return the command. `roadstead token` makes the token of an app; other credentials have a placeholder."""
    call = details.summary
    url = f"{host.base_url}{call.url}" if call.direction == "in" else call.url
    parts = ["curl" if call.method == "GET" else f"curl -X {shlex.quote(call.method)}", shlex.quote(url)]
    for name, value in details.request.headers:
        if name.lower() == "authorization":
            parts.append(await _credential(host, details))
        elif name.lower() not in _MADE_BY_CURL and value != HIDDEN:
            parts.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if details.request.body:
        parts.append(f"--data-raw {shlex.quote(details.request.body)}")
    return " \\\n  ".join(parts)


async def _credential(host: Host, details: RequestDetails) -> str:
    call, presented = details.summary, details.credential
    if call.direction == "in" and call.app is not None and presented is not None and presented.signing_input:
        target = f"{shlex.quote(call.method)} {shlex.quote(call.url)}"
        return f'-H "$(roadstead token {shlex.quote(call.app)} {target}{await _workspace(host, details)})"'
    scheme = presented.scheme if presented is not None and presented.scheme else "JWT"
    return f"-H 'Authorization: {scheme} TOKEN'"


async def _workspace(host: Host, details: RequestDetails) -> str:
    """Return the option that names the workspace in the token."""
    client_key = details.credential.claims.get("sub") if details.credential else None
    found = await find_named_installations(host.store, [client_key]) if isinstance(client_key, str) else []
    named = next((one for one in found if one.client_key == client_key), None)
    return f" --workspace {shlex.quote(named.workspace.slug)}" if named else ""

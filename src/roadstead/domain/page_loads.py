"""Addresses of an app's pages as a browser is sent to them: context parameters filled in, and a signed `jwt`."""

import re
from collections.abc import Mapping
from urllib.parse import quote

from roadstead.domain.descriptors import stored_descriptor
from roadstead.domain.host import Host
from roadstead.domain.installations import sign_for_app
from roadstead.model import Installation

_PLACEHOLDER = re.compile(r"\{([a-z_]+(?:\.[a-z_]+)+)\}")


async def post_install_url(host: Host, installation: Installation) -> str | None:
    """Where the browser goes after an installation, when the app's descriptor says so."""
    descriptor = stored_descriptor(installation.descriptor)
    module = descriptor.modules.post_install_redirect
    if module is None:
        return None
    context = _context(installation) if "account" in descriptor.effective_scopes else {}
    url = _filled(descriptor.url(module.url), context)
    sender = await host.sender()
    token = sign_for_app(
        host,
        installation,
        descriptor,
        "GET",
        url,
        installation.shared_secret,
        subject=sender.actor_account_id,
    )
    return f"{url}{'&' if '?' in url else '?'}jwt={token}"


def _context(installation: Installation) -> Mapping[str, str]:
    """The context parameters of scope `account` that are known without a repository."""
    workspace = installation.workspace
    account = {
        "uuid": workspace.uuid,
        "username": workspace.slug,
        "display_name": workspace.name,
        "type": "team",
    }
    filled = {
        f"{root}.{name}": value for root in ("principal", "target_user", "user") for name, value in account.items()
    }
    return {**filled, "workspace.slug": workspace.slug, "workspace.uuid": workspace.uuid}


def _filled(url: str, context: Mapping[str, str]) -> str:
    """Replace the placeholders that are known; others reach the app as they are."""
    return _PLACEHOLDER.sub(lambda found: quote(context[found[1]], safe="") if found[1] in context else found[0], url)

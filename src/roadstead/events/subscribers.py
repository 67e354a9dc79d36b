"""Who is told of an event: hooks of the repository and of the workspace, and apps that are installed there."""

import logging
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from roadstead.domain.apps.descriptors import stored_descriptor
from roadstead.domain.host import Host
from roadstead.events.catalogue import CATALOGUE
from roadstead.events.payloads import Payload
from roadstead.pushed import Event
from roadstead.storage.hooks import hooks_for
from roadstead.storage.installations import list_hearing

if TYPE_CHECKING:
    from roadstead.connect import Descriptor

log = logging.getLogger("roadstead.events")

_AUTHORITY = re.compile(r"[^/]*//([^/?#]*).*", re.DOTALL)
"""Not `urlsplit`, which refuses some: parameters without a value stay in the address of an app's webhook."""


class Subscriber(NamedTuple):
    """Where an event is sent: for a hook, or for the webhooks of an installed app.

    `hook` is the UUID of the subscription, without braces. An app has scopes, within which its `url` may name context
    parameters.
    """

    hook: str
    url: str
    hook_id: int | None = None
    installation_id: int | None = None
    scopes: frozenset[str] = frozenset()

    @property
    def is_app(self) -> bool:
        """Return whether an app is told, by its descriptor."""
        return self.installation_id is not None

    def address(self, payload: Payload) -> str:
        """Return where the event of a payload is sent."""
        if not self.is_app:
            return self.url
        from roadstead.events.addresses import address_for  # late: it needs the reader of descriptors

        return address_for(self.url, self.scopes, payload)

    def lane(self, repository: str | None) -> str:
        """Return the name of the deliveries that reach this subscriber in order: those about one repository."""
        kind, number = ("app", self.installation_id) if self.is_app else ("hook", self.hook_id)
        return f"{kind} {number} {repository or ''}"


def server_of(url: str) -> str:
    """Return the host and the port of an address; what is written there where it is no URL, which is not called."""
    return _AUTHORITY.sub(r"\1", url).lower()


async def subscribers_of(host: Host, event: Event) -> list[Subscriber]:
    """Return all who are told of an event: who subscribes to it now, and was there when it happened."""
    database = host.store.database
    hooks = await hooks_for(database, event)
    found = [Subscriber(hook.uuid.strip("{}"), hook.url, hook_id=hook.id) for hook in hooks]
    for installation_id, descriptor in await list_hearing(database, event.workspace_id, event.id):
        try:
            found += _of_app(stored_descriptor(descriptor), installation_id, event.key)
        except Exception:  # by a fault of ours, which must not keep the event from the others
            log.exception("installation %s is not told of event %s, %s", installation_id, event.id, event.key)
    return found


def _of_app(descriptor: "Descriptor", installation_id: int, event: str) -> Iterator[Subscriber]:
    """Yield the addresses at which an app hears of an event, if its scopes let it."""
    known = CATALOGUE.get(event)
    if known is not None and known.scope not in descriptor.effective_scopes:
        return
    urls = {
        descriptor.url(webhook.url): None for webhook in descriptor.modules.webhooks if webhook.event in (event, "*")
    }
    # Captured: one subscription for each event and installation, also under a single `*`.
    hook = str(uuid5(NAMESPACE_URL, f"roadstead:installation:{installation_id}:{event}"))
    for url in urls:
        yield Subscriber(hook, url, installation_id=installation_id, scopes=descriptor.effective_scopes)

"""`/2.0/addon`: an installed app updates or deletes itself."""

from typing import Any

from roadstead.api.answers import Answer, no_content
from roadstead.api.needs import APP_JWT
from roadstead.api.operation import Call
from roadstead.bitbucket.addon.shapes import UPDATE
from roadstead.bitbucket.map import ADDON as OPERATIONS
from roadstead.domain.apps import installations, updates


@OPERATIONS.put(needs=APP_JWT, takes=UPDATE, gives={204: None}, refuses=(404,))
async def update(call: Call, members: dict[str, Any]) -> Answer:
    """Update the app from a new descriptor, or from its URL. The key must stay, and scopes may not grow."""
    await updates.update(call.host, call.installation_id, by_app=True, **members)
    return no_content()


@OPERATIONS.delete(needs=APP_JWT, gives={204: None})
async def delete(call: Call) -> Answer:
    """Uninstall the app, with all its values. Afterwards the host posts `uninstalled` to it."""
    await installations.uninstall(call.host, call.installation_id, by_app=True)
    return no_content()

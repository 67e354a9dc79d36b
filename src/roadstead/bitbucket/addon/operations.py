"""`/2.0/addon`: an installed app updates or deletes itself."""

from starlette.requests import Request

from roadstead.api.answers import Answer, no_content
from roadstead.api.bodies import read_json
from roadstead.api.resources import UPDATE
from roadstead.domain.apps import installations, updates
from roadstead.domain.host import Host
from roadstead.model import Caller


async def update(request: Request, host: Host, caller: Caller) -> Answer:
    """The app gives its new descriptor, or has it read again from its URL. Key and scopes must hold."""
    members = await read_json(request, UPDATE)
    await updates.update(host, caller.installation_id, by_app=True, **members)
    return no_content()


async def delete(request: Request, host: Host, caller: Caller) -> Answer:
    """The app removes itself, with all its values. Afterwards `uninstalled` is posted to it."""
    await installations.uninstall(host, caller.installation_id, by_app=True)
    host.something_is_owed.set()
    return no_content()

"""`/2.0/addon/linkers`: an installed app lists its linkers and manages their values."""

import re

from starlette.requests import Request

from roadstead.api import resources
from roadstead.api.answers import Answer, json_answer, no_content
from roadstead.api.bodies import read_json
from roadstead.api.pages import envelope, page_in_memory, parse_page_request, shaped
from roadstead.domain.host import Host
from roadstead.domain.linking import linkers
from roadstead.errors import LinkerValueNotFound
from roadstead.model import Caller
from roadstead.storage.linkers import cursor

_EXPOSE_LOCATION = {"Access-Control-Expose-Headers": "Location"}
_VALUE_ID = re.compile(r"0|[1-9][0-9]{0,17}")
_LINKER_FIELDS = {"key": str, "regex": str, "url": str, "type": str}
_VALUE_FIELDS = {"id": int, "value": str, "type": str}


async def list_linkers(request: Request, host: Host, caller: Caller) -> Answer:
    """The linkers of the app, in the order of its descriptor."""
    wanted = parse_page_request(request, _LINKER_FIELDS)
    found = await linkers.list_linkers(host, caller.installation_id)
    values, size, has_next = page_in_memory([resources.linker(one, host.base_url) for one in found], wanted)
    return shaped(request, envelope(request, host, wanted, values=values, size=size, has_next=has_next))


async def get_linker(request: Request, host: Host, caller: Caller) -> Answer:
    """One linker."""
    linker = await linkers.get_linker(host, caller.installation_id, request.path_params["linker_key"])
    return shaped(request, resources.linker(linker, host.base_url))


async def list_values(request: Request, host: Host, caller: Caller) -> Answer:
    """The values of a linker, oldest first unless sorted otherwise."""
    wanted = parse_page_request(request, _VALUE_FIELDS)
    linker = await linkers.get_linker(host, caller.installation_id, request.path_params["linker_key"])
    page = await linkers.page_of_values(host, linker, wanted)
    values_url = resources.values_url(linker.key, host.base_url)
    values = resources.linker_values(page.items, values_url)
    body = envelope(
        request,
        host,
        wanted,
        values=values,
        size=page.size,
        after=cursor(page.items[-1], wanted.sort) if page.items and page.has_next else None,
        before=cursor(page.items[0], wanted.sort) if page.items and page.number > 1 else None,
        has_next=page.has_next,
    )
    return shaped(request, body)


async def add_value(request: Request, host: Host, caller: Caller) -> Answer:
    """Add one value. One that is there already is a 409; a linker without `(?K)` takes none."""
    value = await read_json(request, resources.VALUE)
    key = request.path_params["linker_key"]
    added = await linkers.add_value(host, caller.installation_id, key, value, by_app=True)
    body = resources.linker_value(added, resources.values_url(key, host.base_url))
    return json_answer(body, 201, headers={"Location": body.links.to_self.href, **_EXPOSE_LOCATION})


async def replace_values(request: Request, host: Host, caller: Caller) -> Answer:
    """Make the set of values exactly this one. Values that stay keep their ids; one that cannot be refuses all."""
    values = await read_json(request, resources.VALUES)
    await linkers.replace_values(host, caller.installation_id, request.path_params["linker_key"], values, by_app=True)
    return no_content()


async def delete_values(request: Request, host: Host, caller: Caller) -> Answer:
    """Remove all values of a linker."""
    await linkers.delete_values(host, caller.installation_id, request.path_params["linker_key"], by_app=True)
    return no_content()


async def get_value(request: Request, host: Host, caller: Caller) -> Answer:
    """One value."""
    key = request.path_params["linker_key"]
    value = await linkers.get_value(host, caller.installation_id, key, _value_id(request))
    return shaped(request, resources.linker_value(value, resources.values_url(key, host.base_url)))


async def delete_value(request: Request, host: Host, caller: Caller) -> Answer:
    """Remove one value."""
    key = request.path_params["linker_key"]
    await linkers.delete_value(host, caller.installation_id, key, _value_id(request), by_app=True)
    return no_content()


def _value_id(request: Request) -> int:
    """The id as we write it: decimal digits and nothing that `int()` would also take."""
    text: str = request.path_params["value_id"]
    if not _VALUE_ID.fullmatch(text):
        raise LinkerValueNotFound(text[:40])
    return int(text)

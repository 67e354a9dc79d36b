"""`/2.0/addon/linkers`: an installed app lists its linkers and manages their values."""

from roadstead.api.answers import Answer, json_answer, no_content
from roadstead.api.listing import Page, Partial, page_answer, shaped
from roadstead.api.needs import APP_JWT
from roadstead.api.operation import Call
from roadstead.bitbucket.linkers import shapes
from roadstead.bitbucket.linkers.shapes import LinkerResource, LinkerValueResource
from roadstead.bitbucket.map import LINKERS as OPERATIONS
from roadstead.domain.linking import linkers
from roadstead.listing import PageRequest, slice_of
from roadstead.model import VALUE_LIST, Linker

_EXPOSE_LOCATION = {"Access-Control-Expose-Headers": "Location"}


@OPERATIONS.get(needs=APP_JWT, lists=shapes.LINKER_LIST, gives={200: Page[LinkerResource]})
async def list_linkers(call: Call, wanted: PageRequest) -> Answer:
    """List the linkers of the app, in the order of its descriptor."""
    found = await linkers.list_linkers(call.host, call.installation_id)
    return page_answer(call, slice_of([_linker(call, one) for one in found], wanted))


@OPERATIONS.get("/{linker_key}", needs=APP_JWT, query=Partial, gives={200: LinkerResource})
async def get_linker(call: Call) -> Answer:
    """Return one linker."""
    linker = await linkers.get_linker(call.host, call.installation_id, call.path["linker_key"])
    return shaped(call, _linker(call, linker))


@OPERATIONS.get("/{linker_key}/values", needs=APP_JWT, lists=VALUE_LIST, gives={200: Page[LinkerValueResource]})
async def list_values(call: Call, wanted: PageRequest) -> Answer:
    """List the values of a linker, oldest first unless sorted otherwise."""
    linker = await linkers.get_linker(call.host, call.installation_id, call.path["linker_key"])
    page = await linkers.page_of_values(call.host, linker, wanted)
    return page_answer(call, page, shapes.linker_values(page.items, call.url(get_value, linker.key)))


@OPERATIONS.post(
    "/{linker_key}/values", needs=APP_JWT, takes=shapes.VALUE, gives={201: LinkerValueResource}, refuses=(409,)
)
async def add_value(call: Call, value: str) -> Answer:
    """Add one value. An existing one is a 409; a linker without `(?K)` takes no values."""
    key = call.path["linker_key"]
    added = await linkers.add_value(call.host, call.installation_id, key, value, by_app=True)
    resource = shapes.linker_value(added, call.url(get_value, key))
    return json_answer(resource, 201, headers={"Location": resource.links.to_self.href, **_EXPOSE_LOCATION})


@OPERATIONS.put("/{linker_key}/values", needs=APP_JWT, takes=shapes.VALUES, gives={204: None}, in_turn=True)
async def replace_values(call: Call, values: list[str]) -> Answer:
    """Replace all values. Those that stay keep their ids; one invalid value refuses all."""
    await linkers.replace_values(call.host, call.installation_id, call.path["linker_key"], values, by_app=True)
    return no_content()


@OPERATIONS.delete("/{linker_key}/values", needs=APP_JWT, gives={204: None}, in_turn=True)
async def delete_values(call: Call) -> Answer:
    """Remove all values of a linker."""
    await linkers.delete_values(call.host, call.installation_id, call.path["linker_key"], by_app=True)
    return no_content()


@OPERATIONS.get("/{linker_key}/values/{value_id:int}", needs=APP_JWT, query=Partial, gives={200: LinkerValueResource})
async def get_value(call: Call) -> Answer:
    """Return one value."""
    key, value_id = call.path["linker_key"], call.path["value_id"]
    value = await linkers.get_value(call.host, call.installation_id, key, value_id)
    return shaped(call, shapes.linker_value(value, call.url(get_value, key)))


@OPERATIONS.delete("/{linker_key}/values/{value_id:int}", needs=APP_JWT, gives={204: None})
async def delete_value(call: Call) -> Answer:
    """Remove one value."""
    key, value_id = call.path["linker_key"], call.path["value_id"]
    await linkers.delete_value(call.host, call.installation_id, key, value_id, by_app=True)
    return no_content()


def _linker(call: Call, linker: Linker) -> LinkerResource:
    return shapes.linker(linker, call.url(get_linker, linker.key), call.url(list_values, linker.key))

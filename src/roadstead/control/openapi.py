"""`/-/openapi.json`: this API as an OpenAPI 3.1 document, made at the first request for it."""

from functools import lru_cache

import msgspec

from roadstead.api.answers import Answer, json_answer
from roadstead.api.map import Map
from roadstead.api.needs import ANYONE
from roadstead.api.openapi import Document, document
from roadstead.api.operation import Call
from roadstead.control.map import OPENAPI as OPERATIONS


@OPERATIONS.get(needs=ANYONE, gives={200: Document})
async def describe(call: Call) -> Answer:
    """Return this document."""
    return json_answer(_encoded(call.state["map"], call.host.base_url))


@lru_cache(maxsize=1)
def _encoded(operations: Map, base_url: str) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(document(operations, base_url)))

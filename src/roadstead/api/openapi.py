"""`/-/openapi.json`: this API in the words of OpenAPI 3.1, made from the map of routes.

Nothing here knows a resource. Addresses, methods, rules and types come from `routes`, descriptions from docstrings; the
tests compare every answer that they get with the document. It is made at the first request for it.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, TypedDict, get_args, is_typeddict

import msgspec
from starlette.requests import Request
from starlette.routing import Route

from roadstead import __version__
from roadstead.api import auth
from roadstead.api.answers import Answer, json_answer
from roadstead.api.errors import ErrorBody
from roadstead.api.resource import Operation, Resource
from roadstead.domain.access.admission import HEALTH
from roadstead.domain.host import Host


class Document(TypedDict):
    openapi: Literal["3.1.0"]
    info: dict[str, str]
    servers: list[dict[str, str]]
    paths: dict[str, dict[str, Any]]
    components: dict[str, dict[str, Any]]


_ABOUT = (
    "Bitbucket's REST API 2.0 as far as Roadstead goes, and what is Roadstead's own under `/-/`. HEAD works wherever "
    "GET does, OPTIONS everywhere, and a trailing slash names the same address. A method that an address does not take "
    "is a 405 with `Allow`. What reaches no operation, because its head is too large, too slow or no HTTP, is refused "
    "with 431, 408 or 400 and the same error body."
)
_SCHEMES = {
    "jwt": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`JWT <token>`: HS256 with the shared secret of the installation, made for this one request.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "An exchanged token, or one of the operator."},
    "basic": {"type": "http", "scheme": "basic", "description": "Any user name, and a Bearer token as the password."},
}
_ANY_CREDENTIAL: list[dict[str, list[str]]] = [{name: []} for name in _SCHEMES]
_NONE_NEEDED: list[dict[str, list[str]]] = [{}]
_SECURITY: Mapping[object, tuple[list[dict[str, list[str]]], tuple[int, ...]]] = {
    auth.anyone: (_NONE_NEEDED, ()),
    auth.app_jwt: ([{"jwt": []}], (401, 403, 429)),
    auth.account_reader: (_ANY_CREDENTIAL, (401, 403, 429)),
    auth.operator: ([*_NONE_NEEDED, {"bearer": []}, {"basic": []}], (401, 403, 429)),
    auth.operator_or_local: ([*_NONE_NEEDED, *_ANY_CREDENTIAL], (401, 403, 429)),
}
"""Of each rule the credentials that it takes, and how it refuses."""

_STATUSES = {
    200: "As asked.",
    201: "Made; `Location` says where.",
    204: "Done; there is nothing to say.",
    400: "It cannot be accepted as it is; nothing was changed.",
    401: "No credential, or one that fails.",
    403: "A valid credential of another kind, or without the scope; or a page of another site, and no credential.",
    404: "It does not exist, or the caller may not know that it does.",
    409: "It is right in itself, but does not fit what is there.",
    411: "The length of the body is not stated.",
    413: "The body is too large.",
    415: "The body is of another type, or compressed.",
    429: "The app has made as many requests as the operator allows; `Retry-After` says when it may go on.",
    503: "It cannot be served now; `Retry-After` says when to try again.",
}
_HEADERS = {201: "Location", 401: "WWW-Authenticate", 429: "Retry-After", 503: "Retry-After"}


async def describe(request: Request, host: Host, caller: object) -> Answer:
    """This document."""
    return json_answer(_encoded(host.base_url))


@lru_cache(maxsize=1)
def _encoded(base_url: str) -> msgspec.Raw:
    # Imported late: the map names this module.
    from roadstead.api.routes import ROUTES

    return msgspec.Raw(msgspec.json.encode(document(ROUTES, base_url)))


def document(routes: Sequence[Route], base_url: str) -> Document:
    """What OpenAPI says of the routes of an API at `base_url`."""
    schemas = _Schemas()
    paths = {
        route.path: {
            method.lower(): _operation(route.path, operation, schemas)
            for method, operation in operations_of(route).items()
        }
        for route in routes
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Roadstead", "version": __version__, "description": _ABOUT},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": _SCHEMES},
    }


def operations_of(route: Route) -> dict[str, Operation]:
    """The operations of a route by their method, without those that every route has."""
    assert isinstance(route.app, Resource)  # noqa: S101  # the map holds nothing else
    return {method: operation for method, operation in route.app.operations.items() if method != "HEAD"}


def statuses_of(path: str, operation: Operation) -> dict[int, Any]:
    """What the operation can answer: the type of the body by status, `None` for no body."""
    refusals = {*_SECURITY[operation.rule][1], *operation.refuses}
    if not path.startswith(HEALTH):  # where nothing waits for anything
        refusals.add(503)
    if operation.takes is not None:
        refusals |= {400, 411, 413, 415}
    if operation.query is not None:
        refusals.add(400)
    if "{" in path:
        refusals.add(404)
    return dict(sorted({**dict.fromkeys(refusals, ErrorBody), **operation.answers}.items()))


def _operation(path: str, operation: Operation, schemas: "_Schemas") -> dict[str, Any]:
    group = operation.handler.__module__.rpartition(".")[2]
    described: dict[str, Any] = {
        "operationId": f"{group}_{operation.handler.__name__}",
        "tags": [group],
        "summary": operation.handler.__doc__,
        "security": _SECURITY[operation.rule][0],
        "parameters": [*_path_parameters(path), *_query_parameters(operation, schemas)],
        "responses": {
            str(status): _response(status, kind, schemas) for status, kind in statuses_of(path, operation).items()
        },
    }
    if operation.takes is not None:
        described["requestBody"] = _request_body(operation.takes, schemas)
    return described


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(operation: Operation, schemas: "_Schemas") -> list[dict[str, Any]]:
    members = schemas.members_of(operation.query) if operation.query is not None else {}
    return [
        {
            "name": name,
            "in": "query",
            "description": schema["description"],
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in members.items()
    ]


def _response(status: int, kind: Any, schemas: "_Schemas") -> dict[str, Any]:
    response: dict[str, Any] = {"description": _STATUSES[status]}
    if kind is not None:
        media_type = "text/plain" if kind is str else "application/json"
        response["content"] = {media_type: {"schema": schemas.of(kind)}}
    if status in _HEADERS:
        response["headers"] = {_HEADERS[status]: {"required": True, "schema": {"type": "string"}}}
    return response


def _request_body(kind: Any, schemas: "_Schemas") -> dict[str, Any]:
    """JSON, and a form as well where all members are texts, for that is what `read_json` takes."""
    schema = schemas.of(kind)
    content = {"application/json": {"schema": schema}}
    if is_typeddict(kind) and all(map(_is_text, schemas.members_of(kind).values())):
        content["application/x-www-form-urlencoded"] = {"schema": schema}
    return {"required": type(None) not in get_args(kind), "content": content}


def _is_text(schema: dict[str, Any]) -> bool:
    return schema.get("type") == "string" or all(isinstance(word, str) for word in schema.get("enum", [None]))


class _Schemas:
    """JSON Schemas of Python types; those with a name become components."""

    def __init__(self) -> None:
        self.components: dict[str, Any] = {}

    def of(self, kind: Any) -> dict[str, Any]:
        """Return the schema of a type, or of one of several. Raises `TypeError` when two types share a name."""
        if isinstance(kind, tuple):
            return {"anyOf": [self.of(one) for one in kind]}
        (schema,), components = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
        for name, component in components.items():
            if self.components.setdefault(name, component) != component:
                raise TypeError(f"Two types are named {name}: one would replace the other in the document.")
        return schema

    def members_of(self, kind: Any) -> dict[str, Any]:
        """The schemas of the members of an object."""
        _, components = msgspec.json.schema_components([kind])
        members: dict[str, Any] = components[kind.__name__]["properties"]
        return members

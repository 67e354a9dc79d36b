"""The OpenAPI 3.1 document of an API, made from the map of its operations.

Addresses, methods, needs and types come from the operations, descriptions from docstrings; the tests compare every
answer that they get with the document.
"""

from typing import Any, Literal, TypedDict, get_args, is_typeddict

import msgspec

from roadstead import __version__
from roadstead.api.bodies import ReadByHandler
from roadstead.api.errors import ErrorBody
from roadstead.api.listing import Partial, parameters_of
from roadstead.api.map import Map
from roadstead.api.operation import Body, Media, Operation, kinds_of
from roadstead.domain.access.admission import HEALTH


class Document(TypedDict):
    openapi: Literal["3.1.0"]
    info: dict[str, str]
    servers: list[dict[str, str]]
    paths: dict[str, dict[str, Any]]
    components: dict[str, dict[str, Any]]


_ABOUT = (
    "Bitbucket's REST API 2.0 as far as Roadstead has it, and Roadstead's own API under `/-/`. HEAD works wherever "
    "GET does, OPTIONS everywhere, and a trailing slash names the same address. A method that an address does not take "
    "is a 405 with `Allow`. A request whose head is too large, too slow or not HTTP is refused "
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

_STATUSES = {
    200: "As asked.",
    201: "Created; `Location` has its address.",
    204: "Done, without a body.",
    206: "The requested range of it.",
    301: "It has moved for good; `Location` has its address.",
    302: "It is at another address for now, which `Location` has.",
    308: "It has moved for good; `Location` has its address, which takes the same method.",
    304: "It is as the caller knows it.",
    400: "The request cannot be accepted; nothing changed.",
    401: "No credential, or one that fails.",
    403: "A valid credential of another kind, or without the scope; or a page of another site, and no credential.",
    404: "It does not exist, or the caller may not know that it does.",
    406: "The body is no multipart form.",
    409: "The request is valid, but conflicts with the present state.",
    410: "The cloud removed it; the host serves it with an earlier `era`.",
    411: "The length of the body is not stated.",
    413: "The body is too large.",
    415: "The body is of another type, or compressed.",
    416: "The requested range is outside the file.",
    429: "The app has used up its rate limit or its share of running requests; `Retry-After` says when to continue.",
    503: "The request cannot be served now; `Retry-After` says when to try again.",
    555: "It would take too long, or be too large.",
}
_HEADERS = {
    201: "Location",
    206: "Content-Range",
    301: "Location",
    302: "Location",
    308: "Location",
    304: "ETag",
    401: "WWW-Authenticate",
    416: "Content-Range",
    429: "Retry-After",
    503: "Retry-After",
}


def document(operations: Map, base_url: str) -> Document:
    """Return the OpenAPI document of the operations of an API at `base_url`."""
    schemas = _Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations.operations:
        described = paths.setdefault(operation.template.path, {})
        described[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Roadstead", "version": __version__, "description": _ABOUT},
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {"schemas": schemas.components, "securitySchemes": _SCHEMES},
    }


def statuses_of(operation: Operation) -> dict[int, Any]:
    """Return the possible answers of the operation: the type of the body by status, `None` for no body."""
    refusals = {*operation.needs.refuses, *operation.refuses}
    if not operation.template.path.startswith(HEALTH):  # health checks wait for nothing
        refusals.add(503)
    if operation.takes is not None:
        refusals |= {400, 411, 413, 415}
    if operation.query is not None or operation.lists is not None or operation.has_parts:
        refusals.add(400)
    if operation.template.names:
        refusals.add(404)
    if operation.removed is not None:
        refusals.add(410)
    moved = {} if operation.is_anywhere else {301 if operation.method == "GET" else 308: None}
    return dict(sorted({**dict.fromkeys(refusals, ErrorBody), **operation.gives, **moved}.items()))


def _operation(operation: Operation, schemas: "_Schemas") -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.group],
        "summary": operation.summary,
        "security": operation.needs.security,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, schemas)],
        "responses": {str(status): _response(status, kind, schemas) for status, kind in statuses_of(operation).items()},
    }
    if operation.takes is not None:
        described["requestBody"] = _request_body(operation.takes, schemas)
    return described


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in operation.template.names
    ]


def _query_parameters(operation: Operation, schemas: "_Schemas") -> list[dict[str, Any]]:
    members = schemas.members_of(operation.query) if operation.query is not None else {}
    if operation.lists is not None:
        members = {**parameters_of(operation.lists), **schemas.members_of(Partial), **members}
    if operation.has_parts:
        members = {**schemas.members_of(Partial), **members}
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
    media = [one for one in kinds_of(kind) if isinstance(one, Media)]
    others = tuple(one for one in kinds_of(kind) if one is not None and one not in media)
    content = {one.type: {"schema": {"type": "string"}} if one.type.startswith("text/") else {} for one in media}
    if others:
        media_type = "text/plain" if kind is str else "application/json"
        content[media_type] = {"schema": schemas.of(others if len(others) > 1 else others[0])}
    if content:
        response["content"] = content
    if status in _HEADERS:
        response["headers"] = {_HEADERS[status]: {"required": True, "schema": {"type": "string"}}}
    return response


def _request_body(takes: Body, schemas: "_Schemas") -> dict[str, Any]:
    """Return the schema of JSON, and of a form as well if all members are texts, which `Shape.read` accepts."""
    kind = takes.documented
    schema = schemas.of(kind)
    content = {takes.media_type if isinstance(takes, ReadByHandler) else "application/json": {"schema": schema}}
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
        """Return the schemas of an object's members."""
        _, components = msgspec.json.schema_components([kind])
        members: dict[str, Any] = components[kind.__name__]["properties"]
        return members

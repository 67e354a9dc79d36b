"""The OpenAPI document in tests: every answer through `AppClient` is compared with it, and bodies are made from it."""

from functools import cache
from typing import Any
from urllib.parse import unquote

import httpx
import jsonschema_rs

from roadstead.api.openapi import document
from roadstead.routes import MAP

DOCUMENT: Any = document(MAP, "http://localhost")


def operation_at(method: str, target: str) -> tuple[str, dict[str, Any]] | None:
    """Return the address and the operation of a request, as the document describes them."""
    path = target.partition("?")[0]
    address = MAP.find({"raw_path": path.encode(), "path": unquote(path)})
    if address is None:
        return None
    operation: dict[str, Any] | None = DOCUMENT["paths"][address.path].get(method.lower())
    return None if operation is None else (address.path, operation)


def check_answer(answer: httpx.Response, target: str) -> None:
    """Raise `AssertionError` unless the document knows the status, the headers and the shape of the body."""
    reached = operation_at(answer.request.method, target)
    # HTTP itself may refuse a request before it reaches an operation.
    if reached is None or answer.status_code in (408, 431):
        return
    address, operation = reached
    place = f"{answer.request.method} {address} answered {answer.status_code}"
    documented = operation["responses"].get(str(answer.status_code))
    assert documented is not None, f"{place}, which the document does not know: {answer.text[:200]}"
    for name in documented.get("headers", {}):
        assert name in answer.headers, f"{place} without {name}"
    if "content" not in documented:
        assert answer.content == b"", f"{place} with a body"
    elif "*/*" in documented["content"] and answer.headers["Content-Type"] != "application/json; charset=utf-8":
        pass  # the content of a file
    elif "application/json" not in documented["content"]:
        assert answer.headers["Content-Type"].partition(";")[0] in documented["content"], place
    elif not _is_partial(answer, target):
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        _validator(address, answer.request.method, answer.status_code).validate(answer.json())


def _is_partial(answer: httpx.Response, target: str) -> bool:
    """Return whether only some members were requested; the document says that these answers are incomplete."""
    return answer.status_code in (200, 201) and "fields=" in target.partition("?")[2]


@cache
def _validator(address: str, method: str, status: int) -> jsonschema_rs.Draft202012Validator:
    content = DOCUMENT["paths"][address][method.lower()]["responses"][str(status)]["content"]
    schema = {**content["application/json"]["schema"], "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(schema)


def sample_body(method: str, address: str) -> dict[str, Any]:
    """Return what httpx sends as the body of an operation, from its description: a form where there may be one, and
    nothing where nothing will do.
    """
    described = DOCUMENT["paths"][address][method.lower()].get("requestBody")
    if described is None or not described["required"]:
        return {}
    if "multipart/form-data" in described["content"]:
        return {"files": {"files": ("THERE", b"content")}}
    kind = "data" if "application/x-www-form-urlencoded" in described["content"] else "json"
    return {kind: sample(described["content"]["application/json"]["schema"])}


def sample(schema: dict[str, Any]) -> Any:
    """Return an example of a schema, or the least that fits it."""
    if "$ref" in schema:
        schema = DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "anyOf" in schema:
        return sample(schema["anyOf"][0])
    if schema.get("type") == "object":
        return {name: sample(schema["properties"][name]) for name in schema["required"]}
    if schema.get("type") == "array":
        return [sample(schema["items"])]
    return next(iter((*schema.get("examples", ()), *schema.get("enum", ()))), "NEW")

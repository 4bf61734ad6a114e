"""What operations are described with in the sandbox's OpenAPI document."""

from __future__ import annotations

from collections.abc import Sequence

from ..models import JsonValue
from .schemas import Schema, component

__all__ = ["answer", "headers", "operation", "path_parameter", "query_parameter", "refusal", "response"]

_SHARED = {"401": "NoCredential", "403": "Forbidden", "429": "TooMany", "500": "Internal", "503": "Unavailable"}


def operation(
    operation_id: str,
    summary: str,
    description: str,
    *,
    tag: str,
    scopes: Sequence[str],
    responses: Schema,
    parameters: Sequence[JsonValue] = (),
    body: str | None = None,
) -> Schema:
    """An operation with the answers that every operation can give. ``body`` names the shape of the request's."""
    shared = {status: component(name, "responses") for status, name in _SHARED.items()}
    described: Schema = {
        "operationId": operation_id,
        "summary": summary,
        "description": description,
        "tags": [tag],
        "security": [{"BearerAuth": []}],
        # OpenAPI 3.0 has scopes on OAuth schemes only. guess: one of the listed scopes is enough.
        "x-any-of-scopes": list(scopes),
        "parameters": list(parameters),
        "responses": dict(sorted({**shared, **responses}.items())),
    }
    if body is None:
        return described
    return {**described, "requestBody": {"required": True, "content": _json(component(body))}}


def query_parameter(name: str, description: str, schema: Schema) -> Schema:
    """A key of the query, which may be left out."""
    return {"name": name, "in": "query", "required": False, "description": description, "schema": schema}


def path_parameter(name: str, description: str) -> Schema:
    """An id in the path."""
    return {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}


def answer(description: str, name: str) -> Schema:
    """An answer whose body has a named shape."""
    return response(description, component(name))


def refusal(description: str, shape: str = "AccountingErrorResponse") -> Schema:
    """An error answer."""
    return response(description, component(shape))


def response(description: str, schema: Schema | None = None) -> Schema:
    """An answer, without a body unless it has a schema."""
    described: Schema = {
        "description": description,
        "headers": {name: component(name, "headers") for name in headers()},
    }
    return described if schema is None else {**described, "content": _json(schema)}


def headers() -> Schema:
    """The headers on every answer."""
    return {
        "X-Brex-Trace-Id": {"description": "Names this request to Brex's support.", "schema": {"type": "string"}},
        "Date": {"description": "The sandbox's clock when it answered.", "schema": {"type": "string"}},
    }


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}

"""The local Monite's own OpenAPI document: the operations as served here. No sentence in it is Monite's.

It differs from Monite's document where the guides or the sandbox's guesses do.

Source: Monite's OpenAPI document of 2024-05-25; guides on accounting integration and rate limits.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...monite.dialect import Dialect
from ...monite.enums import Order, SortBy
from ...wiretypes import JsonValue
from .schemas import Schema, component, many, moment, schemas, text, uuid

__all__ = ["openapi_document"]


def openapi_document(base_url: str, version: str, dialect: Dialect) -> dict[str, JsonValue]:
    """The document as plain JSON values, served at ``base_url`` by ``version`` of this package."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "brex_accounting sandbox: Monite accounting connections",
            "version": version,
            "description": "A local stand-in for Monite's API, stricter than Monite. Not made by Monite.",
        },
        "servers": [{"url": base_url, "description": "This sandbox."}],
        "tags": [
            {"name": "Connections", "description": "The links between an entity and an accounting system."},
            {"name": "Synced records", "description": "What is synced over them."},
            {"name": "Tokens", "description": "Access tokens for the partner's credentials."},
        ],
        "paths": {**_connections(dialect), **_records(dialect), **_tokens(dialect)},
        "components": {
            "schemas": schemas(),
            "securitySchemes": {"HTTPBearer": {"type": "http", "scheme": "bearer"}},
        },
    }


def _connections(dialect: Dialect) -> Schema:
    return {
        dialect.connections: {
            "get": _operation(
                "get_accounting_connections",
                "List connections",
                _headers(dialect),
                {"200": _answer("All of the entity's, ended ones too.", "AccountingConnectionList")},
            ),
            "post": _operation(
                "post_accounting_connections",
                "Create a connection",
                _headers(dialect),
                {
                    "201": _answer("It waits for a person at its connection_url.", "AccountingConnectionResponse"),
                    "409": _refusal("The entity has one that is connected, or waits."),
                },
            ),
        },
        **_one_connection(dialect),
    }


def _one_connection(dialect: Dialect) -> Schema:
    one = f"{dialect.connections}/{{connection_id}}"
    by_id = [_path_id("connection_id"), *_headers(dialect)]
    not_found = {"404": _refusal("The entity has no such connection.")}
    return {
        one: {
            "get": _operation(
                "get_accounting_connections_id",
                "Read a connection",
                by_id,
                {"200": _answer("The connection.", "AccountingConnectionResponse"), **not_found},
            )
        },
        f"{one}/disconnect": {
            "post": _operation(
                "post_accounting_connections_id_disconnect",
                "Disconnect",
                by_id,
                {
                    "200": _answer("It is disconnected, and has no connection_url.", "AccountingConnectionResponse"),
                    **not_found,
                    "409": _refusal("It is disconnected already."),
                },
            )
        },
        f"{one}/sync": {
            "post": _operation(
                "post_accounting_connections_id_sync",
                "Sync now",
                by_id,
                {
                    "202": _answer("It has begun. last_pull tells when it has ended.", "AccountingMessageResponse"),
                    **not_found,
                    "409": _refusal("The connection is not connected."),
                },
            )
        },
    }


def _records(dialect: Dialect) -> Schema:
    path, one = dialect.synced_records, f"{dialect.synced_records}/{{synced_record_id}}"
    by_id = [_path_id("synced_record_id"), *_headers(dialect)]
    found: Schema = {
        "200": _answer("The record.", "SyncRecordResource"),
        "404": _refusal("The entity has no such record."),
    }
    page: Schema = {"200": _answer("One page.", "SyncRecordResourceList")}
    return {
        path: {
            "get": _operation(
                "get_accounting_synced_records",
                "List synced records",
                [*_filters(), *_headers(dialect)],
                page,
            )
        },
        one: {"get": _operation("get_accounting_synced_records_id", "Read a synced record", by_id, found)},
        f"{one}/push": {"post": _operation("post_accounting_synced_records_id_push", "Push it now", by_id, found)},
    }


def _filters() -> Sequence[JsonValue]:
    limit: Schema = {"type": "integer", "minimum": 1, "maximum": 250, "default": 250}
    order: Schema = {"type": "string", "enum": [one.value for one in Order], "default": "asc"}
    sort: Schema = {"type": "string", "enum": [one.value for one in SortBy]}
    sides = [(field, side) for field in ("created_at", "updated_at") for side in ("gt", "lt", "gte", "lte")]
    return [
        _query("object_type", "What the records stand for.", component("ObjectMatchTypes"), required=True),
        _query("order", "Which end comes first.", order),
        _query("limit", "Records to a page. Send it with every page: a token does not hold it.", limit),
        _query("pagination_token", "That of another page. All but limit is then ignored.", text()),
        _query("sort", "What they are sorted by.", sort),
        _query("object_id", "Only this object's.", uuid()),
        _query("object_id__in", "Only these objects'.", {**many(uuid()), "minItems": 1}),
        *(_query(f"{field}__{side}", f"A bound on {field}.", moment()) for field, side in sides),
    ]


def _tokens(dialect: Dialect) -> Schema:
    return {
        dialect.token: {
            "post": _open(
                "post_auth_token",
                "Get a token",
                dialect,
                "ObtainTokenPayload",
                _answer("A token of the partner, or of an entity user.", "AccessTokenResponse"),
            )
        },
        dialect.revoke: {
            "post": {
                **_open(
                    "post_auth_revoke",
                    "Revoke a token",
                    dialect,
                    "RevokeTokenPayload",
                    _answer("It is useless now.", "MessageResponse"),
                ),
                # Monite's document asks for a token here; who has the credentials may revoke.
                "security": [],
            }
        },
    }


def _open(operation_id: str, summary: str, dialect: Dialect, body: str, answer: Schema) -> Schema:
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["Tokens"],
        "parameters": [_version(dialect)],
        "requestBody": {"required": True, "content": _json(component(body))},
        "responses": {"200": answer, **_shared()},
    }


def _operation(operation_id: str, summary: str, parameters: Sequence[JsonValue], responses: Schema) -> Schema:
    return {
        "operationId": operation_id,
        "summary": summary,
        "tags": ["Synced records" if "synced" in operation_id else "Connections"],
        "security": [{"HTTPBearer": []}],
        "parameters": list(parameters),
        "responses": dict(sorted({**_shared(), **responses}.items())),
    }


def _shared() -> Schema:
    return {
        "400": _refusal("No version was asked for, the token has expired, or a pagination token is none."),
        "401": _refusal("The token or the credentials are unknown or revoked."),
        "405": _refusal("The path does not take this method."),
        "422": _response("A part of the request is missing or wrong.", component("HTTPValidationError")),
        "429": _response("Too many requests. Retry-After says when to come back.", component("MessageResponse")),
        "500": _refusal("A fault on order."),
        "503": {"description": "A fault on order, without a body."},
    }


def _headers(dialect: Dialect) -> list[JsonValue]:
    entity: Schema = {"name": dialect.entity_header, "in": "header", "required": True, "schema": uuid()}
    return [_version(dialect), {**entity, "description": "Whose data it is. Every UUID is an entity here."}]


def _version(dialect: Dialect) -> Schema:
    return {
        "name": dialect.version_header,
        "in": "header",
        "required": True,
        "description": "The version to speak, from 2023-09-01 on.",
        "schema": {"type": "string", "format": "date"},
    }


def _path_id(name: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": "The one that is meant.", "schema": uuid()}


def _query(name: str, description: str, schema: Schema, *, required: bool = False) -> Schema:
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def _answer(description: str, name: str) -> Schema:
    return _response(description, component(name))


def _refusal(description: str) -> Schema:
    return _response(description, component("ErrorSchemaResponse"))


def _response(description: str, schema: Schema) -> Schema:
    return {"description": description, "content": _json(schema)}


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}

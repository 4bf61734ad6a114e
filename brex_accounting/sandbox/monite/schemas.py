"""The JSON shapes in the local Monite's OpenAPI document: Monite's names, our sentences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ...monite.enums import ConnectionStatus, ObjectType, Platform, ServiceProvider, SyncStatus
from ...wiretypes import JsonValue, OpenEnum

__all__ = ["Schema", "component", "many", "moment", "schemas", "text", "uuid"]

Schema: TypeAlias = dict[str, JsonValue]


def text() -> Schema:
    """A string."""
    return {"type": "string"}


def uuid() -> Schema:
    """An id."""
    return {"type": "string", "format": "uuid"}


def moment() -> Schema:
    """A time."""
    return {"type": "string", "format": "date-time"}


def many(items: Schema) -> Schema:
    """A list."""
    return {"type": "array", "items": items}


def component(name: str) -> Schema:
    """A pointer to a named shape."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas() -> Schema:
    """All named shapes."""
    return {**_connections(), **_records(), **_tokens(), **_errors()}


def _connections() -> Schema:
    info = {name: text() for name in ("base_currency", "email", "legal_name", "name", "type")}
    return {
        "AccountingConnectionList": _shape({"data": many(component("AccountingConnectionResponse"))}, ["data"]),
        "AccountingConnectionResponse": _shape(
            {
                "id": uuid(),
                "created_at": moment(),
                "updated_at": moment(),
                "business_info": component("BusinessInfoSchema"),
                "connection_url": text(),
                "errors": {**many(component("ErrorSchema")), "type": ["array", "null"]},
                "last_pull": moment(),
                "platform": text(),
                "status": component("ConnectionStatus"),
            },
            ["id", "created_at", "updated_at"],
        ),
        "BusinessInfoSchema": _shape({**info}),
        "ConnectionStatus": _choice(ConnectionStatus),
        "AccountingMessageResponse": _shape({"message": text()}, ["message"]),
    }


def _records() -> Schema:
    properties: Schema = {
        "id": uuid(),
        "created_at": moment(),
        "updated_at": moment(),
        "errors": {"type": "object"},
        "last_pulled_at": moment(),
        "object_id": uuid(),
        "object_type": component("ObjectMatchTypes"),
        "object_updated_at": moment(),
        "platform": component("Platform"),
        "platform_object_id": text(),
        "platform_updated_at": moment(),
        "provider": component("ServiceProvidersEnum"),
        "provider_object_id": text(),
        "provider_updated_at": moment(),
        "sync_status": component("SyncStatus"),
    }
    required = ["id", "created_at", "updated_at", "last_pulled_at", "sync_status", "object_type"]
    tokens = {"next_pagination_token": text(), "prev_pagination_token": text()}
    return {
        "SyncRecordResource": _shape(properties, required),
        "SyncRecordResourceList": _shape({"data": many(component("SyncRecordResource")), **tokens}, ["data"]),
        "ObjectMatchTypes": _choice(ObjectType),
        "Platform": _choice(Platform),
        "ServiceProvidersEnum": _choice(ServiceProvider),
        "SyncStatus": _choice(SyncStatus),
    }


def _tokens() -> Schema:
    client: Schema = {"client_id": uuid(), "client_secret": text()}
    grant: Schema = {"type": "string", "enum": ["client_credentials", "entity_user"]}
    user: Schema = {"anyOf": [uuid(), {"type": "null"}]}
    asked = _shape(
        {**client, "entity_user_id": user, "grant_type": component("GrantType")},
        ["client_id", "client_secret", "grant_type"],
    )
    revoked = _shape({**client, "token": text()}, ["client_id", "client_secret", "token"])
    return {
        "GrantType": grant,
        "ObtainTokenPayload": {**asked, "additionalProperties": False},
        "RevokeTokenPayload": {**revoked, "additionalProperties": False},
        "AccessTokenResponse": _shape(
            {"access_token": text(), "expires_in": {"type": "integer"}, "token_type": text()},
            ["access_token", "expires_in", "token_type"],
        ),
        "MessageResponse": _shape({"message": text()}, ["message"]),
    }


def _errors() -> Schema:
    place = many({"anyOf": [text(), {"type": "integer"}]})
    # Only the type missing_api_version is documented, and in a guide alone.
    error = _shape({"message": text(), "type": text()}, ["message"])
    return {
        "ErrorSchema": _shape({"message": text()}, ["message"]),
        "ErrorSchemaResponse": _shape({"error": error}, ["error"]),
        "HTTPValidationError": _shape({"detail": many(component("ValidationError"))}),
        "ValidationError": _shape({"loc": place, "msg": text(), "type": text()}, ["loc", "msg", "type"]),
    }


def _choice(values: type[OpenEnum]) -> Schema:
    return {"type": "string", "enum": [member.value for member in values]}


def _shape(properties: Schema, required: Sequence[str] = ()) -> Schema:
    schema: Schema = {"type": "object", "properties": properties}
    return {**schema, "required": list(required)} if required else schema

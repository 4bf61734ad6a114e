"""The operations about fields, their values and the company in the sandbox's OpenAPI document.

Source: Brex, Fields API reference (1.0.0-beta); Team API reference, "Get company".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..models import JsonValue
from .field_reading import MAX_VALUES
from .openapi_parts import answer, operation, path_parameter, query_parameter, refusal, response
from .schemas import Schema

__all__ = ["FIELD_SCOPES", "field_paths"]

FIELD_SCOPES: Final = {
    "fields.read": "Read fields.",
    "fields.write": "Read, make, change and delete fields; delete values.",
    "field_values.read": "Read values.",
    "field_values.write": "Read, make and change values.",
    "companies.readonly": "Read which company a token belongs to.",
}

_READ, _WRITE = ("fields.read", "fields.write"), ("fields.write",)
_READ_VALUES, _WRITE_VALUES = ("field_values.read", "field_values.write"), ("field_values.write",)
_FIELD: Final = path_parameter("field_id", "The field.")


def field_paths() -> Schema:
    """All operations, by path and method."""
    return {
        "/v1/fields": {"get": _list_fields(), "post": _create_field()},
        "/v1/fields/{id}": {"get": _get_field(), "put": _update_field(), "delete": _delete_field()},
        "/v1/fields/{field_id}/values": {
            "get": _list_values(),
            "post": _create_values(),
            "put": _update_values(),
            "delete": _delete_values(),
        },
        "/v1/fields/{field_id}/values/{brex_id}": {"get": _get_value()},
        "/v2/company": {"get": _company()},
    }


def _list_fields() -> Schema:
    return _described(
        "listFields",
        "List fields",
        "Page by page: go on while there is a next_cursor, with the same filters.",
        scopes=_READ,
        parameters=[_ids("field_id[]", "Only these fields."), *_paging()],
        responses={"200": answer("One page of fields.", "Page_Field_")},
        found=False,
    )


def _create_field() -> Schema:
    return _described(
        "createField",
        "Make a field",
        "The same Idempotency-Key with the same body gets the first answer again.",
        scopes=_WRITE,
        parameters=[_key()],
        body="FieldCreateBody",
        responses={"200": answer("The field.", "Field")},
    )


def _get_field() -> Schema:
    return _described(
        "getFieldById",
        "Read one field",
        "By Brex's own id.",
        scopes=_READ,
        parameters=[path_parameter("id", "The field.")],
        responses={"200": answer("The field.", "Field")},
    )


def _update_field() -> Schema:
    return _described(
        "updateField",
        "Rename or switch a field",
        "What is left out or null stays as it is.",
        scopes=_WRITE,
        parameters=[path_parameter("id", "The field.")],
        body="FieldUpdateBody",
        responses={"200": answer("The field as it is now.", "Field")},
    )


def _delete_field() -> Schema:
    return _described(
        "deleteField",
        "Delete a field",
        "With its values. Records stay coded as they were.",
        scopes=_WRITE,
        parameters=[path_parameter("id", "The field.")],
        responses={"200": response("It is gone.")},
    )


def _list_values() -> Schema:
    return _described(
        "listFieldValues",
        "List the values of a field",
        "Page by page: go on while there is a next_cursor, with the same filters. Several filters hold together.",
        scopes=_READ_VALUES,
        parameters=[
            _FIELD,
            _ids("brex_id[]", "Only values with these ids of Brex's."),
            _ids("value_id[]", "Only values with these codes."),
            _ids("remote_id[]", "Only values with these ids of the accounting system's."),
            *_paging(),
            query_parameter("value", "Only values of this name.", {"type": "string"}),
        ],
        responses={
            "200": answer("One page of values.", "Page_FieldValue_"),
            "404": _general("There is no such field."),
        },
        found=False,
    )


def _create_values() -> Schema:
    return _described(
        "createFieldValues",
        "Make values",
        "All or none. The same Idempotency-Key with the same body gets the first answer again.",
        scopes=_WRITE_VALUES,
        parameters=[_FIELD, _key()],
        body="CreateFieldValueListBody",
        responses={"200": answer("The values.", "FieldValueListResponse")},
    )


def _update_values() -> Schema:
    return _described(
        "updateFieldValues",
        "Rename or switch values",
        "All or none. What is left out or null stays as it is.",
        scopes=_WRITE_VALUES,
        parameters=[_FIELD],
        body="UpdateFieldValueListBody",
        responses={"200": answer("The values as they are now.", "FieldValueListResponse")},
    )


def _delete_values() -> Schema:
    return _described(
        "deleteFieldValues",
        "Delete values",
        "All or none. Records stay coded as they were.",
        scopes=_WRITE,
        parameters=[_FIELD],
        body="DeleteFieldValueListBody",
        responses={"200": answer("They are gone.", "DeletedFieldValueListResponse")},
    )


def _get_value() -> Schema:
    return _described(
        "getFieldValueById",
        "Read one value",
        "By Brex's own id.",
        scopes=_READ_VALUES,
        parameters=[_FIELD, path_parameter("brex_id", "The value.")],
        responses={"200": answer("The value.", "FieldValue")},
    )


def _company() -> Schema:
    return operation(
        "getCompany",
        "Read the company of the token",
        "Its id is the one that webhooks name.",
        tag="Companies",
        scopes=("companies.readonly",),
        responses={"200": answer("The company.", "CompanyResponse")},
    )


def _described(
    operation_id: str,
    summary: str,
    description: str,
    *,
    scopes: Sequence[str],
    parameters: Sequence[JsonValue],
    responses: Schema,
    body: str | None = None,
    found: bool = True,
) -> Schema:
    missing: Schema = {"404": _general("There is no such field, value or integration.")} if found else {}
    refused: Schema = {"400": _general("A value, a body or a query key that cannot be used."), **missing}
    return operation(
        operation_id,
        summary,
        description,
        tag="Fields",
        scopes=scopes,
        parameters=parameters,
        body=body,
        responses={**refused, **responses},
    )


def _general(description: str) -> Schema:
    return refusal(description, "GatewayErrorResponse")


def _ids(name: str, description: str) -> Schema:
    return query_parameter(name, description, {"type": "array", "items": {"type": "string"}})


def _paging() -> Sequence[JsonValue]:
    limit: Schema = {"type": "integer", "format": "int32", "default": 100, "minimum": 1, "maximum": MAX_VALUES}
    return (
        query_parameter("cursor", "next_cursor of the page before.", {"type": "string"}),
        query_parameter("limit", "How many to a page.", limit),
    )


def _key() -> Schema:
    description = "Names the request: sent again with the same key, it is not done again."
    schema: Schema = {"type": "string", "minLength": 1}
    return {"name": "Idempotency-Key", "in": "header", "required": True, "description": description, "schema": schema}

"""The JSON shapes of fields, values and the company in the sandbox's OpenAPI document: Brex's names, our sentences."""

from __future__ import annotations

from typing import Final

from ..enums import AccountType, FieldGroup
from .field_reading import MAX_VALUES
from .schemas import Schema, choice, component, described, instant, many, optional_text, shape, text

__all__ = ["field_schemas"]

_KEYS: Final = (
    ("ByBrexId", "brex_id", "Brex's own id of the value."),
    ("ByValueId", "value_id", "The code that people know the value by."),
    ("ByRemoteId", "remote_id", "The value, in the accounting system."),
)
_SWITCH: Schema = {"type": "boolean", "description": "Whether it can no longer be chosen."}


def field_schemas() -> Schema:
    """All named shapes."""
    return {**_field(), **_value(), **_creation(), **_selection(), **_pages(), **_company()}


def _field() -> Schema:
    group = choice(FieldGroup, "What it is for.")
    field: Schema = {
        "brex_id": text("Brex's own id of the field."),
        "name": optional_text("What people read."),
        "remote_id": optional_text("The field, in the accounting system."),
        "updated_at": instant("The last change, in UTC."),
        "is_disabled": _switch(),
        "group": {**group, "nullable": True},
    }
    integration = "The integration it belongs to. guess: required for ERP fields, and it must be active."
    return {
        "Field": shape(field, ["brex_id", "is_disabled", "name", "updated_at"]),
        "FieldCreateBody": shape(
            {
                "name": _written("What people read."),
                "group": group,
                "remote_id": optional_text("The field, in the accounting system; no other field's."),
                "integration_id": optional_text(integration),
                "is_disabled": _switch(nullable=True),
            },
            ["group", "name"],
        ),
        "FieldUpdateBody": shape(
            {"name": {**_written("Another name."), "nullable": True}, "is_disabled": _switch(nullable=True)}
        ),
    }


def _value() -> Schema:
    value: Schema = {
        "brex_id": text("Brex's own id of the value."),
        "remote_id": optional_text("The value, in the accounting system."),
        "value_id": optional_text("The code that people know the value by."),
        "value": text("What people read."),
        "field_id": text("The field it belongs to."),
        "updated_at": instant("The last change, in UTC."),
        "is_disabled": _switch(),
    }
    return {"FieldValue": shape(value, ["brex_id", "field_id", "is_disabled", "updated_at", "value"])}


def _creation() -> Schema:
    new: Schema = {
        "value": _written("What people read."),
        "value_id": optional_text("The code that people know the value by; no other value's."),
        "remote_id": optional_text("The value, in the accounting system; no other value's."),
        "is_disabled": _switch(nullable=True),
    }
    return {
        "CreateFieldValueBody": shape(new, ["value"]),
        "CreateFieldValueListBody": _list_body("CreateFieldValueBody"),
        "FieldValueListResponse": shape({"items": many(component("FieldValue"), "In the order given.")}, ["items"]),
    }


def _selection() -> Schema:
    data: Schema = shape(
        {"value": {**_written("Another name."), "nullable": True}, "is_disabled": _switch(nullable=True)}
    )
    changes: Schema = {
        f"UpdateFieldValue.{name}": shape(
            {key: text(meaning), "data": described("UpdateFieldValueDataBody", "What is changed.")}, [key, "data"]
        )
        for name, key, meaning in _KEYS
    }
    keys: Schema = {f"DeleteFieldValue.{name}": shape({key: text(meaning)}, [key]) for name, key, meaning in _KEYS}
    return {
        **changes,
        **keys,
        "UpdateFieldValueDataBody": data,
        "UpdateFieldValueBody": {"type": "object", "oneOf": [component(name) for name in changes]},
        "UpdateFieldValueListBody": _list_body("UpdateFieldValueBody"),
        "DeleteFieldValueBody": {"type": "object", "oneOf": [component(name) for name in keys]},
        "DeleteFieldValueListBody": _list_body("DeleteFieldValueBody"),
        "DeletedFieldValueListResponse": {"type": "object", "description": "Empty."},
    }


def _pages() -> Schema:
    cursor = optional_text("Asks for the next page; null or left out on the last.")
    return {
        f"Page_{name}_": shape(
            {"items": many(component(name), "In the order they were made."), "next_cursor": cursor}, ["items"]
        )
        for name in ("Field", "FieldValue")
    }


def _company() -> Schema:
    lines = ("line1", "line2", "city", "state", "country", "postal_code", "phone_number")
    address = shape({name: optional_text("Null where not known.") for name in lines})
    company: Schema = {
        "id": text("The company (cuacc_...), as webhooks name it."),
        "legal_name": text("The company's name."),
        "mailing_address": {**address, "description": "Where it receives its mail."},
        "accountType": choice(AccountType, "The Brex product line it is on. The one name in camelCase."),
    }
    return {"CompanyResponse": shape(company, ["id", "legal_name", "mailing_address", "accountType"])}


def _list_body(name: str) -> Schema:
    items = many(component(name), "All of them are done, or none.")
    return shape({"items": {**items, "minItems": 1, "maxItems": MAX_VALUES}}, ["items"])


def _written(description: str) -> Schema:
    return {**text(f"{description} Not blank."), "pattern": r"\S"}


def _switch(*, nullable: bool = False) -> Schema:
    return {**_SWITCH, "nullable": True} if nullable else dict(_SWITCH)

"""The JSON shapes in the sandbox's OpenAPI document: Brex's names, our sentences.

``nullable`` always stands beside ``type``. OpenAPI 3.0 ignores it elsewhere, so the form
``nullable`` with ``allOf``, which Brex writes, would forbid the null it means to allow.

Fields marked *seen* are undocumented but appear in captured records.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from ..enums import (
    ErrorCode,
    IntegrationStatus,
    LineItemType,
    OpenEnum,
    RecordType,
    ReviewStatus,
    SourceType,
    UserRole,
    UserStatus,
)
from ..models import JsonValue

__all__ = [
    "Schema",
    "choice",
    "component",
    "described",
    "instant",
    "many",
    "optional_text",
    "schemas",
    "shape",
    "text",
]

Schema: TypeAlias = dict[str, JsonValue]


def text(description: str) -> Schema:
    """A string."""
    return {"type": "string", "description": description}


def choice(values: type[OpenEnum], description: str) -> Schema:
    """A string among the values Brex documents."""
    return {"type": "string", "description": description, "enum": [member.value for member in values]}


def component(name: str, kind: str = "schemas") -> Schema:
    """A pointer to a named component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def schemas() -> Schema:
    """All named shapes."""
    return {**_requests(), **_errors(), **_integration(), **_record(), **_line_item(), **_people(), **_answers()}


def optional_text(description: str) -> Schema:
    """A string, or null."""
    return {"type": "string", "nullable": True, "description": description}


def instant(description: str, *, nullable: bool = False) -> Schema:
    """A date-time."""
    schema: Schema = {"type": "string", "format": "date-time", "description": description}
    return {**schema, "nullable": True} if nullable else schema


def described(name: str, description: str) -> Schema:
    """A named shape, with a sentence of its own."""
    # Keys beside a $ref are ignored in OpenAPI 3.0: allOf makes room for the sentence.
    return {"description": description, "allOf": [component(name)]}


def many(items: Schema, description: str) -> Schema:
    """A list."""
    return {"type": "array", "description": description, "items": items}


def shape(properties: Schema, required: Sequence[str] = ()) -> Schema:
    """An object."""
    schema: Schema = {"type": "object", "properties": properties}
    return {**schema, "required": list(required)} if required else schema


def _requests() -> Schema:
    booked: Schema = {
        "reference_id": optional_text("What the accounting system calls the entry it made."),
        "deep_link_url": {"type": "string", "nullable": False, "description": "Opens that entry. Leave out, not null."},
    }
    record_id = text("The record this result is about.")
    either: Schema = {"oneOf": [component("SuccessfulExportResult"), component("FailedExportResult")]}
    return {
        "CreateIntegrationRequest": shape(
            {
                "vendor": {**text("The accounting system, by the name Brex agreed with its maker."), "minLength": 1},
                "vendor_account_id": {**text("The company's account in that accounting system."), "minLength": 1},
            },
            ["vendor", "vendor_account_id"],
        ),
        "ReportExportResultsRequest": shape(
            {"results": {**many(either, "At least one; each has either success or failure."), "minItems": 1}},
            ["results"],
        ),
        "SuccessfulExportResult": shape(
            {"accounting_record_id": record_id, "success": described("ExportSuccessDetails", "It was booked.")},
            ["accounting_record_id", "success"],
        ),
        "ExportSuccessDetails": shape(booked),
        "FailedExportResult": shape(
            {"accounting_record_id": record_id, "failure": described("ExportFailureDetails", "It was not booked.")},
            ["accounting_record_id", "failure"],
        ),
        "ExportFailureDetails": shape({"error_message": text("Why, for the customer to read.")}, ["error_message"]),
    }


def _errors() -> Schema:
    return {
        "AccountingErrorResponse": shape(
            {
                "error_code": choice(ErrorCode, "Which rule was broken."),
                "message": text("The same for a person."),
                "details": described("AccountingErrorDetails", "What the rule was broken with, or null."),
            },
            ["error_code", "message"],
        ),
        "AccountingErrorDetails": {
            **shape(_error_details()),
            "nullable": True,
            "additionalProperties": True,
            "description": "Only the keys that belong to the error code are present.",
        },
        "GatewayErrorResponse": shape(
            {
                "type": text("FORBIDDEN for a dead token."),
                "message": text("The same for a person."),
                "code": text("Never sent by the sandbox."),
            },
            ["type", "message"],
        ),
    }


def _error_details() -> Schema:
    record_id = text("An accounting record.")
    return {
        "existing_integration_id": text("The active integration that stands in the way."),
        "existing_vendor": text("ACTIVE_INTEGRATION_EXISTS: its vendor."),
        "requested_vendor": text("ACTIVE_INTEGRATION_EXISTS: the vendor in the request."),
        "existing_vendor_account_id": text("VENDOR_ACCOUNT_ID_MISMATCH: its account at the vendor."),
        "requested_vendor_account_id": text("VENDOR_ACCOUNT_ID_MISMATCH: the account in the request."),
        "integration_id": text("INTEGRATION_NOT_ACTIVE: the integration asked for."),
        "current_status": text("INTEGRATION_NOT_ACTIVE: where it stands."),
        "duplicate_accounting_record_ids": many(record_id, "Records with more than one result."),
        "not_ready_for_export_accounting_record_ids": many(record_id, "Records not in READY_FOR_EXPORT."),
        "not_found_export_entry_source_ids": many(record_id, "Records that do not exist, despite the name."),
    }


def _integration() -> Schema:
    return {
        "Integration": shape(
            {
                "integration_id": text("The integration, as in the paths."),
                "vendor": text("The accounting system."),
                "vendor_account_id": text("The company's account in that accounting system."),
                "status": choice(IntegrationStatus, "Whether it is connected."),
                "created_at": instant("When it was first connected, in UTC."),
            },
            ["integration_id", "vendor", "vendor_account_id", "status", "created_at"],
        ),
    }


def _record() -> Schema:
    properties: Schema = {
        "id": text("The record (accr_...)."),
        "amount": described("Amount", "The record's value now."),
        "original_amount": described("NullableAmount", "The value in the purchase's own currency."),
        "billing_amount": described("Amount", "Seen: the value in the currency the company is billed in."),
        "type": choice(RecordType, "The financial event being booked."),
        "review_status": choice(ReviewStatus, "How far the customer's coding has come."),
        "status": text("Seen: the state of the expense behind the record, such as SUBMITTED."),
        "source_id": optional_text("The expense or bill behind the record."),
        "source_type": choice(SourceType, "The Brex product behind the record."),
        "erp_posting_date": instant("The day the entry belongs to in the books, in UTC."),
        "updated_at": instant("The last change, in UTC."),
        "version": {"type": "number", "description": "Counts the changes; always whole."},
        "receipts": {**many(component("Receipt"), "Proofs of purchase."), "nullable": True},
        "user": described("User", "Who spent, or null."),
        "vendor": described("Vendor", "Who was paid, or null."),
        "memo": optional_text("A note by the customer."),
        "posted_at": instant("Settlement, in UTC. There is no purchase date."),
        "due_at": instant("When a bill has to be paid, in UTC; null for anything else.", nullable=True),
        "invoice_number": optional_text("The number on a bill; null for anything else."),
        "line_items": many(component("AccountingRecordLineItem"), "Both sides of the entry."),
    }
    required = ["id", "amount", "type", "review_status", "source_type", "erp_posting_date"]
    return {
        "AccountingRecordDetailed": shape(properties, [*required, "updated_at", "version", "posted_at", "line_items"])
    }


def _line_item() -> Schema:
    line: Schema = {
        "id": text("The line (accrli_...)."),
        "type": choice(LineItemType, "The side of the entry."),
        "amount": described("Amount", "Never negative: the side is in type."),
        "original_amount": described("NullableAmount", "The value in the purchase's own currency."),
        "billing_amount": described("Amount", "Seen, on debits only: the value in the billing currency."),
        "memo": optional_text("A note on this line."),
        "accounting_field_values": many(
            component("AccountingFieldValue"), "The coding. Can be left out of an uncoded line."
        ),
        "amortization": {"type": "object", "nullable": True, "description": "Seen, and only ever as null."},
    }
    coding: Schema = {
        "brex_field_id": text("The field, in Brex."),
        "remote_field_id": optional_text("The field, in the accounting system."),
        "field_name": text("Seen: the field, for a person."),
        "brex_field_value_id": optional_text("The chosen value, in Brex. Null or left out where nothing is chosen."),
        "remote_field_value_id": optional_text("The chosen value, in the accounting system."),
        "field_value_name": optional_text("Seen: the chosen value, for a person."),
        "type": text("Seen: the kind of the value, such as IDENTIFIER."),
    }
    return {
        "AccountingRecordLineItem": shape(line, ["id", "type", "amount"]),
        "AccountingFieldValue": shape(coding, ["brex_field_id", "remote_field_id", "remote_field_value_id"]),
    }


def _people() -> Schema:
    user: Schema = {
        "id": text("The user (cuuser_...)."),
        "first_name": text("As typed: blanks at the end are kept."),
        "last_name": text("As typed: blanks at the end are kept."),
        "email": text("The work address."),
        "role": choice(UserRole, "The role in the customer's account."),
        "status": choice(UserStatus, "The state of the user."),
        "account_id": text("Seen: the Brex company (cuacc_...)."),
        **{name: text("Left out where not set, never null.") for name in _ORGANISATION},
    }
    vendor: Schema = {
        "id": text("The vendor; for card records a card merchant (pmch_...)."),
        "name": text("The vendor's name."),
        **{name: optional_text("Null where not known.") for name in ("contact_name", "email", "website", "phone")},
    }
    return {
        "User": {**shape(user, ["id", "first_name", "last_name", "email", "role", "status"]), "nullable": True},
        "Vendor": {**shape(vendor, ["id", "name"]), "nullable": True},
    }


_ORGANISATION = (
    "manager_id",
    "manager_first_name",
    "manager_last_name",
    "manager_title_id",
    "manager_title_name",
    "department_id",
    "department_name",
    "location_id",
    "location_name",
    "title_id",
    "title_name",
)


def _answers() -> Schema:
    money = shape(
        {
            "amount": {"type": "number", "description": "Major currency units: 171.75 is 171 dollars and 75 cents."},
            "currency": text("The currency's three letters."),
        },
        ["amount", "currency"],
    )
    uris = many(text("A presigned address."), "Stop working 15 minutes after they were served.")
    page: Schema = {
        "items": many(component("AccountingRecordDetailed"), "The records of this page; can be empty before the end."),
        "total_count": {
            "type": "number",
            "format": "int32",
            "nullable": True,
            "description": "How many records the filters let through.",
        },
        "next_cursor": optional_text("Asks for the next page."),
        "has_next_page": {"type": "boolean", "description": "Whether there is a next page."},
    }
    return {
        "Amount": money,
        "NullableAmount": {**money, "nullable": True},
        "Receipt": shape({"id": text("The receipt."), "download_uris": {**uris, "nullable": True}}, ["id"]),
        "AccountingRecordsResponse": shape(page, ["items", "has_next_page"]),
        "ExportResultsResponse": shape(
            {"updated_accounting_record_ids": many(text("An accounting record."), "The records that were moved on.")},
            ["updated_accounting_record_ids"],
        ),
    }

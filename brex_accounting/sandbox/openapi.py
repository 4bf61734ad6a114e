"""The sandbox's own OpenAPI document: Brex's operations as served here, and what is added to them.

It differs from Brex's published document where the newer reference pages or captured answers
do, and where the sandbox is stricter. No sentence in it is Brex's.

Source: Brex, Accounting API reference, all six operations; Brex guides, "Rate limits" and "Error codes".
"""

from __future__ import annotations

from collections.abc import Sequence

from ..enums import ReviewStatus, SourceType
from ..models import JsonValue
from .field_openapi import FIELD_SCOPES, field_paths
from .field_schemas import field_schemas
from .openapi_parts import answer, headers, operation, path_parameter, query_parameter, refusal, response
from .schemas import Schema, choice, component, schemas, text

__all__ = ["openapi_document"]

_READ_SCOPES = ("accounting.record.read", "accounting.record.write")
_REPORT_SCOPES = ("accounting.record.write",)
_INTEGRATION_SCOPES = ("accounting.integration.write",)
_UNKNOWN_KEYS = "Query keys not listed here are refused."


def openapi_document(base_url: str, version: str) -> dict[str, JsonValue]:
    """The document as plain JSON values, served at ``base_url`` by ``version`` of this package."""
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "brex_accounting sandbox",
            "version": version,
            "description": "A local stand-in for Brex's Accounting API and more, stricter than Brex. Not made by Brex.",
        },
        "servers": [{"url": base_url, "description": "This sandbox."}],
        "tags": [
            {"name": "Integrations", "description": "The link between a company and its accounting system."},
            {"name": "Records", "description": "What there is to book, and what became of it."},
            {"name": "Fields", "description": "The lists that records are coded with, and what is in them."},
            {"name": "Companies", "description": "Whom a token belongs to."},
        ],
        "paths": {**_integration_paths(), **_record_paths(), **field_paths()},
        "components": {
            "schemas": {**schemas(), **field_schemas()},
            "responses": _shared_responses(),
            "headers": headers(),
            "securitySchemes": {"BearerAuth": _bearer()},
        },
    }


def _integration_paths() -> Schema:
    return {
        "/v3/accounting/integration": {
            "post": operation(
                "createIntegration",
                "Connect an accounting system",
                "Answers with the active integration if vendor and vendor_account_id are its own, and makes one if none"
                " is active. After a disconnect this makes a new integration, so it is not a way to look one up.",
                tag="Integrations",
                scopes=_INTEGRATION_SCOPES,
                body="CreateIntegrationRequest",
                responses={
                    "200": answer("The active integration, new or not.", "Integration"),
                    "400": component("BadRequest", "responses"),
                    "409": refusal(
                        "ACTIVE_INTEGRATION_EXISTS for another vendor; VENDOR_ACCOUNT_ID_MISMATCH for another account"
                        " at the same vendor. The details name both sides."
                    ),
                },
            )
        },
        "/v3/accounting/integration/{integration_id}/disconnect": {"post": _disconnect()},
        "/v3/accounting/integration/{integration_id}/reactivate": {"post": _reactivate()},
    }


def _disconnect() -> Schema:
    return operation(
        "disconnectIntegration",
        "Disconnect an accounting system",
        "Takes no body. Repeating it is refused: a 409 that gives DISABLED as current_status means it is done.",
        tag="Integrations",
        scopes=_INTEGRATION_SCOPES,
        parameters=[path_parameter("integration_id", "The integration to disconnect.")],
        responses={
            "200": answer("The integration, now DISABLED.", "Integration"),
            "404": refusal("NOT_FOUND: there is no such integration."),
            "409": refusal("INTEGRATION_NOT_ACTIVE. The details give integration_id and current_status."),
        },
    )


def _reactivate() -> Schema:
    return operation(
        "reactivateIntegration",
        "Connect a disconnected accounting system again",
        "Takes no body.",
        tag="Integrations",
        scopes=_INTEGRATION_SCOPES,
        parameters=[path_parameter("integration_id", "The integration to bring back.")],
        responses={
            "200": answer("The integration, now ACTIVE.", "Integration"),
            "404": refusal("NOT_FOUND: there is no such integration."),
            "409": refusal("ACTIVE_INTEGRATION_EXISTS: one is active, be it this one or another."),
        },
    )


def _record_paths() -> Schema:
    return {
        "/v3/accounting/records": {
            "get": operation(
                "queryAccountingRecords",
                "List accounting records",
                "Page by page: go on while has_next_page is true, with next_cursor as cursor and the same filters."
                f" {_UNKNOWN_KEYS} review_status cannot go with source_type=BILL: bills have no review.",
                tag="Records",
                scopes=_READ_SCOPES,
                parameters=_filters(),
                responses={
                    "200": answer("One page of records.", "AccountingRecordsResponse"),
                    "400": component("BadRequest", "responses"),
                },
            )
        },
        "/v3/accounting/records/{record_id}": {
            "get": operation(
                "getAccountingRecord",
                "Read one accounting record",
                _UNKNOWN_KEYS,
                tag="Records",
                scopes=_READ_SCOPES,
                parameters=[path_parameter("record_id", "The record to read."), _single_entry()],
                responses={
                    "200": answer("The record.", "AccountingRecordDetailed"),
                    "400": component("BadRequest", "responses"),
                    "404": refusal("NOT_FOUND: there is no such record."),
                },
            )
        },
        "/v3/accounting/records/export-results": {"post": _report()},
    }


def _report() -> Schema:
    return operation(
        "reportAccountingExportResults",
        "Report what became of exported records",
        "All or nothing: one refused result refuses the request. Reporting moves a record out of READY_FOR_EXPORT, so"
        " the same report sent twice is refused the second time.",
        tag="Records",
        scopes=_REPORT_SCOPES,
        body="ReportExportResultsRequest",
        responses={
            "200": answer("The records that were moved on.", "ExportResultsResponse"),
            "400": component("BadRequest", "responses"),
            "404": refusal("NOT_FOUND. The details list the records in not_found_export_entry_source_ids."),
            "422": refusal(
                "DUPLICATE_ACCOUNTING_RECORD_IDS or ACCOUNTING_RECORD_NOT_READY_FOR_EXPORT. The details list the"
                " records at fault."
            ),
        },
    )


def _filters() -> Sequence[JsonValue]:
    ids: Schema = {"type": "array", "items": {"type": "string"}, "maxItems": 500}
    status = choice(ReviewStatus, "Only records at this point of their review.")
    limit: Schema = {"type": "number", "default": 100, "minimum": 1, "maximum": 1000, "multipleOf": 1}
    return [
        query_parameter("ids", "Only these records, at most 500. The key is repeated: ids=accr_1&ids=accr_2.", ids),
        query_parameter("review_status", "Only records at this point of their review; not for bills.", status),
        query_parameter("source_type", "Only records of one Brex product.", choice(SourceType, "The Brex product.")),
        {**query_parameter("updated_at", _WINDOW, _window()), "style": "deepObject", "explode": True},
        query_parameter("limit", "Records to a page: a whole number.", limit),
        query_parameter("cursor", "next_cursor of the page before.", {"type": "string"}),
        _single_entry(),
    ]


_WINDOW = (
    "Only records last changed in this window, such as updated_at[gt]=2025-01-01T00:00:00Z. Always send one: without it"
    " Brex silently leaves history out, and the sandbox does the same."
)


def _window() -> Schema:
    bounds = (
        ("gt", "After this."),
        ("gte", "At or after this."),
        ("lt", "Before this."),
        ("lte", "At or before this."),
    )
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            key: {
                **text(f"{meaning} A date is its midnight in UTC."),
                "anyOf": [{"format": name} for name in ("date-time", "date")],
            }
            for key, meaning in bounds
        },
    }


def _single_entry() -> Schema:
    # guess: Brex does not say which lines a single entry keeps.
    return query_parameter("single_entry", "Leaves out the balancing side of each record.", {"type": "boolean"})


def _shared_responses() -> Schema:
    refused: Schema = {"oneOf": [component("AccountingErrorResponse"), component("GatewayErrorResponse")]}
    return {
        "BadRequest": refusal("INVALID_REQUEST: a value, a body or a query key that cannot be used."),
        "NoCredential": response("No credential was sent. The body is empty."),
        "Forbidden": response(
            "Two shapes. type and message, from the gateway: the token is unknown, expired or revoked. error_code"
            " FORBIDDEN: the token lives and lacks the scope.",
            refused,
        ),
        "TooMany": response("Too many requests, or a fault on order. Brex documents no body; here it is empty."),
        "Internal": refusal("INTERNAL_ERROR, as a fault on order."),
        "Unavailable": response("Only as a fault on order. Brex does not document it."),
    }


def _bearer() -> Schema:
    return {
        "type": "http",
        "scheme": "bearer",
        "description": "A user token or an OAuth access token. Each operation lists its scopes in x-any-of-scopes.",
        "x-scopes": {
            "accounting.integration.read": "See integrations. No operation asks for it.",
            "accounting.integration.write": "Connect, disconnect and bring back integrations.",
            "accounting.record.read": "Read records.",
            "accounting.record.write": "Read records and report what became of them.",
            **FIELD_SCOPES,
        },
    }

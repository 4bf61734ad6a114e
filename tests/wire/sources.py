"""Hand-written documents in the shapes that Brex documents or was seen to send, and where each shape is from.

None of them came out of our own encoder: the local Brex shares it, so a round trip proves nothing about
spelling. Ids, names and values are invented.
"""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent / "documents"

_CAPTURED = "a card record captured from a live account, published in FastJVM/coga, recorded/brex/record-shape.json"
_UNCODED = "the same capture's notes: an uncoded charge lacks the value id, the GL entry or the whole list"
_RECORD = "Brex, Accounting API reference, 'Get accounting record': schema and example"
_LIST = "Brex, Accounting API reference, 'Query accounting records': schema and example"
_INTEGRATION = "Brex, Accounting API reference, 'Create integration'"
_REPORT = "Brex, Accounting API reference, 'Report export results'"
_ERRORS = "Brex, Accounting API reference, AccountingErrorResponse"
_FIELDS = "Brex, Fields API reference (1.0.0-beta)"
_GATEWAY = "Brex, error guide, and answers of the gateway seen by w6w-io/w6w-apps"

SOURCES = {
    "card_captured_shape": _CAPTURED,
    "card_uncoded_null_value": _UNCODED,
    "card_uncoded_no_gl_entry": _UNCODED,
    "card_uncoded_no_list": _UNCODED,
    "card_documented_shape": _RECORD + "; the user id in the base64 form of the Users API",
    "card_refund": _CAPTURED + "; type from the reference",
    "reimbursement_payout": _RECORD,
    "bill": _RECORD + ", with due_at and invoice_number",
    "page_empty": _LIST,
    "page_with_cursor": _LIST,
    "page_total_null": _LIST + "; total_count and next_cursor may be null",
    "integration_by_schema": _INTEGRATION + ": the schema says integration_id",
    "integration_by_example": _INTEGRATION + ": every example says id",
    "export_results_request": _REPORT,
    "export_results_reply": _REPORT,
    "error_active_integration_exists": _INTEGRATION + ", 409",
    "error_vendor_account_id_mismatch": _INTEGRATION + ", 409",
    "error_integration_not_active": "Brex, Accounting API reference, 'Disconnect integration', 409",
    "error_records_not_found": _REPORT + ", 404",
    "error_duplicate_ids": _REPORT + ", 422",
    "error_not_ready": _REPORT + ", 422",
    "error_invalid_request": _ERRORS,
    "error_invalid_cursor": "Brex's other APIs answer a bad cursor so; the accounting pages say nothing",
    "error_unauthorized": _ERRORS,
    "error_forbidden": _ERRORS,
    "error_not_found": _ERRORS,
    "error_internal": _ERRORS,
    "error_gateway_unauthorized": _GATEWAY,
    "error_gateway_revoked_token": _GATEWAY,
    "error_gateway_expired_token": _GATEWAY,
    "error_gateway_scope": _GATEWAY,
    "field_pushed": _FIELDS + ", 'Get custom field'",
    "field_nameless": _FIELDS + ": name and group may be null, remote_id absent",
    "field_value_pushed": _FIELDS + ", 'Get a field value'",
    "page_of_fields": _FIELDS + ", 'List custom fields'; the group of its newer pages",
    "page_of_values_last": _FIELDS + ", 'List custom field values': only items is required",
    "field_create_request": _FIELDS + ", 'Create a custom field'",
    "field_update_request": _FIELDS + ", 'Update a custom field'",
    "field_values_create_request": _FIELDS + ", 'Create custom field values'",
    "field_values_update_request": _FIELDS + ", 'Update custom field values': by each of the three ids",
    "field_values_delete_request": _FIELDS + ", 'Delete custom field values': by each of the three ids",
    "company": "Brex, Team API reference, 'Get company'",
}


def document(name: str) -> bytes:
    """The bytes of a document."""
    return (FOLDER / f"{name}.json").read_bytes()

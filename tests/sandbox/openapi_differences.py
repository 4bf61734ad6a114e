"""Every structural difference between the sandbox's OpenAPI document and Brex's 1.0.0-alpha, with its reason.

What structure is, and how locations are written, is told in ``openapi_structure``. A subtree that
only one side has is one difference, at its root. Sections are those of the project's notes on
Brex's wire, which are newer than Brex's document and hold against it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import attrs

Kind = Literal["added", "removed", "changed"]

SECTIONS = {
    "0": "Sources",
    "2": "Operations",
    "2.1": "Integrations",
    "2.2": "Query parameters",
    "2.3": "Export results",
    "3": "The record",
    "4.1": "Accounting error body",
    "4.2": "Gateway and other bodies",
    "5": "Auth",
}


@attrs.frozen
class Difference:
    """One place where our document departs from Brex's, and the section that says why."""

    location: str
    kind: Kind
    section: str
    because: str


_RECORDS = "/paths/~1v3~1accounting~1records"
_INTEGRATION = "/paths/~1v3~1accounting~1integration"
_QUERY = f"{_RECORDS}/get"
_REPORT = f"{_RECORDS}~1export-results/post"

# Per operation the answers that both documents have.
_SHARED_ANSWERS = {
    f"{_INTEGRATION}/post": "200 400 401 403 409 500",
    f"{_INTEGRATION}~1{{integration_id}}~1disconnect/post": "200 401 403 404 409 500",
    f"{_INTEGRATION}~1{{integration_id}}~1reactivate/post": "200 401 403 404 409 500",
    _QUERY: "200 400 401 403 500",
    f"{_RECORDS}~1{{record_id}}/get": "200 400 401 403 404 500",
    _REPORT: "200 404 422 500",
}

_SHAPES = "/components/schemas"
_RECORD = f"{_SHAPES}/AccountingRecordDetailed/properties"
_LINE = f"{_SHAPES}/AccountingRecordLineItem"
_CODING = f"{_SHAPES}/AccountingFieldValue"
_CREATE = f"{_SHAPES}/CreateIntegrationRequest/properties"
_DETAILS = f"{_SHAPES}/AccountingErrorResponse/properties/details/properties"


def _everywhere() -> Iterator[Difference]:
    for operation, answers in _SHARED_ANSWERS.items():
        at = f"{operation}/responses"
        yield Difference(f"{operation}/security/0/oauth2", "removed", "5", "the printed OAuth addresses look wrong")
        yield Difference(f"{operation}/security/0/BearerAuth", "added", "5", "any token goes as Authorization: Bearer")
        yield Difference(
            f"{operation}/x-any-of-scopes", "added", "2", "the scopes Brex lists; that one will do is a guess"
        )
        yield Difference(f"{at}/429", "added", "2", "undocumented, but the rate limit guide promises it")
        yield Difference(f"{at}/503", "added", "2", "undocumented; sent here only as a fault on order")
        for status in answers.split():
            yield Difference(f"{at}/{status}/headers", "added", "4.2", "a trace id came with every answer seen")
        if "401" in answers:
            yield Difference(f"{at}/401/content", "removed", "4.2", "without a credential the body was empty")
            gateway = f"{at}/403/content/application~1json/schema/oneOf/1"
            yield Difference(gateway, "added", "4.2", "a dead token got type and message from the gateway")


_DOCUMENT = (
    Difference("/openapi", "changed", "0", "Brex's file is OpenAPI 3.0.0; 3.0.3 only words the same more clearly"),
    Difference("/components/securitySchemes/oauth2", "removed", "5", "the printed OAuth addresses look wrong"),
    Difference("/components/securitySchemes/BearerAuth", "added", "5", "any token goes as Authorization: Bearer"),
)

_OPERATIONS = (
    Difference(f"{_QUERY}/parameters/query:source_type", "added", "2.2", "in the newer pages"),
    Difference(
        f"{_QUERY}/parameters/query:updated_at", "added", "2.2", "in the newer pages, as a deepObject of four bounds"
    ),
    Difference(f"{_QUERY}/parameters/query:ids/schema/maxItems", "added", "2.2", "at most 500 ids"),
    Difference(f"{_QUERY}/parameters/query:limit/schema/minimum", "added", "2.2", "an empty page is no page: a guess"),
    Difference(
        f"{_QUERY}/parameters/query:limit/schema/maximum", "added", "2.2", "the paging guide answers 400 over 1000"
    ),
    Difference(
        f"{_QUERY}/parameters/query:limit/schema/multipleOf", "added", "2.2", "half a record is no page size: a guess"
    ),
    Difference(f"{_REPORT}/responses/400", "added", "2", "undocumented for this operation, but to be expected"),
    Difference(f"{_REPORT}/responses/401", "added", "2", "undocumented for this operation, but to be expected"),
    Difference(f"{_REPORT}/responses/403", "added", "2", "undocumented for this operation, but to be expected"),
)

_SEEN = "undocumented, in the captured record"

_SCHEMAS = (
    *(
        Difference(f"{_CREATE}/{name}/minLength", "added", "2.1", "required, so an empty one is refused: a guess")
        for name in ("vendor", "vendor_account_id")
    ),
    Difference(f"{_DETAILS}/existing_vendor_account_id", "added", "2.1", "in the mismatch example, not in its schema"),
    Difference(f"{_DETAILS}/requested_vendor_account_id", "added", "2.1", "in the mismatch example, not in its schema"),
    Difference(f"{_RECORD}/billing_amount", "added", "3", _SEEN),
    Difference(f"{_RECORD}/status", "added", "3", _SEEN),
    Difference(f"{_RECORD}/user/properties/account_id", "added", "3", _SEEN),
    Difference(f"{_LINE}/properties/billing_amount", "added", "3", f"{_SEEN}, on the debit only"),
    Difference(f"{_LINE}/properties/amortization", "added", "3", f"{_SEEN}, as null"),
    Difference(
        f"{_LINE}/required/accounting_field_values", "removed", "3", "the list can be absent on uncoded charges"
    ),
    Difference(f"{_CODING}/properties/field_name", "added", "3", _SEEN),
    Difference(f"{_CODING}/properties/field_value_name", "added", "3", _SEEN),
    Difference(f"{_CODING}/properties/type", "added", "3", _SEEN),
    Difference(f"{_CODING}/properties/brex_field_value_id/nullable", "added", "3", "null on uncoded charges"),
    Difference(f"{_CODING}/required/brex_field_value_id", "removed", "3", "has to be optional for uncoded charges"),
)

DIFFERENCES = (*_DOCUMENT, *_everywhere(), *_OPERATIONS, *_SCHEMAS)

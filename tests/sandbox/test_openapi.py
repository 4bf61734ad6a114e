"""The sandbox's OpenAPI document: valid, true to the models, and different from Brex's only where said.

Brex's own document is not ours to ship. What it says about structure is kept as facts beside this
file; where BREX_OPENAPI names the original, one more test shows that the facts are current.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import attrs
import pytest
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import validate

from brex_accounting import enums, models
from brex_accounting.sandbox.openapi import openapi_document

from .openapi_differences import DIFFERENCES, SECTIONS
from .openapi_structure import FACTS_FILE, Facts, Node, differences, from_facts, part_of, read_brex_facts, skeleton

# A plain JSON copy, as a client would get it.
DOCUMENT = json.loads(json.dumps(openapi_document("http://127.0.0.1:8765", "0.1.0")))
SCHEMAS = DOCUMENT["components"]["schemas"]
FACTS: Facts = json.loads(FACTS_FILE.read_text(encoding="utf-8"))
BREX_OPENAPI = os.environ.get("BREX_OPENAPI")

# The form Brex has used for a charge, with null, absent and undocumented fields where it has them.
LINE = {
    "id": "accrli_1",
    "type": "DEBIT",
    "amount": {"amount": 171.75, "currency": "USD"},
    "original_amount": None,
    "billing_amount": {"amount": 171.75, "currency": "USD"},
    "memo": None,
    "accounting_field_values": [
        {
            "brex_field_id": "extended_field_1",
            "remote_field_id": "GL_ACCOUNT",
            "field_name": "GL Account",
            "brex_field_value_id": None,
            "remote_field_value_id": None,
            "field_value_name": None,
            "type": "IDENTIFIER",
        }
    ],
    "amortization": None,
}
RECORD = {
    "receipts": [],
    "user": None,
    "vendor": {"id": "pmch_1", "name": "A Shop", "contact_name": None, "email": None, "website": None, "phone": None},
    "memo": None,
    "due_at": None,
    "invoice_number": None,
    "status": "SUBMITTED",
    "id": "accr_1",
    "type": "CARD_EXPENSE_POST",
    "review_status": "PREPARE",
    "erp_posting_date": "2026-06-11T09:09:05.840865Z",
    "updated_at": "2026-06-11T09:09:10.422192Z",
    "version": 2,
    "amount": {"amount": 171.75, "currency": "USD"},
    "source_type": "CARD",
    "source_id": "expense_1",
    "posted_at": "2026-06-11T09:09:05.840Z",
    "original_amount": None,
    "billing_amount": {"amount": 171.75, "currency": "USD"},
    "line_items": [LINE, {"id": "accrli_2", "type": "CREDIT", "amount": {"amount": 171.75, "currency": "USD"}}],
}


def _structure() -> dict[str, Node]:
    structure = skeleton(DOCUMENT)
    assert isinstance(structure, dict)
    return part_of(structure, "/v3/accounting/")


def _operations() -> Iterator[tuple[str, dict[str, Node]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield f"/paths/{path.replace('/', '~1')}/{method}", operation


def _is_valid(name: str, value: object) -> bool:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    return cast(bool, OAS30Validator(schema).is_valid(value))


def test_document_is_valid_openapi() -> None:
    """The document is valid OpenAPI 3.0."""
    validate(DOCUMENT)


def test_document_carries_what_it_was_given() -> None:
    """The address and the version are those of the caller."""
    assert DOCUMENT["servers"][0]["url"] == "http://127.0.0.1:8765"
    assert DOCUMENT["info"]["version"] == "0.1.0"


def test_documents_share_nothing() -> None:
    """Changing one document leaves the next one as it was."""
    first = cast(dict[str, dict[str, object]], openapi_document("http://127.0.0.1:8765", "0.1.0"))
    first["paths"].clear()
    first["components"].clear()
    assert openapi_document("http://127.0.0.1:8765", "0.1.0") == DOCUMENT


def test_differences_from_brex_are_exactly_those_listed() -> None:
    """Nothing differs from Brex's document that is not listed, and nothing listed is gone."""
    found = differences(_structure(), from_facts(FACTS))
    listed = {(difference.location, difference.kind) for difference in DIFFERENCES}
    assert sorted(found - listed) == [], "not listed"
    assert sorted(listed - found) == [], "listed in vain"


def test_differences_are_listed_once_with_a_reason() -> None:
    """Each difference stands once, names a section that exists and says why."""
    assert len({difference.location for difference in DIFFERENCES}) == len(DIFFERENCES)
    assert all(difference.section in SECTIONS and difference.because for difference in DIFFERENCES)


def test_component_names_are_no_difference() -> None:
    """Renaming a component, or writing it in place, is no difference; a changed one still is."""
    brex = from_facts(FACTS)
    renamed = json.loads(json.dumps(brex).replace("schemas/Amount", "schemas/Sum"))
    renamed["components"]["schemas"]["Sum"] = renamed["components"]["schemas"].pop("Amount")
    assert differences(renamed, brex) == frozenset()
    renamed["components"]["schemas"]["Sum"]["required"] = ["amount"]
    assert differences(renamed, brex) == {("/components/schemas/Amount/required/currency", "removed")}


if BREX_OPENAPI:  # Not collected otherwise: a test that cannot run is no test.

    def test_facts_are_those_of_the_original() -> None:
        """The facts file says what Brex's own document says."""
        assert read_brex_facts(Path(str(BREX_OPENAPI))) == FACTS


def test_facts_hold_no_prose() -> None:
    """The facts are names, numbers and addresses: nothing with a space in it."""
    leaves = [leaf for value in FACTS.values() for leaf in (value if isinstance(value, list) else [value])]
    assert [leaf for leaf in leaves if isinstance(leaf, str) and " " in leaf] == []


@pytest.mark.parametrize(
    ("schema", "model"),
    [
        ("Amount", models.Money),
        ("NullableAmount", models.Money),
        ("Receipt", models.Receipt),
        ("User", models.User),
        ("Vendor", models.Vendor),
        ("AccountingFieldValue", models.AccountingFieldValue),
        ("AccountingRecordLineItem", models.LineItem),
        ("AccountingRecordDetailed", models.AccountingRecord),
        ("Integration", models.Integration),
    ],
)
def test_properties_are_the_fields_of_the_model(schema: str, model: type[attrs.AttrsInstance]) -> None:
    """A schema has the model's fields by name; only Integration.id goes as integration_id."""
    spelled = {"id": "integration_id"} if model is models.Integration else {}
    assert set(SCHEMAS[schema]["properties"]) == {spelled.get(name, name) for name in attrs.fields_dict(model)}


@pytest.mark.parametrize(
    ("result", "outcome", "model"),
    [
        ("SuccessfulExportResult", "ExportSuccessDetails", models.ExportSuccess),
        ("FailedExportResult", "ExportFailureDetails", models.ExportFailure),
    ],
)
def test_results_hold_the_fields_of_the_model(result: str, outcome: str, model: type[attrs.AttrsInstance]) -> None:
    """A result is its record's id and one outcome; together they have the model's fields."""
    assert {"accounting_record_id", *SCHEMAS[outcome]["properties"]} == set(attrs.fields_dict(model))
    assert set(SCHEMAS[result]["properties"]) == set(SCHEMAS[result]["required"])


def test_page_has_the_fields_of_the_wire() -> None:
    """A page has what the model reads from the body; the model's other fields are our own."""
    own = {"checkpoint", "served_at", "trace_id", "raw"}
    assert set(SCHEMAS["AccountingRecordsResponse"]["properties"]) == set(attrs.fields_dict(models.Page)) - own


@pytest.mark.parametrize(
    ("location", "enum"),
    [
        ("AccountingRecordDetailed/properties/type", enums.RecordType),
        ("AccountingRecordDetailed/properties/review_status", enums.ReviewStatus),
        ("AccountingRecordDetailed/properties/source_type", enums.SourceType),
        ("AccountingRecordLineItem/properties/type", enums.LineItemType),
        ("Integration/properties/status", enums.IntegrationStatus),
        ("AccountingErrorResponse/properties/error_code", enums.ErrorCode),
        ("User/properties/role", enums.UserRole),
        ("User/properties/status", enums.UserStatus),
    ],
)
def test_enums_are_the_documented_ones(location: str, enum: type[enums.OpenEnum]) -> None:
    """Our enums have the values Brex documents, no more and no fewer."""
    assert FACTS[f"/components/schemas/{location}/enum"] == sorted(enum.__members__)
    assert all(name == member.value for name, member in enum.__members__.items())


def test_scopes_are_the_documented_ones() -> None:
    """Each operation lists Brex's scopes for it, and the scheme lists all of Brex's."""
    scheme = "/components/securitySchemes/oauth2/flows/authorizationCode/scopes"
    ours = [scope for scope in DOCUMENT["components"]["securitySchemes"]["BearerAuth"]["x-scopes"] if "acc" in scope]
    assert sorted(ours) == FACTS[scheme]
    for location, operation in _operations():
        if location.startswith("/paths/~1v3~1accounting"):
            assert operation["x-any-of-scopes"] == FACTS[f"{location}/security/0/oauth2"]


def test_filters_are_as_strict_as_the_sandbox() -> None:
    """The list takes these query keys, a window on updated_at with four bounds, and the limits on ids and limit."""
    parameters = DOCUMENT["paths"]["/v3/accounting/records"]["get"]["parameters"]
    filters = {parameter["name"]: parameter for parameter in parameters if parameter["in"] == "query"}
    assert list(filters) == ["ids", "review_status", "source_type", "updated_at", "limit", "cursor", "single_entry"]
    assert filters["source_type"]["schema"]["enum"] == list(enums.SourceType.__members__)
    assert (filters["updated_at"]["style"], filters["updated_at"]["explode"]) == ("deepObject", True)
    window = filters["updated_at"]["schema"]
    assert set(window["properties"]) == set(attrs.fields_dict(models.UpdatedAt))
    assert window["additionalProperties"] is False
    assert filters["ids"]["schema"]["maxItems"] == 500
    assert (filters["limit"]["schema"]["minimum"], filters["limit"]["schema"]["maximum"]) == (1, 1000)


def test_the_two_bodies_of_a_403_cannot_be_mistaken() -> None:
    """A body from the gateway is no accounting error, and the other way round."""
    gateway = {"type": "FORBIDDEN", "message": "No such token"}
    accounting = {"error_code": "FORBIDDEN", "message": "No such scope", "details": None}
    assert _is_valid("GatewayErrorResponse", gateway)
    assert not _is_valid("AccountingErrorResponse", gateway)
    assert _is_valid("AccountingErrorResponse", accounting)
    assert not _is_valid("GatewayErrorResponse", accounting)


def test_every_answer_has_a_trace_id_and_a_date() -> None:
    """All answers of all operations carry both headers; 401, 429, 503 and a field's deletion carry no body."""
    shared = DOCUMENT["components"]["responses"]
    for location, operation in _operations():
        answers = cast(dict[str, dict[str, Node]], operation["responses"])
        for status, answer in answers.items():
            told: dict[str, Any] = shared[str(answer["$ref"]).rpartition("/")[2]] if "$ref" in answer else answer
            assert set(told["headers"]) == {"X-Brex-Trace-Id", "Date"}, f"{location} {status}"
            empty = status in ("401", "429", "503") or (status == "200" and operation["operationId"] == "deleteField")
            assert ("content" in told) is not empty, f"{location} {status}"


def test_no_component_is_unused() -> None:
    """Everything named is referred to somewhere."""
    everything = json.dumps(DOCUMENT)
    for kind in ("schemas", "responses", "headers"):
        for name in DOCUMENT["components"][kind]:
            assert f'"#/components/{kind}/{name}"' in everything, name


def test_a_record_as_captured_is_valid() -> None:
    """Nulls, absences and undocumented fields that Brex sends are valid; a missing id is not."""
    assert _is_valid("AccountingRecordDetailed", RECORD)
    assert not _is_valid("AccountingRecordDetailed", {key: RECORD[key] for key in RECORD if key != "id"})
    assert not _is_valid("AccountingRecordDetailed", {**RECORD, "amount": None})


@pytest.mark.parametrize(
    ("outcome", "valid"),
    [
        ({"success": {}}, True),
        ({"success": {"reference_id": None}}, True),
        ({"success": {"deep_link_url": None}}, False),
        ({"failure": {"error_message": "No such account"}}, True),
        ({"failure": {}}, False),
        ({"success": {}, "failure": {"error_message": "No such account"}}, False),
        ({}, False),
    ],
)
def test_a_result_has_exactly_one_outcome(outcome: dict[str, object], valid: bool) -> None:
    """A result is a success or a failure, never both and never neither."""
    report = {"results": [{"accounting_record_id": "accr_1", **outcome}]}
    assert _is_valid("ReportExportResultsRequest", report) is valid


def test_a_report_is_not_empty() -> None:
    """A report has at least one result."""
    assert not _is_valid("ReportExportResultsRequest", {"results": []})

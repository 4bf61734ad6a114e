"""Pages, integrations and export results: read, and sent, as documented."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from brex_accounting import AccountingRecord, ExportFailure, ExportSuccess, Integration, Page, from_json, to_json
from brex_accounting.converters.exports import ReportBody, results_of
from brex_accounting.converters.wire import codec
from brex_accounting.endpoints import report_export_results
from brex_accounting.enums import IntegrationStatus
from brex_accounting.errors import DecodeError
from brex_accounting.session.call import Reply

from .comparing import meaning, parsed, same
from .sources import document

RESULTS: list[ExportSuccess | ExportFailure] = [
    ExportSuccess(
        accounting_record_id="accr_e1", reference_id="JE-3007", deep_link_url="https://erp.example.invalid/je/3007"
    ),
    ExportSuccess(accounting_record_id="accr_e2", reference_id="JE-3008"),
    ExportSuccess(accounting_record_id="accr_e3"),
    ExportFailure(
        accounting_record_id="accr_e4", error_message="Period 2026-05 is closed: choose a later posting date"
    ),
]


@pytest.mark.parametrize(
    ("name", "ids", "cursor", "more", "total"),
    [
        ("page_empty", [], None, False, 0),
        ("page_with_cursor", ["accr_p1", "accr_p2"], "b2Zmc2V0PTI=", True, 41),
        ("page_total_null", [], "Y29udGludWU=", True, None),
    ],
)
def test_a_page(name: str, ids: list[str], cursor: str | None, more: bool, total: int | None) -> None:
    """Each form of a page decodes to what it says and goes back the same."""
    page = from_json(document(name), Page[AccountingRecord])
    assert [record.id for record in page.items] == ids
    assert (page.next_cursor, page.has_next_page, page.total_count) == (cursor, more, total)
    assert page.raw == document(name)
    assert same(to_json(page), document(name))


def test_a_record_of_a_page() -> None:
    """A record with the required fields alone decodes inside a page."""
    first, second = from_json(document("page_with_cursor"), Page[AccountingRecord]).items
    assert (first.amount.amount, second.version) == (Decimal("5.25"), 3)
    assert (first.receipts, first.line_items, first.user) == (None, (), None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "integration_by_schema",
            Integration(
                id="int_schema_5",
                vendor="LEDGERLY",
                vendor_account_id="org-1180",
                status=IntegrationStatus.ACTIVE,
                created_at=datetime(2025, 11, 3, 8, tzinfo=UTC),
            ),
        ),
        (
            "integration_by_example",
            Integration(
                id="int_example_6",
                vendor="LEDGERLY",
                vendor_account_id="org-1181",
                status=IntegrationStatus.DISABLED,
                created_at=datetime(2025, 11, 3, 8, 0, 0, 125000, tzinfo=UTC),
            ),
        ),
    ],
)
def test_an_integration_under_either_key(name: str, expected: Integration) -> None:
    """The schema's integration_id and the examples' id are one attribute, written as the schema says."""
    assert from_json(document(name), Integration) == expected
    original = meaning(parsed(document(name)))
    original["integration_id"] = original.pop("id", original.get("integration_id"))
    assert meaning(parsed(to_json(expected))) == original


def test_results_are_sent_as_documented() -> None:
    """The request body: one of success and failure each, an empty success as {}, and nothing null."""
    body = report_export_results(RESULTS).body
    assert body is not None
    assert parsed(body) == parsed(document("export_results_request"))


def test_received_results_decode() -> None:
    """The documented request decodes to the results it was made of."""
    assert results_of(codec().decode(document("export_results_request"), ReportBody)) == tuple(RESULTS)


@pytest.mark.parametrize(
    "entry",
    [
        b'{"accounting_record_id": "accr_e1"}',
        b'{"accounting_record_id": "accr_e1", "success": null, "failure": null}',
        b'{"accounting_record_id": "accr_e1", "success": {}, "failure": {"error_message": "no"}}',
    ],
)
def test_a_result_is_one_of_the_two(entry: bytes) -> None:
    """A result with neither or both of success and failure is refused with its place."""
    body = codec().decode(b'{"results": [' + entry + b"]}", ReportBody)
    with pytest.raises(DecodeError, match=r"\$\.results\[0\]"):
        results_of(body)


def test_the_answer_to_results() -> None:
    """The answer's ids are updated; an id that was sent and is not among them is not named."""
    call = report_export_results(RESULTS)
    report = call.decode(Reply(status=200, body=document("export_results_reply")))
    assert report.updated == ("accr_e1", "accr_e2", "accr_e3")
    assert report.not_named == ("accr_e4",)

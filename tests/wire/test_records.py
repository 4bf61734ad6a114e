"""Records in the captured and documented shapes: read whole, and written back the same."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from brex_accounting import AccountingRecord, Money, from_json, to_json
from brex_accounting.converters.drift import drift_of
from brex_accounting.converters.wire import codec
from brex_accounting.enums import LineItemType, RecordType, ReviewStatus, SourceType, UserRole, UserStatus

from .comparing import same
from .sources import FOLDER, SOURCES, document

RECORDS = [
    "card_captured_shape",
    "card_uncoded_null_value",
    "card_uncoded_no_gl_entry",
    "card_uncoded_no_list",
    "card_documented_shape",
    "card_refund",
    "reimbursement_payout",
    "bill",
]
RECORD_TYPES = [
    "CARD_EXPENSE_POST",
    "CARD_EXPENSE_REFUND",
    "CARD_EXPENSE_REPAYMENT",
    "CARD_PAYMENT",
    "CARD_PAYMENT_REFUND",
    "REWARD_REDEMPTION",
    "REIMBURSEMENT_EXPENSE_APPROVAL",
    "REIMBURSEMENT_EXPENSE_POST",
    "REIMBURSEMENT_EXPENSE_REPAYMENT",
    "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT",
    "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL",
    "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN",
    "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND",
    "BILL_EXPENSE",
    "BILL_EXPENSE_PAYMENT",
    "BILL_EXPENSE_CARD_PAYMENT",
    "BILL_MONEY_MOVEMENT_PAYIN",
    "INVOICE",
    "INVOICE_PAYMENT",
]


def record(name: str) -> AccountingRecord:
    return from_json(document(name), AccountingRecord)


def test_every_document_has_a_source() -> None:
    """No document stands here without the place its shape is from, and no source without a document."""
    assert {path.stem for path in FOLDER.glob("*.json")} == set(SOURCES)


@pytest.mark.parametrize("name", RECORDS)
def test_written_back_a_record_says_the_same(name: str) -> None:
    """Decoding loses nothing: the record re-encodes to its own document by the rule."""
    assert same(to_json(record(name)), document(name))


@pytest.mark.parametrize("name", RECORDS)
def test_the_models_know_every_name(name: str) -> None:
    """No name in any document is unknown to the models; a name that is made up is."""
    drift = drift_of(codec(), document(name), AccountingRecord, "get record")
    assert drift is None or drift.unknown == ()
    renamed = drift_of(codec(), document(name).replace(b'"version"', b'"edition"'), AccountingRecord, "get record")
    assert renamed is not None
    assert renamed.unknown == ("edition",)


def test_the_comparison_sees_a_difference() -> None:
    """A changed digit, a changed time and a lost field are each a difference."""
    whole = document("card_captured_shape")
    assert not same(whole, whole.replace(b"84.30", b"84.31"))
    assert not same(whole, whole.replace(b"07.190264Z", b"07.190265Z"))
    assert not same(whole, whole.replace(b'"amortization": null,', b"").replace(b'"status": "SUBMITTED",', b""))
    assert same(whole, whole.replace(b"84.30", b"84.3").replace(b"22:41:07.190Z", b"23:41:07.19+01:00"))


def test_a_captured_record() -> None:
    """The captured shape with all seven undocumented names, value by value."""
    card = record("card_captured_shape")
    debit, credit = card.line_items
    (coding,) = debit.coding
    euros = Money(amount=Decimal("77.15"), currency="EUR")
    dollars = Money(amount=Decimal("84.30"), currency="USD")
    assert (card.id, card.version, card.source_id) == ("accr_2c6n4j", 2, "expense_8d1r5y")
    assert (card.type, card.review_status, card.source_type) == ("CARD_EXPENSE_POST", "PREPARE", "CARD")
    assert (card.amount, card.original_amount, card.billing_amount) == (dollars, euros, dollars)
    assert str(card.amount.amount) == "84.30"
    assert card.status == "SUBMITTED"
    assert card.erp_posting_date == datetime(2026, 3, 17, 22, 41, 7, 190264, tzinfo=UTC)
    assert card.posted_at == datetime(2026, 3, 17, 22, 41, 7, 190000, tzinfo=UTC)
    assert card.receipts == ()
    assert card.user is not None
    assert card.user.account_id == "cuacc_9t4w1z"
    assert card.user.first_name == "Mara "
    assert card.user.manager_id is None
    assert card.vendor is not None
    assert (card.vendor.id, card.vendor.email) == ("pmch_7h3v0q", None)
    assert (debit.billing_amount, credit.billing_amount) == (dollars, None)
    assert (debit.amortization, credit.coding) == (None, ())
    assert (coding.field_name, coding.field_value_name) == ("GL Account", "6120 Stationery & Paper")
    assert (coding.type, coding.remote_field_id, coding.brex_field_value_id) == (
        "IDENTIFIER",
        "GL_ACCOUNT",
        "efo_4b8g2m",
    )
    assert card.is_balanced


@pytest.mark.parametrize(
    ("name", "value_ids"),
    [
        ("card_uncoded_null_value", {"GL_ACCOUNT": None}),
        ("card_uncoded_no_gl_entry", {None: "efo_9n2k7t"}),
        ("card_uncoded_no_list", {}),
    ],
)
def test_an_uncoded_charge(name: str, value_ids: dict[str | None, str | None]) -> None:
    """The three ways of an uncoded charge decode, and stay apart from each other."""
    debit = record(name).line_items[0]
    assert {value.remote_field_id: value.brex_field_value_id for value in debit.coding} == value_ids
    assert (debit.accounting_field_values is None) == (name == "card_uncoded_no_list")


def test_a_documented_record() -> None:
    """The documented shape: other forms of id, a full user, receipts with and without links."""
    docs = record("card_documented_shape")
    assert [line.id for line in docs.line_items] == ["arli_docs_1", "arli_docs_2"]
    assert [value.brex_field_id for value in docs.line_items[0].coding] == ["ef_docs_gl", "ef_docs_dept"]
    assert [value.remote_field_value_id for value in docs.line_items[0].coding] == ["6400", None]
    assert docs.user is not None
    assert docs.user.id == "VXNlcjpjdXVzZXJfZG9jc18zMQ=="
    assert (docs.user.role, docs.user.status) == (UserRole.ACCOUNT_ADMIN, UserStatus.ACTIVE)
    assert (docs.user.manager_title_name, docs.user.location_name) == ("Controller", "Lisbon")
    assert docs.receipts is not None
    assert [len(receipt.download_uris or ()) for receipt in docs.receipts] == [2, 0]
    assert docs.receipts[1].download_uris is None
    assert docs.original_amount == Money(amount=Decimal(1150), currency="EUR")
    assert (docs.status, docs.billing_amount) == (None, None)
    assert docs.accounting_date == date(2025, 9, 30)
    assert docs.review_status is ReviewStatus.READY_FOR_EXPORT


def test_a_refund() -> None:
    """A refund: negative in total, positive on its lines, without a user."""
    refund = record("card_refund")
    assert refund.type is RecordType.CARD_EXPENSE_REFUND
    assert refund.amount.amount == Decimal("-412.00")
    assert {line.amount.amount for line in refund.line_items} == {Decimal("412.00")}
    assert (refund.user, refund.receipts, refund.source_id) == (None, None, None)
    assert refund.updated_at == datetime(2026, 4, 2, 6, 30, 0, 500000, tzinfo=UTC)
    assert refund.line_items[1].type is LineItemType.CREDIT
    assert refund.is_balanced


def test_a_reimbursement_payout() -> None:
    """A payout in another currency than its expense, whole numbers beside decimals, fields left out."""
    payout = record("reimbursement_payout")
    assert payout.type is RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT
    assert payout.source_type is SourceType.REIMBURSEMENT
    assert payout.amount == Money(amount=Decimal(63), currency="CAD")
    assert payout.original_amount is not None
    assert str(payout.original_amount.amount) == "45.985"
    assert payout.user is not None
    assert payout.user.role is UserRole.EMPLOYEE_WITHOUT_CORP_CARDS
    assert (payout.due_at, payout.status, payout.vendor) == (None, None, None)
    assert payout.is_balanced


def test_a_bill() -> None:
    """A bill has a due date and an invoice number, and its lines add up exactly."""
    bill = record("bill")
    assert bill.source_type is SourceType.BILL
    assert bill.due_at == datetime(2026, 7, 31, tzinfo=UTC)
    assert bill.invoice_number == "TW-2026/0093"
    assert [line.memo for line in bill.debits] == ["Retainer", "Filing"]
    assert bill.receipts is not None
    assert bill.receipts[0].download_uris == ()
    assert bill.is_balanced


@pytest.mark.parametrize("kind", RECORD_TYPES)
def test_each_record_type_is_known(kind: str) -> None:
    """Each of the nineteen documented types decodes to a known member and goes back as it came."""
    data = document("bill").replace(b"BILL_EXPENSE", kind.encode())
    decoded = from_json(data, AccountingRecord)
    assert decoded.type.is_known
    assert decoded.type == kind
    assert same(to_json(decoded), data)


def test_there_are_nineteen_record_types() -> None:
    """The literal list and the enum hold the same nineteen."""
    assert len(RECORD_TYPES) == 19
    assert {member.value for member in RecordType} == set(RECORD_TYPES)

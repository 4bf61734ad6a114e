"""The lifelike month: an accountant's proportions."""

from __future__ import annotations

import statistics
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest

from brex_accounting.enums import LineItemType, RecordType, ReviewStatus, SourceType
from brex_accounting.models import AccountingRecord
from brex_accounting.sandbox.seeds.month import COUNTS

from .seeded import CLOSE, CODED, MANY, MONTH, PAYOUT, REVERSAL, built, median_amount, missing_gl, of_type, share


def test_a_month_has_the_counts_of_its_table(month: tuple[AccountingRecord, ...]) -> None:
    """2,637 records hold each type exactly as often as the table says."""
    assert sum(COUNTS.values()) == MONTH
    assert Counter(record.type for record in month) == COUNTS


@pytest.mark.parametrize("records", [MONTH, MANY])
def test_review_states_come_in_exact_shares(records: int) -> None:
    """Mid-close, 62, 9, 8 and 21 % of the records are exported, ready, in review and in preparation."""
    counts = Counter(record.review_status for record in built("lifelike", records))
    shares = dict(zip(("EXPORTED", "READY_FOR_EXPORT", "REVIEW", "PREPARE"), (62, 9, 8, 21), strict=True))
    for status, percent in shares.items():
        assert abs(counts[ReviewStatus(status)] - records * percent / 100) < 1


@pytest.mark.parametrize("records", [MONTH, MANY])
def test_every_lifelike_record_balances(records: int) -> None:
    """Debits equal credits equal the amount, in both currencies, and every line is positive."""
    for record in built("lifelike", records):
        assert record.is_balanced
        assert record.original_amount is not None
        for side in (record.debits, record.credits):
            assert sum(line.amount.amount for line in side) == record.amount.amount
            originals = [line.original_amount for line in side if line.original_amount is not None]
            assert sum(original.amount for original in originals) == record.original_amount.amount
            assert {original.currency for original in originals} == {record.original_amount.currency}
        assert {line.amount.currency for line in record.line_items} == {record.amount.currency}
        assert all(line.amount.amount > 0 for line in record.line_items)
        assert all(line.original_amount and line.original_amount.amount > 0 for line in record.line_items)


def test_a_charge_is_shaped_like_a_captured_one(month: tuple[AccountingRecord, ...]) -> None:
    """Coded debits with a billing amount face one bare credit; a refund turns the sides around."""
    for kind, side in (
        (RecordType.CARD_EXPENSE_POST, LineItemType.DEBIT),
        (RecordType.CARD_EXPENSE_REFUND, LineItemType.CREDIT),
    ):
        for record in of_type(month, kind):
            *coded, bare = record.line_items
            assert {line.type for line in coded} == {side}
            assert all(line.billing_amount == line.amount for line in coded)
            assert (bare.type != side, bare.accounting_field_values, bare.billing_amount) == (True, (), None)
            assert (record.due_at, record.invoice_number) == (None, None)
            assert record.vendor is not None
            assert record.vendor.id.startswith("pmch_")


def test_amounts_have_the_medians_of_a_month(many: tuple[AccountingRecord, ...]) -> None:
    """Charges centre on 46, reimbursements on 38, bills on 1,450, with the spread of real purchases."""
    charges = of_type(many, RecordType.CARD_EXPENSE_POST)
    assert median_amount(charges) == pytest.approx(46, rel=0.06)
    assert median_amount(of_type(many, RecordType.REIMBURSEMENT_EXPENSE_APPROVAL)) == pytest.approx(38, rel=0.1)
    assert median_amount(of_type(many, RecordType.BILL_EXPENSE)) == pytest.approx(1450, rel=0.15)
    tops = statistics.quantiles((float(record.amount.amount) for record in charges), n=20)
    assert tops[-1] == pytest.approx(46 * 2.71828 ** (1.6 * 1.645), rel=0.2)


def test_a_sixth_of_the_charges_repeat_a_price(many: tuple[AccountingRecord, ...]) -> None:
    """15 % of charges are at a dozen fixed subscription prices."""
    charges = of_type(many, RecordType.CARD_EXPENSE_POST)
    prices = Counter(record.amount.amount for record in charges).most_common(12)
    assert sum(count for _, count in prices) / len(charges) == pytest.approx(0.15, abs=0.02)


def test_some_charges_have_an_honest_twin(month: tuple[AccountingRecord, ...]) -> None:
    """3 to 4 % of charges share merchant, day and amount with another charge and are no duplicates."""
    charges = of_type(month, RecordType.CARD_EXPENSE_POST)
    alike = Counter((record.vendor, record.posted_at.date(), record.amount) for record in charges)
    assert 0.03 <= sum(count for count in alike.values() if count > 1) / len(charges) <= 0.045
    assert len({record.source_id for record in charges}) == len(charges)


def test_both_number_forms_occur(month: tuple[AccountingRecord, ...]) -> None:
    """Whole amounts have no fraction, the others two digits, as in 100 and 46.10."""
    exponents = Counter(record.amount.amount.as_tuple().exponent for record in month)
    assert set(exponents) == {0, -2}
    assert exponents[0] > MONTH // 20
    assert any(str(record.amount.amount).endswith("0") for record in month if record.amount.amount % 1)


def test_currencies_have_their_shares(many: tuple[AccountingRecord, ...]) -> None:
    """USD 78, GBP 11, EUR 8, CAD 3 %, and 9 % were bought in another currency."""
    counts = Counter(record.amount.currency for record in many)
    shares = {currency: count / MANY for currency, count in counts.items()}
    assert shares == pytest.approx({"USD": 0.78, "GBP": 0.11, "EUR": 0.08, "CAD": 0.03}, abs=0.01)
    assert share(
        many, lambda record: record.original_amount and record.original_amount.currency != record.amount.currency
    ) == pytest.approx(0.09, abs=0.01)


def test_a_month_keeps_an_office_calendar(many: tuple[AccountingRecord, ...]) -> None:
    """88 % fall on weekdays, the first three days are 2.5 times as busy, 4 % lie near the month's edges."""
    assert share(many, lambda record: record.posted_at.weekday() < 5) == pytest.approx(0.88, abs=0.01)
    by_day = Counter(record.posted_at.day for record in many)
    later = [by_day[day] for day in range(4, 31) if date(2026, 6, day).weekday() < 5]
    assert sum(by_day[day] for day in (1, 2, 3)) / 3 / statistics.mean(later) == pytest.approx(2.5, abs=0.3)
    first, last = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    edge = timedelta(hours=8)
    near = share(many, lambda record: record.posted_at - first < edge or last - record.posted_at < edge)
    assert near == pytest.approx(0.04, abs=0.005)
    assert all(first <= record.posted_at < last for record in many)


def test_times_have_the_precision_of_captured_ones(many: tuple[AccountingRecord, ...]) -> None:
    """``posted_at`` has milliseconds, the others microseconds, and nothing changed before it was posted."""
    for record in many:
        assert record.posted_at.microsecond % 1000 == 0
        assert record.posted_at <= record.updated_at <= CLOSE
        assert record.updated_at.tzinfo is record.posted_at.tzinfo is record.erp_posting_date.tzinfo is UTC
    assert share(many, lambda record: record.updated_at.microsecond % 1000) > 0.99
    assert len({record.updated_at for record in many}) > 0.999 * MANY
    assert {record.updated_at.date() for record in many} == {
        date(2026, 6, 1) + timedelta(days=day) for day in range(33)
    }


def test_some_accounting_dates_were_moved(many: tuple[AccountingRecord, ...]) -> None:
    """2 % belong to another day than they were posted on, some to a closed or to the next month."""
    moved = [record for record in many if record.accounting_date != record.posted_at.date()]
    assert len(moved) / MANY == pytest.approx(0.02, abs=0.005)
    assert {record.accounting_date.month for record in moved} == {5, 6, 7}


def test_records_split_into_lines(many: tuple[AccountingRecord, ...]) -> None:
    """93 % of charges and 60 % of bills have one expense line; splits reach 12 and 60 lines."""

    def lines(record: AccountingRecord) -> int:
        return len(record.line_items) - 1

    charges = of_type(many, RecordType.CARD_EXPENSE_POST)
    assert share(charges, lambda record: lines(record) == 1) == pytest.approx(0.93, abs=0.01)
    assert share(charges, lambda record: lines(record) == 2) == pytest.approx(0.055, abs=0.01)
    assert share(charges, lambda record: lines(record) > 5) == pytest.approx(0.003, abs=0.002)
    assert max(map(lines, charges)) <= 12
    bills = of_type(many, RecordType.BILL_EXPENSE)
    assert share(bills, lambda record: lines(record) == 1) == pytest.approx(0.6, abs=0.05)
    assert share(bills, lambda record: 2 <= lines(record) <= 5) == pytest.approx(0.3, abs=0.05)
    assert share(bills, lambda record: lines(record) > 20) == pytest.approx(0.01, abs=0.01)
    assert 20 < max(map(lines, bills)) <= 60


def test_some_charges_in_preparation_have_no_account(many: tuple[AccountingRecord, ...]) -> None:
    """8 % of expenses in PREPARE lack a GL account, in each of three ways; none beyond PREPARE does."""
    coded = of_type(many, *CODED)
    raw = [record for record in coded if record.review_status == ReviewStatus.PREPARE]
    ways = Counter(missing_gl(record) for record in raw)
    assert 1 - ways[None] / len(raw) == pytest.approx(0.08, abs=0.015)
    assert min(ways["null"], ways["no entry"], ways["no list"]) > 50
    assert not any(missing_gl(record) for record in coded if record.review_status != ReviewStatus.PREPARE)


def test_versions_bills_and_cancellations(many: tuple[AccountingRecord, ...]) -> None:
    """Versions have median 3 and p95 8; 18 % of bills change after their first day, 2 % are cancelled."""
    versions = sorted(record.version for record in many)
    assert (versions[MANY // 2], versions[MANY * 95 // 100], versions[0]) == (3, 8, 1)
    bills = of_type(many, RecordType.BILL_EXPENSE)
    late = share(bills, lambda record: record.updated_at - record.posted_at >= timedelta(days=1))
    assert late == pytest.approx(0.18, abs=0.03)
    cancelled = [record for record in many if record.status == "CANCELED"]
    assert {record.type for record in cancelled} == {RecordType.BILL_EXPENSE}
    assert len(cancelled) == round(0.02 * len(bills))
    paid = {record.source_id for record in many if record.type.endswith("_PAYMENT")}
    assert not paid & {record.source_id for record in cancelled}


def test_only_bills_have_due_dates(month: tuple[AccountingRecord, ...]) -> None:
    """Every bill has a due date, an invoice number and a supplier; nothing else has the first two."""
    for record in month:
        if record.source_type != SourceType.BILL:
            assert (record.due_at, record.invoice_number) == (None, None)
    for bill in of_type(month, RecordType.BILL_EXPENSE):
        assert bill.due_at is not None
        assert bill.due_at > bill.posted_at
        assert bill.invoice_number
        assert bill.vendor is not None
        assert bill.vendor.id.startswith("vendor_")


def test_receipts_memos_and_users(many: tuple[AccountingRecord, ...]) -> None:
    """Receipts on 62 % of card records, memos on 70 %, users on 99 %, as people leave them."""
    cards = [record for record in many if record.source_type == SourceType.CARD]
    assert share(cards, lambda record: record.receipts) == pytest.approx(0.62, abs=0.015)
    assert all(receipt.download_uris is None for record in many for receipt in record.receipts or ())
    assert share(many, lambda record: record.user is None) == pytest.approx(0.01, abs=0.003)
    memos = [record.memo for record in many if record.memo is not None]
    assert len(memos) / MANY == pytest.approx(0.7, abs=0.015)
    assert sorted(map(len, memos))[len(memos) * 99 // 100] == pytest.approx(220, rel=0.08)
    assert sum(not memo.isascii() for memo in memos) / len(memos) == pytest.approx(0.03, abs=0.006)
    assert sum("\n" in memo for memo in memos) / len(memos) == pytest.approx(0.01, abs=0.004)


def test_people_and_merchants_of_one_company(many: tuple[AccountingRecord, ...]) -> None:
    """120 cardholders of 250 staff, three entities, and 480 merchants of whom a few are popular."""
    charges = of_type(many, RecordType.CARD_EXPENSE_POST)
    users = {record.user for record in many if record.user is not None}
    assert len({record.user.id for record in charges if record.user}) == 120
    assert len(users) <= 250
    assert len({user.account_id for user in users}) == 1
    assert any(user.first_name.endswith(" ") for user in users)
    assert any(user.last_name.endswith(" ") for user in users)
    assert all(user.email.isascii() and user.email.endswith("@example.invalid") for user in users)
    popular = Counter(record.vendor.name for record in charges if record.vendor)
    assert 440 < len(popular) <= 480
    assert sum(count for _, count in popular.most_common(48)) / len(charges) > 0.5
    values = {value for record in charges for line in record.line_items for value in line.coding}
    entities = {value.field_value_name for value in values if value.remote_field_id == "ENTITY"}
    assert len(entities) == 3


def test_refunds_take_back_earlier_charges(many: tuple[AccountingRecord, ...]) -> None:
    """65 % of refunds share a source with one earlier charge of the month, 70 % of them in full."""
    charges = {record.source_id: record for record in of_type(many, RecordType.CARD_EXPENSE_POST)}
    refunds = of_type(many, RecordType.CARD_EXPENSE_REFUND)
    pairs = [(charges[refund.source_id], refund) for refund in refunds if refund.source_id in charges]
    assert len(pairs) / len(refunds) == pytest.approx(0.65, abs=0.01)
    assert len({charge.id for charge, _ in pairs}) == len(pairs)
    assert len({refund.source_id for refund in refunds}) == len(refunds)
    full = sum(charge.amount == refund.amount for charge, refund in pairs)
    assert full / len(pairs) == pytest.approx(0.7, abs=0.07)
    for charge, refund in pairs:
        assert refund.posted_at >= charge.posted_at
        assert (refund.vendor, refund.amount.currency) == (charge.vendor, charge.amount.currency)
        assert refund.amount.amount <= charge.amount.amount
    # A refund nine days later often falls into the next month, which is not part of the data.
    waits = statistics.median((refund.posted_at - charge.posted_at).days for charge, refund in pairs)
    assert 5 <= waits <= 10


@pytest.mark.parametrize("records", [MONTH, MANY])
def test_payments_follow_what_they_pay(records: int) -> None:
    """Payouts, reversals and bill payments share source and amount with something earlier."""
    data = built("lifelike", records)
    approvals = {one.source_id: one for one in of_type(data, RecordType.REIMBURSEMENT_EXPENSE_APPROVAL)}
    payouts = {one.source_id: one for one in of_type(data, PAYOUT)}
    bills = {one.source_id: one for one in of_type(data, RecordType.BILL_EXPENSE)}
    payments = of_type(data, RecordType.BILL_EXPENSE_PAYMENT, RecordType.BILL_EXPENSE_CARD_PAYMENT)
    pairs = [
        *((approvals[one.source_id], one) for one in of_type(data, PAYOUT)),
        *((payouts[one.source_id], one) for one in of_type(data, REVERSAL)),
        *((bills[one.source_id], one) for one in payments),
    ]
    assert len({one.source_id for one in payments}) == len(payments)
    for first, then in pairs:
        assert then.posted_at >= first.posted_at
        assert (then.amount, then.original_amount) == (first.amount, first.original_amount)
        assert (then.invoice_number, then.due_at) == (first.invoice_number, first.due_at)

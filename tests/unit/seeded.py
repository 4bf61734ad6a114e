"""Records of a seed, built once for the tests that look at them."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import cache

from brex_accounting.enums import RecordType
from brex_accounting.models import AccountingRecord
from brex_accounting.sandbox.seeds import Header, Profile, make_seed

MONTH = 2_637
MANY = 20_000
CLOSE = datetime(2026, 7, 3, 17, tzinfo=UTC)
CODED = {
    RecordType.CARD_EXPENSE_POST,
    RecordType.CARD_EXPENSE_REFUND,
    RecordType.CARD_EXPENSE_REPAYMENT,
    RecordType.REIMBURSEMENT_EXPENSE_APPROVAL,
    RecordType.REIMBURSEMENT_EXPENSE_REPAYMENT,
    RecordType.BILL_EXPENSE,
}
PAYOUT = RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT
REVERSAL = RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL


@cache
def built(profile: Profile, records: int) -> tuple[AccountingRecord, ...]:
    seed = make_seed(profile, records=records)
    return tuple(seed.record(index) for index in range(records))


def of_type(records: Iterable[AccountingRecord], *kinds: RecordType) -> list[AccountingRecord]:
    return [record for record in records if record.type in kinds]


def share(records: Iterable[AccountingRecord], test: Callable[[AccountingRecord], object]) -> float:
    hits = [bool(test(record)) for record in records]
    return sum(hits) / len(hits)


def median_amount(records: Iterable[AccountingRecord]) -> float:
    return statistics.median(float(record.amount.amount) for record in records)


def header_of(record: AccountingRecord) -> Header:
    return Header(record.updated_at, record.review_status, record.source_type)


def missing_gl(record: AccountingRecord) -> str | None:
    """How the first coded line fails to name a GL account, if it does."""
    coded = [line.accounting_field_values for line in record.line_items if line.accounting_field_values != ()]
    if not coded or coded[0] is None:
        return "no list" if coded else None
    gl = [value for value in coded[0] if value.remote_field_id == "GL_ACCOUNT"]
    if not gl:
        return "no entry"
    return "null" if gl[0].brex_field_value_id is None else None

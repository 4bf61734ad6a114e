"""The lifelike month in the books: what an accountant adds up by hand is what the entries say."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from brex_accounting.enums import RecordType, ReviewStatus
from brex_accounting.models import AccountingRecord
from brex_accounting.posters.entries import Entry
from brex_accounting.sandbox import make_seed
from brex_accounting.sync.content import is_live
from brex_accounting.sync.poster import Rejected, RejectionCode, Skipped

from .booked import CASH, CHART, DEBIT, EXPENSES, MOVEMENTS, balances, booked

MONTH = 2_637
CARDS_OF = {"LWI": "2100 Brex card", "LWU": "2110 Brex card UK", "LWG": "2120 Brex card DE"}


@pytest.fixture(scope="module", params=[7, 11, 23])
def month(request: pytest.FixtureRequest) -> list[AccountingRecord]:
    """A month of records; the accounts of the lifelike company are all active."""
    seed = make_seed("lifelike", records=MONTH, seed=request.param)
    return [seed.record(at) for at in range(len(seed))]


def chosen(one: AccountingRecord, field: str) -> Iterator[str | None]:
    """What each line says for a field."""
    for line in one.line_items:
        yield next((value.remote_field_value_id for value in line.coding if value.remote_field_id == field), None)


def in_scope(one: AccountingRecord) -> bool:
    return one.accounting_date >= date(2026, 6, 1) and is_live(one)


def test_every_record_of_a_month_has_its_outcome(month: list[AccountingRecord]) -> None:
    """In scope: an entry, or a code whose reason can be seen on the record. Nothing else is rejected or skipped."""
    outcomes = [(one, booked(one)) for one in month]
    for one, outcome in outcomes:
        coded = [account for account in chosen(one, "GL_ACCOUNT") if account]
        if not in_scope(one):
            assert isinstance(outcome, Skipped)
        elif one.type == RecordType.BILL_MONEY_MOVEMENT_PAYIN:
            assert isinstance(outcome, Rejected)
            assert outcome.code == RejectionCode.OTHER
        elif one.type.value in EXPENSES and len(coded) != len(one.line_items) - 1:
            assert isinstance(outcome, Rejected)
            assert outcome.code == RejectionCode.FIELD_MISSING
            assert one.review_status == ReviewStatus.PREPARE
        elif "6710" in coded:
            assert isinstance(outcome, Rejected)
            assert outcome.code == RejectionCode.ACCOUNT_INACTIVE
        else:
            assert isinstance(outcome, tuple), outcome
    counts = Counter(type(outcome) for _, outcome in outcomes)
    assert counts[tuple] > MONTH * 0.9
    assert counts[Skipped] < MONTH * 0.02


def test_the_totals_of_a_month_are_those_of_its_lines(month: list[AccountingRecord]) -> None:
    """Per account and currency, from the tables of the tests and the lines as Brex sent them: no digit differs."""
    entries: list[Entry] = []
    expected: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for one in month:
        outcome = booked(one)
        if not isinstance(outcome, tuple):
            continue
        entries += outcome
        entity = next(filter(None, chosen(one, "ENTITY")))
        for line, account in zip(one.line_items, chosen(one, "GL_ACCOUNT"), strict=True):
            if one.type.value in MOVEMENTS:
                sides = MOVEMENTS[one.type.value][0]
                assert sides is not None
                name = sides[0] if line.type == DEBIT else sides[1]
            else:
                name = CHART.accounts[account] if account else str(EXPENSES[one.type.value][0])
            name = CARDS_OF[entity] if name == "2100 Brex card" else name
            amount = line.amount.amount if line.type == DEBIT else -line.amount.amount
            expected[name, line.amount.currency] += amount
    totals = balances(entries)
    assert totals == {key: amount for key, amount in expected.items() if amount}
    assert len({currency for _, currency in totals}) == 4
    for currency in ("USD", "GBP", "EUR", "CAD"):
        assert sum(amount for (_, one), amount in totals.items() if one == currency) == 0


def test_a_month_in_cash_books_owes_nothing_to_staff(month: list[AccountingRecord]) -> None:
    """Approvals and payouts are skipped, and a payout that came back is left to a person."""
    outcomes = [(one.type.value, booked(one, CASH)) for one in month if in_scope(one)]
    entries = [entry for _, made in outcomes if isinstance(made, tuple) for entry in made]
    assert not [line for entry in entries for line in entry.lines if line.account == "2200 Owed to staff"]
    for kind, made in outcomes:
        if kind.endswith(("APPROVAL", "PAYOUT")):
            assert isinstance(made, Skipped)
        if kind.endswith("REVERSAL"):
            assert isinstance(made, Rejected)

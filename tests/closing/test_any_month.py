"""Any month: right books differ nowhere, and whatever is done to one entry shows up under its record."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Final

import attrs
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.closing.period import Period
from brex_accounting.closing.reconciling import Reconciliation
from brex_accounting.closing.sums import add
from brex_accounting.models import AccountingRecord
from brex_accounting.posters.entries import Entry
from brex_accounting.sync.keys import ExportKey
from brex_accounting.sync.states import State

from ..posters.booked import EXPENSES, MOVEMENTS, coding, record
from ..posters.charts import chart
from .made import JULY, JUNE, Company, on

MONTHS: Final = (Period(2026, 5), JUNE, JULY)
MOVING: Final = chart(
    ("post_from = 2026-06-01", "post_from = 2026-05-01"),
    ('on_closed = "reject"', 'on_closed = "next_open"'),
)
DAYS: Final = ("2026-05-03", "2026-05-30", "2026-06-01", "2026-06-30", "2026-07-02")
ACCOUNTS: Final = ("6100", "6110", "6410")
NOT_POSTED: Final = (State.DISCOVERED, State.INTENT, State.UNCONFIRMED, State.REJECTED, State.SKIPPED, State.WITHDRAWN)


@st.composite
def records(draw: st.DrawFn, number: int) -> AccountingRecord:
    """A record that these books take."""
    kind = draw(st.sampled_from(sorted({*EXPENSES, *MOVEMENTS} - {"REIMBURSEMENT_EXPENSE_POST"})))
    cents = draw(st.integers(1, 10**6))
    account = draw(st.sampled_from(ACCOUNTS)) if kind in EXPENSES else None
    return record(
        kind,
        (Decimal(cents) / 100,),
        currency=draw(st.sampled_from(["USD", "EUR"])),
        values=coding(account, entity=draw(st.sampled_from(["LWI", "LWU"]))),
        id=f"accr_{number}",
        **on(draw(st.sampled_from(DAYS))),
    )


@st.composite
def companies(draw: st.DrawFn) -> Company:
    """Records posted, edited after that, and not posted yet, each for one of the reasons there are."""
    company = Company(chart=MOVING)
    for number in range(draw(st.integers(1, 6))):
        one = draw(records(number))
        fate = draw(st.sampled_from(["posted", "edited", "not posted", "held"]))
        if fate == "not posted":
            company.has(one, draw(st.sampled_from(["READY_FOR_EXPORT", "REVIEW"])))
            if draw(st.booleans()):
                company.knows(one, draw(st.sampled_from(NOT_POSTED)))
            continue
        company.posts(one, State.POSTED)
        other = attrs.evolve(draw(records(number)), type=one.type, source_type=one.source_type, version=2)
        if fate == "edited" and one.type.value.startswith("BILL") and is_like(one, other):
            company.posts(other, State.POSTED)
        elif fate == "held" and is_like(one, other):
            company.knows(company.has(other, "EXPORTED"), State.HELD)
    return company


def is_like(one: AccountingRecord, other: AccountingRecord) -> bool:
    """Whether the rules book both: a movement and an expense are coded differently."""
    return len(one.line_items[0].coding) == len(other.line_items[0].coding) and all(
        bool(a.remote_field_value_id) == bool(b.remote_field_value_id)
        for a, b in zip(one.line_items[0].coding, other.line_items[0].coding, strict=True)
    )


def reports(company: Company) -> list[Reconciliation]:
    return [company.reports(month) for month in MONTHS]


@given(companies())
def test_right_books_differ_nowhere_and_every_row_adds_up(company: Company) -> None:
    """In each month; what Brex has is what the books hold and what accounts for the rest, to the cent."""
    for found in reports(company):
        assert found.findings == ()
        for row in found.rows:
            rest = (row.posted, row.moved, row.skipped, row.rejected, row.exceptions, row.not_yet, row.difference)
            assert add(row.debits, row.credits.copy_negate()) == sum(rest)
            assert row.difference == row.differing == 0


def _month(entry: Entry) -> Entry:
    day = date(2026, 6, 15) if entry.date.month != 6 else date(2026, 7, 15)
    return attrs.evolve(entry, date=day, moved_from=None)


def _amount(entry: Entry) -> Entry:
    cent = Decimal("0.01")
    return attrs.evolve(entry, lines=tuple(attrs.evolve(line, amount=line.amount + cent) for line in entry.lines))


def _account(entry: Entry) -> Entry:
    first, *rest = entry.lines
    return attrs.evolve(entry, lines=(attrs.evolve(first, account="6900 Bank charges"), *rest))


ALTERED: Final[Mapping[str, Callable[[Entry], list[Entry]]]] = MappingProxyType(
    {
        "lost": lambda _: [],
        "doubled": lambda entry: [entry, entry],
        "amount": lambda entry: [_amount(entry)],
        "account": lambda entry: [_account(entry)],
        "month": lambda entry: [_month(entry)],
        "entity": lambda entry: [attrs.evolve(entry, entity="LWG")],
        "by hand": lambda entry: [entry, attrs.evolve(_amount(entry), key=ExportKey("mine"))],
        "of another": lambda entry: [attrs.evolve(entry, record_id="accr_other")],
    }
)


@given(companies().filter(lambda company: bool(company.books)), st.data())
def test_whatever_is_done_to_one_entry_is_found(company: Company, data: st.DataObject) -> None:
    """The record is named, and no other one but that which the entry now says to be of."""
    at = data.draw(st.integers(0, len(company.books) - 1))
    how = data.draw(st.sampled_from(sorted(ALTERED)))
    entry = company.books[at]
    company.books[at : at + 1] = ALTERED[how](entry)
    findings = [one for found in reports(company) for one in found.findings]
    assert {one.record_id for one in findings} == {entry.record_id} | ({"accr_other"} if how == "of another" else set())
    assert all(one.difference and one.why for one in findings)

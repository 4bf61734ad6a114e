"""A record that changed after it was posted: what becomes of its document, by kind, and what waits for a person."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal, localcontext

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.enums import RecordType
from brex_accounting.errors import ConfigurationError
from brex_accounting.models import AccountingRecord
from brex_accounting.posters.entries import Entry, Kind, Standing, reversal_key, turned
from brex_accounting.sync.keys import MAX_KEY, ExportKey, export_key
from brex_accounting.sync.poster import Rejected, RejectionCode, Skipped

from .booked import CHART, CREDIT, DEBIT, EXPENSES, MOVEMENTS, balances, booked, coding, entry_of, record

JUNE_CLOSED = attrs.evolve(CHART, closed_through=date(2026, 6, 30))
JULY = datetime(2026, 7, 2, 12, tzinfo=UTC)
JOURNALS = [kind for kind in [*EXPENSES, *MOVEMENTS] if kind not in ("BILL_EXPENSE", "REIMBURSEMENT_EXPENSE_POST")]


def standing(one: AccountingRecord, *, is_paid: bool = False, is_reversed: bool = False) -> Standing:
    return Standing(entry=entry_of(one), is_paid=is_paid, is_reversed=is_reversed)


def amended(before: AccountingRecord, after: AccountingRecord) -> tuple[Entry, ...]:
    made = booked(after, revision=2, standing=standing(before))
    assert isinstance(made, tuple), made
    return made


def test_an_unpaid_bill_is_updated_in_place() -> None:
    """One entry with the new content under the new key, which says which document it is about."""
    after = record("BILL_EXPENSE", ["99.10", "1"], values=coding("6110"))
    (entry,) = amended(record("BILL_EXPENSE"), after)
    assert (entry.kind, entry.key, entry.amends) == (Kind.UPDATE, "accr_BILL_EXPENSE.2", "accr_BILL_EXPENSE.1")
    assert attrs.evolve(entry, kind=Kind.NEW, amends=None, key=export_key(after.id, 1)) == entry_of(after)


@pytest.mark.parametrize("kind", JOURNALS)
def test_a_journal_is_reversed_and_booked_anew(kind: str) -> None:
    """Two entries with keys of their own: together with the first one, the books hold the new content alone."""
    before, after = record(kind, ["10", "20"]), record(kind, ["12.34"], values=coding("6200"))
    reversal, replacement = amended(before, after)
    key, old = export_key(after.id, 2), export_key(after.id, 1)
    assert (reversal.kind, reversal.key, reversal.amends) == (Kind.REVERSAL, reversal_key(key), old)
    assert (replacement.kind, replacement.key, replacement.amends) == (Kind.REPLACEMENT, key, old)
    first = entry_of(before)
    assert balances([first, reversal]) == {}
    assert balances([first, reversal, replacement]) == balances([entry_of(after)])
    assert [line.amount for line in reversal.lines] == [line.amount for line in first.lines]
    assert reversal.date == first.date


def test_a_run_that_died_between_the_two_books_the_second() -> None:
    """The reversal that is there already is not made again; a period that was closed meanwhile does not stop it."""
    before, after = record(), record(amounts=["5"])
    assert booked(after, revision=2, standing=standing(before, is_reversed=True)) == amended(before, after)[1:]
    late = attrs.evolve(after, erp_posting_date=JULY)
    made = booked(late, JUNE_CLOSED, revision=2, standing=standing(before, is_reversed=True))
    assert isinstance(made, tuple)
    assert [entry.kind for entry in made] == [Kind.REPLACEMENT]


@pytest.mark.parametrize("kind", ["BILL_EXPENSE", "BILL_EXPENSE_PAYMENT"])
def test_what_was_cancelled_is_voided(kind: str) -> None:
    """Its sides turned, on its own date, and nothing takes its place."""
    before = record(kind)
    (entry,) = amended(before, attrs.evolve(before, status="CANCELED", erp_posting_date=JULY))
    assert (entry.kind, entry.key, entry.amends) == (Kind.VOID, f"accr_{kind}.2", f"accr_{kind}.1")
    assert entry.date == date(2026, 6, 11)
    assert balances([entry_of(before), entry]) == {}


@pytest.mark.parametrize("kind", ["BILL_EXPENSE", "CARD_EXPENSE_POST"])
@pytest.mark.parametrize("status", ["APPROVED", "VOID"])
def test_what_is_paid_or_closed_waits_for_a_person(kind: str, status: str) -> None:
    """Also where the chart moves dates out of closed periods: a change to them is never automatic."""
    before = record(kind)
    after = record(kind, ["5"], status=status, erp_posting_date=JULY)
    assert booked(after, revision=2, standing=standing(before, is_paid=True)) == Rejected(
        RejectionCode.OTHER,
        f"The record changed after its entry accr_{kind}.1 was paid: correct the books by hand",
    )
    for books in (JUNE_CLOSED, attrs.evolve(JUNE_CLOSED, on_closed="next_open")):
        assert booked(after, books, revision=2, standing=standing(before)) == Rejected(
            RejectionCode.CLOSED_PERIOD,
            "The record changed, and its entry of 2026-06-11 is in a closed period: "
            "reopen the period, or correct the books by hand",
        )


def test_a_change_into_a_closed_period_is_rejected_like_a_new_record() -> None:
    """Its entry is open, the new date is not."""
    before = record(erp_posting_date=JULY)
    outcome = booked(record(), JUNE_CLOSED, revision=2, standing=Standing(entry=entry_of(before)))
    assert isinstance(outcome, Rejected)
    assert outcome.code == RejectionCode.CLOSED_PERIOD
    moved = booked(record(), attrs.evolve(JUNE_CLOSED, on_closed="next_open"), revision=2, standing=standing(before))
    assert isinstance(moved, tuple)
    assert [entry.date for entry in moved] == [date(2026, 7, 2), date(2026, 7, 1)]


def test_an_entry_that_is_not_there_any_more_is_not_guessed() -> None:
    """A change to it waits for a person; there is nothing left to void."""
    assert booked(record(), revision=2) == Rejected(
        RejectionCode.OTHER,
        "The record changed, and its entry accr_CARD_EXPENSE_POST.1 is not in the books any more: "
        "book the change by hand",
    )
    assert isinstance(booked(record("BILL_EXPENSE", status="VOID"), revision=2), Skipped)


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (record(erp_posting_date=datetime(2026, 5, 1, tzinfo=UTC)), "it is dated before the books begin"),
        (
            record("REIMBURSEMENT_EXPENSE_POST", id="accr_CARD_EXPENSE_POST"),
            "on the accrual basis REIMBURSEMENT_EXPENSE_POST books nothing",
        ),
    ],
)
def test_what_would_be_skipped_now_is_not_left_in_the_books_in_silence(after: AccountingRecord, reason: str) -> None:
    """An earlier entry that the change must reach is told."""
    assert booked(after, revision=2, standing=standing(record())) == Rejected(
        RejectionCode.OTHER,
        f"The record changed and {reason}: take its entry accr_CARD_EXPENSE_POST.1 out by hand",
    )


def test_a_change_with_a_mistake_is_rejected_whole() -> None:
    """No reversal without its replacement."""
    outcome = booked(record(values=coding("9999")), revision=2, standing=standing(record()))
    assert isinstance(outcome, Rejected)
    assert outcome.code == RejectionCode.ACCOUNT_UNKNOWN


def test_a_bill_that_became_something_else_is_reversed() -> None:
    """In place only where both are bills."""
    before = record("BILL_EXPENSE")
    after = attrs.evolve(record("BILL_EXPENSE_PAYMENT"), id=before.id)
    assert [entry.kind for entry in amended(before, after)] == [Kind.REVERSAL, Kind.REPLACEMENT]


# Keys and entries.


@given(st.text(max_size=60), st.integers(1, 999_999))
def test_the_key_of_a_reversal_is_no_exports_key(record_id: str, revision: int) -> None:
    """It fits where keys fit, is another for every key, and ends as none of them does."""
    key = export_key(record_id, revision)
    taken_out = reversal_key(key)
    assert len(taken_out) <= MAX_KEY
    assert taken_out.endswith(".rev")
    assert not key.endswith(".rev")
    assert len({taken_out, reversal_key(export_key(record_id, revision % 999_999 + 1)), key}) == 3
    assert taken_out == reversal_key(ExportKey(str(key)))


def test_the_longest_key_has_a_reversal() -> None:
    """One that leaves no room gets a digest."""
    assert reversal_key(ExportKey("x" * 44 + ".1")) == "x" * 44 + ".1.rev"
    assert reversal_key(ExportKey("x" * 48 + ".1")).startswith("bx-")


@pytest.mark.parametrize("off", ["0.01", "0.0000000000000000000000000000001"])
def test_an_entry_that_does_not_balance_cannot_be_made(off: str) -> None:
    """Whoever makes it: to the last digit, in every currency, with both sides."""
    entry = entry_of(record())
    first, second = entry.lines
    with localcontext(prec=60):
        more = attrs.evolve(first, amount=first.amount + Decimal(off))
    with pytest.raises(ConfigurationError, match="balance"):
        attrs.evolve(entry, lines=(more, second))
    with pytest.raises(ConfigurationError, match="balance"):
        attrs.evolve(entry, lines=(first, attrs.evolve(second, currency="EUR")))
    with pytest.raises(ConfigurationError, match="balance"):
        attrs.evolve(entry, lines=())
    with pytest.raises(ConfigurationError, match="must not be negative"):
        attrs.evolve(first, amount=-first.amount)
    with pytest.raises(ConfigurationError, match="DEBIT or CREDIT"):
        attrs.evolve(first, side="MEMO")  # type: ignore[arg-type]


def test_turning_twice_is_turning_nothing() -> None:
    """A reversal keeps everything but sides, key, kind and what it is about."""
    for kind in RecordType.__members__:
        made = booked(record(kind, ["1", "2"], side=CREDIT))
        if isinstance(made, tuple):
            (entry,) = made
            once = turned(entry, key=ExportKey("a.rev"), kind=Kind.REVERSAL, amends=entry.key)
            assert {line.side for line in once.lines[:2]} == {DEBIT}
            again = turned(once, key=entry.key, kind=Kind.NEW, amends=once.key)
            assert attrs.evolve(again, amends=None) == entry

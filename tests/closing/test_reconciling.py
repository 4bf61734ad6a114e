"""The difference column: 0.00 for books that are right, whatever happened, and not for any that are wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import attrs
import pytest

from brex_accounting.closing.reconciling import Reconciliation
from brex_accounting.posters.entries import Entry
from brex_accounting.sync.keys import ExportKey
from brex_accounting.sync.states import State

from ..posters.booked import CARDS, CASH, CLEARING, STAFF, SUPPLIERS, coding, record
from ..posters.charts import chart
from .made import JULY, JUNE, Company, columns, on, row_of

AIRFARE, LODGING = "6100 Airfare", "6110 Lodging"
AMOUNT = Decimal("171.75")
ONE = record()
BILL = record("BILL_EXPENSE", ("100.00",))
OTHER = record(id="accr_other", amounts=("10.00", "2.50"))


@pytest.fixture
def company() -> Company:
    """Two charges, both in the books and reported."""
    made = Company()
    made.posts(ONE)
    made.posts(OTHER)
    return made


def differences(found: Reconciliation) -> dict[str | None, Decimal]:
    return {row.place.account: row.difference for row in found.rows if row.difference}


def test_books_that_are_right_differ_nowhere(company: Company) -> None:
    """Each row shows what Brex has, on its side, and the same in the books; nothing else."""
    found = company.reports()
    assert found.findings == ()
    total = AMOUNT + Decimal("12.50")
    assert columns(row_of(found, AIRFARE)) == {"count": 2, "debits": total, "posted": total}
    assert columns(row_of(found, CARDS)) == {"count": 2, "credits": total, "posted": -total}
    assert company.reports(JULY).rows == ()


# Damage to the books.


def _amount(entry: Entry) -> Entry:
    return attrs.evolve(entry, lines=tuple(attrs.evolve(line, amount=Decimal("171.70")) for line in entry.lines))


def _account(entry: Entry) -> Entry:
    first, *rest = entry.lines
    return attrs.evolve(entry, lines=(attrs.evolve(first, account=LODGING), *rest))


def _sides(entry: Entry) -> Entry:
    first, second = entry.lines
    return attrs.evolve(entry, lines=(attrs.evolve(first, side=second.side), attrs.evolve(second, side=first.side)))


def _currency(entry: Entry) -> Entry:
    return attrs.evolve(entry, lines=tuple(attrs.evolve(line, currency="EUR") for line in entry.lines))


@pytest.mark.parametrize(
    ("damage", "expected", "why"),
    [
        (_amount, {AIRFARE: Decimal("0.05"), CARDS: Decimal("-0.05")}, "is not what it comes to"),
        (_account, {AIRFARE: AMOUNT, LODGING: -AMOUNT}, "is not what it comes to"),
        (_sides, {AIRFARE: 2 * AMOUNT, CARDS: -2 * AMOUNT}, "is not what it comes to"),
        (
            lambda entry: attrs.evolve(entry, date=date(2026, 7, 11)),
            {AIRFARE: AMOUNT, CARDS: -AMOUNT},
            "on 2026-07-11, and it is dated 2026-06-11",
        ),
    ],
)
def test_an_entry_that_was_altered_differs_where_it_was(
    company: Company, damage: Callable[[Entry], Entry], expected: dict[str, Decimal], why: str
) -> None:
    """An amount, an account, the sides, the month: in the rows of what was changed, with the record's id."""
    company.change(ONE.id, damage)
    found = company.reports()
    assert differences(found) == expected
    assert {one.record_id for one in found.findings} == {ONE.id}
    assert all(why in one.why for one in found.findings)
    assert {row.differing for row in found.rows if row.difference} == {1}


def test_what_is_in_the_wrong_month_differs_in_both(company: Company) -> None:
    """Missing in June, and too much in July."""
    company.change(ONE.id, lambda entry: attrs.evolve(entry, date=date(2026, 7, 11)))
    assert differences(company.reports(JULY)) == {AIRFARE: -AMOUNT, CARDS: AMOUNT}


def test_an_entry_in_another_currency_or_entity_or_type_differs_in_both_rows(company: Company) -> None:
    """A row less, another one more: accounts of the same name are told apart."""
    company.change(ONE.id, _currency)
    found = company.reports()
    assert row_of(found, AIRFARE, currency="USD").difference == AMOUNT
    assert row_of(found, AIRFARE, currency="EUR").difference == -AMOUNT
    company.change(OTHER.id, lambda entry: attrs.evolve(entry, entity="LWU"))
    assert row_of(company.reports(), AIRFARE, entity="LWU").difference == Decimal("-12.50")
    company.change(OTHER.id, lambda entry: attrs.evolve(entry, type=record("BILL_EXPENSE").type))
    assert row_of(company.reports(), AIRFARE, type="BILL_EXPENSE").difference == Decimal("-12.50")


def test_an_entry_that_was_lost_differs(company: Company) -> None:
    """With all of it, and the words say that the books do not hold it."""
    company.books = [entry for entry in company.books if entry.record_id != ONE.id]
    found = company.reports()
    assert differences(found) == {AIRFARE: AMOUNT, CARDS: -AMOUNT}
    assert {one.why for one in found.findings} == {"the books do not hold it"}


def test_an_entry_that_stands_twice_differs(company: Company) -> None:
    """With all of it, the other way, and the words name its key."""
    company.books.append(company.books[0])
    found = company.reports()
    assert differences(found) == {AIRFARE: -AMOUNT, CARDS: AMOUNT}
    assert {one.why for one in found.findings} == {f"the books hold {ONE.id}.1 more than once"}


def test_an_entry_that_somebody_added_for_a_record_differs(company: Company) -> None:
    """By hand, under a record's name and a key of its own."""
    by_hand = attrs.evolve(company.books[1], key=ExportKey("mine"), record_id=ONE.id)
    company.books.append(by_hand)
    assert differences(company.reports()) == {AIRFARE: Decimal("-12.50"), CARDS: Decimal("12.50")}


def test_an_entry_of_a_record_that_nobody_knows_differs(company: Company) -> None:
    """Neither Brex nor the store has it: its id is in the findings."""
    company.books.append(attrs.evolve(company.books[0], key=ExportKey("x.1"), record_id="accr_x"))
    found = company.reports()
    assert differences(found) == {AIRFARE: -AMOUNT, CARDS: AMOUNT}
    assert {one.record_id for one in found.findings} == {"accr_x"}


def test_two_mistakes_that_make_up_for_each_other_are_seen(company: Company) -> None:
    """One entry lost, another one with as much too much: the row comes to 0.00, and two records differ in it."""
    company.posts(record(id="accr_twin"))
    company.books = [*company.books[1:], company.books[2]]
    found = company.reports()
    assert differences(found) == {}
    assert {row.differing for row in found.rows} == {2}
    assert {one.record_id for one in found.findings} == {ONE.id, "accr_twin"}


# What Brex and the store say.


def test_a_document_whose_record_is_gone_from_brex_differs(company: Company) -> None:
    """The store still counts it as posted, and so do the books: nobody can say what it is for."""
    del company.brex[ONE.id]
    found = company.reports()
    assert differences(found) == {AIRFARE: -AMOUNT, CARDS: AMOUNT}
    assert {(one.record_id, one.why) for one in found.findings} == {(ONE.id, "Brex does not return it any more")}


def test_a_record_that_vanished_before_it_was_posted_is_nothing(company: Company) -> None:
    """It was withdrawn: neither side has it."""
    company.knows(record(id="accr_gone"), State.WITHDRAWN)
    assert company.reports().findings == ()


@pytest.mark.parametrize(
    ("state", "column"),
    [
        (State.DISCOVERED, "not_yet"),
        (State.INTENT, "not_yet"),
        (State.WITHDRAWN, "not_yet"),
        (State.UNCONFIRMED, "exceptions"),
        (State.HELD, "exceptions"),
        (State.REJECTED, "rejected"),
        (State.REPORTED_FAILED, "rejected"),
        (State.REPORTING, "rejected"),
        (State.SKIPPED, "skipped"),
        (State.OUT_OF_SCOPE, "skipped"),
    ],
)
def test_what_is_not_in_the_books_has_its_column(state: State, column: str) -> None:
    """Each state in which nothing was posted; on both accounts, with their signs."""
    company = Company()
    company.has(ONE)
    company.knows(ONE, state)
    found = company.reports()
    assert found.findings == ()
    assert columns(row_of(found, AIRFARE)) == {"count": 1, "debits": AMOUNT, column: AMOUNT}
    assert columns(row_of(found, CARDS)) == {"count": 1, "credits": AMOUNT, column: -AMOUNT}


@pytest.mark.parametrize("state", [State.DISCOVERED, State.INTENT, State.UNCONFIRMED])
def test_what_the_books_hold_before_the_store_knows_it_is_posted(state: State) -> None:
    """A worker died between the two, or is at work."""
    company = Company()
    company.posts(ONE, state)
    found = company.reports()
    assert found.findings == ()
    assert columns(row_of(found, AIRFARE)) == {"count": 1, "debits": AMOUNT, "posted": AMOUNT}


@pytest.mark.parametrize("state", [State.REJECTED, State.REPORTED_FAILED, State.SKIPPED, State.WITHDRAWN, State.HELD])
def test_what_the_books_hold_against_the_store_differs(state: State) -> None:
    """The books hold what they refused, what was left out, what was taken back."""
    company = Company()
    company.posts(ONE, state)
    found = company.reports()
    assert differences(found) == {AIRFARE: -AMOUNT, CARDS: AMOUNT}
    assert "should hold nothing" in found.findings[0].why


@pytest.mark.parametrize("status", ["PREPARE", "REVIEW", "READY_FOR_EXPORT", "SOMETHING_NEW"])
def test_a_record_the_store_has_never_seen_is_not_posted_yet(status: str) -> None:
    """As long as Brex does not count it as exported."""
    company = Company()
    company.has(ONE, status)
    found = company.reports()
    assert found.findings == ()
    assert columns(row_of(found, AIRFARE)) == {"count": 1, "debits": AMOUNT, "not_yet": AMOUNT}


def test_a_bill_the_store_has_never_seen_is_not_posted_yet() -> None:
    """Whatever its review status says: bills are exported by their own feed."""
    company = Company()
    company.has(BILL, "EXPORTED")
    found = company.reports()
    assert found.findings == ()
    assert columns(row_of(found, AIRFARE))["not_yet"] == Decimal("100.00")


def test_a_record_exported_past_the_books_differs() -> None:
    """Brex counts it as exported, the store has not seen it or was waiting, and the books do not hold it."""
    company = Company()
    company.has(ONE, "EXPORTED")
    company.has(OTHER, "EXPORTED")
    company.knows(OTHER, State.WITHDRAWN)
    found = company.reports()
    assert differences(found) == {AIRFARE: AMOUNT + Decimal("12.50"), CARDS: -AMOUNT - Decimal("12.50")}
    assert all("Brex counts it as exported" in one.why for one in found.findings)


def test_a_lost_store_is_no_difference() -> None:
    """What Brex has offered and the books hold is right without a store; what was never offered is not."""
    company = Company()
    company.posts(ONE)
    company.posts(OTHER)
    company.exports.clear()
    assert company.reports().findings == ()
    company.has(OTHER, "PREPARE")
    assert {one.record_id for one in company.reports().findings} == {OTHER.id}


def test_a_rebuilt_store_leaves_what_it_does_not_know_to_the_books() -> None:
    """The record changed before the store was rebuilt: what was posted is what the books hold, the change is held."""
    company = Company()
    company.posts(ONE)
    changed = company.has(record(amounts=("180.00",), version=2), "EXPORTED")
    company.knows(changed, State.HELD)
    first, second = company.exports[ONE.id]
    company.exports[ONE.id] = [attrs.evolve(first, placed=second.placed, is_kept=False), second]
    found = company.reports()
    assert found.findings == ()
    row = columns(row_of(found, AIRFARE))
    assert row == {"count": 1, "debits": Decimal(180), "posted": AMOUNT, "exceptions": Decimal("8.25")}


# Changes.

DEARER = record("BILL_EXPENSE", ("120.00",), version=2)


def test_a_bill_that_was_amended_stands_as_it_is_now() -> None:
    """Its entry, its reversal and its replacement come to the new amount."""
    company = Company()
    company.posts(BILL, State.POSTED)
    company.posts(DEARER, State.POSTED)
    assert len(company.books) == 3
    found = company.reports()
    assert found.findings == ()
    assert columns(row_of(found, SUPPLIERS)) == {"count": 1, "credits": Decimal(120), "posted": Decimal(-120)}


@pytest.mark.parametrize("written", [0, 1])
def test_an_amendment_cut_off_in_the_middle_is_not_posted_yet(written: int) -> None:
    """Nothing of it is written, or its reversal alone: what is missing is under way, and nothing differs."""
    company = Company()
    company.posts(BILL, State.POSTED)
    company.posts(DEARER, State.INTENT, only=written)
    found = company.reports()
    assert found.findings == ()
    posted = Decimal(0) if written else Decimal(100)
    expected = {"count": 1, "debits": Decimal(120), "posted": posted, "not_yet": Decimal(120) - posted}
    assert columns(row_of(found, AIRFARE)) == {name: value for name, value in expected.items() if value}


def test_a_reversal_that_was_lost_differs() -> None:
    """The bill stands twice."""
    company = Company()
    company.posts(BILL, State.POSTED)
    company.posts(DEARER, State.POSTED)
    del company.books[1]
    assert differences(company.reports()) == {AIRFARE: Decimal(-100), SUPPLIERS: Decimal(100)}


def test_a_bill_that_was_cancelled_is_skipped_and_its_void_stands_for_nothing() -> None:
    """Before the void it is still to be taken out, after it nothing is left; without it nothing differs either."""
    company = Company()
    company.posts(BILL, State.POSTED)
    cancelled = attrs.evolve(BILL, status="CANCELED", version=2)
    company.has(cancelled)
    waiting = columns(row_of(company.reports(), AIRFARE))
    hundred = Decimal(100)
    assert waiting == {"count": 1, "debits": hundred, "posted": hundred, "skipped": hundred, "not_yet": -hundred}
    company.posts(cancelled, State.POSTED)
    found = company.reports()
    assert found.findings == ()
    assert columns(row_of(found, AIRFARE)) == {"count": 1, "debits": hundred, "skipped": hundred}
    del company.books[-1]
    assert differences(company.reports()) == {AIRFARE: -hundred, SUPPLIERS: hundred}


@pytest.mark.parametrize(
    ("state", "column"),
    [
        (State.HELD, "exceptions"),
        (State.REJECTED, "rejected"),
        (State.SKIPPED, "skipped"),
        (State.DISCOVERED, "not_yet"),
    ],
)
def test_a_change_that_the_books_do_not_follow_counts_with_what_it_changes(state: State, column: str) -> None:
    """A card record that changed after it was exported: 171.75 is posted, and the 8.25 more wait or are refused."""
    company = Company()
    company.posts(ONE)
    changed = company.has(record(amounts=("180.00",), version=2), "EXPORTED")
    company.knows(changed, state)
    found = company.reports()
    assert found.findings == ()
    row = columns(row_of(found, AIRFARE))
    assert row == {"count": 1, "debits": Decimal(180), "posted": AMOUNT, column: Decimal("8.25")}


def test_a_change_behind_an_unknown_outcome_is_an_exception() -> None:
    """Nobody knows whether the first revision was written; the newer one waits until somebody does."""
    company = Company()
    company.has(ONE)
    company.knows(ONE, State.UNCONFIRMED)
    company.knows(company.has(record(amounts=("180.00",), version=2)), State.DISCOVERED)
    assert columns(row_of(company.reports(), AIRFARE))["exceptions"] == Decimal(180)
    company.books += Company().booked(ONE)
    row = columns(row_of(company.reports(), AIRFARE))
    assert (row["posted"], row["exceptions"]) == (AMOUNT, Decimal("8.25"))


def test_a_change_that_a_person_says_to_have_booked_is_looked_for() -> None:
    """The store takes a person's word, the report does not: the books hold no such entry."""
    company = Company()
    company.posts(ONE)
    key = company.knows(company.has(record(amounts=("180.00",), version=2), "EXPORTED"), State.POSTED)
    found = company.reports()
    assert differences(found) == {AIRFARE: Decimal("8.25"), CARDS: Decimal("-8.25")}
    assert {one.why for one in found.findings} == {
        f"the books hold {ONE.id}.1, and not {key}, which the store counts as in the books"
    }


def test_damage_under_a_change_that_waits_is_seen() -> None:
    """An exception explains what changed, and not what is wrong with what was posted before."""
    company = Company()
    company.posts(ONE)
    company.knows(company.has(record(amounts=("180.00",), version=2), "EXPORTED"), State.HELD)
    company.change(ONE.id, _amount)
    assert differences(company.reports()) == {AIRFARE: Decimal("0.05"), CARDS: Decimal("-0.05")}


def test_a_change_after_the_export_that_the_store_does_not_know_differs() -> None:
    """Nothing reads an exported record again by itself; one that is ready again, or a bill, is read by the next run."""
    company = Company()
    company.posts(ONE)
    changed = record(amounts=("180.00",), version=2)
    company.has(changed, "EXPORTED")
    found = company.reports()
    assert differences(found) == {AIRFARE: Decimal("8.25"), CARDS: Decimal("-8.25")}
    assert "after it was exported" in found.findings[0].why
    company.has(changed)
    assert columns(row_of(company.reports(), AIRFARE))["not_yet"] == Decimal("8.25")


def test_books_that_were_corrected_to_what_brex_has_are_right() -> None:
    """It changed after it was exported, nobody read the change, and somebody booked it: nothing is left to find."""
    company = Company()
    company.posts(ONE)
    changed = company.has(record(amounts=("180.00",), version=2), "EXPORTED")
    company.change(ONE.id, lambda entry: attrs.evolve(company.booked(changed)[0], key=entry.key))
    assert company.reports().findings == ()


def test_a_change_of_the_date_stands_in_both_months() -> None:
    """It is posted in June, and has moved to July in Brex: an exception in both, until somebody decides."""
    company = Company()
    company.posts(ONE)
    company.knows(company.has(attrs.evolve(ONE, **on("2026-07-02")), "EXPORTED"), State.HELD)
    assert columns(row_of(company.reports(JUNE), AIRFARE)) == {"posted": AMOUNT, "exceptions": -AMOUNT}
    assert columns(row_of(company.reports(JULY), AIRFARE)) == {"count": 1, "debits": AMOUNT, "exceptions": AMOUNT}


# Closed periods.


def test_what_was_moved_out_of_a_closed_month_stands_in_both() -> None:
    """In May as moved away, in June as held for May; a June closed since changes nothing about either."""
    company = Company(
        chart=chart(("post_from = 2026-06-01", "post_from = 2026-05-01"), ('"reject"\nre', '"next_open"\nre'))
    )
    company.posts(attrs.evolve(ONE, **on("2026-05-30")))
    may, june = company.reports(attrs.evolve(JUNE, month=5)), company.reports()
    assert columns(row_of(may, AIRFARE)) == {"count": 1, "debits": AMOUNT, "moved": AMOUNT}
    assert columns(row_of(june, AIRFARE)) == {"posted": AMOUNT, "moved": -AMOUNT}
    company.chart = attrs.evolve(company.chart, closed_through=date(2026, 6, 30))
    assert company.reports() == june
    company.change(ONE.id, lambda entry: attrs.evolve(entry, moved_from=None))
    assert differences(company.reports()) == {AIRFARE: -AMOUNT, CARDS: AMOUNT}


@pytest.mark.parametrize("moved_from", [date(2026, 6, 10), date(2026, 6, 11)])
def test_a_wrong_month_is_no_move_whatever_the_entry_says(moved_from: date) -> None:
    """It was moved from another day than the record's, or backwards in time."""
    company = Company()
    company.posts(ONE)
    day = date(2026, 7, 1) if moved_from.day == 10 else date(2026, 5, 1)
    company.change(ONE.id, lambda entry: attrs.evolve(entry, date=day, moved_from=moved_from))
    assert differences(company.reports()) == {AIRFARE: AMOUNT, CARDS: -AMOUNT}


def test_a_month_is_reported_the_same_after_it_was_closed(company: Company) -> None:
    """That nothing more may be posted into it does not make what was posted wrong."""
    before = company.reports()
    company.chart = attrs.evolve(company.chart, closed_through=date(2026, 6, 30))
    assert company.reports() == before


# What the chart leaves out or does not know.


def test_the_accrual_trio_is_in_the_books_once() -> None:
    """Approval and payout are posted, the third is skipped; each in the rows of its own type."""
    company = Company()
    for kind in ("REIMBURSEMENT_EXPENSE_APPROVAL", "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT"):
        company.posts(record(kind))
    company.has(record("REIMBURSEMENT_EXPENSE_POST"), "READY_FOR_EXPORT")
    company.knows(record("REIMBURSEMENT_EXPENSE_POST"), State.SKIPPED)
    found = company.reports()
    assert found.findings == ()
    expense = [columns(row) for row in found.rows if row.place.account == AIRFARE]
    assert expense == [
        {"count": 1, "debits": AMOUNT, "posted": AMOUNT},
        {"count": 1, "debits": AMOUNT, "skipped": AMOUNT},
    ]
    owed = [row.posted for row in found.rows if row.place.account == STAFF]
    assert sum(owed) == 0


def test_cash_books_skip_what_accrual_books_post() -> None:
    """Nobody needs to have read it: the chart says so."""
    company = Company(chart=CASH)
    company.has(record("REIMBURSEMENT_EXPENSE_APPROVAL"), "EXPORTED")
    found = company.reports()
    assert found.findings == ()
    assert columns(row_of(found, AIRFARE)) == {"count": 1, "debits": AMOUNT, "skipped": AMOUNT}


def test_what_is_dated_before_the_books_is_skipped() -> None:
    """A month that the books began in has both."""
    company = Company(chart=chart(("post_from = 2026-06-01", "post_from = 2026-06-15"), ("2026-05-31", "2026-06-14")))
    company.has(ONE, "EXPORTED")
    company.posts(attrs.evolve(OTHER, **on("2026-06-20")))
    found = company.reports()
    assert found.findings == ()
    row = columns(row_of(found, AIRFARE))
    assert (row["skipped"], row["posted"]) == (AMOUNT, Decimal("12.50"))


def test_a_record_without_a_known_account_has_rows_of_its_own() -> None:
    """The account's side without a name; what faces it on the control account."""
    company = Company()
    unknown = record(values=coding("9999"))
    company.has(unknown)
    company.knows(unknown, State.REJECTED)
    found = company.reports()
    row = row_of(found, None)
    assert row.place.side == "DEBIT"
    assert columns(row) == {"count": 1, "debits": AMOUNT, "rejected": AMOUNT}
    assert columns(row_of(found, CARDS)) == {"count": 1, "credits": AMOUNT, "rejected": -AMOUNT}


def test_a_record_that_nothing_can_be_told_of_has_rows_too() -> None:
    """A type without a rule, no coding at all: both sides are seen, and no lines at all are counted."""
    company = Company()
    company.has(record("INVOICE", values=()))
    company.has(record("SOMETHING_NEW", id="accr_new", line_items=()))
    found = company.reports()
    sides = {(row.place.type, str(row.place.side)): row for row in found.rows}
    assert columns(sides["INVOICE", "DEBIT"]) == {"count": 1, "debits": AMOUNT, "not_yet": AMOUNT}
    assert columns(sides["INVOICE", "CREDIT"]) == {"count": 1, "credits": AMOUNT, "not_yet": -AMOUNT}
    assert columns(sides["SOMETHING_NEW", "None"]) == {"count": 1}


def test_an_inactive_account_is_still_an_account() -> None:
    """What is refused for it stands on its row."""
    company = Company()
    company.has(record(values=coding("6710")))
    assert row_of(company.reports(), "6710 Utilities").not_yet == AMOUNT


def test_money_moved_between_control_accounts_stands_on_both() -> None:
    """Also when the chart skips it, because the bank feed brings it."""
    company = Company(chart=chart(('bill_payments = "post"', 'bill_payments = "skip"')))
    company.has(record("BILL_EXPENSE_PAYMENT", values=coding(None)), "EXPORTED")
    found = company.reports()
    assert found.findings == ()
    assert columns(row_of(found, SUPPLIERS)) == {"count": 1, "debits": AMOUNT, "skipped": AMOUNT}
    assert columns(row_of(found, CLEARING)) == {"count": 1, "credits": AMOUNT, "skipped": -AMOUNT}


def test_sums_are_exact() -> None:
    """More digits than a Decimal adds up by itself, to the last cent, in the books and out of them."""
    company = Company()
    large, huge = Decimal("999999999999999999.99") - 1, Decimal(10) ** 28
    for number in range(12):
        company.posts(record(id=f"accr_{number}", amounts=(large,)))
    company.posts(record(id="accr_cent", amounts=("0.01",)))
    company.has(record(id="accr_huge", amounts=(huge,)))
    company.has(record(id="accr_digits", amounts=("0.015",)))
    found = company.reports()
    assert found.findings == ()
    row = row_of(found, AIRFARE)
    assert row.posted == Decimal("11999999999999999987.89")
    assert str(row.not_yet) == "10000000000000000000000000000.015"
    assert str(row.debits) == "10000000011999999999999999987.905"

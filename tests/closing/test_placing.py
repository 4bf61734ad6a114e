"""Where records stand: as the rules book them, and the same where the rules refuse them for another reason."""

from __future__ import annotations

from decimal import Decimal

import attrs
import pytest

from brex_accounting.closing.paper import at_exponent
from brex_accounting.closing.placing import Placer, places_of
from brex_accounting.closing.sums import Place, less
from brex_accounting.enums import LineItemType
from brex_accounting.posters.chart import Chart
from brex_accounting.sandbox import make_seed

from ..posters.booked import BY_HAND, CARDS, CASH, CHART, EXPENSES, MOVEMENTS, booked, coding, line, record
from ..posters.charts import chart
from .made import on

MONTH = make_seed("lifelike", records=400, seed=11)
RECORDS = [MONTH.record(at) for at in range(len(MONTH))]
KINDS = [kind for kind in (*EXPENSES, *MOVEMENTS) if kind not in BY_HAND]


@pytest.mark.parametrize("books", [CHART, CASH], ids=["accrual", "cash"])
def test_what_the_rules_book_stands_where_they_book_it(books: Chart) -> None:
    """A whole month; and refused for its number of lines alone, it would stand on the very same accounts."""
    plain, narrow = Placer.of(books), Placer.of(attrs.evolve(books, most_lines=1))
    made = [(one, booked(one, books)) for one in RECORDS]
    entries = [(one, outcome[0]) for one, outcome in made if isinstance(outcome, tuple)]
    assert len(entries) > 200
    for one, entry in entries:
        placed = plain.place(one)
        assert placed.sums == placed.due == places_of(entry)
        assert narrow.place(one).sums == placed.sums
        assert sum(placed.sums.values()) == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_period_and_an_inactive_account_do_not_matter(kind: str) -> None:
    """Every type stands on its accounts, on either basis, whether it may be posted or not."""
    one = record(kind, values=coding("6710") if kind in EXPENSES else None, **on("2026-06-02"))
    closed = chart(("2026-05-31", "2026-06-30"))
    placed = Placer.of(closed).place(one)
    assert None not in {place.account for place in placed.sums}
    assert placed.sums == Placer.of(CHART).place(one).sums


def test_what_the_books_skip_is_not_due() -> None:
    """It stands somewhere all the same, and why it is left out is known."""
    placed = Placer.of(CASH).place(record("REIMBURSEMENT_EXPENSE_APPROVAL"))
    assert placed.left_out is not None
    assert (len(placed.sums), len(placed.due)) == (2, 0)


def test_two_lines_without_an_account_leave_both_sides_untold() -> None:
    """Which of them faces the expense cannot be told: neither gets the control account."""
    bare = record(values=())
    accounts = {(place.account, place.side) for place in Placer.of(CHART).place(bare).sums}
    assert accounts == {(None, "DEBIT"), (None, "CREDIT")}


def test_lines_on_one_account_are_one_amount() -> None:
    """Three lines of 6100, and what faces them."""
    placed = Placer.of(CHART).place(record(amounts=("1.10", "2.20", "3.30")))
    assert {place.account: amount for place, amount in placed.sums.items()} == {
        "6100 Airfare": Decimal("6.60"),
        CARDS: Decimal("-6.60"),
    }


def test_a_side_that_is_neither_has_no_amount() -> None:
    """The record is in a row, and counts there; nothing is guessed."""
    odd = record(line_items=(line(LineItemType("SIDEWAYS"), "5.00", coding()),))
    assert list(Placer.of(CHART).place(odd).sums.values()) == [Decimal(0)]


def test_what_is_taken_off_is_taken_off_to_the_last_digit() -> None:
    """Forty digits, more than a Decimal keeps by itself: what is left of itself is nothing."""
    where = Place(entity=None, type="INVOICE", currency="USD", account="6100")
    long = {where: Decimal("9" * 38 + ".01")}
    assert less(long, long) == {}
    assert less({}, long) == {where: Decimal("-" + "9" * 38 + ".01")}


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1", "USD", "1.00"),
        ("120", "JPY", "120"),
        ("1.5", "BHD", "1.500"),
        ("0", "BHD", "0.000"),
        ("-0.5", "EUR", "-0.50"),
        ("1.005", "USD", "1.005"),
        ("7", "XXX", "7"),
        ("1e20", "USD", "1E+20"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(amount: str, currency: str, shown: str) -> None:
    """More where they have more: nothing is rounded."""
    assert str(at_exponent(Decimal(amount), currency)) == shown

"""The posting rules over every type, both bases, both directions and up to 20 lines."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.enums import LineItemType, RecordType
from brex_accounting.models import AccountingRecord
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.entries import Entry
from brex_accounting.sync.poster import Rejected, RejectionCode, Skipped

from .booked import (
    BY_HAND,
    CASH,
    CHART,
    CREDIT,
    DEBIT,
    EXPENSES,
    MOVEMENTS,
    STAFF,
    balances,
    booked,
    coding,
    entry_of,
    line,
    record,
)

BOOKS = {"accrual": CHART, "cash": CASH}
ANY = attrs.evolve(CHART, currencies=None)
ANY_CASH = attrs.evolve(CASH, currencies=None)
DIGITS = {"USD": 2, "JPY": 0, "BHD": 3, "CLF": 4}
GL = {number: CHART.accounts[number] for number in ("6100", "6110", "6200", "6400")}


def check_entry(one: AccountingRecord, entry: Entry, digits: int) -> None:
    """Line for line the record: sides, amounts to the last digit, and nothing left over."""
    assert [line.side for line in entry.lines] == [line.type for line in one.line_items]
    assert [line.amount for line in entry.lines] == [line.amount.amount for line in one.line_items]
    assert {line.amount.as_tuple().exponent for line in entry.lines} == {-digits}
    assert {line.currency for line in entry.lines} == {one.amount.currency}
    assert sum(Fraction(line.signed) for line in entry.lines) == 0
    assert sum(Fraction(line.amount) for line in entry.lines if line.side == DEBIT) == Fraction(one.amount.amount)


def check_accounts(one: AccountingRecord, entry: Entry, basis: int) -> None:
    """The accounts of the tables in ``booked``."""
    if one.type.value in MOVEMENTS:
        sides = MOVEMENTS[one.type.value][basis]
        assert sides is not None
        expected = [sides[0] if line.type == DEBIT else sides[1] for line in one.line_items]
    else:
        against = EXPENSES[one.type.value][basis]
        assert against is not None
        expected = [
            GL[str(line.coding[0].remote_field_value_id)] if line.coding else against for line in one.line_items
        ]
    assert [line.account for line in entry.lines] == expected


def is_booked(kind: str, basis: int) -> bool:
    return (EXPENSES.get(kind) or MOVEMENTS[kind])[basis] is not None


def test_the_tables_of_these_tests_name_every_type() -> None:
    """No type is forgotten."""
    assert {*EXPENSES, *MOVEMENTS, *BY_HAND} == set(RecordType.__members__)


@pytest.mark.parametrize("basis", ["accrual", "cash"])
@pytest.mark.parametrize("kind", RecordType.__members__)
def test_every_type_in_both_directions_with_1_to_20_lines(kind: str, basis: str) -> None:
    """Booked line for line on the accounts of the table; or skipped, or rejected, for the same reason each time."""
    column = ["accrual", "cash"].index(basis)
    for side in (DEBIT, CREDIT):
        for count in range(1, 21):
            amounts = [f"{at}.{at * 7 % 100:02}" for at in range(1, count + 1)]
            one = record(kind, amounts, side=side)
            outcome = booked(one, BOOKS[basis])
            if kind in BY_HAND:
                assert isinstance(outcome, Rejected)
                assert outcome.code == RejectionCode.OTHER
            elif is_booked(kind, column):
                assert isinstance(outcome, tuple)
                check_entry(one, outcome[0], 2)
                check_accounts(one, outcome[0], column)
            elif kind.endswith("REVERSAL"):
                assert isinstance(outcome, Rejected)
            else:
                assert outcome == Skipped(f"on the {basis} basis {kind} books nothing")


@st.composite
def records(draw: st.DrawFn) -> AccountingRecord:
    """Any type, side, currency, lines and accounts; amounts with and without the zeros that people leave out."""
    currency = draw(st.sampled_from(sorted(DIGITS)))
    digits = DIGITS[currency]
    units = draw(st.lists(st.integers(1, 10**15), min_size=1, max_size=20))
    amounts = [Decimal(one).scaleb(-digits) for one in units]
    bare = draw(st.booleans())
    amounts = [amount.normalize() if bare else amount for amount in amounts]
    one = record(
        draw(st.sampled_from([*EXPENSES, *MOVEMENTS])),
        amounts,
        side=draw(st.sampled_from([DEBIT, CREDIT])),
        currency=currency,
    )
    leading = [
        attrs.evolve(line, accounting_field_values=coding(draw(st.sampled_from(sorted(GL)))))
        for line in one.line_items[:-1]
    ]
    order = draw(st.permutations([*leading, one.line_items[-1]]))
    signed = -one.amount.amount if draw(st.booleans()) else one.amount.amount
    return attrs.evolve(one, line_items=tuple(order), amount=attrs.evolve(one.amount, amount=signed))


@given(records(), st.sampled_from([0, 1]))
def test_any_record_is_booked_to_the_last_digit(one: AccountingRecord, basis: int) -> None:
    """Whatever the amounts, the order of the lines and the sign of the total: sides and digits are the lines' own."""
    outcome = booked(one, (ANY, ANY_CASH)[basis])
    if not is_booked(one.type.value, basis):
        assert isinstance(outcome, Rejected if one.type.endswith("REVERSAL") else Skipped)
        return
    assert isinstance(outcome, tuple)
    positive = attrs.evolve(one, amount=attrs.evolve(one.amount, amount=abs(one.amount.amount)))
    check_entry(positive, outcome[0], DIGITS[one.amount.currency])
    check_accounts(one, outcome[0], basis)


@given(records(), st.integers(0, 19), st.decimals("-0.001", "0.001", places=4).filter(bool))
def test_a_difference_of_any_size_is_rejected(one: AccountingRecord, at: int, difference: Decimal) -> None:
    """However little a line is off, nothing is booked of it."""
    at %= len(one.line_items)
    off = one.line_items[at]
    amount = attrs.evolve(off.amount, amount=off.amount.amount + difference)
    lines = [*one.line_items[:at], attrs.evolve(off, amount=amount), *one.line_items[at + 1 :]]
    outcome = booked(attrs.evolve(one, line_items=tuple(lines)), ANY)
    if is_booked(one.type.value, 0):
        assert isinstance(outcome, Rejected)
        # Negative when it was the smallest unit and less.
        assert outcome.code in (RejectionCode.UNBALANCED, RejectionCode.CURRENCY, RejectionCode.OTHER)


# Once.


def expenses(books: Chart, together: Sequence[AccountingRecord]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """What records of one source leave on expense accounts, and on the others."""
    entries = [entry for one in together if isinstance(made := booked(one, books), tuple) for entry in made]
    left = {account: amount for (account, _), amount in balances(entries).items()}
    coded = set(books.accounts.values())
    return (
        {account: amount for account, amount in left.items() if account in coded},
        {account: amount for account, amount in left.items() if account not in coded},
    )


AMOUNTS = st.lists(st.integers(1, 10**9).map(lambda cents: Decimal(cents).scaleb(-2)), min_size=1, max_size=20)


@given(AMOUNTS, st.sampled_from(["accrual", "cash"]), st.permutations(["APPROVAL", "POST", "MONEY_MOVEMENT_PAYOUT"]))
def test_a_reimbursement_is_an_expense_once(amounts: list[Decimal], basis: str, order: list[str]) -> None:
    """Approval, post and payout of one reimbursement, all of them coded: one expense, nothing owed, one payment."""
    together = [record(f"REIMBURSEMENT_EXPENSE_{kind}", amounts) for kind in order]
    coded, others = expenses(BOOKS[basis], together)
    assert coded == {GL["6100"]: sum(amounts)}
    assert others == {"1050 Clearing": -sum(amounts)}


@given(AMOUNTS, st.sampled_from(["BILL_EXPENSE_PAYMENT", "BILL_EXPENSE_CARD_PAYMENT"]))
def test_a_bill_is_an_expense_once(amounts: list[Decimal], payment: str) -> None:
    """A bill and its payment, which carries the bill's coding: one expense, and nothing owed to the supplier."""
    coded, others = expenses(CHART, [record("BILL_EXPENSE", amounts), record(payment, amounts)])
    assert coded == {GL["6100"]: sum(amounts)}
    assert list(others.values()) == [-sum(amounts)]
    assert "2000 Accounts payable" not in others


@given(AMOUNTS)
def test_a_charge_and_its_refund_are_nothing(amounts: list[Decimal]) -> None:
    """A refund has the sides reversed, and takes back what the charge booked."""
    assert expenses(CHART, [record(amounts=amounts), record("CARD_EXPENSE_REFUND", amounts, side=CREDIT)]) == ({}, {})


def test_a_payout_that_comes_back_is_owed_again() -> None:
    """The expense stays once; what was paid is owed to staff again."""
    kinds = ("EXPENSE_APPROVAL", "EXPENSE_MONEY_MOVEMENT_PAYOUT", "EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL")
    coded, others = expenses(CHART, [record(f"REIMBURSEMENT_{kind}") for kind in kinds])
    assert (coded, others) == ({GL["6100"]: Decimal("171.75")}, {STAFF: Decimal("-171.75")})


@pytest.mark.parametrize("side", [DEBIT, CREDIT])
@pytest.mark.parametrize("kind", ["CARD_EXPENSE_POST", "CARD_EXPENSE_REFUND", "BILL_EXPENSE"])
def test_the_direction_is_that_of_the_lines(kind: str, side: LineItemType) -> None:
    """A type's name and the sign of its amount say nothing: a charge may credit its expense, a refund debit it."""
    plain = record(kind, ["40"], side=side)
    for sign in (1, -1):
        one = attrs.evolve(plain, amount=attrs.evolve(plain.amount, amount=sign * plain.amount.amount))
        coded, control = entry_of(one).lines
        assert (coded.side, coded.account) == (side, GL["6100"])
        assert (control.side, control.role is not None) == (DEBIT if side == CREDIT else CREDIT, True)


def test_a_discount_stands_on_the_other_side() -> None:
    """Coded lines on both sides and one that balances them: each stays on its own side."""
    one = record("BILL_EXPENSE", ["100"])
    lines = (
        line(DEBIT, "100", coding("6100")),
        line(CREDIT, "10", coding("6200")),
        line(CREDIT, "90"),
    )
    entry = entry_of(attrs.evolve(one, line_items=lines))
    assert [(made.account, made.signed) for made in entry.lines] == [
        (GL["6100"], Decimal("100.00")),
        (GL["6200"], Decimal("-10.00")),
        ("2000 Accounts payable", Decimal("-90.00")),
    ]

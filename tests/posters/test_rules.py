"""What is rejected or skipped, in which words, and what an entry carries."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.enums import LineItemType, RecordType
from brex_accounting.models import AccountingRecord, LineItem, Money, Vendor
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.entries import Dimension, Kind
from brex_accounting.posters.rule_table import Document, Role
from brex_accounting.sandbox import make_seed
from brex_accounting.sync.poster import Rejected, RejectionCode, Skipped

from .booked import CASH, CHART, CREDIT, DEBIT, booked, coding, entry_of, line, record, value

RICH = attrs.evolve(
    CHART,
    vendors=("vendor_1",),
    longest_memo=20,
    longest_invoice_number=8,
    most_lines=4,
    accounts={**CHART.accounts, "efo_6110": "6111 Other"},
)
PLAIN = record()
BILL = record("BILL_EXPENSE")
SPLIT = record(amounts=["10", "20"])


def with_lines(*lines: LineItem, of: AccountingRecord = PLAIN) -> AccountingRecord:
    return attrs.evolve(of, line_items=lines)


def leading(of: AccountingRecord = PLAIN, **changes: Any) -> AccountingRecord:
    """The record with its first line changed."""
    return attrs.evolve(of, line_items=(attrs.evolve(of.line_items[0], **changes), *of.line_items[1:]))


def costing(amount: str, currency: str = "USD") -> AccountingRecord:
    money = Money(amount=Decimal(amount), currency=currency)
    lines = tuple(attrs.evolve(one, amount=money) for one in PLAIN.line_items)
    return attrs.evolve(PLAIN, amount=money, line_items=lines)


def worth(amount: str, currency: str = "USD") -> AccountingRecord:
    """The record with another amount than its lines have."""
    return attrs.evolve(PLAIN, amount=Money(amount=Decimal(amount), currency=currency))


GL, DEPARTMENT, ENTITY = coding()
UNBALANCED = "Debits and credits of the lines differ, or a side is missing: correct them"
DIFFERS = "The amount of the record differs from the debits of its lines: correct it"
NO_GL = "Line 1 has no value for GL_ACCOUNT: choose one"
NO_GL_AT_ALL = "No line has a value for GL_ACCOUNT: choose one"

REJECTED: dict[str, tuple[AccountingRecord, str, str]] = {
    "a type nobody knows": (
        attrs.evolve(PLAIN, type=RecordType("CARD_EXPENSE_ADJUSTMENT")),
        "OTHER",
        'There is no posting rule for the type "CARD_EXPENSE_ADJUSTMENT": book it by hand',
    ),
    "invoice": (record("INVOICE"), "OTHER", "Brex does not document what an invoice is: book it by hand"),
    "invoice payment": (
        record("INVOICE_PAYMENT"),
        "OTHER",
        "Brex does not document what an invoice payment is: book it by hand",
    ),
    "payin for bills": (
        record("BILL_MONEY_MOVEMENT_PAYIN"),
        "OTHER",
        "Brex does not document what a payin for bills is: book it by hand",
    ),
    # Money.
    "no lines": (with_lines(), "UNBALANCED", "The record has no lines: there is nothing to book"),
    "single entry": (with_lines(PLAIN.line_items[0]), "UNBALANCED", UNBALANCED),
    "a cent off": (with_lines(PLAIN.line_items[0], line(CREDIT, "171.74")), "UNBALANCED", UNBALANCED),
    "twice the same side": (with_lines(PLAIN.line_items[0], line(DEBIT, "171.75")), "UNBALANCED", UNBALANCED),
    "another total": (worth("171.76"), "UNBALANCED", DIFFERS),
    "total without end": (worth("Infinity"), "UNBALANCED", DIFFERS),
    "total beyond all": (worth("1E+999999"), "UNBALANCED", DIFFERS),
    "total with more digits": (worth("171.750001"), "UNBALANCED", DIFFERS),
    "two currencies": (
        with_lines(line(DEBIT, "1", coding()), line(CREDIT, "1", currency="EUR")),
        "CURRENCY",
        'The record has lines in more than one currency ("EUR", "USD"): split it',
    ),
    "total in another currency": (
        worth("171.75", "GBP"),
        "CURRENCY",
        'The record has lines in more than one currency ("GBP", "USD"): split it',
    ),
    "no currency": (costing("1", "usd"), "CURRENCY", 'The currency "usd" is not in ISO 4217: book it by hand'),
    "gold": (costing("1", "XAU"), "CURRENCY", 'The currency "XAU" is not in ISO 4217: book it by hand'),
    "currency of no account": (
        costing("1", "JPY"),
        "CURRENCY",
        "The books do not keep JPY: choose another currency, or have it added",
    ),
    "half a cent": (
        costing("1.005"),
        "CURRENCY",
        "The amount of line 1 has more than the 2 decimals that USD has: correct it",
    ),
    "next to nothing": (
        costing("1E-999999"),
        "CURRENCY",
        "The amount of line 1 has more than the 2 decimals that USD has: correct it",
    ),
    "too large": (
        costing("1E+999999"),
        "TOO_LONG",
        "The amount of line 1 is larger than any the books take: correct it",
    ),
    "below nothing": (
        with_lines(line(DEBIT, "-5", coding()), line(CREDIT, "-5")),
        "OTHER",
        "The amount of line 1 is negative, or no number: book it by hand",
    ),
    "no number": (
        with_lines(line(DEBIT, "NaN", coding()), line(CREDIT, "1")),
        "OTHER",
        "The amount of line 1 is negative, or no number: book it by hand",
    ),
    "a third side": (
        with_lines(PLAIN.line_items[0], line(LineItemType("MEMO"), "171.75")),
        "OTHER",
        "Line 2 is neither debit nor credit: book it by hand",
    ),
    # Coding.
    "value is null": (leading(accounting_field_values=(value("GL_ACCOUNT", None), DEPARTMENT)), "FIELD_MISSING", NO_GL),
    "no GL entry": (leading(accounting_field_values=(DEPARTMENT, ENTITY)), "FIELD_MISSING", NO_GL),
    "empty list": (leading(accounting_field_values=()), "FIELD_MISSING", NO_GL_AT_ALL),
    "no list": (leading(accounting_field_values=None), "FIELD_MISSING", NO_GL_AT_ALL),
    "one of two without a list": (
        leading(SPLIT, accounting_field_values=None),
        "FIELD_MISSING",
        "Of the lines 1, 3 only the one that balances the others may be without GL_ACCOUNT: choose one",
    ),
    "every line coded": (
        with_lines(PLAIN.line_items[0], line(CREDIT, "171.75", coding("6110"))),
        "OTHER",
        "Every line has a value for GL_ACCOUNT: one must balance the others without it",
    ),
    "department missing": (
        leading(accounting_field_values=(GL, ENTITY)),
        "FIELD_MISSING",
        "Line 1 has no value for DEPARTMENT: choose one",
    ),
    "department missing on the second": (
        with_lines(
            SPLIT.line_items[0],
            attrs.evolve(SPLIT.line_items[1], accounting_field_values=(GL, ENTITY)),
            SPLIT.line_items[2],
            of=SPLIT,
        ),
        "FIELD_MISSING",
        "Line 2 has no value for DEPARTMENT: choose one",
    ),
    "two values of one field": (
        leading(accounting_field_values=(*coding(), value("GL_ACCOUNT", "6110"))),
        "OTHER",
        "Line 1 has two values for GL_ACCOUNT: choose one",
    ),
    "account unknown": (
        leading(accounting_field_values=coding("9999")),
        "ACCOUNT_UNKNOWN",
        'GL_ACCOUNT "9999" of line 1 stands for no account of the books: choose another value, or have it added',
    ),
    "two accounts for a value": (
        leading(accounting_field_values=coding("6110")),
        "ACCOUNT_UNKNOWN",
        'GL_ACCOUNT "6110" of line 1 stands for two accounts of the books: choose another value, or have it added',
    ),
    "account inactive": (
        leading(accounting_field_values=coding("6710")),
        "ACCOUNT_INACTIVE",
        'GL_ACCOUNT "6710" of line 1 is an inactive account of the books: choose another value, or have it activated',
    ),
    # Entities.
    "no entity": (
        leading(accounting_field_values=(GL, DEPARTMENT)),
        "FIELD_MISSING",
        "Line 1 has no value for ENTITY: choose one",
    ),
    "a movement without an entity": (
        record("CARD_PAYMENT", values=()),
        "FIELD_MISSING",
        "No line has a value for ENTITY: choose one",
    ),
    "two entities": (
        with_lines(
            SPLIT.line_items[0],
            attrs.evolve(SPLIT.line_items[1], accounting_field_values=coding(entity="LWU")),
            SPLIT.line_items[2],
            of=SPLIT,
        ),
        "INTERCOMPANY",
        "The lines name more than one ENTITY: choose one for all of them, or split the record",
    ),
    "two entities on the sides": (
        with_lines(PLAIN.line_items[0], line(CREDIT, "171.75", (value("ENTITY", "LWG"),))),
        "INTERCOMPANY",
        "The lines name more than one ENTITY: choose one for all of them, or split the record",
    ),
    "entity unknown": (
        leading(accounting_field_values=coding(entity="LWX")),
        "ACCOUNT_UNKNOWN",
        'The books have no control accounts for ENTITY "LWX": choose another, or have them added',
    ),
    # The rest.
    "vendor unknown": (
        attrs.evolve(BILL, vendor=Vendor(id="vendor_2", name="Rookmere\nPower")),
        "VENDOR_UNKNOWN",
        'The books have no vendor "Rookmere Power": choose another, or have it added',
    ),
    "no vendor": (attrs.evolve(BILL, vendor=None), "VENDOR_UNKNOWN", "The bill has no vendor: choose one"),
    "memo too long": (
        attrs.evolve(PLAIN, memo="x" * 21),
        "TOO_LONG",
        "The memo has 21 characters and the books take 20: shorten it",
    ),
    "memo of a line too long": (
        leading(memo="x" * 21),
        "TOO_LONG",
        "The memo of line 1 has 21 characters and the books take 20: shorten it",
    ),
    "invoice number too long": (
        attrs.evolve(BILL, invoice_number="INV-00042"),
        "TOO_LONG",
        "The invoice_number has 9 characters and the books take 8: shorten it",
    ),
    "too many lines": (
        record(amounts=["1"] * 4),
        "TOO_LONG",
        "The record has 5 lines and the books take 4: split it",
    ),
    "amortization": (
        leading(amortization={"months": 12}),
        "OTHER",
        "Line 1 has an amortization, which the books do not spread: remove it, or book the record by hand",
    ),
    "empty amortization": (
        leading(amortization={}),
        "OTHER",
        "Line 1 has an amortization, which the books do not spread: remove it, or book the record by hand",
    ),
}


@pytest.mark.parametrize("name", REJECTED)
def test_what_is_rejected_says_the_field_and_what_to_do(name: str) -> None:
    """The code, and the words that the customer reads."""
    one, code, message = REJECTED[name]
    assert booked(one, RICH) == Rejected(RejectionCode(code), message)


def test_the_record_of_the_table_is_booked_as_it_is() -> None:
    """Nothing but the change of each row of the table makes it a rejection."""
    for one in (PLAIN, BILL, SPLIT, costing("1.00")):
        assert isinstance(booked(one, RICH), tuple)


def test_coding_to_the_account_on_the_other_side_is_rejected() -> None:
    """Debit and credit of one account would hide the expense."""
    books = attrs.evolve(CHART, accounts={"6100": "2100 Brex card"}, inactive=())
    assert booked(PLAIN, books) == Rejected(
        RejectionCode.OTHER,
        'Line 1 is coded to "2100 Brex card", which is on the other side already: choose another',
    )


def test_awkward_records_are_booked_or_rejected_in_short_words() -> None:
    """None of them raises; what the customer reads fits into what Brex takes, on one line."""
    seed = make_seed("awkward", records=200, seed=5)
    books = attrs.evolve(CHART, entity_field=None, entities=None, required_fields=(), currencies=None)
    outcomes = [booked(seed.record(at), books) for at in range(len(seed))]
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    assert rejected
    assert all(len(one.message) <= 250 and one.message.isprintable() for one in rejected)
    assert {type(outcome) for outcome in outcomes} == {tuple, Rejected, Skipped}


def test_long_names_leave_room_for_what_to_do() -> None:
    """A name without end is cut in the message."""
    named = attrs.evolve(value("GL_ACCOUNT", "9999"), field_value_name="Büro & Reise / " * 100)
    outcome = booked(leading(accounting_field_values=(named, DEPARTMENT, ENTITY)))
    assert isinstance(outcome, Rejected)
    assert len(outcome.message) < 200
    assert outcome.message.endswith("choose another value, or have it added")


# Skipped.


@pytest.mark.parametrize(
    ("switch", "kinds"),
    [
        ("card_payments", ["CARD_PAYMENT", "CARD_PAYMENT_REFUND"]),
        (
            "payins",
            ["REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN", "REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND"],
        ),
        ("bill_payments", ["BILL_EXPENSE_PAYMENT"]),
    ],
)
def test_a_switch_skips_what_the_bank_feed_brings(switch: str, kinds: list[str]) -> None:
    """Those types and no others; a bill that was paid by card is on no bank feed."""
    off: Chart = attrs.evolve(CHART, **{switch: "skip"})  # type: ignore[arg-type]
    skipped = {kind for kind in RecordType.__members__ if isinstance(booked(record(kind), off), Skipped)}
    assert skipped == {*kinds, "REIMBURSEMENT_EXPENSE_POST"}
    assert booked(record(kinds[0]), off) == Skipped(f"the chart skips {kinds[0]}: the bank feed brings it")


@pytest.mark.parametrize("status", ["DRAFT", "VOID", "CANCELED"])
def test_a_bill_that_is_not_due_is_skipped(status: str) -> None:
    """Of bills alone: a card expense may have such a status."""
    assert booked(attrs.evolve(BILL, status=status)) == Skipped("the bill is a draft, void or cancelled")
    assert isinstance(booked(attrs.evolve(PLAIN, status=status)), tuple)


# Dates.

EDGE = datetime(2026, 7, 1, tzinfo=UTC)
JUNE_CLOSED = attrs.evolve(CHART, closed_through=date(2026, 6, 30))


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2026-06-30T23:59:59.999999+00:00", date(2026, 6, 30)),
        ("2026-07-01T00:00:00+00:00", date(2026, 7, 1)),
        ("2026-07-01T07:59:59+08:00", date(2026, 6, 30)),
        ("2026-07-01T08:00:00+08:00", date(2026, 7, 1)),
        ("2026-06-30T16:00:00-08:00", date(2026, 7, 1)),
        ("2026-06-30T15:59:59-08:00", date(2026, 6, 30)),
        ("2026-07-01T05:30:00+05:30", date(2026, 7, 1)),
    ],
)
def test_the_day_is_the_utc_date(written: str, day: date) -> None:
    """Wherever the clock stood that wrote it."""
    assert entry_of(attrs.evolve(PLAIN, erp_posting_date=datetime.fromisoformat(written))).date == day


@given(
    st.timedeltas(timedelta(hours=-8), timedelta(hours=8)),
    st.timedeltas(timedelta(hours=-8), timedelta(hours=8)),
    st.integers(-14 * 4, 14 * 4),
)
def test_records_at_the_edge_of_a_month_land_in_the_month_of_the_utc_date(
    booked_at: timedelta, settled_at: timedelta, quarters: int
) -> None:
    """Within 8 hours of midnight, in any zone: the month, and whether it is closed, follow from that date alone."""
    zone = timezone(timedelta(minutes=15 * quarters))
    moment = (EDGE + booked_at).astimezone(zone)
    one = attrs.evolve(PLAIN, erp_posting_date=moment, posted_at=EDGE + settled_at)
    is_june = EDGE + booked_at < EDGE
    assert entry_of(one).date.month == (6 if is_june else 7)
    assert isinstance(booked(one, JUNE_CLOSED), Rejected if is_june else tuple)
    began = attrs.evolve(CHART, post_from=date(2026, 7, 1))
    assert isinstance(booked(one, began), Skipped if is_june else tuple)


def test_a_closed_period() -> None:
    """Rejected with the first day that is open, or booked on it with the day that it was meant for."""
    last = attrs.evolve(PLAIN, erp_posting_date=datetime(2026, 6, 30, 23, tzinfo=UTC))
    assert booked(last, JUNE_CLOSED) == Rejected(
        RejectionCode.CLOSED_PERIOD,
        "The accounting date 2026-06-30 is in a closed period: choose 2026-07-01 or later",
    )
    moved = entry_of(last, attrs.evolve(JUNE_CLOSED, on_closed="next_open"))
    assert (moved.date, moved.moved_from) == (date(2026, 7, 1), date(2026, 6, 30))
    first = attrs.evolve(PLAIN, erp_posting_date=datetime(2026, 7, 1, tzinfo=UTC))
    assert entry_of(first, JUNE_CLOSED).moved_from is None


def test_before_the_books_begin() -> None:
    """Out of scope is no rejection, even where the period is closed too."""
    old = attrs.evolve(PLAIN, erp_posting_date=datetime(2026, 5, 31, 23, 59, tzinfo=UTC))
    assert booked(old) == Skipped("it is dated before the books begin")


# What an entry carries.


def test_an_entry_carries_what_the_books_show() -> None:
    """Head, lines, dimensions, tax and notes; original and billing amounts add up to nothing of the entry."""
    abroad, home = Money(amount=Decimal("3107.25"), currency="MXN"), Money(amount=Decimal("160.10"), currency="EUR")
    tax, project = value("TAX", "V20"), value("PROJECT", "P7")
    one = leading(
        attrs.evolve(BILL, memo="stay", invoice_number="INV-1", due_at=datetime(2026, 7, 11, 1, tzinfo=UTC)),
        accounting_field_values=(*coding("6110", entity="LWU"), tax, project),
        original_amount=abroad,
        billing_amount=home,
        memo="two nights",
    )
    entry = entry_of(one)
    assert (entry.key, entry.kind, entry.document, entry.amends) == (
        "accr_BILL_EXPENSE.1",
        Kind.NEW,
        Document.BILL,
        None,
    )
    assert (entry.record_id, entry.type, entry.source_id) == ("accr_BILL_EXPENSE", "BILL_EXPENSE", "source_1")
    assert (entry.vendor_id, entry.vendor_name, entry.invoice_number) == ("vendor_1", "Fennelby Inns", "INV-1")
    assert (entry.date, entry.due_date, entry.memo) == (date(2026, 6, 11), date(2026, 7, 11), "stay")
    assert entry.entity == "LWU"
    coded, control = entry.lines
    assert (coded.account, coded.role, coded.memo) == ("6110 Lodging", None, "two nights")
    assert coded.dimensions == (Dimension(field="DEPARTMENT", value="D01"), Dimension(field="PROJECT", value="P7"))
    assert (coded.tax, coded.original_amount, coded.billing_amount) == ("V20", abroad, home)
    assert (control.account, control.role, control.dimensions) == ("2000 Accounts payable", Role.ACCOUNTS_PAYABLE, ())


def test_entities_have_control_accounts_of_their_own() -> None:
    """By remote id and by Brex id alike; without entities there is one set for all."""
    accounts = {
        entity: entry_of(record(values=coding(entity=entity))).lines[1].account for entity in ("LWI", "LWU", "LWG")
    }
    assert accounts == {"LWI": "2100 Brex card", "LWU": "2110 Brex card UK", "LWG": "2120 Brex card DE"}
    by_brex_id = attrs.evolve(CHART, entities={"efo_LWU": {"cards_payable": "2111"}})
    entry = entry_of(record(values=coding(entity="LWU")), by_brex_id)
    assert (entry.entity, entry.lines[1].account) == ("efo_LWU", "2111")
    alone = attrs.evolve(CHART, entity_field=None, entities=None)
    assert entry_of(record(values=coding(entity="LWU")[:2]), alone).lines[1].account == "2100 Brex card"


def test_a_movement_names_its_entity_on_either_line() -> None:
    """One of its lines is enough."""
    for side in (DEBIT, CREDIT):
        entry = entry_of(record("CARD_PAYMENT", side=side, values=(value("ENTITY", "LWG"),)))
        assert entry.entity == "LWG"
        assert {one.account for one in entry.lines} == {"2120 Brex card DE", "1050 Clearing"}


def test_fields_and_values_may_be_named_by_brex_ids() -> None:
    """Where the accounting system has sent no list of its own, Brex's ids are all there is."""
    bare = attrs.evolve(GL, remote_field_id=None, remote_field_value_id=None)
    books = attrs.evolve(CHART, account_field="ef_GL_ACCOUNT", accounts={"efo_6100": "6100 Airfare"}, inactive=())
    assert (
        entry_of(leading(accounting_field_values=(bare, DEPARTMENT, ENTITY)), books).lines[0].account == "6100 Airfare"
    )


def test_vendors_are_looked_at_on_bills_alone() -> None:
    """No books keep a supplier for every shop."""
    books = attrs.evolve(CHART, vendors=())
    assert isinstance(booked(PLAIN, books), tuple)
    assert isinstance(booked(BILL, books), Rejected)
    assert isinstance(booked(record("BILL_EXPENSE_PAYMENT"), books), Rejected)


def test_an_amortization_may_be_kept_as_a_note() -> None:
    """Where the chart says so it is booked whole, and the schedule stays readable beside it."""
    books = attrs.evolve(CHART, amortization="note")
    entry = entry_of(leading(amortization={"months": 12, "part": Decimal("0.1")}), books)
    assert [one.amortization for one in entry.lines] == ['{"months": 12, "part": "0.1"}', None]


@pytest.mark.parametrize("books", [CHART, CASH], ids=["accrual", "cash"])
def test_the_same_record_makes_the_same_entry(books: Chart) -> None:
    """Nothing but the record, the chart and the key decides."""
    kinds = list(RecordType.__members__)
    assert [booked(record(kind), books) for kind in kinds] == [booked(record(kind), books) for kind in kinds]

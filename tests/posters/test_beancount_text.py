"""Entries as text and back: every type, both bases, both directions, 1 to 20 lines, any text."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from beancount import loader
from beancount.core.data import Transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from brex_accounting.enums import LineItemType, RecordType
from brex_accounting.errors import ConfigurationError
from brex_accounting.models import Money, Vendor
from brex_accounting.posters.beancount.accounts import account_names
from brex_accounting.posters.beancount.ledger import HEADER, LedgerContents
from brex_accounting.posters.beancount.syntax import is_line, link, quoted, unquoted
from brex_accounting.posters.beancount.text import Booking, entry_text, read_entry
from brex_accounting.posters.entries import Entry, Kind, turned
from brex_accounting.sync.keys import ExportKey

from .booked import CASH, CHART, CREDIT, DEBIT, EXPENSES, MOVEMENTS, booked, coding, entry_of, record, value

NAMES = account_names(CHART)
ACCOUNTS = {name: account for account, name in NAMES.items()}
BOOKS = {
    basis: attrs.evolve(one, currencies=None, amortization="note")
    for basis, one in (("accrual", CHART), ("cash", CASH))
}
DAY = CHART.post_from
DIGITS = {"USD": 2, "JPY": 0, "BHD": 3, "CLF": 4}


def there_and_back(entry: Entry, content: str | None = "1 0") -> list[str]:
    """The text of an entry, each line of which has one of the forms, and which reads as the entry."""
    booking = Booking(entry=entry, content=content)
    lines = entry_text(booking, NAMES)
    assert all(map(is_line, lines)), lines
    assert not [line for line in lines if "\n" in line or "\r" in line]
    assert read_entry(lines, ACCOUNTS) == booking
    return lines


def ledger(*entries: Entry) -> bytes:
    """A whole ledger."""
    contents, text = LedgerContents(), HEADER
    for entry in entries:
        block = contents.entry_block(Booking(entry=entry), named=NAMES, day=DAY)
        for line in block[:-1].split(b"\n"):
            contents.take(line)
        text += block
    assert [*contents.index.entries.values()] == list(entries)
    return text


@pytest.mark.parametrize("basis", ["accrual", "cash"])
def test_every_type_in_both_directions_with_1_to_20_lines(basis: str) -> None:
    """What is booked of any type comes back field for field."""
    cases = 0
    for kind in RecordType.__members__:
        for side in (DEBIT, CREDIT):
            for count in range(1, 21):
                one = record(kind, [f"{at}.{at * 7 % 100:02}" for at in range(1, count + 1)], side=side)
                made = booked(one, BOOKS[basis])
                if isinstance(made, tuple):
                    there_and_back(made[0])
                    cases += 1
    kinds = [sides for table in (EXPENSES, MOVEMENTS) for sides in table.values()]
    assert cases == 40 * sum(sides[["accrual", "cash"].index(basis)] is not None for sides in kinds)


TEXT = st.text(st.characters(), max_size=25) | st.sampled_from(
    ['"', "\\", '\\"', "a\nb", "\r\n", "\\n", "\\u0041", "\x00", "\u2028", "\u202e!", "\ud800", "=", "a=b\\=c", " ", ""]
)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Whatever the rules may make: any type, side, currency, number of lines, texts, dates and notes."""
    currency = draw(st.sampled_from(sorted(DIGITS)))
    units = draw(st.lists(st.integers(0, 10**15), min_size=1, max_size=20))
    basis = draw(st.sampled_from(["accrual", "cash"]))
    column = ["accrual", "cash"].index(basis)
    kinds = [kind for table in (EXPENSES, MOVEMENTS) for kind, sides in table.items() if sides[column]]
    one = record(
        draw(st.sampled_from(kinds)),
        [Decimal(unit).scaleb(-DIGITS[currency]) for unit in units],
        side=draw(st.sampled_from([DEBIT, CREDIT])),
        currency=currency,
        values=(*coding(), value("PROJECT", draw(TEXT)), value("TAX", draw(TEXT)), value(draw(TEXT), "x")),
        **_texts(draw),
    )
    lines = [attrs.evolve(line, **_notes(draw)) for line in one.line_items]
    made = booked(attrs.evolve(one, line_items=tuple(lines)), BOOKS[basis])
    assert isinstance(made, tuple), made
    return made[0]


def _texts(draw: st.DrawFn) -> dict[str, Any]:
    moment = st.integers(0, 10**7).map(lambda seconds: datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=seconds))
    return {
        "id": draw(TEXT.filter(lambda text: text.isascii() or text.isprintable())),
        "memo": draw(st.none() | TEXT),
        "source_id": draw(st.none() | TEXT),
        "invoice_number": draw(st.none() | TEXT),
        "due_at": draw(st.none() | moment),
        "erp_posting_date": draw(moment),
        "vendor": draw(st.none() | st.builds(Vendor, id=TEXT, name=TEXT)),
    }


def _notes(draw: st.DrawFn) -> dict[str, Any]:
    money = st.builds(
        Money,
        amount=st.decimals(allow_nan=False, allow_infinity=False, places=None),
        currency=st.sampled_from(["EUR", "eur", "", "X Y"]),
    )
    return {
        "id": draw(TEXT),
        "memo": draw(st.none() | TEXT),
        "original_amount": draw(st.none() | money),
        "billing_amount": draw(st.none() | money),
        "amortization": draw(st.none() | st.dictionaries(TEXT, TEXT, max_size=2)),
    }


@given(entries(), st.sampled_from(Kind), st.none() | TEXT)
def test_any_entry_comes_back_to_the_last_field(entry: Entry, kind: Kind, content: str | None) -> None:
    """Also the zeros of an amount, an empty text that is not none, and the sign of nothing."""
    if kind is not Kind.NEW:
        entry = turned(entry, key=ExportKey("accr_1.2"), kind=kind, amends=entry.key)
        entry = attrs.evolve(entry, moved_from=date(2026, 5, 30))
    there_and_back(entry, content)


@settings(max_examples=40)
@given(st.lists(entries(), min_size=1, max_size=2, unique_by=lambda one: one.key))
def test_beancount_reads_the_same(made: list[Entry]) -> None:
    """Beancount's own reader finds no error in it; accounts and amounts are the entry's, to the last digit."""
    directives, errors, _ = loader.load_string(ledger(*made).decode())
    assert errors == []
    found = {
        one.meta["brex-key"]: [
            (ACCOUNTS[posting.account], posting.units.number.as_tuple(), posting.units.currency)
            for posting in one.postings
            if posting.units is not None and posting.units.number is not None
        ]
        for one in directives
        if isinstance(one, Transaction)
    }
    # Nothing is owed on nothing: Beancount knows no minus zero, our own reader does.
    assert found == {
        entry.key: [
            (line.account, (line.signed if line.amount else line.amount).as_tuple(), line.currency)
            for line in entry.lines
        ]
        for entry in made
    }


@given(TEXT)
def test_any_string_is_one_line_and_comes_back(text: str) -> None:
    """Control characters, breaks of any kind, quotes, characters that turn the direction of writing."""
    string = quoted(text)
    assert unquoted(string) == text
    assert len(string.splitlines()) == 1
    assert not set(string) & set("\x00\x1b\x85\u202e\u2066\ud800")
    string.encode()


def test_beancount_shows_texts_as_they_are() -> None:
    """Quotes, backslashes, breaks and letters of any language are read by Beancount as we read them."""
    text = 'Ein "Test" \\ für\n\tTee ☕ 茶 👩‍👧'
    entry = entry_of(record(memo=text, vendor=Vendor(id="v", name=text)))
    (found,) = [one for one in loader.load_string(ledger(entry).decode())[0] if isinstance(one, Transaction)]
    assert (found.payee, found.narration) == (text, text)


def test_links_lead_from_one_document_to_the_others() -> None:
    """Key, amended key and source, once each, in characters that a link may have."""
    assert link(["accr_1.2", "accr_1.1", "exp:1 ü", None, "", "accr_1.1"]) == " ^accr_1.2 ^accr_1.1 ^exp-1-"


def test_an_entry_as_it_is_read() -> None:
    """The whole of it, for people."""
    one = attrs.evolve(record("BILL_EXPENSE", ["100", "0.5"]), memo="Chairs", invoice_number="R-7", source_id="bill_1")
    assert there_and_back(entry_of(one), None) == [
        '2026-06-11 * "Fennelby Inns" "Chairs" ^accr_BILL_EXPENSE.1 ^bill_1',
        '  brex-key: "accr_BILL_EXPENSE.1"',
        '  brex-record: "accr_BILL_EXPENSE"',
        '  brex-kind: "new"',
        '  brex-document: "bill"',
        '  brex-type: "BILL_EXPENSE"',
        '  brex-source-type: "BILL"',
        '  brex-source: "bill_1"',
        '  brex-entity: "LWI"',
        '  brex-vendor: "vendor_1"',
        '  brex-invoice: "R-7"',
        "  Expenses:6100-Airfare               100.00 USD",
        '    brex-line: "accrli_1"',
        '    brex-dimension-1: "DEPARTMENT=D01"',
        "  Expenses:6100-Airfare                 0.50 USD",
        '    brex-line: "accrli_2"',
        '    brex-dimension-1: "DEPARTMENT=D01"',
        "  Liabilities:2000-Accounts-payable  -100.50 USD",
        '    brex-line: "accrli_3"',
        '    brex-role: "accounts_payable"',
    ]


@pytest.mark.parametrize(
    ("amount", "currency"), [("1.5", "USD"), ("1.500", "USD"), ("1.0", "JPY"), ("1.50", "BHD"), ("1.00", "ZZZ")]
)
def test_an_amount_without_the_digits_of_its_currency_is_not_written(amount: str, currency: str) -> None:
    """The rules settle amounts; what comes from elsewhere is refused, never rounded or filled up."""
    entry = entry_of(record())
    lines = tuple(attrs.evolve(line, amount=Decimal(amount), currency=currency) for line in entry.lines)
    with pytest.raises(ConfigurationError, match="digits of its currency"):
        entry_text(Booking(entry=attrs.evolve(entry, lines=lines)), NAMES)


@pytest.mark.parametrize("side", LineItemType.__members__)
def test_a_line_of_nothing_keeps_its_side(side: str) -> None:
    """Minus nothing is a credit."""
    entry = entry_of(record(amounts=["5", "0"], side=LineItemType(side)))
    assert ("-0.00 USD" in "\n".join(there_and_back(entry))) == (side == "CREDIT")

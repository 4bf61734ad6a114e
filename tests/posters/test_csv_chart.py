"""CsvPoster with a chart: what the rules decide is in the file, and read back it is what was written."""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.enums import LineItemType, RecordType, SourceType
from brex_accounting.errors import ConfigurationError
from brex_accounting.models import AccountingRecord, Money
from brex_accounting.posters import appended
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.posters.csv.entry_rows import COLUMNS, entry_of, rows_of_entry
from brex_accounting.posters.csv.rows import encode, header_of, is_whole, parse
from brex_accounting.posters.entries import Dimension, Entry, EntryLine, Kind
from brex_accounting.posters.rule_table import Document, Role
from brex_accounting.sync.keys import export_key
from brex_accounting.sync.poster import NotNow, Outcome, Posted, Rejected, RejectionCode, Skipped

from .booked import BY_HAND, CASH, CHART, EXPENSES, MOVEMENTS, balances, booked, record
from .charts import chart

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no flock")
BILL = record("BILL_EXPENSE", ["40.00", "2.50"], status="APPROVED")
CHARGE = record()
PAYMENT = record("BILL_EXPENSE_PAYMENT", ["42.50"])


async def post(path: Path, one: AccountingRecord, revision: int = 1, books: Chart = CHART, after: int = 0) -> Outcome:
    """A revision that takes the place of the one ``after``, or of the one before."""
    before = export_key(one.id, after or revision - 1) if revision > 1 else None
    return await CsvPoster(path, books).post(one, key=export_key(one.id, revision), supersedes=before)


async def held(path: Path) -> tuple[Entry, ...]:
    return await CsvPoster(path, CHART).entries()


def kinds(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    return [(entry.key, entry.kind.value) for entry in entries]


# What is written is what is read.


@pytest.mark.parametrize("books", [CHART, CASH], ids=["accrual", "cash"])
async def test_every_type_is_booked_as_the_rules_say(tmp_path: Path, books: Chart) -> None:
    """The file holds the rules' own entries, to the last field; what they refuse or skip leaves nothing."""
    path = tmp_path / "journal.csv"
    expected: list[Entry] = []
    for kind in (*EXPENSES, *MOVEMENTS, *BY_HAND):
        one = record(kind, ["19.99", "0.01"], memo="a, \"b\"; c='d'")
        outcome, said = await post(path, one, books=books), booked(one, books)
        if isinstance(said, tuple):
            assert outcome == Posted(export_key(one.id, 1))
            expected += said
        else:
            assert outcome == said
    assert await CsvPoster(path, books).entries() == tuple(expected)
    assert len(expected) >= 12


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12) | st.sampled_from(
    ["=1+1", "'=1", "'", "-5", "+cmd", "a; b=c\\", "A=B; C=D", "\\", "@x"]
)


def plain(text: str) -> str:
    """Whether it is on one line already: line breaks alone are lost."""
    return "".join(character for character in text if character.isprintable()) or "x"


ONE_LINE = TEXTS.map(plain)
MAYBE = st.none() | ONE_LINE
AMOUNTS = st.decimals(0, 10**9, places=2)
MONEY = st.none() | st.builds(Money, amount=AMOUNTS, currency=st.sampled_from(["USD", "EUR"]))
DIMENSIONS = st.lists(st.builds(Dimension, field=ONE_LINE, value=ONE_LINE), max_size=3).map(tuple)


@st.composite
def entries(draw: st.DrawFn) -> Entry:
    """Entries of any text: two sides of one amount, and what else there can be."""
    amount, parts = draw(AMOUNTS), {"memo": MAYBE, "tax": MAYBE, "dimensions": DIMENSIONS}
    more: dict[str, Any] = {"original_amount": MONEY, "billing_amount": MONEY, "amortization": MAYBE}
    lines = tuple(
        EntryLine(
            line_id=draw(ONE_LINE),
            account=draw(ONE_LINE),
            side=side,
            amount=amount,
            currency="USD",
            role=role,
            **{name: draw(strategy) for name, strategy in (parts | more).items()},
        )
        for side, role in ((LineItemType.DEBIT, None), (LineItemType.CREDIT, Role.CARDS_PAYABLE))
    )
    texts = ("entity", "vendor_id", "vendor_name", "invoice_number", "memo", "source_id")
    days = st.none() | st.dates(date(1990, 1, 1), date(2090, 1, 1))
    return Entry(
        key=export_key("accr_1", 2),
        kind=draw(st.sampled_from(Kind)),
        document=draw(st.sampled_from(Document)),
        amends=draw(st.none() | st.just(export_key("accr_1", 1))),
        date=draw(st.dates(date(1990, 1, 1), date(2090, 1, 1))),
        moved_from=draw(days),
        due_date=draw(days),
        record_id=draw(ONE_LINE),
        type=RecordType(draw(ONE_LINE)),
        source_type=SourceType("CARD"),
        lines=lines,
        **{name: draw(MAYBE) for name in texts},
    )


@given(entries())
def test_any_entry_comes_back(entry: Entry) -> None:
    """Whatever texts it holds: through the bytes of the file and back it is the same, and no cell is a formula."""
    data = encode(rows_of_entry(entry))
    rows = [row for row in (parse(one, COLUMNS) for one in data.split(b"\n")[:-1]) if row]
    assert is_whole(rows)
    assert entry_of(rows) == entry
    for cell in (cell for row in rows for cell in row):
        assert cell[:1] not in tuple("=+-@\t") or Decimal(cell).is_finite()


async def test_line_breaks_are_all_that_is_lost(tmp_path: Path) -> None:
    """A memo on two lines is on one."""
    await post(tmp_path / "journal.csv", record(memo="one\r\ntwo"))
    (entry,) = await held(tmp_path / "journal.csv")
    assert entry.memo == "one two"


async def test_the_columns_are_the_documented_ones(tmp_path: Path) -> None:
    """Any reader of CSV finds account, side and amount by name."""
    path = tmp_path / "journal.csv"
    await post(path, CHARGE)
    with path.open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert tuple(first) == COLUMNS
    assert [(row["account"], row["role"], row["side"], row["amount"]) for row in (first, second)] == [
        ("6100 Airfare", "", "DEBIT", "171.75"),
        ("2100 Brex card", "cards_payable", "CREDIT", "171.75"),
    ]
    assert (first["entity"], first["dimensions"], first["kind"]) == ("LWI", "DEPARTMENT=D01", "new")


async def test_the_same_key_again_is_the_first_entry(tmp_path: Path) -> None:
    """Also with another content: the file does not change."""
    path = tmp_path / "journal.csv"
    await post(path, CHARGE)
    before = path.read_bytes()
    assert await post(path, attrs.evolve(CHARGE, memo="another")) == Posted(export_key(CHARGE.id, 1))
    assert path.read_bytes() == before


# What changed after it was posted.


async def test_a_changed_bill_is_reversed_and_booked_anew(tmp_path: Path) -> None:
    """The file only grows, so the update of the rules is two entries, and it adds up to the new content alone."""
    path, after = tmp_path / "journal.csv", record("BILL_EXPENSE", ["50.00"], status="APPROVED")
    await post(path, BILL)
    assert await post(path, after, 2) == Posted(export_key(BILL.id, 2))
    size = path.stat().st_size
    assert await post(path, after, 2) == Posted(export_key(BILL.id, 2))
    assert path.stat().st_size == size
    found = await held(path)
    assert kinds(found) == [
        ("accr_BILL_EXPENSE.1", "new"),
        ("accr_BILL_EXPENSE.2.rev", "reversal"),
        ("accr_BILL_EXPENSE.2", "replacement"),
    ]
    assert balances(found) == balances(booked(after) or ())  # type: ignore[arg-type]


async def test_an_amendment_that_was_cut_in_two_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the reversal alone the key is not found; posted again, only what is missing is written."""
    path, after = tmp_path / "journal.csv", record("BILL_EXPENSE", ["50.00"], status="APPROVED")
    await post(path, BILL)
    whole = appended.write

    def dies(file: int, data: bytes, at: int) -> None:
        if data.startswith(b"accr_BILL_EXPENSE.2,"):
            raise OSError(5, "I/O error")
        whole(file, data, at)

    with monkeypatch.context() as patched:
        patched.setattr(appended, "write", dies)
        with pytest.raises(OSError, match="I/O"):
            await post(path, after, 2)
    assert await CsvPoster(path, CHART).find(export_key(BILL.id, 2)) is None
    # The customer changes it once more meanwhile: the one that was reversed is not reversed again.
    await post(path, attrs.evolve(after, memo="changed again"), 3, after=1)
    assert [kind for _, kind in kinds(await held(path))] == ["new", "reversal", "replacement"]
    assert balances(await held(path)) == balances(booked(after) or ())  # type: ignore[arg-type]


async def test_a_bill_that_is_cancelled_and_comes_back(tmp_path: Path) -> None:
    """Voided once, however often it changes meanwhile; live again it is booked anew, and counts once."""
    path, cancelled = tmp_path / "journal.csv", attrs.evolve(BILL, status="CANCELED")
    await post(path, BILL)
    assert isinstance(await post(path, cancelled, 2), Posted)
    assert balances(await held(path)) == {}
    assert isinstance(await post(path, attrs.evolve(cancelled, memo="x"), 3), Skipped)
    assert isinstance(await post(path, BILL, 4, after=2), Posted)
    assert [kind for _, kind in kinds(await held(path))] == ["new", "void", "replacement"]
    assert balances(await held(path)) == balances(booked(BILL) or ())  # type: ignore[arg-type]


async def test_a_bill_that_was_paid_waits_for_a_person(tmp_path: Path) -> None:
    """Its payment is in the file: nothing is written, until the payment was taken out."""
    path = tmp_path / "journal.csv"
    await post(path, BILL)
    await post(path, PAYMENT)
    size = path.stat().st_size
    outcome = await post(path, record("BILL_EXPENSE", ["50.00"], status="APPROVED"), 2)
    assert isinstance(outcome, Rejected)
    assert "was paid" in outcome.message
    assert path.stat().st_size == size
    await post(path, attrs.evolve(PAYMENT, status="VOID"), 2)
    assert isinstance(await post(path, record("BILL_EXPENSE", ["50.00"], status="APPROVED"), 2), Posted)


async def test_a_period_that_was_closed_meanwhile(tmp_path: Path) -> None:
    """What stands in it stays, in words that say what to do."""
    path = tmp_path / "journal.csv"
    await post(path, BILL)
    june = chart(("closed_through = 2026-05-31", "closed_through = 2026-06-30"))
    outcome = await post(path, attrs.evolve(BILL, memo="x"), 2, june)
    assert isinstance(outcome, Rejected)
    assert (outcome.code, "reopen the period" in outcome.message) == (RejectionCode.CLOSED_PERIOD, True)
    assert kinds(await held(path)) == [("accr_BILL_EXPENSE.1", "new")]


async def test_what_the_file_does_not_hold_is_not_amended(tmp_path: Path) -> None:
    """Another file was taken meanwhile: a person looks."""
    outcome = await post(tmp_path / "journal.csv", BILL, 2)
    assert isinstance(outcome, Rejected)
    assert "not in the books any more" in outcome.message


# The file.


async def test_a_file_of_the_other_kind_is_left_alone(tmp_path: Path) -> None:
    """Begun without a chart it takes no accounts, and the other way round; the words say so."""
    path = tmp_path / "journal.csv"
    for first, second in ((CsvPoster(path), CsvPoster(path, CHART)), (CsvPoster(path, CHART), CsvPoster(path))):
        path.unlink(missing_ok=True)
        await first.post(CHARGE, key=export_key("accr_1", 1), supersedes=None)
        whole = path.read_bytes()
        outcome = await second.post(CHARGE, key=export_key("accr_1", 1), supersedes=None)
        assert isinstance(outcome, NotNow)
        assert "begun without a chart" in outcome.reason
        with pytest.raises(ConfigurationError, match="begun without a chart"):
            await second.check()
        assert path.read_bytes() == whole


async def test_torn_at_every_byte(tmp_path: Path) -> None:
    """Cut anywhere in an amendment: what is whole is found, and posting it again makes the whole file once more."""
    path, after = tmp_path / "journal.csv", record("BILL_EXPENSE", ["50.00"], status="APPROVED")
    await post(path, BILL)
    first = path.stat().st_size
    await post(path, after, 2)
    whole = path.read_bytes()
    for cut in range(first, len(whole)):
        path.write_bytes(whole[:cut])
        assert await CsvPoster(path, CHART).find(export_key(BILL.id, 2)) is None
        assert path.stat().st_size <= cut
        if cut % 37 == 0:
            await post(path, after, 2)
            assert path.read_bytes() == whole


async def test_reading_leaves_the_file_as_it_is(tmp_path: Path) -> None:
    """None is made, and a torn end is passed over, not mended; what was changed by hand is told."""
    path = tmp_path / "journal.csv"
    assert await held(path) == ()
    assert not path.exists()
    await post(path, CHARGE)
    await post(path, PAYMENT)
    whole = path.read_bytes()
    lengths = {len(header_of(COLUMNS)): 0, len(whole): 2}
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        count = len(await held(path))
        assert path.read_bytes() == whole[:cut]
        assert count == lengths.get(cut, count)
    path.write_bytes(whole.replace(b"171.75", b"171.76"))
    with pytest.raises(ConfigurationError, match="changed after it was written"):
        await held(path)


async def test_without_a_chart_there_are_no_entries_to_read(tmp_path: Path) -> None:
    """Such a file knows no accounts."""
    with pytest.raises(ConfigurationError, match="give one"):
        await CsvPoster(tmp_path / "journal.csv").entries()

"""The report from its three sources: a local Brex, a real store, books in a real file."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from traceback import StackSummary, walk_tb
from typing import Any, cast

import attrs
import pytest

from brex_accounting import AccountingRecord, BrexAccounting
from brex_accounting.closing import ClosingReport, Period
from brex_accounting.enums import ReviewStatus
from brex_accounting.errors import BrexError, ConfigurationError
from brex_accounting.paging import RecordQuery
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.posters.entries import Entry
from brex_accounting.sandbox import Fault
from brex_accounting.sync import FindingRecords, SqliteStore, rebuild
from brex_accounting.sync.keys import ExportKey
from brex_accounting.sync.poster import Posted

from ..posters.booked import SUPPLIERS, record
from ..posters.charts import chart
from .made import JULY, JUNE
from .office import KINDS, Kind, office

READY, EXPORTED = ReviewStatus.READY_FOR_EXPORT, ReviewStatus.EXPORTED
CHARGE = record()
BILL = record("BILL_EXPENSE", ("100.00",))


def differing(report: ClosingReport) -> set[str]:
    return {one.record_id for one in report.findings}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_month_that_was_exported_differs_nowhere(tmp_path: Path, kind: Kind) -> None:
    """Every record of the month is in a row, and the books hold what was posted; the queue agrees."""
    async with office(tmp_path, seeded=300, kind=kind) as this:
        this.turn(EXPORTED, READY)
        summary = await this.export()
        report = await this.report()
        assert report.problems == ()
        assert (report.unreadable, report.disagreeing, report.was_moving) == ((), (), False)
        assert sum(one.posted != 0 for one in report.rows) > 60
        assert {row.place.currency for row in report.rows} == {"USD", "GBP", "EUR", "CAD"}
        rolled = [one for one in report.roll_forward if one.span == "since"]
        assert sum(one.posted.count for one in rolled) == summary.posted
        assert sum(one.rejected.count for one in rolled) == summary.rejected > 0


async def test_what_was_exported_past_the_books_is_named(tmp_path: Path) -> None:
    """Brex counts most of the month as exported, and the books have never seen it."""
    async with office(tmp_path, seeded=100) as this:
        await this.export()
        report = await this.report()
        exported = [
            one
            async for one in this.brex.records.list()
            if one.review_status == EXPORTED and one.source_type != "BILL" and JUNE.holds(one.accounting_date)
        ]
        posted = {entry.record_id for entry in await this.books.entries()}
        assert differing(report) == {one.id for one in exported} - posted
        assert "the difference is not 0.00" in report.problems[0]


async def test_an_entry_that_somebody_wrote_into_the_file_is_named(tmp_path: Path) -> None:
    """The file's own checks pass: only the report sees that the record is booked twice."""
    async with office(tmp_path, [CHARGE, BILL]) as this:
        await this.export()
        assert (await this.report()).problems == ()
        by_hand = CsvPoster(tmp_path / "books.csv", chart(('6100 = "6100 Airfare"', '6100 = "6110 Lodging"')))
        assert isinstance(await by_hand.post(CHARGE, key=ExportKey("mine"), supersedes=None), Posted)
        report = await this.report()
        assert differing(report) == {CHARGE.id}
        assert {one.place.account for one in report.findings} == {"6110 Lodging", "2100 Brex card"}


async def test_books_that_lost_their_file_differ_with_everything(tmp_path: Path) -> None:
    """The store's word is not taken for it."""
    async with office(tmp_path, [CHARGE, BILL]) as this:
        await this.export()
        (tmp_path / "books.csv").unlink()
        report = await this.report()
        assert differing(report) == {CHARGE.id, BILL.id}
        assert {one.why for one in report.findings} == {"the books do not hold it"}


async def test_a_chart_that_changed_is_seen(tmp_path: Path) -> None:
    """An account has another name now: what is in the books under the old one differs in both rows."""
    async with office(tmp_path, [CHARGE, BILL]) as this:
        await this.export()
        other = attrs.evolve(this, chart=chart(("6100 Airfare", "6100 Flights")))
        assert {one.place.account for one in (await other.report()).findings} == {"6100 Airfare", "6100 Flights"}


async def test_a_record_that_brex_forgot_is_named(tmp_path: Path) -> None:
    """It is asked for by its id too before it counts as gone."""
    async with office(tmp_path, [CHARGE, BILL]) as this:
        await this.export()
        table = this.sandbox.brex.table
        row = table.row_of(CHARGE.id)
        assert row is not None
        table.remove(row)
        report = await this.report()
        assert {(one.record_id, one.why) for one in report.findings} == {
            (CHARGE.id, "Brex does not return it any more")
        }


async def test_a_record_that_the_list_missed_is_asked_for_by_its_id(tmp_path: Path) -> None:
    """A list that moves while it is read may leave one out: that it is gone must be certain."""

    class Moving:
        def list(self, *, ids: list[str] | None = None, **options: Any) -> RecordQuery[AccountingRecord]:
            return this.brex.records.list(ids=[BILL.id] if ids is None else ids, **options)

    @attrs.frozen
    class Brex:
        records: Moving
        server_now: Callable[[], Awaitable[datetime]]

    async with office(tmp_path, [CHARGE, BILL]) as this:
        await this.export()
        brex = Brex(Moving(), this.brex.server_now)
        report = await this.report(brex=cast(BrexAccounting, brex))
        assert report.problems == ()
        assert report.records == 2


@pytest.mark.parametrize("kind", KINDS)
async def test_an_edited_bill_is_followed_to_the_cent(tmp_path: Path, kind: Kind) -> None:
    """Before the next run the change waits, after it the books hold it; damage to any of its entries is seen."""
    async with office(tmp_path, [BILL], kind=kind) as this:
        await this.export()
        this.put(record("BILL_EXPENSE", ("100.07",), version=2, updated_at=datetime.now(UTC) - timedelta(seconds=6)))
        (row,) = [row for row in (await this.report()).rows if row.place.account == SUPPLIERS]
        assert (row.credits, row.posted, row.not_yet) == (Decimal("100.07"), Decimal("-100.00"), Decimal("-0.07"))
        await this.export()
        held = await this.books.entries()
        assert len(held) == 3
        assert (await this.report()).problems == ()
        for at in range(3):
            report = await this.report(ledger=Kept((*held[:at], *held[at + 1 :])))
            assert differing(report) == {BILL.id}


@attrs.frozen
class Kept:
    """Books in memory."""

    held: tuple[Entry, ...] = attrs.field(repr=False)

    async def entries(self) -> tuple[Entry, ...]:
        """All of it."""
        return self.held


async def test_what_is_posted_while_the_report_is_made_is_no_difference(tmp_path: Path) -> None:
    """An export runs between the reading of the store and that of the books."""
    async with office(tmp_path, [CHARGE, BILL]) as this:
        await this.export()
        late = record(id="accr_late")

        @attrs.frozen
        class Busy:
            async def entries(self) -> tuple[Entry, ...]:
                this.put(late)
                await this.export()
                return await this.books.entries()

        report = await this.report(ledger=Busy())
        assert report.findings == ()
        assert {row.count for row in report.rows if row.place.type == "CARD_EXPENSE_POST"} == {2}


async def test_a_record_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """Nobody knows which month it belongs to, or what it comes to."""
    async with office(tmp_path, [CHARGE]) as this:
        await this.export()
        this.put(attrs.evolve(BILL, amount=attrs.evolve(BILL.amount, amount=Decimal("1e40"))))
        report = await this.report()
        assert report.unreadable == (BILL.id,)
        assert report.problems == ("1 record of Brex cannot be read, and may belong to it",)


@pytest.mark.parametrize("path", ["records", "chart"])
async def test_errors_hold_nothing_of_records_or_books(tmp_path: Path, path: str) -> None:
    """Brex fails in the middle of its list, or the books do: what was read is in no frame that a reporter prints."""
    secret = [record(id=f"accr_{number}", memo="Project Nightingale") for number in range(110)]
    async with office(tmp_path, secret) as this:
        await this.export()
        broken = Kept(await this.books.entries())
        if path == "records":
            this.sandbox.faults.add(Fault(kind="html", every=2, path="records"))
        else:
            (tmp_path / "books.csv").write_bytes(b"somebody's notes")
        with pytest.raises(BrexError) as caught:
            await this.report(ledger=broken if path == "records" else None)
        frames = StackSummary.extract(walk_tb(caught.value.__traceback__), capture_locals=True)
        shown = [f"{one.name} {one.locals}" for one in frames if "brex_accounting/" in one.filename]
        assert shown[0].startswith("closing_report ")
        for word in ("Nightingale", "Fennelby", "171.75", this.sandbox.token):
            assert not [one for one in shown if word in one]


async def test_a_store_that_was_rebuilt_reports_as_the_one_before(tmp_path: Path) -> None:
    """What changed meanwhile waits with what it changes: only the books know what they hold of it."""
    async with office(tmp_path, [CHARGE, BILL], seeded=120, kind="beancount") as this:
        this.turn(EXPORTED, READY)
        await this.export()
        before = await this.report()
        assert before.problems == ()
        this.put(record("BILL_EXPENSE", ("100.07",), version=2, updated_at=datetime.now(UTC) - timedelta(seconds=6)))
        for path in tmp_path.glob("exports.db*"):
            path.unlink()
        books = this.books
        assert isinstance(books, FindingRecords)
        store = SqliteStore(tmp_path / "exports.db")
        await rebuild(this.brex, store, books, post_from=this.chart.post_from, by="Ann")
        after = await this.report()
        assert after.problems == ()
        assert [row.posted for row in after.rows] == [row.posted for row in before.rows]
        assert ("6100 Airfare", Decimal("0.07")) in {(row.place.account, row.not_yet) for row in after.rows}
        await this.export()
        assert (await this.report()).problems == ()


HOURS = (-8, -1, 0, 1, 7)


@pytest.mark.parametrize("month", [JUNE, JULY])
async def test_records_at_a_months_edge_stand_in_the_month_of_their_utc_date(tmp_path: Path, month: Period) -> None:
    """Eight hours to either side of midnight, written in any time zone: one month or the other, and never both."""
    edge = month.begin
    records = [
        record(id=f"accr_{hours}_{zone}", erp_posting_date=moment.astimezone(timezone(timedelta(hours=zone))))
        for zone in (-8, 0, 8)
        for hours in HOURS
        for moment in [edge + timedelta(hours=hours, microseconds=-1 if hours == 0 else 0)]
    ]
    before = sum(one.erp_posting_date < edge for one in records)
    assert 0 < before < len(records)
    earlier = Period(2026, month.month - 1)
    books = chart(("post_from = 2026-06-01", "post_from = 2026-05-01"), ("closed_through = 2026-05-31\n", ""))
    async with office(tmp_path, records, chart=books) as this:
        await this.export()
        for period, count in ((earlier, before), (month, len(records) - before)):
            report = await this.report(period)
            assert report.problems == ()
            assert report.records == count
            assert {row.count for row in report.rows} == {count}
            (posted,) = [row.posted for row in report.rows if row.posted > 0]
            assert posted == Decimal("171.75") * count


@pytest.mark.parametrize("kind", KINDS)
async def test_what_was_moved_out_of_a_closed_month_is_accounted_for(tmp_path: Path, kind: Kind) -> None:
    """The last day of May, booked on the first of June."""
    books = chart(
        ("post_from = 2026-06-01", "post_from = 2026-05-01"), ('on_closed = "reject"', 'on_closed = "next_open"')
    )
    late = record(erp_posting_date=JUNE.begin - timedelta(hours=1))
    async with office(tmp_path, [late], chart=books, kind=kind) as this:
        await this.export()
        may, june = await this.report(Period(2026, 5)), await this.report()
        assert may.problems == june.problems == ()
        assert {abs(row.moved) for row in (*may.rows, *june.rows)} == {Decimal("171.75")}
        assert (may.records, june.records) == (1, 0)


def test_a_period_is_a_month_in_plain_digits() -> None:
    """Anything else is refused."""
    for text in ("2026-6", "2026-13", "2026-06-01", "june", "", "0000-01", "９９９９-01"):  # noqa: RUF001
        with pytest.raises(ConfigurationError):
            Period.parse(text)
    assert str(Period.parse("2026-12").following) == "2027-01"

"""A small company whose books are real: a local Brex, a store, a CSV journal kept by a chart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal, TypeAlias, get_args

import attrs

from brex_accounting import AccountingRecord, BrexAccounting, RateLimit
from brex_accounting.closing import ClosingReport, Period, closing_report
from brex_accounting.enums import ReviewStatus
from brex_accounting.posters.beancount import BeancountPoster
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.csv import CsvPoster
from brex_accounting.posters.ledger import Ledger
from brex_accounting.sandbox import Rules, Sandbox
from brex_accounting.sync import ExportSync, SqliteStore, Summary

from ..posters.booked import CHART
from .made import JUNE

__all__ = ["KINDS", "Kind", "Office", "office"]

Kind: TypeAlias = Literal["csv", "beancount"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)


@attrs.frozen(kw_only=True)
class Office:
    """``folder`` holds exports.db and the books: books.csv or books.beancount."""

    folder: Path
    sandbox: Sandbox
    brex: BrexAccounting
    chart: Chart = CHART
    kind: Kind = "csv"

    @property
    def books(self) -> CsvPoster | BeancountPoster:
        """The books, as a worker of its own has them."""
        poster = BeancountPoster if self.kind == "beancount" else CsvPoster
        return poster(self.folder / f"books.{self.kind}", self.chart)

    def put(self, *records: AccountingRecord) -> None:
        """Records into Brex, as they are."""
        for one in records:
            self.sandbox.brex.table.put(attrs.evolve(one, source_id=one.id))

    def turn(self, before: ReviewStatus, after: ReviewStatus) -> None:
        """Every record of one status gets another one."""
        table = self.sandbox.brex.table
        for row in range(len(table)):
            if table.review_status(row) == before:
                table.change(row, after, self.sandbox.brex.now())

    async def export(self) -> Summary:
        """One run."""
        store = SqliteStore(self.folder / "exports.db")
        async with ExportSync(self.brex, self.books, store=store, post_from=self.chart.post_from) as sync:
            return await sync.run_once()

    async def report(
        self, period: Period = JUNE, *, ledger: Ledger | None = None, brex: BrexAccounting | None = None
    ) -> ClosingReport:
        """The report of a month."""
        store = SqliteStore(self.folder / "exports.db")
        await store.open(None, now=datetime.now(UTC))
        try:
            books = ledger or self.books
            return await closing_report(brex or self.brex, store, books, chart=self.chart, period=period)
        finally:
            await store.close()


@asynccontextmanager
async def office(
    folder: Path,
    records: Iterable[AccountingRecord] = (),
    *,
    seeded: int = 0,
    chart: Chart = CHART,
    kind: Kind = "csv",
) -> AsyncIterator[Office]:
    """One, with these records, or with so many of a lifelike month."""
    async with (
        Sandbox(records=seeded, rules=Rules(rate_limit=None)) as sandbox,
        BrexAccounting(sandbox.token, base_url=sandbox.url, rate_limit=RateLimit(limit=10**9)) as brex,
    ):
        made = Office(folder=folder, sandbox=sandbox, brex=brex, chart=chart, kind=kind)
        made.put(*records)
        yield made

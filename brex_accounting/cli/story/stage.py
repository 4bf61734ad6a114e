"""What the story is played on: a local Brex, its customer, the books by a chart, and the export between them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final, TypeVar

import attrs

from ...client import BrexAccounting
from ...closing import ClosingReport, Period, closing_report
from ...enums import ReviewStatus, SourceType
from ...errors import BrexError
from ...models import AccountingRecord
from ...posters.beancount import BeancountPoster
from ...posters.chart import Chart
from ...posters.chart_file import parse_chart
from ...posters.entries import Entry
from ...sandbox import Sandbox
from ...sandbox.books import lifelike_chart
from ...sync import ExportAdmin, ExportSync, SqliteStore, Summary
from ...sync.poster import Poster
from ...sync.summary import Watcher
from .cast import INACTIVE

__all__ = ["Stage"]

B = TypeVar("B", bound=BeancountPoster)

_LEASE: Final = timedelta(seconds=2)
"""Short, so that nobody waits long for what was left open."""

_SUMMED: Final = tuple(
    field.name for field in attrs.fields(Summary) if field.name not in ("open", "paused") and field.default == 0
)

_CHANGES: Final = {
    # The first days of the story are in a month that is closed, not before the books begin.
    "open": (("post_from = 2026-06-01", f'post_from = 2026-05-01\ninactive = ["{INACTIVE} Old suspense"]'),),
    "account": (("post_from = 2026-06-01", "post_from = 2026-05-01"),),
    "june": (
        ("post_from = 2026-06-01", "post_from = 2026-05-01"),
        ("closed_through = 2026-05-31", "closed_through = 2026-06-30"),
    ),
}


@attrs.define
class Stage:
    """``chart`` changes as the books do. ``watch`` is told how far the export is."""

    sandbox: Sandbox
    brex: BrexAccounting
    store: Path
    ledger: Path
    watch: Watcher
    chart: Chart = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.books_are("open")

    # The books

    def books_are(self, how: str) -> None:
        """``open``: May is closed, one account too. ``account``: that account is open. ``june``: June is closed too."""
        text = lifelike_chart() + f'{INACTIVE} = "{INACTIVE} Old suspense"\n'
        for old, new in _CHANGES[how]:
            text = text.replace(old, new)
        self.chart = parse_chart(text)

    def books(self, kind: type[B] = BeancountPoster) -> B:  # type: ignore[assignment]  # mypy has no bound defaults
        """The ledger, kept by the chart."""
        return kind(self.ledger, self.chart)

    async def entries_of(self, record_id: str) -> tuple[Entry, ...]:
        """What the ledger holds of a record."""
        return tuple(entry for entry in await self.books().entries() if entry.record_id == record_id)

    # The customer

    def begin(self) -> None:
        """Nothing of the month was exported before: what the seed has as exported waits to be."""
        brex = self.sandbox.brex
        exported = (one for one in brex.records() if one.review_status == ReviewStatus.EXPORTED)
        brex.export([one.id for one in exported if one.source_type != SourceType.BILL])

    def put(self, *records: AccountingRecord) -> None:
        """The customer presses Export on records that Brex did not have, or had otherwise."""
        for record in records:
            self.sandbox.brex.table.put(record)

    async def status_of(self, record_id: str) -> ReviewStatus:
        """How a record stands in Brex."""
        return (await self.brex.records.get(record_id)).review_status

    # The export

    async def run(self, poster: Poster | None = None, *, record_ids: Sequence[str] | None = None) -> Summary:
        """Export until nothing is open; what its runs did together. Raises ``BrexError`` when it is paused."""
        done = Summary()
        async with self._sync(poster or self.books()) as sync:
            while True:
                summary = await sync.run_once(record_ids=record_ids)
                sums = {name: getattr(done, name) + getattr(summary, name) for name in _SUMMED}
                done = attrs.evolve(summary, **sums)
                if summary.paused is not None:
                    raise BrexError(f"the export is paused: {summary.paused.reason}; please report this")
                if not summary.open:
                    return done
                await asyncio.sleep(0.2)

    def _sync(self, poster: Poster) -> ExportSync:
        store = SqliteStore(self.store)
        return ExportSync(
            self.brex, poster, store=store, post_from=self.chart.post_from, lease=_LEASE, watch=self.watch
        )

    async def report(self) -> ClosingReport:
        """June: Brex, the store and the ledger against each other."""
        store = SqliteStore(self.store)
        await store.open(None, now=await self.brex.server_now())
        try:
            return await closing_report(
                self.brex, store, self.books(), chart=self.chart, period=Period.parse("2026-06")
            )
        finally:
            await store.close()

    def admin(self) -> ExportAdmin:
        """What a person sees of it."""
        return ExportAdmin(SqliteStore(self.store))

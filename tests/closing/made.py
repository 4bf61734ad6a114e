"""A company in miniature: its records in Brex, its exports and its books, each of which may be damaged alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import attrs

from brex_accounting.closing.expecting import Revision
from brex_accounting.closing.period import Period
from brex_accounting.closing.placing import Placer
from brex_accounting.closing.reconciling import Reconciliation, Row, reconcile
from brex_accounting.enums import ReviewStatus
from brex_accounting.models import AccountingRecord
from brex_accounting.posters.chart import Chart
from brex_accounting.posters.entries import Entry, Kind, Standing, reversal_key, turned
from brex_accounting.posters.rules import entries_for
from brex_accounting.sync.keys import ExportKey, export_key
from brex_accounting.sync.states import State

from ..posters.booked import CHART

JUNE, JULY = Period(2026, 6), Period(2026, 7)

_IN_THE_BOOKS = frozenset({State.POSTED, State.REPORTED})


@attrs.define
class Company:
    """``brex`` by id, ``exports`` by id with the oldest revision first, ``books`` in the order written."""

    chart: Chart = CHART
    brex: dict[str, AccountingRecord] = attrs.field(factory=dict)
    exports: dict[str, list[Revision]] = attrs.field(factory=dict)
    books: list[Entry] = attrs.field(factory=list)

    def has(self, one: AccountingRecord, status: str = "READY_FOR_EXPORT") -> AccountingRecord:
        """Brex has it, like this from now on."""
        self.brex[one.id] = attrs.evolve(one, review_status=ReviewStatus(status))
        return one

    def knows(self, one: AccountingRecord, state: State) -> ExportKey:
        """The store has it as its newest revision, and nothing is in the books."""
        revisions = self.exports.setdefault(one.id, [])
        key = export_key(one.id, len(revisions) + 1)
        placed = Placer.of(self.chart).place(one)
        revisions.append(Revision(key=key, state=state, has_document=state in _IN_THE_BOOKS, placed=placed))
        return key

    def posts(self, one: AccountingRecord, state: State = State.REPORTED, *, only: int | None = None) -> None:
        """Export it: in Brex, in the store and in the books. ``only``: so many of its entries were written."""
        self.has(one, "EXPORTED" if state is State.REPORTED else "READY_FOR_EXPORT")
        key = self.knows(one, state)
        before = [entry for entry in self.books if entry.record_id == one.id]
        supersedes = self.exports[one.id][-2].key if before else None
        standing = Standing(entry=before[-1]) if before else None
        made = entries_for(one, self.chart, key=key, supersedes=supersedes, standing=standing)
        assert isinstance(made, tuple), made
        if made[0].kind is Kind.UPDATE:
            # Books that only grow.
            reversal = turned(before[-1], key=reversal_key(key), kind=Kind.REVERSAL, amends=before[-1].key)
            made = (reversal, attrs.evolve(made[0], kind=Kind.REPLACEMENT))
        self.books += made[:only]

    def booked(self, one: AccountingRecord) -> list[Entry]:
        """The entries of a record's first revision, wherever they are to go."""
        made = entries_for(one, self.chart, key=export_key(one.id, 1))
        assert isinstance(made, tuple), made
        return list(made)

    def reports(self, period: Period = JUNE) -> Reconciliation:
        """The report."""
        placer = Placer.of(self.chart)
        current = {record_id: placer.place(one) for record_id, one in self.brex.items()}
        return reconcile(period, current=current, stored=self.exports, entries=self.books)

    def change(self, record_id: str, how: Callable[[Entry], Entry]) -> None:
        """Change the last entry of a record by hand."""
        at = max(at for at, entry in enumerate(self.books) if entry.record_id == record_id)
        self.books[at] = how(self.books[at])


def row_of(found: Reconciliation, account: str | None, **where: str) -> Row:
    """The one row of an account."""
    (row,) = [
        row
        for row in found.rows
        if row.place.account == account and all(getattr(row.place, name) == value for name, value in where.items())
    ]
    return row


def columns(row: Row) -> dict[str, Decimal | int]:
    """What is not nothing in a row."""
    return {name: value for name, value in attrs.asdict(row, recurse=False).items() if name != "place" and value}


def on(day: str) -> dict[str, Any]:
    """The change that dates a record."""
    return {"erp_posting_date": datetime.combine(date.fromisoformat(day), time(), UTC)}

"""Whether a CSV journal books what an export had to book."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from decimal import Context, Decimal, Inexact
from pathlib import Path

import attrs

from brex_accounting.cli.due import Due
from brex_accounting.enums import LineItemType
from brex_accounting.models import AccountingRecord, Money

EXACT = Context(prec=100, traps=[Inexact])
"""Wide enough for any sum of amounts; rounding would raise instead of passing unseen."""


@attrs.define
class Totals:
    """Debits and credits by type and currency, added up exactly."""

    sides: defaultdict[tuple[str, str], dict[str, Decimal]] = attrs.field(
        factory=lambda: defaultdict(lambda: {side.value: Decimal(0) for side in LineItemType})
    )

    def add(self, record: AccountingRecord) -> None:
        for line in record.line_items:
            self.book(record.type, line.type, line.amount)

    def book(self, kind: str, side: str, money: Money) -> None:
        sums = self.sides[kind, money.currency]
        sums[side] = EXACT.add(sums.get(side, Decimal(0)), money.amount)


@attrs.define
class DueTotals(Due):
    """What is due, and what it adds up to."""

    totals: Totals = attrs.field(factory=Totals)

    def add(self, record: AccountingRecord) -> None:
        before = len(self.ids)
        super().add(record)
        if len(self.ids) > before:
            self.totals.add(record)


def check_journal(path: Path, due: DueTotals) -> None:
    """Each record that is due once, no other, and their sums to the last digit."""
    booked, entries = Totals(), Counter[str]()
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            booked.book(row["type"], row["side"], Money(amount=Decimal(row["amount"]), currency=row["currency"]))
            entries[row["record_id"]] += bool(row["entry_end"])
    assert entries == Counter(due.ids)
    assert booked.sides == due.totals.sides

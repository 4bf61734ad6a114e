"""Counting and adding up records, exactly."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Context, Decimal, Inexact

import attrs

from ..enums import LineItemType
from ..models import AccountingRecord, Money

__all__ = ["Totals"]

# Wide enough for any sum of amounts; rounding would raise instead of passing unseen.
_EXACT = Context(prec=100, traps=[Inexact])


@attrs.define
class Totals:
    """Records by type and status, and debits and credits by type and currency."""

    records: int = 0
    unbalanced: int = 0
    by_kind: Counter[tuple[str, str]] = attrs.field(factory=Counter)
    sides: defaultdict[tuple[str, str], dict[str, Decimal]] = attrs.field(
        factory=lambda: defaultdict(lambda: {side.value: Decimal(0) for side in LineItemType})
    )

    def add(self, record: AccountingRecord) -> None:
        """Count one record."""
        self.records += 1
        self.unbalanced += not record.is_balanced
        self.by_kind[record.type, record.review_status] += 1
        for line in record.line_items:
            self.book(record.type, line.type, line.amount)

    def book(self, kind: str, side: str, money: Money) -> None:
        """Add one line."""
        sums = self.sides[kind, money.currency]
        sums[side] = _EXACT.add(sums.get(side, Decimal(0)), money.amount)

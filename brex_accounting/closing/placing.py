"""What a record comes to under a chart: which accounts, which amounts, whether the books take it at all. Pure.

A record that the rules refuse stands somewhere too: as far as its accounts can be told on those, else on none.
Whether its period is closed does not matter here: a month is reported after it was closed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import TypeVar

import attrs

from ..enums import LineItemType, ReviewStatus, SourceType
from ..models import AccountingRecord, LineItem
from ..posters.chart import Chart
from ..posters.coding import account_of, control_line, entity_of, value_of, where
from ..posters.currencies import LARGEST, exponent_of, settled
from ..posters.entries import Entry
from ..posters.refusing import Refused
from ..posters.rule_table import RULES, Coded, Moves
from ..posters.rules import entries_for
from ..sync.content import is_live
from ..sync.keys import export_key
from ..sync.poster import Skipped
from .sums import NOTHING, Place, Sums, of

__all__ = ["Placed", "Placer", "places_of"]

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Placed:
    """A record as far as a report needs it.

    ``sums``: its lines, whether the books take them or not. ``left_out``: why the rules book nothing of it, though
    nothing is wrong with it; None: they book or refuse it. ``amount`` is the record's own, as Brex sent it.
    """

    record_id: str
    type: str
    source_type: SourceType
    review_status: ReviewStatus
    is_live: bool
    date: date
    amount: Decimal = attrs.field(repr=False)
    currency: str
    left_out: str | None
    sums: Sums = attrs.field(repr=False)

    @property
    def due(self) -> Sums:
        """What the books are to hold of it."""
        return NOTHING if self.left_out is not None else self.sums


@attrs.frozen
class Placer:
    """Places records on the accounts of a chart, as if no period of it were closed."""

    _strict: Chart
    _lenient: Chart

    @classmethod
    def of(cls, chart: Chart) -> Placer:
        """Records are booked by this chart."""
        opened = attrs.evolve(chart, closed_through=None, on_closed="reject")
        return cls(opened, attrs.evolve(opened, inactive=()))

    def place(self, record: AccountingRecord) -> Placed:
        """Where a record stands."""
        outcome = entries_for(record, self._strict, key=export_key(record.id, 1))
        booked = outcome if isinstance(outcome, tuple) else None
        return Placed(
            record_id=record.id,
            type=record.type.value,
            source_type=record.source_type,
            review_status=record.review_status,
            is_live=is_live(record),
            date=record.accounting_date,
            amount=record.amount.amount,
            currency=record.amount.currency,
            left_out=outcome.reason if isinstance(outcome, Skipped) else None,
            sums=places_of(booked[0]) if booked else of(_told(record, self._lenient)),
        )


def places_of(entry: Entry) -> Sums:
    """What an entry puts on which accounts."""
    return of(
        (Place(entity=entry.entity, type=entry.type.value, currency=line.currency, account=line.account), line.signed)
        for line in entry.lines
    )


def _told(record: AccountingRecord, chart: Chart) -> Iterator[tuple[Place, Decimal]]:
    """As far as a refused record tells."""
    lines = record.line_items
    entity = _or_none(lambda: entity_of(chart, lines, ()))
    control = _or_none(lambda: control_line(chart, lines))
    if not lines:
        nowhere = Place(entity=entity, type=record.type.value, currency=record.amount.currency, account=None)
        yield nowhere, Decimal(0)
    for at, line in enumerate(lines):
        account = _account(record, line, at, chart, entity, is_control=at == control)
        found = Place(
            entity=entity,
            type=record.type.value,
            currency=line.amount.currency,
            account=account,
            side=None if account else line.type,
        )
        yield found, _signed(line)


def _account(
    record: AccountingRecord, line: LineItem, at: int, chart: Chart, entity: str | None, *, is_control: bool
) -> str | None:
    rule = RULES.get(record.type)
    if isinstance(rule, Moves):
        return chart.control_account(rule.debit if line.type == LineItemType.DEBIT else rule.credit, entity)
    if isinstance(rule, Coded) and is_control:
        return chart.control_account(rule.against, entity)
    if _or_none(lambda: value_of(line, chart.account_field, where(at))) is None:
        return None
    return _or_none(lambda: account_of(chart, line, where(at)))


def _signed(line: LineItem) -> Decimal:
    """Debits positive, credits negative; a side that is neither has no amount that could be told."""
    amount = line.amount.amount
    if not amount.is_finite() or line.type not in (LineItemType.DEBIT, LineItemType.CREDIT):
        return Decimal(0)
    exponent = exponent_of(line.amount.currency)
    exact = settled(amount, exponent) if exponent is not None and abs(amount) < LARGEST else None
    exact = amount if exact is None else exact
    return exact if line.type == LineItemType.DEBIT else exact.copy_negate()


def _or_none(told: Callable[[], T]) -> T | None:
    try:
        return told()
    except Refused:
        return None

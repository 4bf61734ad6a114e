"""The report of a period as a value: what a controller signs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import attrs

from ..posters.currencies import LARGEST, exponent_of, settled
from .period import Period
from .queueing import Queue
from .reconciling import Finding, Row
from .rolling import NONE, RollForward
from .sums import add

__all__ = ["AccountTotal", "ClosingReport", "at_exponent"]

_ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class AccountTotal:
    """All of one account in one currency, as on ``Row``. ``account`` is None for what could not be told."""

    account: str | None
    currency: str
    debits: Decimal = _ZERO
    credits: Decimal = _ZERO
    posted: Decimal = _ZERO
    difference: Decimal = _ZERO


@attrs.frozen(kw_only=True)
class ClosingReport:
    """Brex, the store and the books of one period, as they were at ``made_at``.

    ``records`` of Brex are dated in the period. ``findings`` are the records whose difference is not zero,
    ``unreadable`` those that Brex sends and that cannot be read. ``disagreeing`` are records whose exports do not
    stand as their history says. ``was_moving``: the store changed again and again while it was read.
    """

    period: Period
    made_at: datetime
    records: int
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...]
    roll_forward: tuple[RollForward, ...]
    queues: tuple[Queue, ...]
    unreadable: tuple[str, ...] = ()
    disagreeing: tuple[str, ...] = ()
    was_moving: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """Why it cannot be signed, a line for each kind of reason; none: everything adds up."""
        found = []
        if self.findings:
            records = len({one.record_id for one in self.findings})
            found.append(f"the difference is not 0.00: {_many(records, 'record')} in {_many(self._rows, 'row')}")
        if self.unreadable:
            found.append(f"{_many(len(self.unreadable), 'record')} of Brex cannot be read, and may belong to it")
        if self.was_moving:
            return (*found, "an export was at work while the store was read: make the report again when it rests")
        broken = sum(not one.holds for one in self.roll_forward)
        if broken:
            found.append(f"the roll-forward does not add up in {_many(broken, 'row')}")
        if self.disagreeing:
            whose = _many(len(self.disagreeing), "record")
            found.append(f"the state of {whose} does not follow from the history of the store")
        if self._unlike:
            found.append(f"the queue does not come to what the roll-forward leaves of {', '.join(self._unlike)}")
        return tuple(found)

    @property
    def accounts(self) -> tuple[AccountTotal, ...]:
        """The rows by account and currency."""
        totals: dict[tuple[str, str], AccountTotal] = {}
        for row in self.rows:
            key = row.place.account or "", row.place.currency
            before = totals.get(key) or AccountTotal(account=row.place.account, currency=row.place.currency)
            totals[key] = attrs.evolve(
                before,
                debits=add(before.debits, row.debits),
                credits=add(before.credits, row.credits),
                posted=add(before.posted, row.posted),
                difference=add(before.difference, row.difference),
            )
        return tuple(totals[key] for key in sorted(totals))

    @property
    def _rows(self) -> int:
        return len({one.place for one in self.findings})

    @property
    def _unlike(self) -> Sequence[str]:
        """Types whose queue and roll-forward do not come to the same."""
        closing = {(one.type, one.currency): one.closing for one in self.roll_forward}  # the last span's
        return [
            one.type
            for one in self.queues
            if one.waiting + one.elsewhere != closing.get((one.type, one.currency), NONE)
        ]


def at_exponent(amount: Decimal, currency: str) -> Decimal:
    """The amount with the digits of its currency; with its own where those are more, or the currency is unknown."""
    exponent = exponent_of(currency)
    if exponent is None or amount.copy_abs() >= LARGEST:
        return amount
    exact = settled(amount, exponent)
    return amount if exact is None else exact


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"

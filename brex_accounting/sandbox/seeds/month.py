"""The plan of a lifelike month: what each record is, what it belongs to, and when it happened.

Records stand in *slots*: all charges first, then all refunds, and so on, each type in the order of
time. Everything here follows from a slot number and the key of the month, so a record can be placed
without looking at another, and listing 200,000 of them stays cheap.
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from typing import Final

import attrs

from ...enums import RecordType, ReviewStatus
from .bookings import SHAPES, Header
from .draws import Draws, Spread, largest_remainder, mix, unit

__all__ = ["COUNTS", "Month", "Place", "instant"]

_START = datetime(2026, 6, 1, tzinfo=UTC)
_DAYS = 30
_DAY_MS = 86_400_000
# The books close on July 3rd: nothing has changed after that.
_CLOSE_US = (32 * 24 + 17) * 3_600_000_000

COUNTS: Final[dict[RecordType, int]] = {
    RecordType.CARD_EXPENSE_POST: 1850,
    RecordType.CARD_EXPENSE_REFUND: 55,
    RecordType.CARD_EXPENSE_REPAYMENT: 8,
    RecordType.CARD_PAYMENT: 4,
    RecordType.REWARD_REDEMPTION: 1,
    RecordType.REIMBURSEMENT_EXPENSE_APPROVAL: 210,
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT: 200,
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN: 12,
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL: 2,
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND: 1,
    RecordType.REIMBURSEMENT_EXPENSE_REPAYMENT: 1,
    RecordType.BILL_EXPENSE: 140,
    RecordType.BILL_EXPENSE_PAYMENT: 125,
    RecordType.BILL_EXPENSE_CARD_PAYMENT: 8,
    RecordType.BILL_MONEY_MOVEMENT_PAYIN: 20,
}
"""A month of 2,637 records, by type. The names below are the places in this table."""

_TYPES = tuple(COUNTS)
_SOURCES = tuple(SHAPES[kind].source for kind in _TYPES)
CHARGE, REFUND, APPROVAL, PAYOUT, REVERSAL, BILL, PAYMENT, CARD_PAYMENT = 0, 1, 5, 6, 8, 11, 12, 13

_STATUSES = (ReviewStatus.EXPORTED, ReviewStatus.READY_FOR_EXPORT, ReviewStatus.REVIEW, ReviewStatus.PREPARE)
_STATUS_SHARES = (62, 9, 8, 21)

# The numbers of the draws that place a slot; the record's content uses higher ones.
_AT, _HOUR, _TWIN, _REFUND, _LATER, _LAG, _AMENDED = 1, 2, 3, 4, 5, 6, 7
_REFUND_DAYS = 100


def _day_edges() -> tuple[float, ...]:
    """Cumulative activity by day: 88 % on weekdays, days 1 to 3 two and a half times as busy."""
    weekday = [(_START + timedelta(days=day)).weekday() < 5 for day in range(_DAYS)]
    busy = [2.5 if day < 3 else 1.0 for day in range(_DAYS)]
    weight = [sum(b for b, w in zip(busy, weekday, strict=True) if w is side) for side in (False, True)]
    shares = [b * (0.88 if w else 0.12) / weight[w] for b, w in zip(busy, weekday, strict=True)]
    return (0.0, *accumulate(shares[:-1]), 1.0)


def instant(microseconds: int) -> datetime:
    """The instant that many microseconds after the month began."""
    return _START + timedelta(microseconds=microseconds)


@attrs.frozen
class Place:
    """Where a record stands: its slot, its type's place in ``COUNTS`` and its rank within the type."""

    slot: int
    kind: int
    rank: int

    @property
    def type(self) -> RecordType:
        """The record's type."""
        return _TYPES[self.kind]


class Month:
    """The plan of ``records`` records under one key."""

    def __init__(self, records: int, key: int) -> None:
        self._key = key
        self._counts = largest_remainder(tuple(COUNTS.values()), records)
        self._starts = (0, *accumulate(self._counts[:-1]))
        self._edges = _day_edges()
        # Irrational steps: types, review states and days mix evenly however short a stretch one looks at.
        self._slots = Spread.of(records, 0.6180339887, key + 1)
        self._status = Spread.of(records, 0.4142135624, key + 2)
        self._status_ends = tuple(accumulate(largest_remainder(_STATUS_SHARES, records)))
        self._approvals = Spread.of(self._counts[APPROVAL], 0.6180339887, key + 3)
        self._bills = Spread.of(self._counts[BILL], 0.6180339887, key + 4)
        self._refunds = Spread.of(self._counts[REFUND], 0.6180339887, key + 5)
        self._linked_refunds = self._linkable()

    def _linkable(self) -> int:
        """How many refunds name a charge of this month; 35 % belong to a closed one."""
        linked = round(0.65 * self._counts[REFUND])
        return linked if linked <= self._counts[CHARGE] * 4 // 5 else 0

    def key_of(self, slot: int) -> int:
        """The key of the draws about one slot."""
        return mix(self._key ^ (slot << 8))

    def place(self, index: int) -> Place:
        """What the record with this index is."""
        return self.place_at(self._slots.at(index))

    def place_at(self, slot: int) -> Place:
        """What stands in a slot."""
        kind = bisect_right(self._starts, slot) - 1
        return Place(slot, kind, slot - self._starts[kind])

    def source(self, place: Place) -> int:
        """The slot that began this record's source; its own when that is not part of the month."""
        kind, rank = place.kind, place.rank
        if kind == REFUND:
            charge = self._refunded(rank)
            return place.slot if charge is None else charge
        if kind in (PAYOUT, REVERSAL) and rank < self._counts[APPROVAL]:
            return self._starts[APPROVAL] + self._approvals.at(rank)
        if kind in (PAYMENT, CARD_PAYMENT) and (paid := self._paid(kind, rank)) < self._counts[BILL]:
            return self._starts[BILL] + self._bills.at(paid)
        return place.slot

    def pricing(self, source: int) -> int:
        """The slot that settles the price: an honest twin repeats its neighbour's merchant, day and amount."""
        # With the subscriptions that meet by chance, 3 to 4 % of a month's charges have a twin.
        if source < self._counts[CHARGE] and source & 1 and unit(self.key_of(source), _TWIN) < 0.025:
            return source - 1
        return source

    def is_cancelled(self, rank: int) -> bool:
        """Whether a bill was cancelled: 2 % are, always among those without a payment."""
        bills = self._counts[BILL]
        unpaid = bills - self._counts[PAYMENT] - self._counts[CARD_PAYMENT]
        return self._bills.find(rank) >= bills - min(round(0.02 * bills), unpaid)

    def is_paid(self, rank: int) -> bool:
        """Whether this month holds a payment of the bill."""
        return self._bills.find(rank) < self._counts[PAYMENT] + self._counts[CARD_PAYMENT]

    def is_amended(self, place: Place) -> bool:
        """Whether a bill was edited after its first day: 18 % are."""
        return place.kind == BILL and unit(self.key_of(place.slot), _AMENDED) < 0.18

    def review_status(self, slot: int) -> ReviewStatus:
        """How far the coding got, in exact shares over the month."""
        return _STATUSES[bisect_right(self._status_ends, self._status.at(slot))]

    def posted_us(self, place: Place) -> int:
        """When it settled, in whole milliseconds given as microseconds."""
        kind, rank = place.kind, place.rank
        if kind == CHARGE:
            return self._charge_ms(rank) * 1000
        if kind == REFUND and (charge := self._refunded(rank)) is not None:
            return self._refund_ms(place.slot, charge) * 1000
        return self._instant_ms(self._quantile(place)) * 1000

    def updated_us(self, place: Place, posted_us: int) -> int:
        """When it last changed: mostly soon after it settled, at the latest on closing day."""
        lag = unit(self.key_of(place.slot), _LAG)
        if place.kind == BILL and not self.is_amended(place):
            return posted_us + 1_000_000 + int(6 * 3_600_000_000 * lag)
        if place.kind == BILL:
            first_day = posted_us + _DAY_MS * 1000
            return first_day + int((_CLOSE_US - first_day) * lag)
        return posted_us + 1_000_000 + int((_CLOSE_US - posted_us - 1_000_000) * lag**3)

    def header(self, index: int) -> Header:
        """The header of the record with this index."""
        place = self.place(index)
        updated_us = self.updated_us(place, self.posted_us(place))
        return Header(instant(updated_us), self.review_status(place.slot), _SOURCES[place.kind])

    def _paid(self, kind: int, rank: int) -> int:
        return rank if kind == PAYMENT else self._counts[PAYMENT] + rank

    def _refunded(self, rank: int) -> int | None:
        """The charge a refund takes back, each at most once; None when it is of an earlier month."""
        turn = self._refunds.at(rank)
        if turn >= self._linked_refunds:
            return None
        # One charge from each stretch of the month's first four fifths: a refund needs time to follow.
        reach = self._counts[CHARGE] * 4 // 5
        low, high = turn * reach // self._linked_refunds, (turn + 1) * reach // self._linked_refunds
        return low + int((high - low) * unit(self.key_of(self._starts[REFUND] + rank), _REFUND))

    def _refund_ms(self, slot: int, charge: int) -> int:
        charged = self._charge_ms(charge)
        room = _DAYS * _DAY_MS - charged
        draws = Draws(self.key_of(slot), _REFUND_DAYS)
        for _ in range(8):
            wait = int(draws.lognormal(9.0, 0.7) * _DAY_MS)
            if wait < room:
                return charged + wait
        return charged + int(room * draws.unit())

    def _charge_ms(self, rank: int) -> int:
        first = self.pricing(rank)
        at = self._instant_ms(self._own_quantile(CHARGE, first))
        if first == rank:
            return at
        return at // _DAY_MS * _DAY_MS + int(_DAY_MS * unit(self.key_of(rank), _HOUR))

    def _quantile(self, place: Place) -> float:
        """The share of the month's activity before a record; what follows another comes later."""
        if place.kind not in (PAYOUT, REVERSAL, PAYMENT, CARD_PAYMENT):
            return self._own_quantile(place.kind, place.rank)
        source = self.source(place)
        if source == place.slot:
            return self._own_quantile(place.kind, place.rank)
        if place.kind == REVERSAL:
            paid = Place(self._starts[PAYOUT] + place.rank, PAYOUT, place.rank)
            return self._later(place.slot, self._quantile(paid), 0.2)
        first = APPROVAL if place.kind == PAYOUT else BILL
        reach = 0.2 if place.kind == PAYOUT else 1.0
        return self._later(place.slot, self._own_quantile(first, source - self._starts[first]), reach)

    def _own_quantile(self, kind: int, rank: int) -> float:
        return (rank + unit(self.key_of(self._starts[kind] + rank), _AT)) / self._counts[kind]

    def _later(self, slot: int, quantile: float, reach: float) -> float:
        return quantile + min(reach, 1.0 - quantile) * unit(self.key_of(slot), _LATER)

    def _instant_ms(self, quantile: float) -> int:
        # Rounding may reach 1.0, the first instant of the next month.
        quantile = min(quantile, 1.0 - 1e-10)
        day = bisect_right(self._edges, quantile) - 1
        low = self._edges[day]
        return int((day + (quantile - low) / (self._edges[day + 1] - low)) * _DAY_MS)

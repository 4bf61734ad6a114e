"""What was bought in a lifelike month: currency, price, merchant, and how a price splits into lines."""

from __future__ import annotations

import attrs

from ...enums import RecordType
from . import people
from .draws import Draws
from .month import Month, Place

__all__ = ["COMPANY_MONEY", "Deal", "Deals", "line_count", "split"]

# The number of the first draw about money; month uses lower ones.
_MONEY = 16

_CURRENCIES = ("USD", "GBP", "EUR", "CAD")
_CURRENCY_EDGES = (0.78, 0.89, 0.97, 1.0)
_ENTITY_OF = {"USD": 0, "GBP": 1, "EUR": 2, "CAD": 0}
# Currencies met abroad, with minor units for one minor unit at home. All are at least 1, so that a
# line of one cent is still worth something in the other currency.
_ABROAD: dict[str, tuple[tuple[str, float], ...]] = {
    "USD": (("CAD", 1.37), ("MXN", 18.1), ("JPY", 1.56), ("AUD", 1.52), ("INR", 85.7)),
    "GBP": (("EUR", 1.17), ("USD", 1.31), ("SEK", 13.1)),
    "EUR": (("USD", 1.12), ("CHF", 1.04), ("PLN", 4.27), ("SEK", 11.2)),
    "CAD": (("MXN", 13.2), ("JPY", 1.14), ("AUD", 1.11)),
}
_SUBSCRIPTIONS = (999, 1200, 1500, 2000, 2900, 4500, 5900, 7900, 9900, 12900, 24000, 49900)

# Median and sigma in major units. guess: only cards, reimbursement medians and bills rest on experience.
_USUAL = (46.0, 1.6)
_AMOUNTS: dict[RecordType, tuple[float, float]] = {
    RecordType.CARD_PAYMENT: (42_000.0, 0.5),
    RecordType.REWARD_REDEMPTION: (350.0, 0.6),
    RecordType.REIMBURSEMENT_EXPENSE_APPROVAL: (38.0, 1.1),
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT: (38.0, 1.1),
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN: (700.0, 0.8),
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND: (38.0, 1.1),
    RecordType.REIMBURSEMENT_EXPENSE_REPAYMENT: (38.0, 1.1),
    RecordType.BILL_EXPENSE: (1450.0, 1.5),
    RecordType.BILL_EXPENSE_PAYMENT: (1450.0, 1.5),
    RecordType.BILL_EXPENSE_CARD_PAYMENT: (1450.0, 1.5),
    RecordType.BILL_MONEY_MOVEMENT_PAYIN: (9_500.0, 1.0),
}

_CARD_LINES = ((0.93, 1, 1), (0.985, 2, 2), (0.997, 3, 5), (1.0, 6, 12))
_BILL_LINES = ((0.60, 1, 1), (0.90, 2, 5), (0.99, 6, 20), (1.0, 21, 60))

COMPANY_MONEY = frozenset(
    {
        RecordType.CARD_PAYMENT,
        RecordType.REWARD_REDEMPTION,
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN,
        RecordType.BILL_MONEY_MOVEMENT_PAYIN,
    }
)
"""Money the company moves for itself, with no merchant."""


@attrs.frozen
class Deal:
    """What was bought, from whom and for how much, in minor units."""

    currency: str
    units: int
    merchant: int
    original_currency: str
    rate: float

    @property
    def entity(self) -> int:
        """The entity that keeps its books in the currency."""
        return _ENTITY_OF[self.currency]

    def original(self, units: int) -> int:
        """Minor units of the original currency."""
        return units if self.currency == self.original_currency else int(units * self.rate)


class Deals:
    """The deals of one month."""

    def __init__(self, month: Month) -> None:
        self._month = month
        self._popular = people.zipf(people.MERCHANTS, 1.0)
        self._subscriptions = tuple(number for number in range(people.MERCHANTS) if people.is_subscription(number))
        self._subscribed = people.zipf(len(self._subscriptions), 0.5)

    def of(self, place: Place, source: int) -> Deal:
        """The deal behind a record; records of one source share it, but for a partial refund."""
        draws = Draws(self._month.key_of(self._month.pricing(source)), _MONEY)
        currency = _CURRENCIES[draws.pick(_CURRENCY_EDGES)]
        abroad = draws.unit() < 0.09
        foreign, rate = _ABROAD[currency][draws.below(len(_ABROAD[currency]))]
        merchant, units = self._purchase(self._month.place_at(source).type, draws)
        if place.type is RecordType.CARD_EXPENSE_REFUND and source != place.slot:
            units = _refunded(units, Draws(self._month.key_of(place.slot), _MONEY))
        return Deal(currency, units, merchant, foreign if abroad else currency, rate)

    def _purchase(self, kind: RecordType, draws: Draws) -> tuple[int, int]:
        fixed, choice, whole = draws.unit(), draws.unit(), draws.unit()
        if kind not in _AMOUNTS and fixed < 0.15:
            number = self._subscriptions[draws.pick(self._subscribed)]
            return number, _SUBSCRIPTIONS[(number * 5 + int(choice * choice * 4)) % len(_SUBSCRIPTIONS)]
        cents = max(1, round(100 * draws.lognormal(*_AMOUNTS.get(kind, _USUAL))))
        if whole < 0.06:
            cents = max(100, cents // 100 * 100)
        number = draws.pick(self._popular)
        # Suppliers are the same firms in another order of popularity.
        return (number * 7 + 13) % people.MERCHANTS if kind.startswith("BILL") else number, cents


def _refunded(units: int, draws: Draws) -> int:
    """70 % of refunds are in full."""
    return units if draws.unit() < 0.7 else max(1, int(units * (0.1 + 0.8 * draws.unit())))


def line_count(kind: RecordType, draws: Draws) -> int:
    """How many expense lines a record has."""
    if kind is RecordType.BILL_EXPENSE:
        table = _BILL_LINES
    elif kind in (RecordType.CARD_EXPENSE_POST, RecordType.CARD_EXPENSE_REFUND):
        table = _CARD_LINES
    else:
        return 1
    chance = draws.unit()
    low, high = next((low, high) for edge, low, high in table if chance < edge)
    return low + draws.below(high - low + 1)


def split(units: int, count: int, draws: Draws) -> list[int]:
    """Positive parts that add up exactly; fewer of them when there are not enough minor units."""
    parts: list[int] = []
    for left in range(min(count, units) - 1, 0, -1):
        part = 1 + draws.below(min(units - left, max(1, 2 * units // (left + 1))))
        parts.append(part)
        units -= part
    return [*parts, units]

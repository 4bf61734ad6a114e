"""Exact amounts: which JSON values are one, and how the fast pass is checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from ..codec import NEGATIVE_ZERO
from ..exact import REACH
from ..models import Money
from ..shapes import Settler

__all__ = ["exact_amount", "settle_money"]

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
# Past the guard of a frozen class, as its own initializer does.
_set_amount: Callable[[Money, Decimal], None] = vars(Money)["amount"].__set__


def exact_amount(value: object) -> Decimal:
    """A JSON number, or a plain decimal string, as the same digits. Anything else is a ``ValueError``."""
    if isinstance(value, Decimal):
        amount = value
    elif (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and _PLAIN.fullmatch(value)
    ):
        amount = Decimal(value)
    else:
        raise ValueError("not an amount")
    if not amount.is_finite() or not -REACH <= amount.adjusted() <= REACH:
        raise ValueError("not an amount")
    return amount


def _settle(moneys: list[Money], data: bytes) -> bool:
    # The amount of a record stands on its lines again, as with the numbers that have a fraction.
    wholes: dict[int, Decimal] = {}
    for money in moneys:
        amount: object = money.amount
        exact = wholes.get(amount) if type(amount) is int else None
        if exact is None:
            # The fast pass reads -0 as the int 0; only the exact one still sees the sign.
            if type(amount) is int and amount == 0 and NEGATIVE_ZERO.search(data):
                return False
            try:
                exact = exact_amount(amount)
            except ValueError:
                return False
            if type(amount) is int:
                wholes[amount] = exact
        _set_amount(money, exact)
    return True


settle_money: Final = Settler(attribute="amount", kind=Decimal, settle=_settle)
"""Checks the zeros and whatever else the fast pass left, and makes Decimals of ints and strings."""

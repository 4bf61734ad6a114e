"""Exact amounts: which JSON values are one, and how the fast pass is checked."""

from __future__ import annotations

import re
from decimal import Decimal

from ..models import Money

__all__ = ["exact_amount", "exact_value", "settle_money"]

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_REACH = 28
"""Amounts whose first digit stands further than this from the decimal point are refused: no books
hold them, and arithmetic on them would round."""


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
    if not amount.is_finite() or not -_REACH <= amount.adjusted() <= _REACH:
        raise ValueError("not an amount")
    return amount


def exact_value(value: object) -> object:
    """Anything JSON holds, unless a number in it is beyond what a Decimal can be: a ``ValueError``."""
    if isinstance(value, Decimal) and value.is_nan():
        raise ValueError("not a number")
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for one in inner:
        exact_value(one)
    return value


def settle_money(money: Money) -> bool:
    """Check the amount that the fast pass left, and make a Decimal of an int or a string."""
    amount: object = money.amount
    if amount.__class__ is Decimal:
        reach = money.amount.adjusted()
        # NaN has 0; it gets here only when the caller's decimal context does not trap it.
        return -_REACH <= reach <= _REACH and (reach != 0 or money.amount.is_finite())
    if amount == 0:
        # The fast pass reads -0 as the int 0; only the exact one still sees the sign.
        return False
    try:
        exact = exact_amount(amount)
    except ValueError:
        return False
    object.__setattr__(money, "amount", exact)
    return True

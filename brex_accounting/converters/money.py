"""Exact amounts: which JSON values are one, and how the fast pass is checked."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import (
    MAX_PREC,
    Clamped,
    Context,
    Decimal,
    DecimalException,
    InvalidOperation,
    Overflow,
    Rounded,
    Subnormal,
)
from functools import lru_cache
from typing import Final

from ..codec import NEGATIVE_ZERO
from ..models import Money
from ..shapes import Settler

__all__ = ["exact_amount", "exact_numbers", "exact_value", "settle_money"]

_PLAIN = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
_REACH = 28
"""Amounts whose first digit stands further than this from the decimal point are refused: no books
hold them, and arithmetic on them would round."""
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


def exact_numbers() -> Callable[[str], Decimal]:
    """How the fast pass reads a number with a fraction or an exponent: exactly, or with an ``ArithmeticError``.

    A zero may still have too small an exponent.
    """
    # A context that can round nothing and traps what is out of reach does both in one call of C.
    traps: list[type[DecimalException]] = [Overflow, Subnormal, Clamped, Rounded, InvalidOperation]
    exact = Context(prec=MAX_PREC, Emin=-_REACH, Emax=_REACH, traps=traps).create_decimal
    # The amount of a record stands on its lines again, and each of them in up to three currencies.
    return lru_cache(maxsize=64)(exact)


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

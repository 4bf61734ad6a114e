"""Numbers as they were sent: Decimals that nothing has rounded."""

from __future__ import annotations

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

__all__ = ["REACH", "exact_numbers", "exact_value"]

REACH: Final = 28
"""Amounts whose first digit stands further than this from the decimal point are refused: no books
hold them, and arithmetic on them would round."""


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
    exact = Context(prec=MAX_PREC, Emin=-REACH, Emax=REACH, traps=traps).create_decimal
    # The amount of a record stands on its lines again, and each of them in up to three currencies.
    return lru_cache(maxsize=64)(exact)

"""Amounts at the digits their currency has. Needs the extra ``[books]``. Pure.

Source: ISO 4217, list one, as the package ``iso4217`` carries it.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from ..errors import ConfigurationError

try:
    from iso4217 import Currency
except ImportError:
    raise ConfigurationError("posting rules need the currency table: pip install 'brex-accounting[books]'") from None

__all__ = ["LARGEST", "codes", "exponent_of", "settled"]

LARGEST: Final = Decimal("1e18")
"""Amounts from here on are no money that anybody books."""


def codes() -> frozenset[str]:
    """The codes of all currencies that have an exponent."""
    return frozenset(one.code for one in Currency if one.exponent is not None)


def exponent_of(currency: str) -> int | None:
    """How many digits a currency has after the point. None: not in ISO 4217, or no money (gold, tests)."""
    try:
        return Currency(currency).exponent
    except ValueError:
        return None


def settled(amount: Decimal, exponent: int) -> Decimal | None:
    """The same amount with exactly ``exponent`` digits after the point. None: digits would be lost.

    The amount is finite and below ``LARGEST``. No context rounds: 1E+2 is 100.00, and 0.10000 is 0.10.
    """
    sign, digits, power = amount.as_tuple()
    if not any(digits):
        return Decimal((0, (0,), -exponent))
    more = int(power) + exponent
    if more >= 0:
        return Decimal((sign, (*digits, *[0] * more), -exponent))
    if any(digits[more:]):
        return None
    return Decimal((sign, digits[:more], -exponent))

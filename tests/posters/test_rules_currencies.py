"""Amounts at the digits of their currency: exact or refused."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting.posters.currencies import LARGEST, codes, exponent_of, settled


@pytest.mark.parametrize(
    ("currency", "digits"),
    [
        *[("USD", 2), ("EUR", 2), ("JPY", 0), ("KRW", 0), ("ISK", 0), ("BHD", 3), ("KWD", 3), ("CLF", 4), ("UYW", 4)],
        *[("XAU", None), ("XXX", None), ("XTS", None), ("usd", None), ("DEM", None), ("", None), ("US", None)],
    ],
)
def test_exponents(currency: str, digits: int | None) -> None:
    """Those of ISO 4217; gold, test codes, lower case and currencies of the past have none."""
    assert exponent_of(currency) == digits
    assert (currency in codes()) is (digits is not None)


@pytest.mark.parametrize(
    ("amount", "digits", "expected"),
    [
        *[("1E+2", 2, "100.00"), ("100.5", 2, "100.50"), ("0.10000", 2, "0.10"), ("12345678901234.56", 2, None)],
        *[("5080", 0, "5080"), ("5080.0", 0, "5080"), ("7.125", 3, "7.125"), ("0", 2, "0.00"), ("0E+9", 3, "0.000")],
        *[("0E-999999", 2, "0.00"), ("0.07", 2, "0.07"), ("-1.5", 2, "-1.50")],
    ],
)
def test_digits_are_added_and_taken_away_without_a_change(amount: str, digits: int, expected: str | None) -> None:
    """As the currency has them, however the number was written."""
    assert str(settled(Decimal(amount), digits)) == (expected or amount)


@pytest.mark.parametrize(
    ("amount", "digits"), [("1.005", 2), ("0.5", 0), ("0.001", 2), ("1E-999999", 4), ("9.99999", 4)]
)
def test_what_would_lose_digits_is_refused(amount: str, digits: int) -> None:
    """Nothing is rounded."""
    assert settled(Decimal(amount), digits) is None


@given(st.decimals(min_value=0, max_value=LARGEST - 1, allow_nan=False, allow_infinity=False), st.integers(0, 4))
def test_the_value_is_kept_or_refused(amount: Decimal, digits: int) -> None:
    """Exactly, also where the context would round to three digits."""
    with localcontext(prec=3):
        made = settled(amount, digits)
    is_whole = (Fraction(amount) * 10**digits).denominator == 1
    assert (made is not None) is is_whole
    if made is not None:
        assert Fraction(made) == Fraction(amount)
        assert made.as_tuple().exponent == -digits


def test_without_the_extra_it_is_said_what_to_install() -> None:
    """In words, not with an import error."""
    code = "import sys; sys.modules['iso4217'] = None; import brex_accounting.posters.chart_file"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "pip install 'brex-accounting[books]'" in done.stderr
    assert "ModuleNotFoundError" not in done.stderr

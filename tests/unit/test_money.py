"""Amounts: ten thousand texts arrive with every digit, and what is no amount is refused by name, unseen.

Neither the generator nor the comparison makes a Decimal or a float: the texts are compared digit by digit.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from decimal import Decimal, ExtendedContext, localcontext
from typing import Any

import attrs
import pytest

from brex_accounting import AccountingRecord, DecodeError, Money, Page, from_json, to_json

from .documents import line, page, record

Normal = tuple[int, str, int]
SLOT = '"slot"'
TEXTS = 10_000


def normal(text: str) -> Normal:
    """(sign, digits without leading zeros, exponent) of a number's text, by string handling alone."""
    plain = text.strip('"')
    sign = 1 if plain.startswith("-") else 0
    mantissa, _, exponent = plain.lstrip("-").lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0") or "0"
    return sign, digits, int(exponent or "0") - len(fraction)


def first_place(text: str) -> int:
    """The decimal place of the first digit: 0 for ones, -1 for tenths."""
    _, digits, exponent = normal(text)
    return exponent + len(digits) - 1


def decoded(amount: Decimal) -> Normal:
    sign, digits, exponent = amount.as_tuple()
    assert isinstance(exponent, int)
    return sign, "".join(map(str, digits)), exponent


def _text(rng: random.Random) -> str:
    def digits(low: int, high: int) -> str:
        return "".join(rng.choice("0123456789") for _ in range(rng.randint(low, high)))

    def whole(low: int, high: int) -> str:
        return digits(low, high).lstrip("0") or "0"

    kind = rng.randrange(8)
    sign = rng.choice(["", "-"])
    if kind == 0:
        text = whole(1, 28)
    elif kind == 1:
        text = f"{whole(1, 9)}.{digits(1, 4)}"
    elif kind == 2:
        text = f"{whole(1, 9)}.{digits(0, 3)}{'0' * rng.randint(1, 12)}"
    elif kind == 3:
        text = f"{whole(10, 28)}.{digits(10, 40)}"
    elif kind == 4:
        text = f"{whole(1, 3)}.{digits(1, 25)}{rng.choice('eE')}{rng.choice(['', '+', '-'])}{digits(1, 2)}"
    elif kind == 5:
        text = f"{whole(1, 25)}{rng.choice('eE')}{rng.choice(['', '+', '-'])}{digits(1, 2)}"
    elif kind == 6:
        text = rng.choice(
            ["0", "0.0", "0.00", "0e0", "0E+5", "0e-3", "0.000e2", "1e28", "1e-28", "18446744073709551616"]
        )
    else:
        return f'"{sign}{digits(1, 24)}{rng.choice(["", "." + digits(1, 8)])}"'
    return sign + text


def texts() -> Iterator[str]:
    rng = random.Random(20260611)
    made = 0
    while made < TEXTS:
        text = _text(rng)
        if -28 <= first_place(text) <= 28:
            made += 1
            yield text


def bodies() -> Iterator[tuple[list[str], bytes]]:
    whole = page(record(amount={"amount": "slot", "currency": "USD"}, line_items=[])).decode()
    parts = re.fullmatch(r'(\{"items": \[)(.*)(\], "has_next_page".*)', whole)
    assert parts is not None
    head, item, tail = parts.groups()
    everything = list(texts())
    for start in range(0, TEXTS, 100):
        some = everything[start : start + 100]
        yield some, (head + ", ".join(item.replace(SLOT, text) for text in some) + tail).encode()


def test_every_digit_of_ten_thousand_amounts_arrives() -> None:
    """What was sent is what is decoded: sign, digits and exponent, also after writing it back."""
    seen = 0
    for some, body in bodies():
        read = from_json(body, Page[AccountingRecord])
        wanted = [normal(text) for text in some]
        assert [decoded(one.amount.amount) for one in read.items] == wanted
        written = re.findall(r'"amount":(-?[0-9][^,}]*)', to_json(read).decode())
        assert [normal(text) for text in written] == wanted
        seen += len(some)
    assert seen == TEXTS


def test_the_texts_cover_what_is_hard() -> None:
    """The generated texts hold each hard form many times, so that the test above means something."""
    everything = list(texts())
    forms = {
        "strings": r'".*"',
        "negative zeros": r'"?-[0.]+"?',
        "capital exponents with a plus": r".*E\+\d+",
        "negative exponents": r".*e-\d+",
        "trailing zeros": r"-?\d+\.\d*0{4,}",
        "twenty digits and more": r"-?\d{10,}\.\d{10,}",
        "integers over 64 bits": r"-?\d{21,28}",
    }
    counts = {name: sum(bool(re.fullmatch(form, text)) for text in everything) for name, form in forms.items()}
    assert min(counts.values()) >= 50, counts


def _floats(value: Any) -> Iterator[float]:
    if isinstance(value, float):
        yield value
    elif attrs.has(type(value)):
        for field in attrs.fields(type(value)):
            yield from _floats(getattr(value, field.name))
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _floats(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _floats(inner)


@pytest.mark.parametrize("version", [2, 2.0])
def test_no_float_ever(version: float) -> None:
    """Neither pass leaves a float anywhere, also not inside the untyped amortization."""
    untyped = {"months": 12, "monthly": 7.30, "parts": [1.10, {"rate": 1e-3}], "whole": 3.0}
    body = page(
        record(version=version, line_items=[line(amortization=untyped, amount={"amount": 1.5, "currency": ""})])
    )
    (one,) = from_json(body, Page[AccountingRecord]).items
    assert list(_floats(one)) == []
    held: Any = one.line_items[0].amortization
    assert isinstance(held["monthly"], Decimal)
    assert isinstance(held["parts"][1]["rate"], Decimal)
    assert list(_floats({"this": [1.5]})) == [1.5]


REFUSED = [
    '"NaN"',
    '"Infinity"',
    '"-Infinity"',
    '"sNaN123"',
    '"1_000"',
    '" 1 "',
    '"1\\n"',
    '"+1"',
    '"1."',
    '".5"',
    '"1e5"',
    '"1E+5"',
    '"0x10"',
    '"1,000.00"',
    '"--1"',
    '""',
    '"\u0661\u0662"',
    '"\uff11"',
    "1e999999",
    "-1e999999",
    "1e-999999",
    "1e99999999999999999999",
    "1e-99999999999999999999",
    "1e29",
    "-1e29",
    "1e-29",
    "0e29",
    "12345678901234567890123456789012345",
    '"12345678901234567890123456789012345"',
    "0.00000000000000000000000000000314159",
    "9" * 4000,
    "true",
    "false",
    "null",
    "[]",
    "[1]",
    "{}",
    '{"amount": 1}',
]


def _with_amount(text: str) -> bytes:
    return page(record(), record(amount={"amount": "slot", "currency": "USD"})).replace(SLOT.encode(), text.encode())


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: text[:24])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """Each of these is refused, with its path and the expected type, and without the value."""
    with pytest.raises(DecodeError) as caught:
        from_json(_with_amount(text), Page[AccountingRecord])
    assert caught.value.problems == ("expected amount at $.items[1].amount.amount",)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "+1", "01", ".5", "1.", "1e", "0x1", "1_000", "- 1"])
def test_what_is_no_json_number_is_not_json(text: str) -> None:
    """Spellings that JSON does not have are refused as such, with no second try."""
    with pytest.raises(DecodeError) as caught:
        from_json(_with_amount(text), Page[AccountingRecord])
    assert caught.value.problems == ("expected JSON at $",)


@pytest.mark.parametrize("text", ["1e28", "-9.99e28", "1e-28", '"0.0000000000000000000000000001"', "0e28", "0e-28"])
def test_the_ends_of_the_range_are_amounts(text: str) -> None:
    """The outermost amounts still arrive, digit by digit."""
    read = from_json(_with_amount(text), Page[AccountingRecord])
    assert decoded(read.items[1].amount.amount) == normal(text)


@pytest.mark.parametrize("field", ["original_amount", "billing_amount"])
def test_other_amounts_obey_the_same_rule(field: str) -> None:
    """Optional amounts of a record and of its lines are checked too."""
    bad = {"amount": "NaN", "currency": "USD"}
    body = page(record(**{field: bad}, line_items=[line(), line(**{field: bad})]))
    with pytest.raises(DecodeError) as caught:
        from_json(body, Page[AccountingRecord])
    wanted = {f"$.items[0].{field}.amount", f"$.items[0].line_items[1].{field}.amount"}
    assert {problem.removeprefix("expected amount at ") for problem in caught.value.problems} == wanted


def test_a_callers_decimal_context_does_not_matter() -> None:
    """Neither a small precision nor a context without traps rounds an amount or lets NaN in."""
    text = "12345678901234567890.123456789"
    with localcontext(ExtendedContext) as context:
        context.prec = 2
        assert decoded(from_json(_with_amount(text), Page[AccountingRecord]).items[1].amount.amount) == normal(text)
        assert from_json(b'{"amount": %s, "currency": "X"}' % text.encode(), Money) == Money(
            amount=Decimal(text), currency="X"
        )
        with pytest.raises(DecodeError, match="expected amount"):
            from_json(_with_amount("1e99999999999999999999"), Page[AccountingRecord])


def test_an_untyped_number_beyond_decimal_is_refused() -> None:
    """An exponent that no Decimal can hold does not become NaN where nothing is modelled either."""
    body = page(record(line_items=[line(amortization=["slot"])])).replace(b'"slot"', b"1e99999999999999999999")
    with pytest.raises(DecodeError, match=r"at \$\.items\[0\]\.line_items\[0\]\.amortization"):
        from_json(body, Page[AccountingRecord])

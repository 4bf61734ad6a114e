"""The nouns: what a record says of itself, and that nobody can change it."""

from __future__ import annotations

import pickle
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal, Inexact, localcontext
from typing import Any

import attrs
import pytest

from brex_accounting import AccountingRecord, Checkpoint, LineItem, Money, Page, from_json, models
from brex_accounting.enums import LineItemType

from .documents import encoded, line, money, record


def lines(*sides: tuple[str, str, str]) -> AccountingRecord:
    """A record with lines of (type, amount, currency)."""
    return from_json(
        encoded(
            record(line_items=[line(type=kind, amount=money(amount, currency)) for kind, amount, currency in sides])
        ),
        AccountingRecord,
    )


@pytest.mark.parametrize(
    ("sides", "balanced"),
    [
        ([("DEBIT", "10.00", "USD"), ("CREDIT", "10", "USD")], True),
        ([("DEBIT", "10.00", "USD"), ("CREDIT", "9.99", "USD")], False),
        ([("DEBIT", "3.33", "USD"), ("DEBIT", "6.67", "USD"), ("CREDIT", "10.0", "USD")], True),
        ([("CREDIT", "0.1", "USD"), ("CREDIT", "0.2", "USD"), ("DEBIT", "0.3", "USD")], True),
        ([("DEBIT", "10", "USD")], False),
        ([("CREDIT", "10", "USD")], False),
        ([("DEBIT", "0", "USD")], False),
        ([("DEBIT", "0", "USD"), ("CREDIT", "0.00", "USD")], True),
        ([], False),
        ([("DEBIT", "10", "USD"), ("CREDIT", "10", "EUR")], False),
        ([("DEBIT", "1", "USD"), ("CREDIT", "1", "USD"), ("DEBIT", "2", "EUR"), ("CREDIT", "2.0", "EUR")], True),
        ([("DEBIT", "1", "USD"), ("CREDIT", "2", "USD"), ("DEBIT", "2", "EUR"), ("CREDIT", "1", "EUR")], False),
        ([("DEBIT", "10", "USD"), ("DEBIT", "-10", "USD")], False),
        ([("DEBIT", "-10", "USD"), ("CREDIT", "-10", "USD")], True),
        ([("DEBIT", "10", "USD"), ("CREDIT", "10", "USD"), ("SIDEWAYS", "0", "USD")], False),
        ([("DEBIT", "1" + "0" * 27 + ".01", "USD"), ("CREDIT", "1" + "0" * 27, "USD")], False),
        ([("DEBIT", "1" + "0" * 27 + ".01", "USD"), ("CREDIT", "1" + "0" * 27 + ".0100", "USD")], True),
        (
            [
                ("DEBIT", "9" * 28 + ".99", "USD"),
                ("DEBIT", "0.0000000000000000000000000001", "USD"),
                ("CREDIT", "9" * 28 + ".9900000000000000000000000001", "USD"),
            ],
            True,
        ),
        ([("DEBIT", "0.0000000000000000000000000001", "USD"), ("CREDIT", "0", "USD")], False),
    ],
)
def test_is_balanced(sides: list[tuple[str, str, str]], balanced: bool) -> None:
    """Exact in every currency, to any number of digits, and never with one side alone."""
    assert lines(*sides).is_balanced is balanced


def test_is_balanced_with_exponents() -> None:
    """Amounts written with positive exponents add up too."""
    document = record(line_items=[line(amount=money("a")), line(type="CREDIT", amount=money("b"))])
    for one, other, balanced in (("1e5", "100000.00", True), ("1E+2", "1e2", True), ("12e3", "1.2e3", False)):
        body = encoded(document).replace(b'"a"', one.encode()).replace(b'"b"', other.encode())
        assert from_json(body, AccountingRecord).is_balanced is balanced


def test_is_balanced_does_not_ask_the_decimal_context() -> None:
    """A context of two digits that traps rounding changes nothing."""
    one = lines(("DEBIT", "1234567.89", "USD"), ("CREDIT", "1234567.8900", "USD"))
    with localcontext() as context:
        context.prec = 2
        context.traps[Inexact] = True
        assert one.is_balanced


def test_debits_and_credits() -> None:
    """Lines are sorted by side in their own order; a side of tomorrow is on neither."""
    one = lines(("CREDIT", "1", "A"), ("DEBIT", "2", "B"), ("SIDEWAYS", "3", "C"), ("DEBIT", "4", "D"))
    assert [item.amount.currency for item in one.debits] == ["B", "D"]
    assert [item.amount.currency for item in one.credits] == ["A"]
    assert one.line_items[2].type not in list(LineItemType)


@pytest.mark.parametrize(
    ("posted", "day"),
    [
        ("2026-06-30T23:59:59.999999Z", date(2026, 6, 30)),
        ("2026-07-01T00:00:00Z", date(2026, 7, 1)),
        ("2026-06-30T23:59:59-00:00", date(2026, 6, 30)),
        ("2026-06-30T20:00:00-05:00", date(2026, 7, 1)),
        ("2026-07-01T01:59:59+02:00", date(2026, 6, 30)),
        ("2026-07-01", date(2026, 7, 1)),
    ],
)
def test_accounting_date(posted: str, day: date) -> None:
    """The day in the books is the UTC day, on either side of midnight."""
    assert from_json(encoded(record(erp_posting_date=posted)), AccountingRecord).accounting_date == day


FULL = record(
    user={"id": "u", "first_name": "", "last_name": "", "email": "", "role": "EMPLOYEE", "status": "ACTIVE"},
    vendor={"id": "v", "name": ""},
    receipts=[{"id": "r", "download_uris": ["https://x.invalid"]}],
    line_items=[line(amortization={"months": [1, 2]})],
)


def test_records_are_values() -> None:
    """Equal records are equal, hash alike (also with an untyped object inside) and survive pickling."""
    one, other = (from_json(encoded(FULL), AccountingRecord) for _ in range(2))
    assert one == other
    assert one is not other
    assert len({one, other}) == 1
    assert pickle.loads(pickle.dumps(one)) == one
    changed = record(line_items=[line(amortization={"months": [1, 3]})])
    assert from_json(encoded(FULL | changed), AccountingRecord) != one


def test_an_absent_field_is_none_like_any_other() -> None:
    """A user with fields left out is the same value as one with nulls: equal, hashed, shown, copied, pickled."""
    user = {"id": "u", "first_name": "", "last_name": "", "email": "", "role": "EMPLOYEE", "status": "ACTIVE"}
    every = {field.name: None for field in attrs.fields(models.User)} | user
    absent = from_json(encoded(user), models.User)
    null = from_json(encoded(every), models.User)
    assert absent == null
    assert hash(absent) == hash(null)
    assert repr(absent) == repr(null)
    assert attrs.asdict(absent) == attrs.asdict(null)
    assert attrs.evolve(absent, title_id="t").title_id == "t"
    assert absent.title_id is None
    assert pickle.loads(pickle.dumps(absent)) == null


def frozen_values() -> list[Any]:
    one = from_json(encoded(FULL), AccountingRecord)
    (item,) = one.line_items
    assert one.user is not None
    assert one.vendor is not None
    assert one.receipts is not None
    return [one, item, item.amount, item.coding[0], one.user, one.vendor, one.receipts[0], Checkpoint(page_size=1)]


@pytest.mark.parametrize("value", frozen_values(), ids=lambda value: type(value).__name__)
def test_models_are_frozen(value: Any) -> None:
    """No attribute can be set, none be added."""
    for name in (attrs.fields(type(value))[0].name, "something_new"):
        with pytest.raises((attrs.exceptions.FrozenInstanceError, AttributeError)):
            setattr(value, name, 1)


@pytest.mark.parametrize("name", [name for name in models.__all__ if attrs.has(getattr(models, name))])
def test_models_take_keywords_only(name: str) -> None:
    """A model is made by names: positions would break when Brex adds a field."""
    with pytest.raises(TypeError):
        getattr(models, name)("a", "b", "c", "d", "e")
    assert all(field.kw_only for field in attrs.fields(getattr(models, name)))


def test_lists_are_tuples() -> None:
    """Every list of a record and of a page is a tuple, in both passes."""
    for version in (2, 2.0):
        one = from_json(encoded(FULL | {"version": version}), AccountingRecord)
        assert one.receipts is not None
        held = (one.line_items, one.receipts, one.receipts[0].download_uris, one.line_items[0].accounting_field_values)
        assert {type(value) for value in held} == {tuple}
    assert Page(items=(one,), has_next_page=False).items == (one,)


def test_coding_is_empty_without_a_list() -> None:
    """``coding`` spares the caller the None."""
    bare = LineItem(id="a", type=LineItemType.DEBIT, amount=Money(amount=Decimal(1), currency="USD"))
    assert bare.accounting_field_values is None
    assert bare.coding == ()


def test_receipt_links_stay_out_of_the_repr() -> None:
    """A presigned link is a credential for a quarter of an hour; a log line must not hold it."""
    assert "https://x.invalid" not in repr(from_json(encoded(FULL), AccountingRecord))


def test_all_time_is_early_enough() -> None:
    """The default window begins before Brex did, in UTC."""
    assert models.ALL_TIME.gte == datetime(2000, 1, 1, tzinfo=UTC)
    assert models.ALL_TIME.gte < datetime(2017, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    assert (models.ALL_TIME.gt, models.ALL_TIME.lt, models.ALL_TIME.lte) == (None, None, None)

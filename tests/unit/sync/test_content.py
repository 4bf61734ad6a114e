"""The content hash: what amends an entry changes it, nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brex_accounting import AccountingRecord, from_json
from brex_accounting.sync.content import HASH_VERSION, content_hash, is_live, receipts_hash

from ..documents import encoded, line, money, record, records, thorough
from .made import made

CODED = {"brex_field_id": "ef_1", "brex_field_value_id": "efo_1", "remote_field_id": "r", "remote_field_value_id": "v"}
USER = {
    "id": "cuuser_1",
    "first_name": "A",
    "last_name": "B",
    "email": "a@example.com",
    "role": "EMPLOYEE",
    "status": "ACTIVE",
}
PLAIN: dict[str, Any] = {
    "vendor": {"id": "pmch_1", "name": "Shop"},
    "memo": "lunch",
    "line_items": [
        line(accounting_field_values=[CODED]),
        line(id="accrli_2", type="CREDIT", accounting_field_values=[]),
    ],
}


def hashed(**changes: Any) -> str:
    return content_hash(made(**(PLAIN | changes)))


def coded(**changes: Any) -> dict[str, Any]:
    return {"line_items": [line(accounting_field_values=[CODED | changes]), PLAIN["line_items"][1]]}


CONTENT: dict[str, dict[str, Any]] = {
    "type": {"type": "CARD_EXPENSE_REFUND"},
    "accounting date": {"erp_posting_date": "2026-06-12T00:00:00Z"},
    "amount": {"amount": money(2)},
    "sign": {"amount": money(-1)},
    "scale": {"amount": money(10)},
    "currency": {"amount": money(currency="EUR")},
    "vendor": {"vendor": {"id": "pmch_2", "name": "Shop"}},
    "no vendor": {"vendor": None},
    "memo": {"memo": "dinner"},
    "no memo": {"memo": None},
    "due date": {"due_at": "2026-07-01T00:00:00Z"},
    "invoice number": {"invoice_number": "7"},
    "line type": {"line_items": [line(type="CREDIT", accounting_field_values=[CODED]), PLAIN["line_items"][1]]},
    "line amount": {"line_items": [line(amount=money(2), accounting_field_values=[CODED]), PLAIN["line_items"][1]]},
    "line memo": {"line_items": [line(memo="x", accounting_field_values=[CODED]), PLAIN["line_items"][1]]},
    "one line more": {"line_items": [*PLAIN["line_items"], PLAIN["line_items"][1]]},
    "one line less": {"line_items": PLAIN["line_items"][:1]},
    "value": coded(brex_field_value_id="efo_2"),
    "remote value": coded(remote_field_value_id="w"),
    "field": coded(brex_field_id="ef_2"),
    "remote field": coded(remote_field_id="s"),
    "uncoded": coded(brex_field_value_id=None, remote_field_value_id=None),
}
NOT_CONTENT: dict[str, dict[str, Any]] = {
    "review status": {"review_status": "EXPORTED"},
    "status": {"status": "VOID"},
    "version": {"version": 9},
    "updated at": {"updated_at": "2026-09-09T00:00:00Z"},
    "posted at": {"posted_at": "2026-09-09T00:00:00Z"},
    "time of the accounting date": {"erp_posting_date": "2026-06-11T23:59:59Z"},
    "another spelling of it": {"erp_posting_date": "2026-06-12T01:00:00+02:00"},
    "vendor's name": {"vendor": {"id": "pmch_1", "name": "The Shop", "website": "w", "phone": "p"}},
    "user": {"user": USER},
    "receipts": {"receipts": [{"id": "rcpt_1"}]},
    "original amount": {"original_amount": money(9, "EUR")},
    "billing amount": {"billing_amount": money(9, "EUR")},
    "order of lines": {"line_items": PLAIN["line_items"][::-1]},
    "ids of lines": {"line_items": [{**one, "id": f"other_{one['id']}"} for one in PLAIN["line_items"]]},
    "names of fields": coded(field_name="Account", field_value_name="6400", type="IDENTIFIER"),
}


@pytest.mark.parametrize("changes", CONTENT.values(), ids=CONTENT)
def test_content_changes_the_hash(changes: dict[str, Any]) -> None:
    """Each part of the content alone is enough."""
    assert hashed(**changes) != hashed()


@pytest.mark.parametrize("changes", NOT_CONTENT.values(), ids=NOT_CONTENT)
def test_the_rest_leaves_the_hash(changes: dict[str, Any]) -> None:
    """What is not content may change as it likes."""
    assert hashed(**changes) == hashed()


def test_uncoded_is_uncoded() -> None:
    """A null value, an empty list and no list at all are three spellings of the same."""
    empty = {"brex_field_id": "ef_1", "brex_field_value_id": None}
    lists: list[Any] = [[empty], [], None]
    assert len({hashed(line_items=[line(accounting_field_values=found)]) for found in lists}) == 1


def test_the_hash_is_fixed() -> None:
    """Stores hold it: whoever changes it must raise HASH_VERSION, and this value with it."""
    assert (HASH_VERSION, hashed()) == (1, "8ed1a709e8e56a6dc0879ae53fee94dcd2f0d944d8cbda6832e6989735ee940a")


Number = st.decimals(-(10**14), 10**14, places=2)


@given(amount=Number, zeros=st.integers(0, 5))
@thorough
def test_zeros_do_not_amend(amount: Any, zeros: int) -> None:
    """1.5, 1.50 and 1.500 are one amount, at any size, and -0 is 0."""
    longer = amount.as_tuple()
    same = type(amount)((longer.sign, (*longer.digits, *[0] * zeros), longer.exponent - zeros))
    assert hashed(amount=money(same)) == hashed(amount=money(amount))
    assert hashed(amount=money(type(amount)("-0.00"))) == hashed(amount=money(0))


@given(one=Number, other=Number)
@thorough
def test_amounts_are_told_apart(one: Any, other: Any) -> None:
    """Two amounts share a hash exactly when they are equal."""
    assert (hashed(amount=money(one)) == hashed(amount=money(other))) is (one == other)


@given(document=records, shuffle=st.randoms(use_true_random=False))
@thorough
def test_order_is_no_content(document: dict[str, Any], shuffle: Any) -> None:
    """Lines, and the values of a line, may come in any order."""
    shuffled = document | {"line_items": [dict(one) for one in document["line_items"]]}
    shuffle.shuffle(shuffled["line_items"])
    for one in shuffled["line_items"]:
        if one.get("accounting_field_values"):
            one["accounting_field_values"] = shuffle.sample(
                one["accounting_field_values"], len(one["accounting_field_values"])
            )
    one, other = (from_json(encoded(each), AccountingRecord) for each in (document, shuffled))
    assert content_hash(one) == content_hash(other)


def test_parts_do_not_run_together() -> None:
    """What moves from one field to its neighbour is another content."""
    assert hashed(memo="x", invoice_number=None) != hashed(memo=None, invoice_number="x")
    assert hashed(memo='a", "b') != hashed(memo="a", invoice_number="b")


def bill(**changes: Any) -> AccountingRecord:
    return from_json(encoded(record(source_type="BILL", type="BILL_EXPENSE") | changes), AccountingRecord)


@pytest.mark.parametrize("status", ["DRAFT", "VOID", "CANCELED"])
def test_a_cancelled_bill_is_another_content(status: str) -> None:
    """What was posted of it must be voided; the three ways of not being live are one."""
    assert is_live(bill(status="APPROVED"))
    assert is_live(bill())
    assert not is_live(bill(status=status))
    assert content_hash(bill(status=status)) == content_hash(bill(status="VOID")) != content_hash(bill())
    assert is_live(made(status=status))


RECEIPTS: list[tuple[Any, Any, Callable[[str, str], bool]]] = [
    (None, [], lambda one, other: one == other == ""),
    ([{"id": "a"}], [{"id": "a", "download_uris": ["https://x/?signed"]}], lambda one, other: one == other != ""),
    ([{"id": "a"}, {"id": "b"}], [{"id": "b"}, {"id": "a"}], lambda one, other: one == other),
    ([{"id": "a"}], [{"id": "a"}, {"id": "b"}], lambda one, other: one != other),
    ([{"id": "ab"}], [{"id": "a"}, {"id": "b"}], lambda one, other: one != other),
]


@pytest.mark.parametrize(("one", "other", "holds"), RECEIPTS)
def test_receipts_have_a_hash_of_their_own(one: Any, other: Any, holds: Callable[[str, str], bool]) -> None:
    """It changes with the set of receipts, and not with their links or their order; none is empty."""
    assert holds(receipts_hash(made(receipts=one)), receipts_hash(made(receipts=other)))

"""Documents for the tests of the codec: one plain record, pages of any items, and random records."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from brex_accounting.enums import RecordType, ReviewStatus, SourceType, UserRole, UserStatus

thorough = settings(max_examples=200)
"""For properties: twice as many examples as usual."""

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encoded(value: Any) -> bytes:
    """A document as JSON, Decimals as numbers."""
    return _ENCODER.encode(value)


def money(amount: Any = 1, currency: Any = "USD") -> dict[str, Any]:
    """An amount as it stands in a document."""
    return {"amount": amount, "currency": currency}


def line(**changes: Any) -> dict[str, Any]:
    """A debit line as it stands in a document."""
    plain = {
        "memo": None,
        "id": "accrli_1",
        "type": "DEBIT",
        "amount": money(),
        "original_amount": money(),
        "billing_amount": money(),
        "accounting_field_values": [{"brex_field_id": "extended_field_1", "brex_field_value_id": "efo_1"}],
        "amortization": None,
    }
    return plain | changes


def record(**changes: Any) -> dict[str, Any]:
    """A record as it stands in a document."""
    plain = {
        "id": "accr_1",
        "type": "CARD_EXPENSE_POST",
        "review_status": "PREPARE",
        "erp_posting_date": "2026-06-11T09:09:05.840865Z",
        "updated_at": "2026-06-11T09:09:10Z",
        "version": 2,
        "amount": money(),
        "source_type": "CARD",
        "posted_at": "2026-06-11T09:09:05.840Z",
        "line_items": [line(), line(id="accrli_2", type="CREDIT")],
    }
    return plain | changes


def page(*items: Any, **changes: Any) -> bytes:
    """A list body of these items."""
    return json.dumps({"items": items, "has_next_page": False, "next_cursor": None} | changes).encode()


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)
ids = st.text("abcdefgh0123456789_", min_size=1, max_size=12)
amounts = st.one_of(
    st.integers(-(10**20), 10**20),
    st.decimals(-(10**12), 10**12, places=2),
    st.decimals(-1, 1, places=20),
)
moneys = st.fixed_dictionaries({"amount": amounts, "currency": st.sampled_from(["USD", "EUR", "JPY"])})
instants = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001
    lambda moment: moment.isoformat().replace("+00:00", "Z")
)


def _maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def _members(enum: Any) -> st.SearchStrategy[str]:
    return st.sampled_from([member.value for member in enum]) | st.just("A_VALUE_OF_TOMORROW")


_untyped = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.decimals(-9, 9, places=3) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(ids, inner, max_size=2),
    max_leaves=4,
)
_coding = st.fixed_dictionaries(
    {"brex_field_id": ids},
    optional={"brex_field_value_id": _maybe(ids), "field_name": _maybe(texts), "type": _maybe(texts)},
)
_lines = st.fixed_dictionaries(
    {"id": ids, "type": _members(SourceType) | st.sampled_from(["DEBIT", "CREDIT"]), "amount": moneys},
    optional={
        "memo": _maybe(texts),
        "original_amount": _maybe(moneys),
        "billing_amount": _maybe(moneys),
        "accounting_field_values": _maybe(st.lists(_coding, max_size=2)),
        "amortization": _untyped,
    },
)
_users = st.fixed_dictionaries(
    {
        "id": ids,
        "first_name": texts,
        "last_name": texts,
        "email": texts,
        "role": _members(UserRole),
        "status": _members(UserStatus),
    },
    optional={"account_id": _maybe(ids), "department_name": _maybe(texts)},
)
_vendors = st.fixed_dictionaries({"id": ids, "name": texts}, optional={"email": _maybe(texts), "phone": _maybe(texts)})
_receipts = st.fixed_dictionaries({"id": ids}, optional={"download_uris": _maybe(st.lists(texts, max_size=2))})

records = st.fixed_dictionaries(
    {
        "id": ids,
        "type": _members(RecordType),
        "review_status": _members(ReviewStatus),
        "erp_posting_date": instants,
        "updated_at": instants,
        "version": st.integers(1, 10**6),
        "amount": moneys,
        "source_type": _members(SourceType),
        "posted_at": instants,
        "line_items": st.lists(_lines, max_size=3),
    },
    optional={
        "receipts": _maybe(st.lists(_receipts, max_size=2)),
        "user": _maybe(_users),
        "vendor": _maybe(_vendors),
        "memo": _maybe(texts),
        "due_at": _maybe(instants),
        "invoice_number": _maybe(texts),
        "status": _maybe(texts),
        "source_id": _maybe(ids),
        "original_amount": _maybe(moneys),
        "billing_amount": _maybe(moneys),
        "something_new": _untyped,
    },
)
"""Random records that are right: some fields null, some absent, some values and names unknown."""


def second_pass(document: dict[str, Any]) -> dict[str, Any]:
    """The same record, written so that only the second pass can read it: its version is a decimal."""
    return document | {"version": Decimal(f"{document['version']}.0")}

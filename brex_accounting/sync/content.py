"""What of a record is accounting content, as a hash: a change of it is another revision, anything else is not. Pure.

Names, websites, phones, statuses, times of reading, versions and receipts are not content. Neither are
original and billing amounts: books carry ``amount``, and Brex sends the others on some lines only.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC
from decimal import Decimal
from typing import Final, TypeAlias

from ..enums import SourceType
from ..models import AccountingFieldValue, AccountingRecord, LineItem, Money

__all__ = ["HASH_VERSION", "content_hash", "is_live", "receipts_hash"]

HASH_VERSION: Final = 1
"""Of ``content_hash``: raised whenever the same record would get another hash."""

_NOT_LIVE: Final = frozenset({"DRAFT", "VOID", "CANCELED"})

_Parts: TypeAlias = "list[str | _Parts | None]"


def is_live(record: AccountingRecord) -> bool:
    """Whether it belongs in the books: everything but a bill that is a draft, void or cancelled."""
    return record.source_type != SourceType.BILL or record.status not in _NOT_LIVE


def content_hash(record: AccountingRecord) -> str:
    """64 hexadecimal digits that two copies share exactly when their accounting content is the same.

    Lines count as a multiset, and so do the field values of a line; 1.50 is 1.5; an empty text is none. A
    field without a value is the same as no field. That a bill is not live is content: what was posted of it
    must be voided.
    """
    due = record.due_at
    return _hash(
        [
            record.type.value,
            record.accounting_date.isoformat(),
            *_money(record.amount),
            record.vendor.id if record.vendor else None,
            record.memo or None,
            due.astimezone(UTC).date().isoformat() if due else None,
            record.invoice_number or None,
            None if is_live(record) else "not live",
            *sorted((_line(line) for line in record.line_items), key=json.dumps),
        ]
    )


def receipts_hash(record: AccountingRecord) -> str:
    """64 hexadecimal digits of the receipts' ids in any order; empty when there are none."""
    found = sorted({receipt.id for receipt in record.receipts or ()})
    return _hash([*found]) if found else ""


def _line(line: LineItem) -> _Parts:
    values: list[_Parts] = [_value(one) for one in line.coding if _is_coded(one)]
    return [line.type.value, *_money(line.amount), line.memo or None, *sorted(values, key=json.dumps)]


def _is_coded(value: AccountingFieldValue) -> bool:
    return bool(value.brex_field_value_id or value.remote_field_value_id)


def _value(value: AccountingFieldValue) -> _Parts:
    return [
        value.brex_field_id,
        value.remote_field_id or None,
        value.brex_field_value_id or None,
        value.remote_field_value_id or None,
    ]


def _money(money: Money) -> tuple[str, str]:
    return _canonical(money.amount), money.currency


def _canonical(amount: Decimal) -> str:
    # By digits: normalize() would round to the context's precision.
    sign, digits, exponent = amount.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    if not kept:
        return "0"
    return f"{'-' if sign else ''}{kept}e{int(exponent) + len(text) - len(kept)}"


def _hash(parts: _Parts) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

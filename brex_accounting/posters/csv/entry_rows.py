"""An entry as rows of a CSV file, and rows as the entry that was written. No I/O.

Texts lose their line breaks, and nothing else: what is read back is what was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from ...enums import LineItemType, RecordType, SourceType
from ...models import Money
from ...sync.keys import ExportKey
from ..entries import Dimension, Entry, EntryLine, Kind
from ..rule_table import Document, Role
from .rows import end_of, flat, is_formula

__all__ = ["COLUMNS", "entry_of", "rows_of_entry"]

_HEAD: Final = (
    *("key", "kind", "amends", "document", "date", "moved_from", "type", "source_type", "source_id", "record_id"),
    *("entity", "vendor_id", "vendor", "invoice_number", "due_date", "memo"),
)
_LINE: Final = (
    *("line", "line_id", "account", "role", "side", "amount", "currency", "line_memo", "dimensions", "tax"),
    *("original_amount", "original_currency", "billing_amount", "billing_currency", "amortization"),
)
COLUMNS: Final = (*_HEAD, *_LINE, "entry_end")
"""The columns, in order. ``kind`` is new, reversal, replacement or void, and ``amends`` the key of the entry that
it is about. ``date`` is the day it is booked on, ``moved_from`` what it was before the chart moved it. ``role``
says what a control account is for, and is empty on coded lines. ``amount`` is exact, in major units, on its
``side``. ``dimensions`` lists the field values that have no column of their own as FIELD=VALUE with "; " between;
a backslash comes before a ; = or \\ in them. Empty cells are what is not there.
"""

_SPECIAL: Final = re.compile(r"([\\;=])")
_DIMENSION: Final = re.compile(r"((?:\\.|[^\\;=])*)=((?:\\.|[^\\;=])*)(?:; |$)")


def rows_of_entry(entry: Entry) -> list[list[str]]:
    """An entry's rows."""
    head = [
        *(entry.key, entry.kind, entry.amends, entry.document, entry.date.isoformat(), _day(entry.moved_from)),
        *(entry.type, entry.source_type, entry.source_id, entry.record_id, entry.entity, entry.vendor_id),
        *(entry.vendor_name, entry.invoice_number, _day(entry.due_date), entry.memo),
    ]
    rows = [
        [_cell(text) for text in [*head, str(number), *_texts_of(line)]] for number, line in enumerate(entry.lines, 1)
    ]
    end = end_of(rows)
    return [[*row, end if row is rows[-1] else ""] for row in rows]


def _texts_of(line: EntryLine) -> Iterator[str | None]:
    yield from (line.line_id, line.account, line.role, line.side, f"{line.amount:f}", line.currency, line.memo)
    yield "; ".join(f"{_escaped(one.field)}={_escaped(one.value)}" for one in line.dimensions)
    yield line.tax
    for money in (line.original_amount, line.billing_amount):
        yield f"{money.amount:f}" if money else None
        yield money.currency if money else None
    yield line.amortization


def entry_of(rows: Sequence[Sequence[str]]) -> Entry:
    """The entry of whole rows. Raises ``ValueError`` or a ``ConfigurationError`` for what was not written here."""
    named = [dict(zip(COLUMNS, map(_text, row), strict=True)) for row in rows]
    head = named[0]
    return Entry(
        key=ExportKey(head["key"]),
        kind=Kind(head["kind"]),
        document=Document(head["document"]),
        amends=ExportKey(head["amends"]) if head["amends"] else None,
        date=date.fromisoformat(head["date"]),
        moved_from=date.fromisoformat(head["moved_from"]) if head["moved_from"] else None,
        entity=head["entity"] or None,
        record_id=head["record_id"],
        type=RecordType(head["type"]),
        source_type=SourceType(head["source_type"]),
        source_id=head["source_id"] or None,
        vendor_id=head["vendor_id"] or None,
        vendor_name=head["vendor"] or None,
        invoice_number=head["invoice_number"] or None,
        due_date=date.fromisoformat(head["due_date"]) if head["due_date"] else None,
        memo=head["memo"] or None,
        lines=tuple(map(_line, named)),
    )


def _line(row: dict[str, str]) -> EntryLine:
    return EntryLine(
        line_id=row["line_id"],
        account=row["account"],
        side=LineItemType(row["side"]),
        amount=Decimal(row["amount"]),
        currency=row["currency"],
        role=Role(row["role"]) if row["role"] else None,
        memo=row["line_memo"] or None,
        dimensions=tuple(
            Dimension(field=_plain(one[1]), value=_plain(one[2])) for one in _DIMENSION.finditer(row["dimensions"])
        ),
        tax=row["tax"] or None,
        original_amount=_money(row["original_amount"], row["original_currency"]),
        billing_amount=_money(row["billing_amount"], row["billing_currency"]),
        amortization=row["amortization"] or None,
    )


def _money(amount: str, currency: str) -> Money | None:
    return Money(amount=Decimal(amount), currency=currency) if amount else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _cell(text: str | None) -> str:
    line = flat(text or "")
    # An apostrophe of the text's own gets one too: reading takes one away.
    return f"'{line}" if is_formula(line) or line.startswith("'") else line


def _text(cell: str) -> str:
    return cell.removeprefix("'")


def _escaped(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)

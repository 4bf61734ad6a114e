"""Entries as the text of a Beancount ledger, and back to the last field. Pure.

    2026-06-11 * "Fennelby Inns" "Rooms in Leeds" ^accr_8.1 ^expense_3
      brex-key: "accr_8.1"
      brex-record: "accr_8"
      ...
      Expenses:6110-Lodging        171.75 USD
        brex-line: "accrli_1"
      Liabilities:2100-Brex-card  -171.75 USD
        brex-line: "accrli_2"
        brex-role: "cards_payable"

A debit is positive, a credit negative. Entries that belong together share a link: the key of an entry and that of
the entry which it amends, and the ``source_id`` of a bill and its payment, or of a charge and its refund.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final

import attrs

from ...enums import LineItemType, RecordType, SourceType
from ...errors import ConfigurationError
from ...models import Money
from ...sync.keys import ExportKey
from ..currencies import exponent_of
from ..entries import Dimension, Entry, EntryLine, Kind
from ..rule_table import Document, Role
from .syntax import META, POSTING, TRANSACTION, link, quoted, unquoted

__all__ = ["Booking", "Unreadable", "entry_text", "read_entry", "values_of"]


class Unreadable(Exception):
    """Lines that are no entry. It carries no words: they would quote what somebody wrote."""


@attrs.frozen(kw_only=True)
class Booking:
    """An entry, and what the record's content was when it was booked: its hash's version, a blank, the hash."""

    entry: Entry
    content: str | None = None


_Read = Callable[[str], Any]


def _money(text: str) -> Money:
    amount, _, currency = text.partition(" ")
    return Money(amount=Decimal(amount), currency=currency)


_ENTRY: Final[Mapping[str, tuple[str, _Read]]] = MappingProxyType(
    {
        "brex-key": ("key", ExportKey),
        "brex-record": ("record_id", str),
        "brex-kind": ("kind", Kind),
        "brex-amends": ("amends", ExportKey),
        "brex-document": ("document", Document),
        "brex-type": ("type", RecordType),
        "brex-source-type": ("source_type", SourceType),
        "brex-source": ("source_id", str),
        "brex-entity": ("entity", str),
        "brex-vendor": ("vendor_id", str),
        "brex-invoice": ("invoice_number", str),
        "brex-due": ("due_date", date.fromisoformat),
        "brex-moved-from": ("moved_from", date.fromisoformat),
    }
)
_LINE: Final[Mapping[str, tuple[str, _Read]]] = MappingProxyType(
    {
        "brex-line": ("line_id", str),
        "brex-role": ("role", Role),
        "brex-memo": ("memo", str),
        "brex-tax": ("tax", str),
        "brex-original": ("original_amount", _money),
        "brex-billing": ("billing_amount", _money),
        "brex-amortization": ("amortization", str),
    }
)
_CONTENT: Final = "brex-content"
_DIMENSION: Final = re.compile(r"brex-dimension-([0-9]+)")
_SPLIT: Final = re.compile(r"((?:[^=\\]|\\.)*)=(.*)", re.DOTALL)


# An entry as text.


def entry_text(booking: Booking, names: Mapping[str, str]) -> list[str]:
    """The lines of an entry. ``names``: the ledger's name of each of its accounts.

    Raises ``ConfigurationError`` for an amount that has not the digits of its currency.
    """
    entry = booking.entry
    payee = "" if entry.vendor_name is None else f" {quoted(entry.vendor_name)}"
    tag = "" if entry.kind is Kind.NEW else f" #{entry.kind.value}"
    marks = tag + link([entry.key, entry.amends, entry.source_id])
    lines = [f"{entry.date} *{payee} {quoted(entry.memo or '')}{marks}", *_metadata(entry, _ENTRY, "  ")]
    if booking.content is not None:
        lines.append(f"  {_CONTENT}: {quoted(booking.content)}")
    amounts = [_amount(line) for line in entry.lines]
    widths = (max(len(names[line.account]) for line in entry.lines), max(map(len, amounts)))
    for line, amount in zip(entry.lines, amounts, strict=True):
        lines.append(f"  {names[line.account]:{widths[0]}}  {amount:>{widths[1]}} {line.currency}")
        lines += _metadata(line, _LINE, "    ")
        lines += [f"    brex-dimension-{at}: {_dimension(one)}" for at, one in enumerate(line.dimensions, 1)]
    return lines


def _metadata(value: object, fields: Mapping[str, tuple[str, _Read]], indent: str) -> Iterator[str]:
    for name, (field, _) in fields.items():
        one = getattr(value, field)
        if isinstance(one, date):
            yield f"{indent}{name}: {one}"
        elif isinstance(one, Money):
            yield f"{indent}{name}: {quoted(f'{one.amount} {one.currency}')}"
        elif one is not None:
            yield f"{indent}{name}: {quoted(str(one))}"


def _dimension(one: Dimension) -> str:
    field = one.field.replace("\\", "\\\\").replace("=", "\\=")
    return quoted(f"{field}={one.value}")


def _amount(line: EntryLine) -> str:
    exponent = line.amount.as_tuple().exponent
    if exponent_of(line.currency) is None or exponent != -(exponent_of(line.currency) or 0):
        raise ConfigurationError("an amount of the entry has not the digits of its currency: it cannot be written")
    return f"{line.signed:f}"


# Text as an entry.


def read_entry(lines: Sequence[str], accounts: Mapping[str, str]) -> Booking:
    """The entry of these lines. ``accounts``: what each name of the ledger stands for. Raises ``Unreadable``."""
    head = TRANSACTION.fullmatch(lines[0])
    if head is None:
        raise Unreadable
    day, payee, narration = head.groups()
    begins = [at for at, line in enumerate(lines) if at and not META.fullmatch(line)]
    parts = [lines[begin:end] for begin, end in zip(begins, [*begins[1:], len(lines)], strict=True)]
    values = values_of(lines[1 : begins[0]] if begins else (), "  ")
    content = values.pop(_CONTENT, None)
    try:
        entry = Entry(
            date=date.fromisoformat(day),
            vendor_name=None if payee is None else unquoted(payee),
            memo=unquoted(narration) or None,
            lines=tuple(_line(part, accounts) for part in parts),
            **_fields(values, _ENTRY),
        )
    except (ValueError, TypeError, KeyError, ArithmeticError, ConfigurationError):
        raise Unreadable from None
    return Booking(entry=entry, content=content)


def values_of(lines: Sequence[str], indent: str) -> dict[str, str]:
    """Metadata by name. Raises ``Unreadable`` for a name that comes twice: Beancount keeps one of the two."""
    values: dict[str, str] = {}
    for line in lines:
        found = META.fullmatch(line)
        if found is None or found[1] != indent or found[2] in values:
            raise Unreadable
        values[found[2]] = unquoted(found[3]) if found[3].startswith('"') else found[3]
    return values


def _line(lines: Sequence[str], accounts: Mapping[str, str]) -> EntryLine:
    head = POSTING.fullmatch(lines[0])
    if head is None:
        raise Unreadable
    name, minus, amount, currency = head.groups()
    values = values_of(lines[1:], "    ")
    dimensions = [_read_dimension(values.pop(name)) for name in list(values) if _DIMENSION.fullmatch(name)]
    line = EntryLine(
        account=accounts[name],
        side=LineItemType.CREDIT if minus else LineItemType.DEBIT,
        amount=Decimal(amount),
        currency=currency,
        dimensions=tuple(dimensions),
        **_fields(values, _LINE),
    )
    _amount(line)
    return line


def _read_dimension(text: str) -> Dimension:
    found = _SPLIT.fullmatch(text)
    if found is None:
        raise Unreadable
    return Dimension(field=re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL), value=found[2])


def _fields(values: Mapping[str, str], fields: Mapping[str, tuple[str, _Read]]) -> dict[str, Any]:
    return {fields[name][0]: fields[name][1](value) for name, value in values.items()}

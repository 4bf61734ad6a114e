"""What goes into the books: entries that balance, as frozen values. Pure.

An entry that does not balance to the last digit in every currency cannot be made.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

import attrs

from ..enums import LineItemType, RecordType, SourceType
from ..errors import ConfigurationError
from ..models import Money
from ..sync.keys import MAX_KEY, ExportKey
from .rule_table import Document, Role

__all__ = ["Dimension", "Entry", "EntryLine", "Kind", "Standing", "reversal_key", "turned"]

_REVERSAL: Final = ".rev"


class Kind(StrEnum):
    """What an entry does to the books."""

    NEW = "new"
    UPDATE = "update"
    """The document under ``amends`` gets this content and this key, in place."""
    REVERSAL = "reversal"
    """The entry under ``amends``, its sides turned: together they are nothing."""
    REPLACEMENT = "replacement"
    """What is booked in place of the entry under ``amends``, which a reversal took out."""
    VOID = "void"
    """Like a reversal, and nothing takes its place: systems that know voiding void the document."""


@attrs.frozen(kw_only=True)
class Dimension:
    """A field of a line and its value: remote ids where Brex knows them, else its own."""

    field: str
    value: str


def _is_amount(_: object, field: attrs.Attribute[Decimal], value: Decimal) -> None:
    if not value.is_finite() or value.is_signed():
        raise ConfigurationError(f"{field.name} of an entry's line must not be negative: its side gives the direction")


def _is_side(_: object, field: attrs.Attribute[LineItemType], value: LineItemType) -> None:
    if value not in (LineItemType.DEBIT, LineItemType.CREDIT):
        raise ConfigurationError(f"{field.name} of an entry's line must be DEBIT or CREDIT")


@attrs.frozen(kw_only=True)
class EntryLine:
    """One line: ``amount`` in major units, with exactly the digits of its currency, on its ``side``.

    ``role`` is None on coded lines. ``tax`` is the value of the chart's ``tax_field``. The original and the
    billing amount, and ``amortization`` (as JSON), are notes: nothing is added up from them.
    """

    line_id: str
    account: str
    side: LineItemType = attrs.field(validator=_is_side)
    amount: Decimal = attrs.field(validator=_is_amount)
    currency: str
    role: Role | None = None
    memo: str | None = None
    dimensions: tuple[Dimension, ...] = ()
    tax: str | None = None
    original_amount: Money | None = None
    billing_amount: Money | None = None
    amortization: str | None = None

    @property
    def signed(self) -> Decimal:
        """The amount, negative on the credit side."""
        # A minus sign would round to the context's precision.
        return self.amount if self.side == LineItemType.DEBIT else self.amount.copy_negate()


def _balances(_: object, field: attrs.Attribute[tuple[EntryLine, ...]], value: Sequence[EntryLine]) -> None:
    net: defaultdict[str, Fraction] = defaultdict(Fraction)
    for line in value:
        net[line.currency] += Fraction(line.signed)
    if any(net.values()) or {line.side for line in value} != {LineItemType.DEBIT, LineItemType.CREDIT}:
        raise ConfigurationError(f"{field.name} of an entry must have both sides and balance in every currency")


@attrs.frozen(kw_only=True)
class Entry:
    """One document of the books. Its lines are the record's, in their order.

    ``date`` is the accounting date, in UTC; where the chart moved it out of a closed period, ``moved_from``
    is what it was. ``amends`` is the key of the document that ``kind`` is about, None for a new one.
    """

    key: ExportKey
    kind: Kind = Kind.NEW
    document: Document
    amends: ExportKey | None = None
    date: datetime.date
    moved_from: datetime.date | None = None
    entity: str | None = None
    record_id: str
    type: RecordType
    source_type: SourceType
    source_id: str | None = None
    vendor_id: str | None = None
    vendor_name: str | None = None
    invoice_number: str | None = None
    due_date: datetime.date | None = None
    memo: str | None = None
    lines: tuple[EntryLine, ...] = attrs.field(validator=_balances)


@attrs.frozen(kw_only=True)
class Standing:
    """What the books hold under the key that is superseded.

    ``is_paid``: something was settled against it, so that it must stay as it is. ``is_reversed``: its
    reversal, under ``reversal_key`` of the new key, is in the books already.
    """

    entry: Entry
    is_paid: bool = False
    is_reversed: bool = False


def turned(standing: Entry, *, key: ExportKey, kind: Kind, amends: ExportKey) -> Entry:
    """The entry that takes another one out: the same date, accounts and amounts, the sides turned."""
    other = {LineItemType.DEBIT: LineItemType.CREDIT, LineItemType.CREDIT: LineItemType.DEBIT}
    lines = tuple(attrs.evolve(line, side=other[line.side]) for line in standing.lines)
    return attrs.evolve(standing, key=key, kind=kind, amends=amends, lines=lines)


def reversal_key(key: ExportKey) -> ExportKey:
    """The key of the reversal that goes before the entry with this key: no export has a key like it."""
    if len(key) + len(_REVERSAL) <= MAX_KEY:
        return ExportKey(f"{key}{_REVERSAL}")
    digest = base64.b32encode(hashlib.sha256(key.encode()).digest()).decode().lower()
    return ExportKey(f"bx-{digest[:40]}{_REVERSAL}")

"""Which fields, values, types and currencies a customer's records really use. Counted, and nothing kept of them."""

from __future__ import annotations

from collections import Counter
from datetime import date

import attrs

from ..client import BrexAccounting
from ..enums import RecordType, SourceType
from ..models import AccountingFieldValue, AccountingRecord, LineItem
from ..posters.rule_table import RULES, Coded
from .reading import Lists

__all__ = ["FieldUse", "Usage", "ValueUse", "read_usage"]


@attrs.define(kw_only=True)
class ValueUse:
    """One value of a field, or one vendor: ``id`` as a chart names it, how often it is used, and by which record."""

    id: str
    name: str | None
    count: int = 0
    example: str


@attrs.define(kw_only=True)
class FieldUse:
    """One field: ``id`` as a chart names it. ``lines`` have a value for it, ``coded_lines`` of them are expenses."""

    id: str
    name: str | None
    lines: int = 0
    coded_lines: int = 0
    values: dict[str, ValueUse] = attrs.field(factory=dict)

    @property
    def example(self) -> ValueUse:
        """The value that is used most."""
        return max(self.values.values(), key=lambda one: one.count)


@attrs.define
class Usage:
    """What records use. Feed it with ``add``, in any order.

    ``coded_lines``: lines of expenses that carry any value. ``vendors`` are those of bills. ``amortized``: lines with
    a schedule. ``unreadable``: records that could not be decoded, and are in no other number.
    """

    records: int = 0
    first: date | None = None
    last: date | None = None
    types: Counter[RecordType] = attrs.field(factory=Counter)
    currencies: Counter[str] = attrs.field(factory=Counter)
    fields: dict[str, FieldUse] = attrs.field(factory=dict)
    vendors: dict[str, ValueUse] = attrs.field(factory=dict)
    coded_lines: int = 0
    amortized: int = 0
    unreadable: int = 0

    def add(self, record: AccountingRecord) -> None:
        """Count a record."""
        day = record.accounting_date
        self.records += 1
        self.first = day if self.first is None else min(day, self.first)
        self.last = day if self.last is None else max(day, self.last)
        self.types[record.type] += 1
        self.currencies[record.amount.currency] += 1
        if record.source_type == SourceType.BILL and record.vendor is not None:
            _count(self.vendors, record.vendor.id, record.vendor.id, record.vendor.name, record)
        is_expense = isinstance(RULES.get(record.type), Coded)
        for line in record.line_items:
            self._add_line(line, record, is_expense=is_expense)

    def _add_line(self, line: LineItem, record: AccountingRecord, *, is_expense: bool) -> None:
        self.amortized += line.amortization is not None
        given = {one.brex_field_id: one for one in line.coding if _value_id(one)}
        is_coded = is_expense and bool(given)
        self.coded_lines += is_coded
        for brex_id, one in given.items():
            field = self.fields.setdefault(
                brex_id, FieldUse(id=one.remote_field_id or one.brex_field_id, name=one.field_name)
            )
            field.lines += 1
            field.coded_lines += is_coded
            value = _value_id(one)
            _count(field.values, one.brex_field_value_id or value, value, one.field_value_name, record)


async def read_usage(brex: BrexAccounting) -> Usage:
    """Read every record that Brex returns, bills included."""
    usage = Usage()
    lists = Lists(brex, lambda record, _: usage.add(record))
    await lists.everything()
    usage.unreadable = len(lists.unreadable)
    return usage


def _count(values: dict[str, ValueUse], key: str, id_: str, name: str | None, record: AccountingRecord) -> None:
    values.setdefault(key, ValueUse(id=id_, name=name, example=record.id)).count += 1


def _value_id(value: AccountingFieldValue) -> str:
    return value.remote_field_value_id or value.brex_field_value_id or ""

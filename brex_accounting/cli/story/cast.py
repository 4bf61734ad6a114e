"""The records that the story adds to the month, each made of one that is in it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

import attrs

from ...enums import RecordType, ReviewStatus, SourceType
from ...errors import BrexError
from ...models import AccountingRecord, LineItem, Money

__all__ = ["INACTIVE", "Cast", "cast_of", "edited"]

INACTIVE: Final = "7990"
"""The value of an account that the books have closed."""

_CLOSED_DAY: Final = datetime(2026, 5, 20, 12, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Cast:
    """Records that are not in the month.

    ``closed``: dated in a closed period. ``inactive``: coded to an account that takes nothing more. ``uncoded``:
    without a department. ``lost``: the answer to its post is. ``approval``, ``spent`` and ``payout`` are one
    reimbursement, told three times.
    """

    closed: AccountingRecord
    inactive: AccountingRecord
    uncoded: AccountingRecord
    lost: AccountingRecord
    approval: AccountingRecord
    spent: AccountingRecord
    payout: AccountingRecord


def cast_of(records: Iterable[AccountingRecord]) -> Cast:
    """Made of the first records that will do. Raises ``BrexError`` when there are none."""
    card, approval, payout = _templates(records)
    approval = _renamed(approval, "approval", source="trio")
    return Cast(
        closed=attrs.evolve(_renamed(card, "closed"), erp_posting_date=_CLOSED_DAY),
        inactive=_coded(_renamed(card, "inactive"), lambda line: _valued(line, "GL_ACCOUNT", INACTIVE)),
        uncoded=_coded(_renamed(card, "uncoded"), lambda line: _without(line, "DEPARTMENT")),
        lost=_renamed(card, "lost"),
        approval=approval,
        spent=attrs.evolve(
            approval, id="accr_demo_spent", type=RecordType("REIMBURSEMENT_EXPENSE_POST"), receipts=None
        ),
        payout=_priced(_renamed(payout, "payout", source="trio"), approval.amount),
    )


def edited(bill: AccountingRecord, *, by: Decimal, now: datetime) -> AccountingRecord:
    """The bill as it reads after somebody raised its first line on each side."""
    raised: dict[str, str] = {}
    for line in bill.line_items:
        raised.setdefault(line.type, line.id)
    lines = tuple(
        attrs.evolve(line, amount=_plus(line.amount, by)) if line.id in raised.values() else line
        for line in bill.line_items
    )
    return attrs.evolve(bill, version=bill.version + 1, updated_at=now, amount=_plus(bill.amount, by), line_items=lines)


def _templates(records: Iterable[AccountingRecord]) -> tuple[AccountingRecord, AccountingRecord, AccountingRecord]:
    wanted = (
        RecordType.CARD_EXPENSE_POST,
        RecordType.REIMBURSEMENT_EXPENSE_APPROVAL,
        RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT,
    )
    found: dict[RecordType, AccountingRecord] = {}
    for record in records:
        if record.type in wanted and record.type not in found and _will_do(record):
            found[record.type] = record
            if len(found) == len(wanted):
                return found[wanted[0]], found[wanted[1]], found[wanted[2]]
    raise BrexError("so few records do not make a month; please take more")


def _will_do(record: AccountingRecord) -> bool:
    is_plain = len(record.line_items) == 2 and record.amount.currency == "USD" and record.accounting_date.day > 2
    return is_plain and record.review_status == ReviewStatus.READY_FOR_EXPORT


def _renamed(record: AccountingRecord, name: str, *, source: str | None = None) -> AccountingRecord:
    kind = "reimbursement" if record.source_type == SourceType.REIMBURSEMENT else "expense"
    return attrs.evolve(record, id=f"accr_demo_{name}", source_id=f"{kind}_demo_{source or name}", receipts=None)


def _coded(record: AccountingRecord, change: Callable[[LineItem], LineItem]) -> AccountingRecord:
    return attrs.evolve(record, line_items=tuple(change(line) if line.coding else line for line in record.line_items))


def _valued(line: LineItem, field: str, value: str) -> LineItem:
    return attrs.evolve(
        line,
        accounting_field_values=tuple(
            attrs.evolve(
                one, remote_field_value_id=value, brex_field_value_id=f"efo_demo_{value}", field_value_name=None
            )
            if one.remote_field_id == field
            else one
            for one in line.coding
        ),
    )


def _without(line: LineItem, field: str) -> LineItem:
    return attrs.evolve(line, accounting_field_values=tuple(one for one in line.coding if one.remote_field_id != field))


def _priced(record: AccountingRecord, amount: Money) -> AccountingRecord:
    lines = tuple(attrs.evolve(line, amount=amount) for line in record.line_items)
    return attrs.evolve(record, amount=amount, line_items=lines)


def _plus(money: Money, more: Decimal) -> Money:
    return attrs.evolve(money, amount=money.amount + more)

"""How a record of each type is shaped: its product, its sides, its money and its lines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal

import attrs

from ...enums import LineItemType, RecordType, ReviewStatus, SourceType
from ...models import AccountingFieldValue, LineItem, Money

__all__ = ["SHAPES", "Coded", "Header", "Shape", "lines", "money"]

_CARD, _REIMBURSEMENT, _BILL = SourceType.CARD, SourceType.REIMBURSEMENT, SourceType.BILL
_DEBIT, _CREDIT = LineItemType.DEBIT, LineItemType.CREDIT

_WITHOUT_MINOR_UNITS = frozenset({"JPY"})


@attrs.frozen
class Header:
    """What listing needs to know of a record before the record is built."""

    updated_at: datetime
    review_status: ReviewStatus
    source_type: SourceType


@attrs.frozen
class Shape:
    """The double entry of a type.

    ``side`` is the side of the leading lines; one line on the other side balances them. ``coded``
    says that the leading lines carry a GL account: they book an expense, not a movement of money.
    """

    source: SourceType
    side: LineItemType
    coded: bool


# guess: only a CARD_EXPENSE_POST has been captured (coded debit, bare credit). The other sides follow
# the type's description and ordinary bookkeeping; the sources of the last three types are not documented.
SHAPES: dict[RecordType, Shape] = {
    RecordType.CARD_EXPENSE_POST: Shape(_CARD, _DEBIT, True),
    RecordType.CARD_EXPENSE_REFUND: Shape(_CARD, _CREDIT, True),
    RecordType.CARD_EXPENSE_REPAYMENT: Shape(_CARD, _CREDIT, True),
    RecordType.CARD_PAYMENT: Shape(_CARD, _DEBIT, False),
    RecordType.CARD_PAYMENT_REFUND: Shape(_CARD, _CREDIT, False),
    RecordType.REWARD_REDEMPTION: Shape(_CARD, _CREDIT, False),
    RecordType.REIMBURSEMENT_EXPENSE_APPROVAL: Shape(_REIMBURSEMENT, _DEBIT, True),
    RecordType.REIMBURSEMENT_EXPENSE_POST: Shape(_REIMBURSEMENT, _DEBIT, True),
    RecordType.REIMBURSEMENT_EXPENSE_REPAYMENT: Shape(_REIMBURSEMENT, _CREDIT, True),
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT: Shape(_REIMBURSEMENT, _DEBIT, False),
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYOUT_REVERSAL: Shape(_REIMBURSEMENT, _CREDIT, False),
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_PAYIN: Shape(_REIMBURSEMENT, _DEBIT, False),
    RecordType.REIMBURSEMENT_EXPENSE_MONEY_MOVEMENT_REFUND: Shape(_REIMBURSEMENT, _CREDIT, False),
    RecordType.BILL_EXPENSE: Shape(_BILL, _DEBIT, True),
    RecordType.BILL_EXPENSE_PAYMENT: Shape(_BILL, _DEBIT, False),
    RecordType.BILL_EXPENSE_CARD_PAYMENT: Shape(_BILL, _DEBIT, False),
    RecordType.BILL_MONEY_MOVEMENT_PAYIN: Shape(_BILL, _DEBIT, False),
    RecordType.INVOICE: Shape(_BILL, _CREDIT, True),
    RecordType.INVOICE_PAYMENT: Shape(_BILL, _DEBIT, False),
}


@attrs.frozen
class Coded:
    """A leading line before it has an id."""

    amount: Money
    original: Money
    values: tuple[AccountingFieldValue, ...] | None
    memo: str | None = None


def money(units: int, currency: str) -> Money:
    """An amount from minor units: two digits as people write them, none for a whole amount."""
    # A JavaScript server prints 100, not 100.00, so both number forms belong in the data.
    if currency in _WITHOUT_MINOR_UNITS:
        return Money(amount=Decimal(units), currency=currency)
    whole, rest = divmod(units, 100)
    return Money(amount=Decimal(f"{whole}.{rest:02}") if rest else Decimal(whole), currency=currency)


def lines(
    side: LineItemType, leading: Iterable[Coded], total: Money, original: Money, line_id: Callable[[int], str]
) -> tuple[LineItem, ...]:
    """The leading lines on ``side`` and the bare line that balances them."""
    built = [
        LineItem(
            memo=coded.memo,
            id=line_id(at),
            type=side,
            amount=coded.amount,
            original_amount=coded.original,
            billing_amount=coded.amount,
            accounting_field_values=coded.values,
        )
        for at, coded in enumerate(leading)
    ]
    # Source: the captured record, whose balancing line has no coding and no billing amount.
    bare = LineItem(
        id=line_id(len(built)),
        type=_CREDIT if side is _DEBIT else _DEBIT,
        amount=total,
        original_amount=original,
        accounting_field_values=(),
    )
    return (*built, bare)
